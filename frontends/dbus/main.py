"""The program ``sat-dbus``: bring the bridge to the session's bus, until the bus ends."""

import logging
import signal
import sys

from sat import __version__
from sat.bridge.errors import CommandError

USAGE = "usage: sat-dbus [install | uninstall | --version]"


def main() -> int:
    """Run sat-dbus; return its exit code."""
    try:
        return _run(sys.argv[1:])
    except CommandError as error:
        print(f"sat-dbus: {error.sentence}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        print(f"sat-dbus {__version__}")
        return 0
    if words in (["--help"], ["-h"]):
        print(USAGE)
        return 0
    if words in (["install"], ["uninstall"]):
        from sat.frontends.dbus import install

        for path in install.install() if words == ["install"] else install.uninstall():
            print(path)
        return 0
    if words:
        raise CommandError("usage.arguments", USAGE)
    return _serve()


def _serve() -> int:
    try:
        import dbus
        from dbus.mainloop.glib import DBusGMainLoop
        from gi.repository import GLib
    except ImportError as error:
        raise CommandError(
            "failed.dbus",
            f"{error.name or error} is missing: install it with pip install 'salut-a-toi[dbus]'.",
        ) from error
    from sat.bridge.dbus_mapping import NAME
    from sat.bridge.paths import socket_path
    from sat.frontends.core.daemon import connect_here
    from sat.frontends.dbus.service import Service

    logging.basicConfig(format="sat-dbus: %(message)s", level=logging.INFO)
    # It is started where there is none, as by every frontend.
    connect_here("sat-dbus").close()
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
    taken: list[str] = []

    def ready() -> None:
        if bus.request_name(NAME, dbus.bus.NAME_FLAG_DO_NOT_QUEUE) not in (
            dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER,
            dbus.bus.REQUEST_NAME_REPLY_ALREADY_OWNER,
        ):
            taken.append(NAME)
            loop.quit()

    service = Service(bus, socket_path(), ready)
    bus.call_on_disconnection(lambda _: loop.quit())
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    service.watch.start()
    loop.run()
    service.close()
    if taken:
        raise CommandError("failed.name", f"Another sat-dbus has the name {NAME} on this bus.")
    return 0
