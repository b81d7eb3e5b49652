"""Ids that nobody can foresee, many at a time."""

from __future__ import annotations

import os
from collections.abc import Callable

_SIZE = 10
_MANY = 256


class Ids:
    """Makes UUIDs that begin with the time (RFC 9562, section 5.7); 74 bits of them are random.

    Ids of one time stand together in the database's indexes: a page is written for many messages,
    not for each. Asking the operating system for each would let another thread in each time.

    :param now: the time, in seconds since 1970
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._bits = b""
        self._used = 0

    def next(self) -> str:
        """Return an id that was never there before."""
        start = self._used
        if start == len(self._bits):
            self._bits = os.urandom(_SIZE * _MANY)
            start = 0
        self._used = start + _SIZE
        bits = self._bits[start : self._used]
        time = f"{int(self._now() * 1000) & 0xFFFFFFFFFFFF:012x}"
        text = bits.hex()
        variant = "89ab"[bits[1] & 3]
        return f"{time[:8]}-{time[8:]}-7{text[:3]}-{variant}{text[5:8]}-{text[8:]}"
