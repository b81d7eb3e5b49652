"""Ids that nobody can foresee, many at a time."""

from __future__ import annotations

import os
from collections.abc import Callable

#: Hexadecimal digits of which an id is made beside the time.
_DIGITS = 20
_MANY = 256
#: The digit that tells the variant (RFC 9562, section 4.1), for any of which two bits are random.
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


class Ids:
    """Makes UUIDs that begin with the time (RFC 9562, section 5.7); 74 bits of them are random.

    Ids of one time stand together in the database's indexes: a page is written for many messages,
    not for each. Asking the operating system for each would let another thread in each time.

    :param now: the time, in seconds since 1970
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._digits = ""
        self._used = 0
        self._at = -1
        self._begin = ""

    def next(self) -> str:
        """Return an id that was never there before."""
        at = int(self._now() * 1000) & 0xFFFFFFFFFFFF
        if at != self._at:
            time = f"{at:012x}"
            self._at, self._begin = at, f"{time[:8]}-{time[8:]}-7"
        if self._used == len(self._digits):
            self._digits, self._used = os.urandom(_DIGITS // 2 * _MANY).hex(), 0
        text = self._digits[self._used : self._used + _DIGITS]
        self._used += _DIGITS
        return f"{self._begin}{text[:3]}-{_VARIANT[text[3]]}{text[5:8]}-{text[8:]}"
