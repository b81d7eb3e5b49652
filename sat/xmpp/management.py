"""Stanzas numbered and acknowledged, both ways (XEP-0198), with no wire under it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from sat.xmpp.errors import Fault, NotConnected

#: Counts wrap here on the wire (XEP-0198, section 4).
WRAP = 2**32


class Incoming:
    """Counts what comes, and which of it is dealt with without a gap.

    :param handled: how many are dealt with from the start, in a session that goes on
    """

    def __init__(self, handled: int = 0) -> None:
        #: The number of the last stanza that came.
        self.received = handled
        #: All up to this number are dealt with.
        self.handled = handled
        self._last = handled
        self._early: set[int] = set()

    def next(self) -> int | None:
        """Return the number of a stanza that just came; None if it came before.

        It did if the server sends it again in a resumed session while the first one is still being
        dealt with.
        """
        self._last += 1
        if self._last <= self.received:
            return None
        self.received = self._last
        return self._last

    def resume(self, handled: int) -> None:
        """Expect again what comes after a number, which the server was told (``h``)."""
        self._last = handled

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


class Place:
    """A stanza's place in a lane: it has its number, and is written once it is filled."""

    __slots__ = ("_lane", "done", "number", "ready", "stanza")

    def __init__(self, lane: Lane, number: int, stanza: str | None = None) -> None:
        self._lane = lane
        self.number = number
        self.stanza = stanza
        self.ready = False
        self.done: Deferred[None] | None = None

    def fill(self, stanza: str) -> None:
        """Let a stanza be written here, which is durable by now.

        Nothing happens if the session has ended.
        """
        self.stanza = stanza
        self.ready = True
        self._lane.go_on()

    def leave(self) -> None:
        """Let a stanza be written here that says nothing: what was to come never does.

        A number that no stanza has would make every later count wrong. To an answer that nobody
        waits for there is no reply (RFC 6120, section 8.2.3).
        """
        self.fill(f"<iq type='result' id='none-{self.number}'/>")


class Lane:
    """Numbers what goes, and writes it in that order, each when it is durable.

    Stanzas are texts here: each is made once, however often it is written.

    :param write: puts a stanza on the wire
    :param broken: called when a stanza that has a number can't be made durable
    :param acknowledged: how many the server has from the start, in a session that goes on
    :param keep: whether to keep what isn't acknowledged, for :meth:`resume`
    """

    def __init__(
        self,
        write: Callable[[str], None],
        broken: Callable[[Failure], None],
        acknowledged: int = 0,
        keep: bool = False,
    ) -> None:
        self._write = write
        self._broken = broken
        self._keep = keep
        self._queue: deque[Place] = deque()
        self._kept: deque[str] = deque()
        self._ended = False
        #: The number given last.
        self.given = acknowledged
        #: The number written last.
        self.written = acknowledged
        #: The server has all up to this number.
        self.acknowledged = acknowledged

    def send(
        self, stanza: str, durable: Callable[[int], Deferred[bool]] | None = None
    ) -> Deferred[None]:
        """Give a stanza the next number, and write it after all before it.

        :param durable: called at once with the number; the stanza waits for its Deferred, which
            fires False if it isn't to be written after all: then :meth:`Place.leave`
        :return: fires when it is written; fails with :class:`NotConnected` if it never is
        :raises NotConnected: if the stream has ended
        """
        if self._ended:
            raise NotConnected("There is no stream.")
        if durable is None and not self._queue:
            self.given += 1
            self._put(stanza)
            return succeed(None)
        place = self.reserve()
        place.stanza = stanza
        done: Deferred[None] = Deferred()
        place.done = done
        if durable is None:
            place.ready = True
        else:
            # Raising is failing, or the lane would stick.
            stored = maybeDeferred(durable, place.number)
            stored.addCallbacks(self._ready, self._fail, callbackArgs=(place,))
        return done

    def reserve(self) -> Place:
        """Give the next number to a stanza that is made, or made durable, later.

        All behind it waits until its place is filled or left.

        :raises NotConnected: if the stream has ended
        """
        if self._ended:
            raise NotConnected("There is no stream.")
        self.given += 1
        place = Place(self, self.given)
        self._queue.append(place)
        return place

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
        for _ in range(min(moved, len(self._kept))):
            self._kept.popleft()
        return moved > 0

    def resume(self) -> None:
        """Write again all that the server doesn't have, in a session that goes on."""
        for stanza in self._kept:
            self._write(stanza)

    def end(self) -> None:
        """Let go of all that isn't written."""
        self._ended = True
        self._kept.clear()
        queue, self._queue = self._queue, deque()
        for place in queue:
            if place.done is not None:
                place.done.errback(NotConnected("The stream ended before the stanza was written."))

    def _put(self, stanza: str) -> None:
        self.written += 1
        if self._keep:
            self._kept.append(stanza)
        self._write(stanza)

    def _ready(self, wanted: bool, place: Place) -> None:
        if wanted:
            place.ready = True
            self.go_on()
        else:
            place.leave()

    def go_on(self) -> None:
        """Write what is ready, up to the first that is not."""
        queue = self._queue
        while queue and queue[0].ready and not self._ended:
            first = queue.popleft()
            assert first.stanza is not None
            self._put(first.stanza)
            if first.done is not None:
                first.done.callback(None)

    def _fail(self, failure: Failure) -> None:
        if not self._ended:
            self._broken(failure)


def nearest(count: int, number: int) -> int:
    """Return the number nearest to another that a count on the wire may stand for."""
    base = number - (number % WRAP)
    return min(
        (base + turn * WRAP + count for turn in (-1, 0, 1) if base + turn * WRAP + count >= 0),
        key=lambda candidate: abs(candidate - number),
    )


def count_of(text: str | None) -> int:
    """Read a count of stanzas.

    :raises Fault: if it is none
    """
    if text and len(text) <= 10 and text.isascii() and text.isdigit() and int(text) < WRAP:
        return int(text)
    raise Fault("stream.handled-count-too-high", "The server's count of stanzas is no number.")
