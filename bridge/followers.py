"""Those frontends that want everything, were told all of it, and read it: most, most of the time.

They share one place in the log. What is new to one is new to each, and is written to each without
looking any further; whoever doesn't keep up leaves, and goes on at a pace of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Set
from typing import Protocol


class Way(Protocol):
    """The way to one of them.

    ``send`` sends what is taken at once, and returns how many bytes that were; ``OSError``
    likewise says none. It calls nothing of ours.
    """

    @property
    def send(self) -> Callable[[bytes], int]:
        """What sends; it is another while something waits to be sent."""

    def write(self, data: bytes) -> None:
        """Queue bytes; may call the session's ``output_paused`` at once."""


class Queued:
    """The way where nothing can be said to be taken at once.

    :param write: queues bytes
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write

    def send(self, data: bytes) -> int:
        """Send nothing at once."""
        return 0


#: Returns the lines after a number, and the number of the last of them; None if it has none.
Lines = Callable[[int], "tuple[bytes, int] | None"]


class Followers:
    """A group with one place: the number of the last event that each was told of."""

    def __init__(self) -> None:
        self.place = 0
        self._ways: dict[Hashable, Way] = {}
        # While they are told: in which order, who is told just now, and where they were before.
        self._order: list[Hashable] = []
        self._turn = 0
        self._before = 0

    def __contains__(self, one: Hashable) -> bool:
        return one in self._ways

    @property
    def members(self) -> Set[Hashable]:
        """Who is told with the others."""
        return self._ways.keys()

    def join(self, one: Hashable, place: int, way: Way) -> bool:
        """Let one be told with the others; False if it isn't where they are.

        :param way: the way to it; it may leave while something is queued
        """
        if self._order or (self._ways and place != self.place):
            return False
        self.place = place
        self._ways[one] = way
        return True

    def leave(self, one: Hashable) -> int:
        """Tell one no more; return the number of the last event that it was told of."""
        del self._ways[one]
        if self._order and self._order.index(one) > self._turn:
            return self._before
        return self.place

    def tell(self, head: int, lines: Lines) -> bool:
        """Write what is new to each; False if there are no lines for it: then all have to leave."""
        while self._ways and self.place < head:
            page = lines(self.place)
            if page is None:
                return False
            self._before = self.place
            data, self.place = page
            self._order = list(self._ways)
            try:
                self._write(data)
            finally:
                self._order = []
        return True

    def _write(self, data: bytes) -> None:
        # The faster a hundred are written to, the less each costs: who reads them is woken once.
        size = len(data)
        left = False
        for turn, (one, way) in enumerate(list(self._ways.items())):
            if left and one not in self._ways:
                continue
            try:
                sent = way.send(data)
            except OSError:
                # It fails again when it is tried in its turn, or is thrown away: it is over.
                sent = 0
            if sent != size:
                self._turn = turn
                left = True
                way.write(data[sent:])
