"""What one attached frontend has been told of the log, and telling it the rest.

All that is kept is a number (``cursor``): a frontend that reads slowly costs little more than that,
for what it has not read is read again from the log once it drains. Of what is not in the log
(presence, progress) the last values wait, one for each key.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import msgspec

from sat.bridge.dispatcher import encode_result
from sat.bridge.errors import CommandError
from sat.bridge.log import EventLog, LoggedEvent, VolatileEvent, resync_line
from sat.bridge.wire import Attached, Line

#: A frontend further behind than this gets a snapshot rather than the tail of the log.
MAX_TAIL = 5000

_PAGE = 200
#: Whether a frontend keeps up is seen after so many bytes.
_PIECE = 4096
#: How many values that are not in the log wait for a slow frontend; they are shared by all.
_MAX_BEHIND = 50_000

Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class Resume(msgspec.Struct):
    """Where a frontend was: the epoch, and the last number that it has dealt with."""

    epoch: str
    seq: int


class Attach(msgspec.Struct):
    """What a frontend wants to be told: the parameters of ``state.attach``."""

    mode: str = "state"
    scopes: frozenset[str] | None = None
    profiles: frozenset[str] | None = None
    types: frozenset[str] | None = None
    resume: Resume | None = None
    cursor: str | None = None
    volatile: bool = True


class Attaching(Attached, frozen=True, kw_only=True):
    """The answer to what a frontend wants, before any of it is told."""

    wanted: Attach
    encoded_state: bytes

    def parts(self) -> tuple[bytes, ...]:
        """Return the answer as JSON, in parts: the state is encoded already, and may be large."""
        told = Attached(mode=self.mode, epoch=self.epoch, seq=self.seq)
        before, name, after = encode_result(told).partition(b'"state":')
        if self.encoded_state:
            after = after.removeprefix(b"null")
        return before, name, self.encoded_state, after


async def start_of(wanted: Attach, log: EventLog) -> int | None:
    """Return the number after which events are sent; None if only a snapshot will do.

    :raises CommandError: ``log.trimmed`` if a script resumes where the log does not reach
    """
    start: int | None = None
    if wanted.cursor is not None:
        start = await log.cursor(wanted.cursor)
    if wanted.resume is not None:
        known = wanted.resume.epoch == log.epoch and wanted.resume.seq <= log.head
        start = wanted.resume.seq if known else -1
    if wanted.mode == "state":
        near = start is not None and start >= max(log.oldest - 1, log.head - MAX_TAIL)
        return start if near else None
    if start is None:
        return log.head
    if start < log.oldest - 1:
        raise CommandError(
            "log.trimmed",
            "the log does not reach back to there, or is another one since a backup was restored: "
            f"some events are gone; its oldest is {log.oldest}, its epoch {log.epoch}",
            {"oldest": log.oldest, "epoch": log.epoch},
        )
    return start


class Subscription:
    """The events of one attached frontend, from a number on.

    :param line: the way to the frontend; ``pause`` may be called while it is written to
    :param spawn: starts a coroutine and logs its failure
    :param session: the id of the frontend's session
    """

    def __init__(
        self,
        wanted: Attach,
        start: int,
        log: EventLog,
        line: Line,
        spawn: Spawn,
        session: str,
    ) -> None:
        self.session = session
        self._wanted = wanted
        self._cursor = self._prev = start
        self._log = log
        self._write = line.write
        self._way = line.way
        self._followers = log.followers
        self._spawn = spawn
        self._paused = False
        self._ended = False
        self._reading = False
        self._behind: dict[str, VolatileEvent] = {}
        self._present: Iterator[VolatileEvent] = iter(())
        self._held: list[tuple[int, bytes]] = []
        self._wants_all = wanted.types is wanted.scopes is wanted.profiles is None

    def begin(self, paused: bool) -> None:
        """Tell the present values of what is not in the log, then what the log holds."""
        self._paused = paused
        self._log.attached(self)
        if self._wanted.volatile:
            self._present = iter(self._log.volatile())
        self._tell_present()
        self.wake()

    def pause(self) -> None:
        """Write nothing for now: the frontend does not keep up."""
        self._paused = True
        self._leave()

    def resume(self) -> None:
        """Go on where the frontend is."""
        self._paused = False
        self.wake()
        self._tell_present()
        while self._behind and not self._stuck:
            self._write(self._behind.pop(next(iter(self._behind))).line)

    def _tell_present(self) -> None:
        """Tell the values that were there at the start, as far as the frontend keeps up."""
        while not self._stuck:
            event = next(self._present, None)
            if event is None:
                return
            # A newer value of the same key waits behind.
            if self._wants(event) and event.key not in self._behind:
                self._write(event.line)

    def end(self) -> list[bytes]:
        """Tell no more; return the answers that were held back."""
        if not self._ended:
            self._ended = True
            self._leave()
            self._log.detached(self)
        held, self._held = self._held, []
        return [line for _, line in held]

    @property
    def told(self) -> int:
        """The number up to which the frontend was told what it wants to know."""
        return self._followers.place if self in self._followers else self._cursor

    def shows(self, profile: str) -> bool:
        """Tell whether the frontend wants to know of a profile."""
        return self._wanted.profiles is None or profile in self._wanted.profiles

    def wake(self) -> None:
        """Send what the log holds after the cursor, as far as the frontend keeps up."""
        self._leave()
        head = self._log.head
        while self._cursor < head and not (self._paused or self._ended or self._reading):
            if self._wants_all and self._prev == self._cursor:
                page = self._log.lines(self._cursor)
                if page is not None:
                    lines, self._cursor = page
                    self._prev = self._cursor
                    self._write(lines)
                    continue
            events = self._log.recent(self._cursor)
            if events is None:
                self._reading = True
                self._spawn(self._catch_up(), "catching up with the log")
                return
            self._send(events)
        while self._held and self._held[0][0] <= self._cursor:
            self._write(self._held.pop(0)[1])
        if (
            self._wants_all
            and self._prev == self._cursor == head
            and not (self._stuck or self._reading or self._held)
        ):
            self._followers.join(self, head, self._way)

    def _leave(self) -> None:
        """Go on alone, where the others are."""
        if self in self._followers:
            self._cursor = self._prev = self._followers.leave(self)

    def volatile(self, event: VolatileEvent) -> None:
        """Send an event that is not in the log; of each key the last, if the frontend is slow."""
        if self._ended or not self._wanted.volatile or not self._wants(event):
            return
        if not self._paused:
            self._write(event.line)
            return
        self._behind.pop(event.key, None)
        if len(self._behind) >= _MAX_BEHIND:
            del self._behind[next(iter(self._behind))]
        self._behind[event.key] = event

    def answer(self, line: bytes) -> None:
        """Write an answer, after the events that led to it."""
        if self.told < self._log.head or self._held:
            self._held.append((self._log.head, line))
        else:
            self._write(line)

    @property
    def ended(self) -> bool:
        """Whether it tells no more: the frontend has to attach anew."""
        return self._ended

    @property
    def _stuck(self) -> bool:
        return self._paused or self._ended

    async def _catch_up(self) -> None:
        try:
            while not self._stuck and self._cursor < self._log.head:
                if self._log.recent(self._cursor) is not None:
                    break
                if self._cursor < self._log.oldest - 1:
                    self._lose_track()
                    break
                head = self._log.head
                events = await self._log.read(self._cursor, _PAGE)
                self._send(events)
                if not events:
                    # All that was left is gone from the log, with the profile that it was of.
                    self._cursor = max(self._cursor, head)
        finally:
            self._reading = False
        self.wake()

    def _lose_track(self) -> None:
        """Tell that events are gone which the frontend was too slow for, and end."""
        self._write(resync_line(self._log.epoch, self._log.oldest))
        for line in self.end():
            self._write(line)

    def _send(self, events: Sequence[LoggedEvent]) -> None:
        """Write events in pieces, which cost far less than each line by itself."""
        if self._stuck:
            return
        lines: list[bytes] = []
        size = 0
        for event in events:
            if self._wants(event):
                line = event.line(self._prev)
                self._prev = event.seq
                lines.append(line)
                size += len(line)
            self._cursor = event.seq
            if size >= _PIECE:
                self._write(b"".join(lines))
                lines, size = [], 0
                if self._paused or self._ended:
                    return
        if lines:
            self._write(b"".join(lines))

    def _wants(self, event: LoggedEvent | VolatileEvent) -> bool:
        wanted = self._wanted
        return (
            (wanted.types is None or event.type in wanted.types)
            and (wanted.scopes is None or event.scope in wanted.scopes)
            and (wanted.profiles is None or not event.profile or event.profile in wanted.profiles)
        )
