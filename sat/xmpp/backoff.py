"""How long to wait before the next try."""

from __future__ import annotations

from random import Random

#: Seconds before the first new try, ...
FIRST_DELAY = 1.0
#: ... doubled each time up to this.
MAX_DELAY = 300.0


class Backoff:
    """Growing delays with some chance in them, so that not all clients come back at once."""

    def __init__(self, random: Random, first: float = FIRST_DELAY, most: float = MAX_DELAY) -> None:
        self._random = random
        self._first = first
        self._most = most
        self._tries = 0

    def next(self) -> float:
        """Return the next delay in seconds: from 75 % to all of the first one doubled each time."""
        whole = min(self._most, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return float(whole * self._random.uniform(0.75, 1.0))

    def reset(self) -> None:
        """Start again with the first delay."""
        self._tries = 0
