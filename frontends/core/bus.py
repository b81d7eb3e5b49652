"""Programs that serve the session's bus: how they are called, and run until the bus ends."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
from collections.abc import Callable
from typing import Any

from sat import __version__
from sat.bridge.errors import CommandError

#: Begins to serve a bus, given what ends the program; returns what to do at its end.
Begin = Callable[[Any, Callable[[], None]], Callable[[], None]]


def main(name: str, installer: str, begin: Begin) -> int:
    """Run a program of the bus; return its exit code.

    :param name: the program's
    :param installer: the module whose ``install`` and ``uninstall`` write and remove its files
    """
    try:
        return _run(name, sys.argv[1:], installer, begin)
    except CommandError as error:
        print(f"{name}: {error.sentence}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _run(name: str, words: list[str], installer: str, begin: Begin) -> int:
    usage = f"usage: {name} [install | uninstall | --version]"
    if words == ["--version"]:
        print(f"{name} {__version__}")
        return 0
    if words in (["--help"], ["-h"]):
        print(usage)
        return 0
    if words not in ([], ["install"], ["uninstall"]):
        raise CommandError("usage.arguments", usage)
    try:
        import dbus
        from dbus.mainloop.glib import DBusGMainLoop
        from gi.repository import GLib
    except ImportError as error:
        raise CommandError(
            "failed.dbus",
            f"{error.name or error} is missing: install it with pip install 'salut-a-toi[dbus]'.",
        ) from error
    if words:
        for path in getattr(importlib.import_module(installer), words[0])():
            print(path)
        return 0
    logging.basicConfig(format=f"{name}: %(message)s", level=logging.INFO)
    try:
        bus = dbus.SessionBus(mainloop=DBusGMainLoop())
    except dbus.DBusException as error:
        raise CommandError(
            "offline.bus",
            f"There is no session bus ({error.get_dbus_message()}): log in to a desktop, or begin "
            "with dbus-run-session.",
        ) from error
    bus.set_exit_on_disconnect(False)
    loop = GLib.MainLoop()
    end = begin(bus, loop.quit)
    bus.call_on_disconnection(lambda _: loop.quit())
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    loop.run()
    end()
    return 0
