"""A room's messages as rows: each once, whatever the room sends again, and ours known as ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import bindparam, func, or_, select, text

from sat.backend import schema
from sat.backend.adding import NewMessage, add_message
from sat.backend.delivery import pending_messages
from sat.backend.history import (
    FIND_CONVERSATION,
    StoredMessage,
    change_message,
    select_messages,
    stored_from_row,
)
from sat.backend.schema import ORDER_BITS, Prepared
from sat.backend.store import Reader, Row
from sat.backend.transaction import Transaction
from sat.bridge.model import Direction, Message, MessageState

_message = schema.message
# Written out, not bound: only so does the database see that the index for rooms is of use.
_groupchat = text("message.type = 'groupchat'")
_of_room = select_messages().where(
    _message.c.profile_id == bindparam("profile_id"),
    schema.conversation.c.profile_id == bindparam("profile_id"),
    schema.conversation.c.peer == bindparam("peer"),
)
_BY_ARCHIVE_ID = Prepared(
    _of_room.where(_message.c.archive_id == bindparam("archive_id"), _groupchat).limit(1)
)
_BY_ID = Prepared(
    select_messages()
    .where(
        # Without being told, the database would read the whole conversation.
        text(
            "message.id IN (SELECT id FROM message INDEXED BY message_of_room"
            " WHERE type = 'groupchat' AND stanza_id IN (:stanza_id, :origin_id)"
            " AND conversation_id = (SELECT id FROM conversation"
            " WHERE profile_id = :profile_id AND peer = :peer) ORDER BY id DESC LIMIT 20)"
        )
    )
    .order_by(_message.c.id.desc())
)
_near = (
    _groupchat,
    _message.c.id >= bindparam("low"),
    _message.c.id < bindparam("high"),
    _message.c.sender == bindparam("sender"),
    _message.c.body == bindparam("body"),
)
_BY_TIME = Prepared(_of_room.where(*_near, func.coalesce(_message.c.stanza_id, "") == "").limit(1))
_UNREFLECTED = Prepared(
    _of_room.where(
        _message.c.direction == "out",
        _message.c.state == "sent",
        _groupchat,
        _message.c.body == bindparam("body"),
    )
    .order_by(_message.c.id)
    .limit(1)
)
_LAST_HEARD = Prepared(
    select(_message.c.id)
    .join(schema.conversation, schema.conversation.c.id == _message.c.conversation_id)
    .where(
        schema.conversation.c.profile_id == bindparam("profile_id"),
        schema.conversation.c.peer == bindparam("peer"),
        or_(_message.c.direction == "in", _message.c.state == "acknowledged"),
    )
    .order_by(_message.c.id.desc())
    .limit(1)
)
#: An id that comes again from the same occupant, with the same words, within so many ms is the
#: same message: programs that count from 1 do so after a restart as well.
_SAME_ID_WITHIN = 3_600_000
#: Without any id: as far as two clocks may differ.
_SAME_WORDS_WITHIN = 60_000


@dataclass(frozen=True, slots=True)
class Author:
    """What is known of who wrote a room's message.

    :param ours: whether it was the person; None if only what we know of our own can tell
    """

    ours: bool | None


def add_room_message(tx: Transaction, new: NewMessage, author: Author) -> Message | None:
    """Add a message that a room sent, and tell of it; None if it is there already.

    It is there already if the room's id of it is known; else if the same occupant said it under
    the same id. A reflection of ours makes ours acknowledged, and is no other message.
    """
    if new.archive_id is not None:
        row = _by_archive_id(tx, new)
        if row is not None:
            _pass(tx, new, stored_from_row(row))
            return None
    same = _by_id(tx, new)
    if author.ours is not False:
        mine = next((one for one in same if _is_mine(one, new, author)), None)
        if mine is None and author.ours and new.archived is None:
            row = tx.first(_UNREFLECTED, body=new.body, **_room(new))
            mine = stored_from_row(row) if row is not None else None
        if mine is not None:
            _reflected(tx, mine, new.archive_id)
            _pass(tx, new, mine)
            return None
    if author.ours:
        # Said by another program of the person, which is in the room under the same nick.
        new.direction, new.state = Direction.OUT, MessageState.ACKNOWLEDGED
    said = next((one for one in same if _is_same(one, new, author)), None)
    known = said or _without_id(tx, new)
    if known is not None and (new.archive_id is None or known.message.archive_id is None):
        if new.archive_id is not None:
            change_message(tx, known, state=known.message.state, archive_id=new.archive_id)
        _pass(tx, new, known)
        return None
    return add_message(tx, new)


def last_heard(reader: Reader, profile_id: int, room: str) -> datetime | None:
    """Return when the newest message came that the room surely had; None if there is none."""
    row = reader.first(_LAST_HEARD, profile_id=profile_id, peer=room)
    return datetime.fromtimestamp((row[0] >> ORDER_BITS) / 1000, UTC) if row else None


def held_back(source: Reader | Transaction, profile_id: int, room: str) -> list[StoredMessage]:
    """Return what waits to be written to a room or its occupants, in order."""
    return [
        stored
        for stored in pending_messages(source, profile_id)
        if stored.message.to.partition("/")[0] == room
    ]


def fail(tx: Transaction, stored: StoredMessage, sentence: str) -> None:
    """Give up a message that no room takes any more."""
    extra = msgspec.structs.replace(stored.extra, error=sentence)
    change_message(tx, stored, state=MessageState.FAILED, extra=extra)


def _room(new: NewMessage) -> dict[str, object]:
    return {"profile_id": new.profile_id, "peer": new.peer}


def _pass(tx: Transaction, new: NewMessage, known: StoredMessage) -> None:
    """Let what follows in the archive follow a message that is there already."""
    conversation = tx.first(FIND_CONVERSATION, profile_id=new.profile_id, peer=new.peer)
    if new.archived is not None and conversation is not None:
        new.archived.reached(conversation[0], conversation[4])
        new.archived.passed(conversation[0], known.row)


def _by_archive_id(tx: Transaction, new: NewMessage) -> Row | None:
    return tx.first(_BY_ARCHIVE_ID, archive_id=new.archive_id, **_room(new))


def _by_id(tx: Transaction, new: NewMessage) -> list[StoredMessage]:
    if new.stanza_id is None and new.origin_id is None:
        return []
    ids = {"stanza_id": new.stanza_id or new.origin_id, "origin_id": new.origin_id or ""}
    return [stored_from_row(row) for row in tx.all(_BY_ID, **ids, **_room(new))]


def _is_mine(stored: StoredMessage, new: NewMessage, author: Author) -> bool:
    """Tell whether a message of ours is what the room has sent back.

    Where nothing else tells, our nick at that time has to be its author's: anyone in the room has
    read the ids of what we said, and may use them.
    """
    message = stored.message
    if message.direction is not Direction.OUT:
        return False
    return bool(author.ours) or message.from_ == new.sender


def _is_same(stored: StoredMessage, new: NewMessage, author: Author) -> bool:
    message = stored.message
    if message.from_ != new.sender:
        return False
    if author.ours is False and message.direction is Direction.OUT:
        return False  # whoever has taken a nick that we had
    if new.origin_id is not None and message.origin_id == new.origin_id:
        return True
    apart = abs(new.ts - int(message.ts.timestamp() * 1000))
    return (
        message.stanza_id == new.stanza_id and message.body == new.body and apart < _SAME_ID_WITHIN
    )


def _without_id(tx: Transaction, new: NewMessage) -> StoredMessage | None:
    """Find what a room without ids says again of the time before we joined."""
    if new.stanza_id or new.origin_id or new.archive_id or not new.extra.delayed:
        return None
    row = tx.first(
        _BY_TIME,
        low=max(new.ts - _SAME_WORDS_WITHIN, 0) << ORDER_BITS,
        high=max(new.ts + _SAME_WORDS_WITHIN, 0) << ORDER_BITS,
        sender=new.sender,
        body=new.body,
        **_room(new),
    )
    return stored_from_row(row) if row is not None else None


def _reflected(tx: Transaction, stored: StoredMessage, archive_id: str | None) -> None:
    """Note that the room has a message of ours."""
    extra, state = stored.extra, stored.message.state
    named = archive_id is not None and stored.message.archive_id is None
    if state is MessageState.ACKNOWLEDGED and not named:
        return
    if state is MessageState.PENDING:
        # It had come there before the stream was cut, and is not sent again.
        extra = msgspec.structs.replace(extra, maybe_duplicate=False)
    change_message(
        tx,
        stored,
        state=MessageState.ACKNOWLEDGED,
        extra=extra,
        archive_id=archive_id if named else None,
    )
