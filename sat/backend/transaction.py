"""What a change may do within the writer's transaction.

A group of changes shares one transaction (:mod:`sat.backend.journal`). What most of them do, adding
a message and telling of it, is put off and written at once for all: a statement for each would cost
more than SQLite's work on it. A statement that reads or changes those tables has what was put off
written before, so that nobody sees less than what was done.

Putting off foresees that every row is new, or as it is known. Where that fails the group is undone
and done again with care: row by row, each looked at.
"""

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
from sat.bridge.model import Direction

_ADD_EVENTS = Prepared(insert(schema.event)).by_position()
_ADD_MESSAGES = Prepared(insert(schema.message)).by_position()
_KEEP_STANDINGS = "UPDATE conversation SET last_id = ?, unread = ?, rev = ? WHERE id = ?"
#: What is as it was when read needs no reading again. Each change gives a new ``rev``, but for
#: the forgetting of a session's numbers.
_ADVANCE = (
    "UPDATE message SET state = ?, number = ?, rev = ?"
    " WHERE id = ? AND rev = ? AND state = ? AND number IS ?"
)
_FIRST_UNNAMED = Prepared(
    "SELECT id FROM message WHERE conversation_id = :conversation_id AND direction = :direction"
    " AND archive_id IS NULL AND id >= :low ORDER BY id LIMIT 1"
)
#: Above the row of every message.
_NO_ROW = 2**63

#: So many events are held before they are written: a roster has thousands.
_MANY = 500


class Unforeseen(Exception):
    """What was put off can't be written as it was foreseen: the group is done again with care."""


class Standing:
    """A conversation as a group of changes leaves it."""

    __slots__ = ("changed", "id", "last_id", "read_id", "rev", "unread", "walked_id")

    def __init__(self, row: Row) -> None:
        self.id, self.last_id, self.read_id, self.unread, self.walked_id = row
        self.rev = 0
        self.changed = False


class Transaction:
    """What a change may do: read, write rows, emit events. It lives in the writer's thread.

    ``now`` is the time of the commit, in milliseconds since 1970.

    :param seq: the number of the last event so far
    :param careful: put nothing off but events
    """

    def __init__(
        self, connection: sqlite3.Connection, seq: int, now: int, *, careful: bool = True
    ) -> None:
        self._connection = connection
        self.seq = seq
        self.now = now
        self.careful = careful
        self.origin: Origin | None = None
        self.events: list[tuple[Event, LoggedEvent]] = []
        self._ts = _time(now)
        self._last: dict[str, tuple[Prepared, dict[str, object]]] = {}
        self._log: list[Row] = []
        self._messages: list[Row] = []
        self._advances: list[Row] = []
        self._standings: dict[tuple[int, str], Standing] = {}
        #: Conversations with messages put off that no archive has named.
        self._unnamed: set[int] = set()
        #: Between which rows of the database all messages of a conversation are named.
        self._all_named: dict[tuple[int, Direction], tuple[int, int]] = {}
        self._places: dict[int, int] = {}

    @property
    def rev(self) -> int:
        """The number that the next event gets: what the object it tells of has as ``rev``."""
        return self.seq + 1

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, on which all that was put off is written."""
        self._write_log()
        self._write_rows()
        return self._connection

    def run(self, statement: Prepared, **values: object) -> sqlite3.Cursor:
        """Run a statement."""
        if self._log and statement.of_log:
            self._write_log()
        if statement.of_history and (self._standings or self._messages or self._advances):
            self._write_rows()
        return self._connection.execute(statement.text, values)

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
        self.seq += 1
        origin = self.origin
        told: object = getattr(event, "data", None)
        data = encode_result(told)
        logged = LoggedEvent.of(self.seq, profile, event, self._ts, origin, data)
        session, txn = (origin.session, origin.txn) if origin is not None else (None, None)
        kept = data if message_row is None else None
        self._log.append(
            (self.seq, profile, event.type, event.scope, self.now, session, txn, message_row, kept)
        )
        self.events.append((event, logged))
        if len(self._log) >= _MANY:
            self._write_log()

    # ---- what is put off

    def stored(self, statement: Prepared, **values: object) -> Row | None:
        """Return the first row of a statement, or None; what was put off is not seen."""
        row = self._connection.execute(statement.text, values).fetchone()
        return cast("Row | None", row)

    def standing(self, profile_id: int, peer: str) -> Standing | None:
        """Return what this group knows of a conversation; None if nobody has looked at it yet."""
        return self._standings.get((profile_id, peer))

    def stands(self, profile_id: int, peer: str, row: Row) -> Standing:
        """Keep in mind how a conversation stands, as read from the database."""
        standing = self._standings[profile_id, peer] = Standing(row)
        return standing

    def changing(self, profile_id: int, peer: str, standing: Standing) -> Standing:
        """Return a conversation's standing, what is changed of which is written with the group."""
        standing.changed = True
        self._standings[profile_id, peer] = standing
        return standing

    def place(self, time: int, last: int | None) -> int:
        """Return the row id for a message of a moment, behind all that are of it.

        :param time: in milliseconds since 1970
        :param last: the row of the last message of that moment in the database
        """
        last = max(self._places.get(time, 0), last or 0)
        place = last + 1 if last else time << schema.ORDER_BITS
        self._places[time] = place
        return place

    def knows_place(self, time: int) -> bool:
        """Tell whether this group has given out places of a moment already."""
        return time in self._places

    @property
    def is_advancing(self) -> bool:
        """Whether changes of messages in the database were put off."""
        return bool(self._advances)

    def unnamed(self, conversation_id: int) -> bool:
        """Tell whether messages of a conversation were put off that no archive has named."""
        return conversation_id in self._unnamed

    def are_named(self, conversation_id: int, direction: Direction, low: int, high: int) -> bool:
        """Tell whether an archive has named all messages between two rows.

        False where it would take as long to find out for sure.
        """
        if self.careful or conversation_id in self._unnamed:
            return False
        key = conversation_id, direction
        first, last = self._all_named.get(key, (0, 0))
        if not first <= low < last:
            row = self.stored(
                _FIRST_UNNAMED,
                conversation_id=conversation_id,
                direction=direction._value_,
                low=low,
            )
            last = row[0] if row is not None else _NO_ROW
            self._all_named[key] = low, last
        return high <= last

    def add_message(self, row: Row, conversation_id: int, archive_id: str | None) -> None:
        """Add a message, which is new."""
        self._messages.append(row)
        if archive_id is None:
            self._unnamed.add(conversation_id)

    def advance(self, row: Row) -> bool:
        """Change a message's state, number and rev, if it is as it is known.

        :param row: the new ones, its id, and its rev, state and number as known
        :return: whether it is; while put off, that is foreseen
        """
        if self.careful:
            self._write_rows()
            return self._connection.execute(_ADVANCE, row).rowcount > 0
        self._advances.append(row)
        return True

    def finish(self) -> int:
        """Write all that was put off; return the number of the last event.

        :raises Unforeseen: if the group has to be done again with care
        """
        self._write_rows()
        for statement, values in self._last.values():
            self._connection.execute(statement.text, values)
        self._write_log()
        return self.seq

    def _write_log(self) -> None:
        rows, self._log = self._log, []
        if rows:
            self._connection.executemany(_ADD_EVENTS, rows)

    def _write_rows(self) -> None:
        messages, self._messages = self._messages, []
        advances, self._advances = self._advances, []
        standings, self._standings = self._standings, {}
        self._unnamed.clear()
        self._all_named.clear()
        if messages:
            try:
                self._connection.executemany(_ADD_MESSAGES, messages)
            except sqlite3.IntegrityError as error:
                raise Unforeseen("a message is there already") from error
        if advances:
            changed = self._connection.executemany(_ADVANCE, advances).rowcount
            if changed != len(advances):
                raise Unforeseen("a message is not as it was")
        kept = [
            (one.last_id, one.unread, one.rev, one.id) for one in standings.values() if one.changed
        ]
        if kept:
            self._connection.executemany(_KEEP_STANDINGS, kept)


@lru_cache(maxsize=2)
def _time(milliseconds: int) -> datetime:
    """Return a moment as a datetime; that of a group of commits is the same for all its events."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
