"""What a change may do within the writer's transaction."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

from sqlalchemy import insert

from sat.backend import schema
from sat.backend.schema import Prepared
from sat.backend.store import Row
from sat.bridge.dispatcher import encode_result
from sat.bridge.events import Event
from sat.bridge.log import LoggedEvent, Origin

_ADD_EVENT = Prepared(insert(schema.event))

Last = tuple[Prepared, dict[str, object]]


class Transaction:
    """What a change may do: read, write rows, emit events. It lives in the writer's thread.

    ``now`` is the time of the commit, in milliseconds since 1970.
    """

    def __init__(
        self, connection: sqlite3.Connection, seq: int, now: int, last: dict[str, Last]
    ) -> None:
        self.connection = connection
        self._seq = seq
        self._last = last
        self.now = now
        self.origin: Origin | None = None
        self.events: list[tuple[Event, LoggedEvent]] = []

    @property
    def rev(self) -> int:
        """The number that the next event gets: what the object it tells of has as ``rev``."""
        return self._seq + 1

    def run(self, statement: Prepared, **values: object) -> sqlite3.Cursor:
        """Run a statement."""
        return self.connection.execute(statement.text, statement.values(values))

    def run_last(self, key: str, statement: Prepared, **values: object) -> None:
        """Run a statement at the end of the group of commits, or a later one of the same key."""
        self._last[key] = (statement, values)

    def first(self, statement: Prepared, **values: object) -> Row | None:
        """Return the first row of a statement, or None; earlier changes are seen."""
        return cast("Row | None", self.run(statement, **values).fetchone())

    def all(self, statement: Prepared, **values: object) -> list[Row]:
        """Return all rows of a statement; earlier changes are seen."""
        return self.run(statement, **values).fetchall()

    def emit(self, profile: str, event: Event, message_row: int | None = None) -> None:
        """Log an event; its object's ``rev`` is :attr:`rev` as it stood before this call.

        :param message_row: the row of the message that it tells of, in place of the data
        """
        self._seq += 1
        data = encode_result(getattr(event, "data", None))
        ts = _time(self.now)
        origin = self.origin
        self.run(
            _ADD_EVENT,
            seq=self._seq,
            profile=profile,
            type=event.type,
            scope=event.scope,
            ts=self.now,
            session=origin.session if origin else None,
            txn=origin.txn if origin else None,
            message_id=message_row,
            data=None if message_row is not None else data,
        )
        logged = LoggedEvent.encode(self._seq, profile, type(event), ts, origin, data)
        self.events.append((event, logged))


@lru_cache(maxsize=2)
def _time(milliseconds: int) -> datetime:
    """Return a moment as a datetime; that of a group of commits is the same for all its events."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
