"""The numbered log of events, as a session sees it.

The daemon's journal implements :class:`EventLog`. Events are encoded once, whoever receives them:
only ``prev`` differs between two frontends, so it is the first field of the line.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol

import msgspec

from sat.bridge.events import Event
from sat.bridge.followers import Followers
from sat.bridge.types import encode_hook

_HEAD = b'{"jsonrpc":"2.0","method":"event","params":{"prev":%d,'
_VOLATILE_HEAD = b'{"jsonrpc":"2.0","method":"event","params":{'
_encoder = msgspec.json.Encoder(enc_hook=encode_hook)


class Origin(msgspec.Struct, frozen=True):
    """Which session's call led to an event, and under which transaction."""

    session: str
    txn: str | None = None


class _Body(msgspec.Struct, frozen=True):
    profile: str
    type: str
    ts: datetime
    origin: Origin | None
    data: msgspec.Raw


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """A committed event with its number; ``tail`` is its encoding without ``prev``."""

    seq: int
    profile: str
    type: str
    scope: str
    tail: bytes

    @classmethod
    def of(
        cls,
        seq: int,
        profile: str,
        event: Event,
        ts: datetime,
        origin: Origin | None,
        data: bytes,
    ) -> LoggedEvent:
        """Encode an event for all its receivers.

        :param data: the JSON of its object
        """
        return cls.encode(seq, profile, (event.type, event.scope), ts, origin, data)

    @classmethod
    def encode(
        cls,
        seq: int,
        profile: str,
        kind: tuple[str, str],
        ts: datetime,
        origin: Origin | None,
        data: bytes,
    ) -> LoggedEvent:
        """Encode an event that is read again from the log.

        :param kind: its type and scope
        :param data: the JSON of the object after the change
        """
        name, scope = kind
        tail = b'"seq":%d,%b%b}}\n' % (seq, _before_data(profile, name, ts, origin), data)
        return cls(seq, profile, name, scope, tail)

    def line(self, prev: int) -> bytes:
        """Return the line for a receiver whose last event had the number ``prev``."""
        return _HEAD % prev + self.tail


@lru_cache(maxsize=64)
def _before_data(profile: str, name: str, ts: datetime, origin: Origin | None) -> bytes:
    """Return what stands between an event's number and its data; many events have it in common."""
    body = _Body(profile, name, ts, origin, msgspec.Raw(b"0"))
    return _encoder.encode(body)[1:].removesuffix(b"0}")


class VolatileEvent(msgspec.Struct, frozen=True, gc=False):
    """An event without number (presence, progress): not kept, and dropped first."""

    profile: str
    type: str
    scope: str
    key: str
    line: bytes

    @classmethod
    def encode(cls, profile: str, event: Event, ts: datetime) -> VolatileEvent:
        """Encode an event for all its receivers."""
        data = msgspec.Raw(_encoder.encode(getattr(event, "data", None)))
        body = _Body(profile, event.type, ts, None, data)
        line = _VOLATILE_HEAD + _encoder.encode(body)[1:] + b"}\n"
        return cls(profile, event.type, event.scope, event.key, line)


def resync_line(epoch: str, oldest: int) -> bytes:
    """Return the line that tells a frontend to attach anew: events are gone that it wasn't told."""
    told = {"epoch": epoch, "oldest": oldest}
    return _encoder.encode({"jsonrpc": "2.0", "method": "resync", "params": told}) + b"\n"


class Watcher(Protocol):
    """An attached session, as the log sees it."""

    session: str

    @property
    def told(self) -> int:
        """The number of the last event that it was told of."""

    def shows(self, profile: str) -> bool:
        """Tell whether it wants to know of a profile."""

    def wake(self) -> None:
        """Send what the log holds by now, as far as the frontend keeps up."""


class EventLog(Protocol):
    """What a session needs of the journal.

    ``epoch`` names this history of numbers: another epoch, other numbers. ``followers`` are those
    who are told of all that is new at once.
    """

    followers: Followers

    @property
    def epoch(self) -> str:
        """The name of this history of numbers."""

    @property
    def head(self) -> int:
        """The number of the last event told to sessions."""

    @property
    def oldest(self) -> int:
        """The number of the first event that is still kept."""

    def recent(self, after: int) -> Sequence[LoggedEvent] | None:
        """Return the next events after a number from memory, or None if they don't reach so far."""

    def lines(self, after: int) -> tuple[bytes, int] | None:
        """Return the next lines after a number, from memory, and the number of the last of them.

        They are those of a receiver who wants to be told of every event. None if memory does not
        reach back so far.
        """

    def read(self, after: int, limit: int) -> Awaitable[Sequence[LoggedEvent]]:
        """Read at most ``limit`` events after a number from the database, in order."""

    def snapshot(
        self, scopes: frozenset[str] | None, profiles: frozenset[str] | None
    ) -> Awaitable[tuple[int, bytes]]:
        """Return the state as JSON, and the number of the last event that it includes."""

    def volatile(self) -> Iterable[VolatileEvent]:
        """Iterate over what is not in the log, each value as it is when its turn comes.

        Who reads slowly may take long over it.
        """

    def attached(self, watcher: Watcher) -> None:
        """Take note of a session that begins to be told of events."""

    def detached(self, watcher: Watcher) -> None:
        """Take note of one that is told no more."""

    def cursor(self, name: str) -> Awaitable[int | None]:
        """Return where a named cursor stands."""

    def set_cursor(self, name: str, seq: int) -> Awaitable[None]:
        """Let a named cursor stand at a number."""
