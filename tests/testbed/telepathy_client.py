"""A client of Telepathy that does what it is told, and prints what it sees, as JSON.

A command is a line of standard input: a number, the name on the bus, the path, the interface, the
member, the signature, and the arguments. It knows nothing of the project.
"""

import json

import dbus
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib


def plain(value: object) -> object:
    """Return a value from the bus as one of Python's own."""
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, str) else value


def told(**what: object) -> None:
    """Print what is seen."""
    print(json.dumps(what, default=int), flush=True)


def main() -> None:
    """Do what standard input says, until its end."""
    bus = dbus.SessionBus(mainloop=DBusGMainLoop())
    loop = GLib.MainLoop()
    # What is read ahead would wait for the next line to come.
    commands = open(0, "rb", buffering=0)  # noqa: SIM115 - open until the end

    def signalled(*values: object, member: str, path: str) -> None:
        told(member=member, path=path, values=[plain(one) for one in values])

    bus.add_signal_receiver(signalled, member_keyword="member", path_keyword="path")

    def command(*_: object) -> bool:
        line = commands.readline()
        if not line:
            loop.quit()
            return False
        number, name, path, interface, member, signature, arguments = json.loads(line)
        bus.call_async(
            *(name, path, interface, member, signature, arguments),
            lambda *values: told(answer=number, values=[plain(one) for one in values]),
            lambda error: told(
                answer=number, error=error.get_dbus_name(), sentence=error.get_dbus_message()
            ),
            timeout=100,
        )
        return True

    GLib.io_add_watch(0, GLib.IO_IN | GLib.IO_HUP, command)
    told(member="ready", path="/", values=[])
    loop.run()


if __name__ == "__main__":
    main()
