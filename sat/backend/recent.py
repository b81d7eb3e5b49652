"""The latest events in memory, for those who have not been told of them yet."""

from __future__ import annotations

from collections.abc import Sequence

from sat.bridge.log import LoggedEvent

#: So many bytes are kept for frontends that are behind; what is older they read from the log.
_MOST = 1024 * 1024
#: So many events are kept although everybody has been told of them.
_FEW = 256
#: So many are returned at once, at most.
_PAGE = 512
#: So many bytes of lines are written at once, at least: then it is seen who keeps up.
_PIECE = 16_384
#: So many of these are kept for the next frontend that wants them.
_PIECES = 32


class Recent:
    """Keeps events without a gap, up to the last one."""

    def __init__(self) -> None:
        self._events: list[LoggedEvent] = []
        self._gone = 0  # so many at the start of the list are forgotten
        self._size = 0
        self._pages: dict[int, tuple[bytes, int]] = {}

    def add(self, events: Sequence[LoggedEvent]) -> None:
        """Keep the next events."""
        self._pages.clear()
        self._events.extend(events)
        self._size += sum([len(event.tail) for event in events])
        while self._size > _MOST:
            self._forget(1)

    def after(self, seq: int) -> Sequence[LoggedEvent] | None:
        """Return the next events after a number; None if memory does not reach back so far."""
        events, gone = self._events, self._gone
        if gone == len(events) or seq < events[gone].seq - 1:
            return None
        skip = gone + seq + 1 - events[gone].seq
        return events[skip : skip + _PAGE]

    def lines(self, after: int) -> tuple[bytes, int] | None:
        """Return the next events after a number as lines, and the number of the last of them.

        They are for those who want to be told of every event, and are put together once for all of
        them. None if memory does not reach back so far.
        """
        page = self._pages.get(after)
        if page is None:
            events = self.after(after)
            if not events:
                return None
            lines: list[bytes] = []
            size = 0
            for event in events:
                line = event.line(event.seq - 1)
                lines.append(line)
                size += len(line)
                if size >= _PIECE:
                    break
            if len(self._pages) >= _PIECES:
                self._pages.clear()
            page = self._pages[after] = b"".join(lines), event.seq
        return page

    def told(self, seq: int) -> None:
        """Forget what is before a number, of which everybody has been told, but for a few."""
        if self._gone < len(self._events):
            known = seq + 1 - self._events[self._gone].seq
            spare = len(self._events) - self._gone - _FEW
            self._forget(min(known, spare))

    def cut(self, seq: int) -> None:
        """Forget all up to a number: the log has them no more."""
        if self._gone < len(self._events):
            here = len(self._events) - self._gone
            self._forget(min(seq + 1 - self._events[self._gone].seq, here))

    def clear(self) -> None:
        """Forget all."""
        self._events.clear()
        self._pages.clear()
        self._gone = self._size = 0

    def _forget(self, count: int) -> None:
        if count <= 0:
            return
        self._pages.clear()
        until = self._gone + count
        self._size -= sum(len(event.tail) for event in self._events[self._gone : until])
        self._gone = until
        if self._gone > len(self._events) // 2:
            del self._events[: self._gone]
            self._gone = 0
