"""A program on the bus that prints every signal it gets, as JSON; with options, it attaches."""

import json
import sys

import dbus
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME = "org.salutatoi.SAT1"
ROOT = "/org/salutatoi/SAT1"


def plain(value: object) -> object:
    """Return a value from the bus as one of Python's own, seen from outside of the project."""
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, str) else value


def told(member: str, path: str, *values: object) -> None:
    """Print a signal."""
    line = {"member": member, "path": path, "values": [plain(one) for one in values]}
    print(json.dumps(line, default=float), flush=True)


def main() -> None:
    """Listen until it is ended."""
    bus = dbus.SessionBus(mainloop=DBusGMainLoop())
    bus.add_signal_receiver(
        lambda *values, member, path: told(member, path, *values),
        bus_name=NAME,
        member_keyword="member",
        path_keyword="path",
    )
    bus.add_signal_receiver(
        lambda *_: told("NameOwnerChanged", "/"),
        signal_name="NameOwnerChanged",
        bus_name="org.freedesktop.DBus",
        arg0=NAME,
        arg2="",
    )
    options, detach = json.loads(sys.argv[1])
    proxy = bus.get_object(NAME, ROOT)
    if options is not None:
        state = dbus.Interface(proxy, f"{NAME}.State")
        state.Attach(dbus.Dictionary(options, signature="sv"))
    if detach:
        dbus.Interface(proxy, NAME).Detach()
    told("ready", ROOT)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
