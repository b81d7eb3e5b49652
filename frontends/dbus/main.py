"""The program ``sat-dbus``: bring the bridge to the session's bus, until the bus ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sat.bridge.errors import CommandError
from sat.frontends.core import bus as program


def main() -> int:
    """Run sat-dbus; return its exit code."""
    return program.main("sat-dbus", "sat.frontends.dbus.install", _begin)


def _begin(bus: Any, quit: Callable[[], None]) -> Callable[[], None]:
    import dbus

    from sat.bridge.dbus_mapping import NAME
    from sat.bridge.paths import socket_path
    from sat.frontends.core.daemon import connect_here
    from sat.frontends.dbus.service import Service

    # It is started where there is none, as by every frontend.
    connect_here("sat-dbus").close()
    taken: list[str] = []

    def ready() -> None:
        if bus.request_name(NAME, dbus.bus.NAME_FLAG_DO_NOT_QUEUE) not in (
            dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER,
            dbus.bus.REQUEST_NAME_REPLY_ALREADY_OWNER,
        ):
            taken.append(NAME)
            quit()

    service = Service(bus, socket_path(), ready)
    service.watch.start()

    def end() -> None:
        service.close()
        if taken:
            raise CommandError("failed.name", f"Another sat-dbus has the name {NAME} on this bus.")

    return end
