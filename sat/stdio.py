"""``sat bridge-stdio``: the daemon's bridge on standard input and output, for ssh to carry."""

from __future__ import annotations

import os
import socket
import threading

from sat import control
from sat.bridge.errors import CommandError
from sat.bridge.paths import Home

_CHUNK = 256 * 1024


def relay(place: Home, source: int = 0, sink: int = 1) -> int:
    """Pass bytes between two descriptors and the daemon, which is started if it doesn't run.

    It ends when the daemon ends the session, or nobody reads any more. The end of the source is
    passed on, so that what was asked is still answered.

    :raises CommandError: if there is no daemon, and none starts
    """
    if not _no_start():
        control.start(place)
    place.check_runtime()
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(place.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            raise CommandError(
                "daemon.missing", "No daemon is running: start one with “sat start”."
            ) from None
        feeding = threading.Thread(target=_feed, args=(source, line), daemon=True)
        feeding.start()
        try:
            while data := line.recv(_CHUNK):
                _write(sink, data)
        except (BrokenPipeError, ConnectionResetError):
            return 0
    return 0


def _feed(source: int, line: socket.socket) -> None:
    try:
        while data := os.read(source, _CHUNK):
            line.sendall(data)
        line.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other direction ends as well, and tells


def _write(sink: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]


def _no_start() -> bool:
    return os.environ.get("SAT_NO_START", "0") not in ("", "0")
