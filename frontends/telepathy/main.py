"""The program ``sat-telepathy``: a connection manager on the session's bus, until the bus ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sat.bridge.errors import CommandError
from sat.frontends.core import bus as program


def main() -> int:
    """Run sat-telepathy; return its exit code."""
    return program.main("sat-telepathy", "sat.frontends.telepathy.install", _begin)


def _begin(bus: Any, quit: Callable[[], None]) -> Callable[[], None]:
    import dbus

    from sat.frontends.telepathy.service import Service
    from sat.frontends.telepathy.spec import MANAGER_NAME

    service = Service(bus)
    owned = bus.request_name(MANAGER_NAME, dbus.bus.NAME_FLAG_DO_NOT_QUEUE)
    if owned != dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER:
        raise CommandError("failed.name", f"Another program has the name {MANAGER_NAME}.")
    return service.close
