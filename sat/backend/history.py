"""Messages as rows: adding them in order of time, changing them, and reading them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, insert, select, update

from sat.backend import schema
from sat.backend.schema import ORDER_BITS, Prepared
from sat.backend.store import Reader, Row
from sat.backend.transaction import Transaction
from sat.bridge.events import MessageAdded, MessageChanged
from sat.bridge.model import Attachment, Direction, Message, MessageState, MessageType

_message = schema.message
_conversation = schema.conversation
_profile = schema.profile

#: Types of messages that count as unread and stand in a conversation's list.
_COUNTED = (MessageType.CHAT, MessageType.NORMAL, MessageType.GROUPCHAT)


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """What few messages have, kept as JSON in one column."""

    attachments: tuple[Attachment, ...] = ()
    error: str | None = None
    delayed: bool = False
    maybe_duplicate: bool = False
    #: how many streams ended in an error while the message was in flight
    attempts: int = 0


NO_EXTRA = Extra()


@dataclass(slots=True)
class NewMessage:
    """A message to be added; ``ts`` is when it was written, in milliseconds since 1970."""

    profile: str
    profile_id: int
    peer: str
    type: MessageType
    direction: Direction
    sender: str
    recipient: str
    body: str
    state: MessageState
    ts: int
    subject: str | None = None
    thread: str | None = None
    stanza_id: str | None = None
    origin_id: str | None = None
    archive_id: str | None = None
    extra: Extra = NO_EXTRA
    number: int | None = None


_ADD = Prepared(insert(_message).prefix_with("OR IGNORE"))
_LAST_PLACE = Prepared(
    "SELECT id FROM message WHERE id >= :low AND id < :high ORDER BY id DESC LIMIT 1"
)
_FIND_CONVERSATION = Prepared(
    select(_conversation.c.id, _conversation.c.last_id, _conversation.c.unread).where(
        _conversation.c.profile_id == bindparam("profile_id"),
        _conversation.c.peer == bindparam("peer"),
    )
)
_ADD_CONVERSATION = Prepared(
    "INSERT INTO conversation (profile_id, peer, unread, draft, rev)"
    " VALUES (:profile_id, :peer, 0, '', :rev)"
)
_UPDATE_CONVERSATION = Prepared(
    update(_conversation)
    .where(_conversation.c.id == bindparam("key"))
    .values(last_id=bindparam("last_id"), unread=bindparam("unread"), rev=bindparam("rev"))
)
_SET_STATE = Prepared(
    update(_message)
    .where(_message.c.id == bindparam("key"))
    .values(
        state=bindparam("state"),
        number=bindparam("number"),
        extra=bindparam("extra"),
        rev=bindparam("rev"),
    )
)


def select_messages() -> Select[Any]:
    """Start a statement whose rows :func:`message_from_row` reads."""
    return (
        select(*_message.c, _conversation.c.peer, _profile.c.name)
        .join(_conversation, _conversation.c.id == _message.c.conversation_id)
        .join(_profile, _profile.c.id == _message.c.profile_id)
    )


_BY_ID = Prepared(select_messages().where(_message.c.id == bindparam("id")))
_of_conversation = select_messages().where(
    _message.c.conversation_id == bindparam("conversation_id")
)
_NEWEST = Prepared(
    _of_conversation.where(_message.c.id < bindparam("before"))
    .order_by(_message.c.id.desc())
    .limit(bindparam("limit"))
)
_BY_STANZA_ID = Prepared(
    _of_conversation.where(
        _message.c.direction == "out",
        (_message.c.stanza_id == bindparam("stanza_id"))
        | (_message.c.origin_id == bindparam("stanza_id")),
    )
    .order_by(_message.c.id.desc())
    .limit(1)
)
_IN_STATE = Prepared(
    select_messages()
    .where(
        _message.c.profile_id == bindparam("profile_id"),
        _message.c.direction == "out",
        # Both, so that the index of what is unacknowledged is used.
        (_message.c.state == "pending") | (_message.c.state == "sent"),
        _message.c.state == bindparam("state"),
    )
    .order_by(_message.c.id)
)
_FORGET_NUMBERS = Prepared(
    "UPDATE message SET number = NULL"
    " WHERE profile_id = :profile_id AND direction = 'out' AND state = 'sent'"
)
_SENT = Prepared(
    select_messages()
    .where(
        _message.c.profile_id == bindparam("profile_id"),
        _message.c.direction == "out",
        _message.c.state == "sent",
        _message.c.number <= bindparam("number"),
    )
    .order_by(_message.c.number)
)

#: Above every row id: where a page begins that has no "before".
NO_END = 2**63 - 1
_COLUMNS = tuple(column.name for column in _message.c)
_AT = {name: index for index, name in enumerate(_COLUMNS)}
_extra_decoder = msgspec.json.Decoder(Extra)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with what only the daemon needs of its row."""

    row: int
    message: Message
    number: int | None
    extra: Extra


def message_id(row: int) -> str:
    """Write a row id as the message's id on the bridge."""
    return f"{row:x}"


def row_of(id_: str) -> int | None:
    """Return the row id that a message's id names, or None if it can't be one."""
    try:
        row = int(id_, 16)
    except ValueError:
        return None
    return row if 0 < row < NO_END and f"{row:x}" == id_ else None


def add_message(tx: Transaction, new: NewMessage) -> Message | None:
    """Add a message and tell of it; None if it is there already.

    It is there already if its archive id is known, or if its author's origin id is, in its
    conversation (XEP-0359, section 3).
    """
    rev = tx.rev
    conversation = tx.first(_FIND_CONVERSATION, profile_id=new.profile_id, peer=new.peer)
    if conversation is None:
        tx.run(_ADD_CONVERSATION, profile_id=new.profile_id, peer=new.peer, rev=rev)
        conversation = tx.first(_FIND_CONVERSATION, profile_id=new.profile_id, peer=new.peer)
        assert conversation is not None
    conversation_id, last_id, unread = conversation
    row = _place(tx, new, last_id)
    extra = new.extra
    added = tx.run(
        _ADD,
        id=row,
        conversation_id=conversation_id,
        profile_id=new.profile_id,
        type=new.type.value,
        direction=new.direction.value,
        sender=new.sender,
        recipient=new.recipient,
        body=new.body,
        subject=new.subject,
        thread=new.thread,
        ts=new.ts,
        state=new.state.value,
        stanza_id=new.stanza_id,
        origin_id=new.origin_id,
        archive_id=new.archive_id,
        extra=_encode(extra),
        number=new.number,
        rev=rev,
    )
    if added.rowcount == 0:
        return None
    counts = new.direction is Direction.IN and new.type in _COUNTED
    tx.run(
        _UPDATE_CONVERSATION,
        key=conversation_id,
        last_id=max(row, last_id or 0),
        unread=unread + counts,
        rev=rev,
    )
    message = Message(
        id=message_id(row),
        profile=new.profile,
        peer=new.peer,
        type=new.type,
        direction=new.direction,
        from_=new.sender,
        to=new.recipient,
        body=new.body,
        subject=new.subject,
        thread=new.thread,
        ts=_time(new.ts),
        state=new.state,
        stanza_id=new.stanza_id,
        origin_id=new.origin_id,
        archive_id=new.archive_id,
        attachments=extra.attachments,
        error=extra.error,
        delayed=extra.delayed,
        maybe_duplicate=extra.maybe_duplicate,
        rev=rev,
    )
    tx.emit(new.profile, MessageAdded(message), message_row=row)
    return message


def change_message(
    tx: Transaction,
    stored: StoredMessage,
    *,
    state: MessageState,
    number: int | None = None,
    extra: Extra | None = None,
) -> Message:
    """Change a message's delivery state (and what goes with it), and tell of it."""
    extra = extra or stored.extra
    changed = msgspec.structs.replace(
        stored.message,
        state=state,
        attachments=extra.attachments,
        error=extra.error,
        delayed=extra.delayed,
        maybe_duplicate=extra.maybe_duplicate,
        rev=tx.rev,
    )
    tx.run(
        _SET_STATE,
        key=stored.row,
        state=state.value,
        number=stored.number if number is None else number,
        extra=_encode(extra),
        rev=tx.rev,
    )
    tx.emit(changed.profile, MessageChanged(changed), message_row=stored.row)
    return changed


def stored_from_row(row: Row) -> StoredMessage:
    """Read a row of :func:`select_messages`."""
    text = row[_AT["extra"]]
    extra = _extra_decoder.decode(text) if text else NO_EXTRA
    peer, profile = row[len(_COLUMNS) : len(_COLUMNS) + 2]
    message = Message(
        id=message_id(row[_AT["id"]]),
        profile=profile,
        peer=peer,
        type=MessageType(row[_AT["type"]]),
        direction=Direction(row[_AT["direction"]]),
        from_=row[_AT["sender"]],
        to=row[_AT["recipient"]],
        body=row[_AT["body"]],
        subject=row[_AT["subject"]],
        thread=row[_AT["thread"]],
        ts=_time(row[_AT["ts"]]),
        state=MessageState(row[_AT["state"]]),
        stanza_id=row[_AT["stanza_id"]],
        origin_id=row[_AT["origin_id"]],
        archive_id=row[_AT["archive_id"]],
        attachments=extra.attachments,
        error=extra.error,
        delayed=extra.delayed,
        maybe_duplicate=extra.maybe_duplicate,
        rev=row[_AT["rev"]],
    )
    return StoredMessage(row[_AT["id"]], message, row[_AT["number"]], extra)


def find_message(source: Reader | Transaction, row: int) -> StoredMessage | None:
    """Return the message of a row, or None."""
    found = source.first(_BY_ID, id=row)
    return stored_from_row(found) if found else None


def find_sent(tx: Transaction, profile_id: int, peer: str, stanza_id: str) -> StoredMessage | None:
    """Return the message that was sent to ``peer`` with this stanza or origin id, or None."""
    conversation = tx.first(_FIND_CONVERSATION, profile_id=profile_id, peer=peer)
    if conversation is None:
        return None
    found = tx.first(_BY_STANZA_ID, conversation_id=conversation[0], stanza_id=stanza_id)
    return stored_from_row(found) if found else None


def pending_messages(source: Reader | Transaction, profile_id: int) -> list[StoredMessage]:
    """Return the messages that were never written, in order."""
    rows = source.all(_IN_STATE, profile_id=profile_id, state="pending")
    return [stored_from_row(row) for row in rows]


def sent_messages(source: Reader | Transaction, profile_id: int) -> list[StoredMessage]:
    """Return the messages that were written and not acknowledged, in order.

    Those of an earlier session have no number.
    """
    rows = source.all(_IN_STATE, profile_id=profile_id, state="sent")
    return [stored_from_row(row) for row in rows]


def forget_numbers(tx: Transaction, profile_id: int) -> None:
    """Take the numbers from what was sent: they are of a session that is over."""
    tx.run(_FORGET_NUMBERS, profile_id=profile_id)


def sent_up_to(source: Reader | Transaction, profile_id: int, number: int) -> list[StoredMessage]:
    """Return the messages that the present stream carried up to a number (XEP-0198)."""
    rows = source.all(_SENT, profile_id=profile_id, number=number)
    return [stored_from_row(row) for row in rows]


def page(
    reader: Reader, profile_id: int, peer: str, limit: int, before: int = NO_END
) -> list[Message]:
    """Return the last ``limit`` messages of a conversation before a row, oldest first."""
    conversation = reader.first(_FIND_CONVERSATION, profile_id=profile_id, peer=peer)
    if conversation is None:
        return []
    rows = reader.all(_NEWEST, conversation_id=conversation[0], before=before, limit=limit)
    return [stored_from_row(row).message for row in reversed(rows)]


def _place(tx: Transaction, new: NewMessage, last_id: int | None) -> int:
    """Choose the row id: by time, and live messages after all that their conversation holds.

    A clock that was set back must not put an answer before its question. Servers stamp in whole
    seconds: of what was delayed, such a stamp may mean any moment of its second, and what came
    before it stays before it.
    """
    # Ids are above zero, also that of a message which claims to be older than 1970.
    time = max(min(new.ts, tx.now), 1)
    if last_id is not None:
        last_time = last_id >> ORDER_BITS
        if not new.extra.delayed or (new.ts % 1000 == 0 and time < last_time < time + 1000):
            time = max(time, last_time)
    low = time << ORDER_BITS
    last = tx.first(_LAST_PLACE, low=low, high=low + (1 << ORDER_BITS))
    return low if last is None else int(last[0]) + 1


def _encode(extra: Extra) -> str | None:
    return None if extra == NO_EXTRA else msgspec.json.encode(extra).decode()


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
