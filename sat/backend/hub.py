"""All sessions of the daemon, and the log as they see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import bindparam, select

from sat.backend import schema
from sat.backend.attention import Attention
from sat.backend.history import find_message
from sat.backend.journal import Journal
from sat.backend.schema import Prepared
from sat.backend.store import Reader, Row, Store
from sat.bridge.dispatcher import encode_result
from sat.bridge.events import Event
from sat.bridge.followers import Followers
from sat.bridge.log import LoggedEvent, Origin, VolatileEvent, Watcher
from sat.bridge.session import Session

_event = schema.event
_AFTER = Prepared(
    select(
        _event.c.seq,
        _event.c.profile,
        _event.c.type,
        _event.c.scope,
        _event.c.ts,
        _event.c.session,
        _event.c.txn,
        _event.c.message_id,
        _event.c.data,
    )
    .where(_event.c.seq > bindparam("after"))
    .order_by(_event.c.seq)
    .limit(bindparam("limit"))
)
_HEAD = Prepared("SELECT max(seq) FROM event")
#: How many present values are kept for frontends that attach later.
_MAX_VOLATILE = 50_000

#: Reads one scope of the state within a reader's transaction, for all profiles or those named.
Snapshot = Callable[[Reader, "frozenset[str] | None"], Sequence[object]]


class _Value(msgspec.Struct, frozen=True, gc=False):
    """A present value: its line would take three times as much, and is rarely asked for."""

    profile: str
    event: Event
    ts: float

    def encode(self) -> VolatileEvent:
        return VolatileEvent.encode(self.profile, self.event, datetime.fromtimestamp(self.ts, UTC))


class Hub:
    """Tells every session what is committed; the :class:`sat.bridge.log.EventLog` of them all.

    :param now: the time, in seconds since 1970
    """

    def __init__(
        self, journal: Journal, store: Store, now: Callable[[], float] = time.time
    ) -> None:
        self.sessions: set[Session] = set()
        self.attention = Attention()
        self.followers = Followers()
        self._watchers: set[Watcher] = set()
        self._journal = journal
        self._store = store
        self._now = now
        self._scopes: dict[str, Snapshot] = {}
        self._values: dict[str, _Value] = {}
        journal.when_published(self._published)

    @property
    def epoch(self) -> str:
        """The name of this history of numbers."""
        return self._journal.epoch

    @property
    def head(self) -> int:
        """The number of the last event told to sessions."""
        return self._journal.head

    @property
    def oldest(self) -> int:
        """The number of the first event that is still kept."""
        return self._journal.oldest

    def session(self, id_: str) -> Session | None:
        """Return a session that is there by its id."""
        return next((one for one in self.sessions if one.id == id_), None)

    def add_scope(self, name: str, snapshot: Snapshot) -> None:
        """Let a scope be part of the state that a frontend attaches to."""
        self._scopes[name] = snapshot

    def tell(self, profile: str, event: Event, *, keep: bool = True) -> None:
        """Tell every session of a volatile event.

        :param keep: whether it is a present value, told to those that attach later
        """
        value = _Value(profile, event, self._now())
        key = event.key
        if keep and len(self._values) < _MAX_VOLATILE:
            self._values[key] = value
        else:
            self._values.pop(key, None)
        if self._watchers:
            encoded = value.encode()
            for session in list(self.sessions):
                session.volatile(encoded)

    def drop(self, holder: str) -> None:
        """End the sessions of whoever holds a token."""
        for session in [one for one in self.sessions if one.grant and one.grant.holder == holder]:
            session.drop()

    def forget(self, profile: str) -> None:
        """Forget the volatile values of a profile."""
        for key in [key for key, value in self._values.items() if value.profile == profile]:
            del self._values[key]

    # ---- EventLog

    def recent(self, after: int) -> Sequence[LoggedEvent] | None:
        """Return the next events after a number from memory, or None if they don't reach so far."""
        return self._journal.recent(after)

    def lines(self, after: int) -> tuple[bytes, int] | None:
        """Return the next lines after a number, and the number of the last of them, or None."""
        return self._journal.lines(after)

    async def read(self, after: int, limit: int) -> Sequence[LoggedEvent]:
        """Read at most ``limit`` events after a number from the database, in order."""
        return await self._store.read(lambda reader: _read(reader, after, limit))

    async def snapshot(
        self, scopes: frozenset[str] | None, profiles: frozenset[str] | None
    ) -> tuple[int, bytes]:
        """Return the state as JSON, and the number of the last event that it includes."""
        wanted = {
            name: take for name, take in self._scopes.items() if scopes is None or name in scopes
        }

        def work(reader: Reader) -> tuple[int, bytes]:
            row = reader.first(_HEAD)
            state = {name: take(reader, profiles) for name, take in wanted.items()}
            return (row[0] if row and row[0] else 0), encode_result(state)

        return await self._store.read(work)

    def volatile(self) -> Iterator[VolatileEvent]:
        """Iterate over what is not in the log: each value as it is when its turn comes."""
        for key in list(self._values):
            value = self._values.get(key)
            if value is not None:
                yield value.encode()

    def attached(self, watcher: Watcher) -> None:
        """Take note of a session that begins to be told of events."""
        self._watchers.add(watcher)
        self.attention.attached(watcher)

    def detached(self, watcher: Watcher) -> None:
        """Take note of one that is told no more."""
        self._watchers.discard(watcher)
        self.attention.detached(watcher)

    async def cursor(self, name: str) -> int | None:
        """Return where a named cursor stands."""
        return await self._journal.cursor(name)

    async def set_cursor(self, name: str, seq: int) -> None:
        """Let a named cursor stand at a number."""
        await self._journal.set_cursor(name, seq)

    def _published(self) -> None:
        behind = self.head
        together = self.followers.tell(behind, self.lines)
        followed = self.followers.members if together else frozenset()
        alone = self._watchers.difference(followed) if len(followed) < len(self._watchers) else ()
        for watcher in alone:
            watcher.wake()
            behind = min(behind, watcher.told)
        self._journal.told(behind)


def _read(reader: Reader, after: int, limit: int) -> list[LoggedEvent]:
    return [_from_row(reader, row) for row in reader.all(_AFTER, after=after, limit=limit)]


def _from_row(reader: Reader, row: Row) -> LoggedEvent:
    """Read an event; a message's is told as the message is now, which its ``rev`` shows."""
    seq, profile, type_, scope, ts, session, txn, message_row, data = row
    if message_row is not None:
        stored = find_message(reader, message_row)
        data = encode_result(stored.message) if stored else b"null"
    return LoggedEvent.encode(
        seq,
        profile,
        (type_, scope),
        datetime.fromtimestamp(ts / 1000, UTC),
        Origin(session, txn) if session else None,
        data,
    )
