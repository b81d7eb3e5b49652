"""Stanzas numbered and acknowledged, both ways (XEP-0198), with no wire under it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from sat.xmpp.element import Element
from sat.xmpp.errors import Fault, NotConnected

#: Counts wrap here on the wire (XEP-0198, section 4).
WRAP = 2**32


class Incoming:
    """Counts what comes, and which of it is dealt with without a gap."""

    def __init__(self) -> None:
        #: The number of the last stanza that came.
        self.received = 0
        #: All up to this number are dealt with.
        self.handled = 0
        self._early: set[int] = set()

    def next(self) -> int:
        """Return the number of a stanza that just came."""
        self.received += 1
        return self.received

    def done(self, number: int) -> bool:
        """Note that a stanza is dealt with; tell whether ``handled`` moved."""
        if not self.handled < number <= self.received:
            return False
        if number != self.handled + 1:
            self._early.add(number)
            return False
        self.handled = number
        while self._early and self.handled + 1 in self._early:
            self.handled += 1
            self._early.remove(self.handled)
        return True


class _Entry:
    __slots__ = ("done", "element", "ready")

    def __init__(self, element: Element) -> None:
        self.element = element
        self.ready = False
        self.done: Deferred[None] = Deferred()


class Lane:
    """Numbers what goes, and writes it in that order, each when it is durable.

    :param write: puts an element on the wire
    :param broken: called when a stanza that has a number can't be made durable
    """

    def __init__(self, write: Callable[[Element], None], broken: Callable[[Failure], None]) -> None:
        self._write = write
        self._broken = broken
        self._queue: deque[_Entry] = deque()
        self._ended = False
        #: The number given last.
        self.given = 0
        #: The number written last.
        self.written = 0
        #: The server has all up to this number.
        self.acknowledged = 0

    def send(
        self, element: Element, durable: Callable[[int], Deferred[None]] | None = None
    ) -> Deferred[None]:
        """Give the element the next number, and write it after all before it.

        :param durable: called at once with the number; the element waits for its Deferred
        :return: fires when it is written; fails with :class:`NotConnected` if it never is
        :raises NotConnected: if the stream has ended
        """
        if self._ended:
            raise NotConnected("There is no stream.")
        self.given += 1
        if durable is None and not self._queue:
            self.written += 1
            self._write(element)
            return succeed(None)
        entry = _Entry(element)
        self._queue.append(entry)
        if durable is None:
            entry.ready = True
        else:
            stored = maybeDeferred(
                durable, self.given
            )  # raising is failing, or the lane would stick
            stored.addCallbacks(self._ready, self._fail, callbackArgs=(entry,))
        return entry.done

    def acknowledge(self, h: int) -> bool:
        """Take the server's count; tell whether it moved.

        :raises Fault: if it is of stanzas that weren't sent
        """
        moved = (h - self.acknowledged) % WRAP
        if moved > self.written - self.acknowledged:
            raise Fault(
                "stream.handled-count-too-high",
                "The server acknowledged more than was sent, so its counts can't be trusted.",
            )
        self.acknowledged += moved
        return moved > 0

    def end(self) -> None:
        """Let go of all that isn't written."""
        self._ended = True
        queue, self._queue = self._queue, deque()
        for entry in queue:
            entry.done.errback(NotConnected("The stream ended before the stanza was written."))

    def _ready(self, _: None, entry: _Entry) -> None:
        entry.ready = True
        while self._queue and self._queue[0].ready and not self._ended:
            first = self._queue.popleft()
            self.written += 1
            self._write(first.element)
            first.done.callback(None)

    def _fail(self, failure: Failure) -> None:
        if not self._ended:
            self._broken(failure)
