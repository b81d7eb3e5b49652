"""Those frontends that want everything, were told all of it, and read it: most, most of the time.

They share one place in the log. What is new to one is new to each, and is written to each without
looking any further; whoever doesn't keep up leaves, and goes on at a pace of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Set

Write = Callable[[bytes], None]
#: Returns the lines after a number, and the number of the last of them; None if it has none.
Lines = Callable[[int], "tuple[bytes, int] | None"]


class Followers:
    """A group with one place: the number of the last event that each was told of."""

    def __init__(self) -> None:
        self.place = 0
        self._writes: dict[Hashable, Write] = {}
        # While they are told: in which order, who is told just now, and where they were before.
        self._order: list[Hashable] = []
        self._turn = 0
        self._before = 0

    def __contains__(self, one: Hashable) -> bool:
        return one in self._writes

    @property
    def members(self) -> Set[Hashable]:
        """Who is told with the others."""
        return self._writes.keys()

    def join(self, one: Hashable, place: int, write: Write) -> bool:
        """Let one be told with the others; False if it isn't where they are.

        :param write: writes to it; it may leave meanwhile
        """
        if self._order or (self._writes and place != self.place):
            return False
        self.place = place
        self._writes[one] = write
        return True

    def leave(self, one: Hashable) -> int:
        """Tell one no more; return the number of the last event that it was told of."""
        del self._writes[one]
        if self._order and self._order.index(one) > self._turn:
            return self._before
        return self.place

    def tell(self, head: int, lines: Lines) -> bool:
        """Write what is new to each; False if there are no lines for it: then all have to leave."""
        while self._writes and self.place < head:
            page = lines(self.place)
            if page is None:
                return False
            self._before = self.place
            data, self.place = page
            self._order = list(self._writes)
            try:
                for turn, one in enumerate(self._order):
                    self._turn = turn
                    write = self._writes.get(one)
                    if write is not None:
                        write(data)
            finally:
                self._order = []
        return True
