"""What shows notices on a desktop, on a bus of one's own: it prints each of them, as JSON.

Arguments: ``silent`` lets it answer nothing; any other one is a capability that it has.
"""

import json
import sys
from typing import Any

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME = "org.freedesktop.Notifications"


class Notifications(dbus.service.Object):  # type: ignore[misc]
    """The service of Desktop Notifications 1.2, as far as it is called.

    :param capabilities: what it says that it can do
    :param silent: whether it answers nothing
    """

    def __init__(self, bus: Any, capabilities: list[str], *, silent: bool) -> None:
        super().__init__(bus, "/org/freedesktop/Notifications")
        self._capabilities = capabilities
        self._silent = silent
        self._last = 0

    @dbus.service.method(NAME, out_signature="as", async_callbacks=("done", "_failed"))  # type: ignore[untyped-decorator]
    def GetCapabilities(self, done: Any, _failed: Any) -> None:
        """Say what it can do."""
        print(json.dumps({"asked": "capabilities"}), flush=True)
        if not self._silent:
            done(self._capabilities)

    @dbus.service.method(NAME, in_signature="susssasa{sv}i", out_signature="u")  # type: ignore[untyped-decorator]
    def Notify(
        self, program: str, replaces: int, icon: str, title: str, body: str, actions: list[str],
        hints: dict[str, Any], expires: int,
    ) -> int:  # fmt: skip
        """Print a notice, and return its number."""
        self._last = int(replaces) or self._last + 1
        told = {
            "program": str(program), "replaces": int(replaces), "title": str(title),
            "body": str(body), "urgency": int(hints["urgency"]), "number": self._last,
        }  # fmt: skip
        print(json.dumps(told), flush=True)
        return self._last


def main() -> None:
    """Serve until it is ended."""
    bus = dbus.SessionBus(mainloop=DBusGMainLoop())
    words = sys.argv[1:]
    _name = dbus.service.BusName(NAME, bus)
    _served = Notifications(
        bus, [one for one in words if one != "silent"], silent="silent" in words
    )
    print(json.dumps({"asked": "ready"}), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
