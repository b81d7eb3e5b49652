"""The program ``sat-telepathy``: a connection manager on the session's bus, until the bus ends."""

import logging
import signal
import sys

from sat import __version__
from sat.bridge.errors import CommandError

USAGE = "usage: sat-telepathy [install | uninstall | --version]"


def main() -> int:
    """Run sat-telepathy; return its exit code."""
    try:
        return _run(sys.argv[1:])
    except CommandError as error:
        print(f"sat-telepathy: {error.sentence}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        print(f"sat-telepathy {__version__}")
        return 0
    if words in (["--help"], ["-h"]):
        print(USAGE)
        return 0
    if words not in ([], ["install"], ["uninstall"]):
        raise CommandError("usage.arguments", USAGE)
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
        from sat.frontends.telepathy import install

        for path in install.install() if words == ["install"] else install.uninstall():
            print(path)
        return 0
    from sat.frontends.telepathy.service import Service
    from sat.frontends.telepathy.spec import MANAGER_NAME

    logging.basicConfig(format="sat-telepathy: %(message)s", level=logging.INFO)
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
    service = Service(bus)
    bus.call_on_disconnection(lambda _: loop.quit())
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    owned = bus.request_name(MANAGER_NAME, dbus.bus.NAME_FLAG_DO_NOT_QUEUE)
    if owned != dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER:
        raise CommandError("failed.name", f"Another program has the name {MANAGER_NAME}.")
    loop.run()
    service.close()
    return 0
