"""Ids that nobody can foresee, many at a time."""

from __future__ import annotations

import os

_SIZE = 16
_MANY = 256


class Ids:
    """Makes random UUIDs (RFC 9562, section 5.4).

    Asking the operating system for each would let another thread in each time.
    """

    def __init__(self) -> None:
        self._bits = b""

    def next(self) -> str:
        """Return an id that was never there before."""
        if not self._bits:
            self._bits = os.urandom(_SIZE * _MANY)
        bits, self._bits = self._bits[:_SIZE], self._bits[_SIZE:]
        text = bits.hex()
        variant = "89ab"[bits[8] & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
