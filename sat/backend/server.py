"""Reading where a profile's server is."""

from __future__ import annotations

from sat.bridge.errors import CommandError


def split_server(server: str | None) -> tuple[str | None, int | None]:
    """Read ``host``, ``host:port`` or ``[address]:port``.

    :raises CommandError: ``usage.server`` if it is none of these
    """
    if not server:
        return None, None
    host, colon, port = server.rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        return server.strip("[]"), None
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise CommandError("usage.server", f"{server} is no server: give HOST or HOST:PORT")
    return host.strip("[]"), int(port)
