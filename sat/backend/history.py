"""Messages as rows: reading them, and changing them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, func, select, update

from sat.backend import schema
from sat.backend.schema import Prepared
from sat.backend.store import Reader, Row
from sat.backend.transaction import Transaction
from sat.bridge.events import MessageChanged
from sat.bridge.model import Attachment, Direction, Message, MessageState, MessageType

_message = schema.message
_conversation = schema.conversation
_profile = schema.profile


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """What few messages have, kept as JSON in one column."""

    attachments: tuple[Attachment, ...] = ()
    error: str | None = None
    delayed: bool = False
    maybe_duplicate: bool = False
    #: how many streams ended in an error while the message was in flight
    attempts: int = 0
    #: whether its author wants to know when it is looked at (XEP-0333)
    markable: bool = False


NO_EXTRA = Extra()


FIND_CONVERSATION = Prepared(
    select(
        _conversation.c.id,
        _conversation.c.last_id,
        _conversation.c.read_id,
        _conversation.c.unread,
        _conversation.c.walked_id,
    ).where(
        _conversation.c.profile_id == bindparam("profile_id"),
        _conversation.c.peer == bindparam("peer"),
    )
)
_SET_STATE = Prepared(
    update(_message)
    .where(_message.c.id == bindparam("key"))
    .values(
        state=bindparam("state"),
        number=bindparam("number"),
        extra=bindparam("extra"),
        archive_id=bindparam("archive_id"),
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
_BY_IDS = Prepared(
    select_messages()
    .where(
        _message.c.id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
    )
    .order_by(_message.c.id.desc())
)
of_conversation = select_messages().where(
    _message.c.conversation_id == bindparam("conversation_id")
)
_NEWEST = Prepared(
    of_conversation.where(_message.c.id < bindparam("before"))
    .order_by(_message.c.id.desc())
    .limit(bindparam("limit"))
)
_FROM = Prepared(
    of_conversation.where(_message.c.id > bindparam("after"), _message.c.id < bindparam("before"))
    .order_by(_message.c.id)
    .limit(bindparam("limit"))
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


def change_message(
    tx: Transaction,
    stored: StoredMessage,
    *,
    state: MessageState,
    number: int | None = None,
    extra: Extra | None = None,
    archive_id: str | None = None,
) -> Message:
    """Change a message's delivery state (and what goes with it), and tell of it.

    What is None stays as it is.
    """
    extra = extra or stored.extra
    archive_id = archive_id or stored.message.archive_id
    changed = msgspec.structs.replace(
        stored.message,
        state=state,
        archive_id=archive_id,
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
        extra=encode_extra(extra),
        archive_id=archive_id,
        rev=tx.rev,
    )
    tx.emit(changed.profile, MessageChanged(changed), message_row=stored.row)
    return changed


def advance_message(
    tx: Transaction, known: Message, known_number: int | None, state: MessageState, number: int
) -> Message | None:
    """Change the delivery state of a message that is still as we know it, and tell of it.

    :param known_number: the number of the stanza that carries it as far as we know
    :returns: None, and nothing is changed, if it is not as we know it
    """
    row = row_of(known.id)
    as_known = (known.rev, known.state._value_, known_number)
    if not tx.advance((state._value_, number, tx.rev, row, *as_known)):
        return None
    advanced = msgspec.structs.replace(known, state=state, rev=tx.rev)
    tx.emit(advanced.profile, MessageChanged(advanced), message_row=row)
    return advanced


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
        ts=when(row[_AT["ts"]]),
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


def newest_of(reader: Reader, rows: Iterable[int], limit: int) -> list[Message]:
    """Return the newest messages of rows, newest first."""
    newest = sorted(rows, reverse=True)[:limit]
    found = reader.all(_BY_IDS, ids=msgspec.json.encode(newest).decode())
    return [stored_from_row(row).message for row in found]


def page(
    reader: Reader, profile_id: int, peer: str, limit: int, before: int = NO_END
) -> list[Message]:
    """Return the last ``limit`` messages of a conversation before a row, oldest first."""
    conversation = reader.first(FIND_CONVERSATION, profile_id=profile_id, peer=peer)
    if conversation is None:
        return []
    rows = reader.all(_NEWEST, conversation_id=conversation[0], before=before, limit=limit)
    return [stored_from_row(row).message for row in reversed(rows)]


def page_from(
    reader: Reader, profile_id: int, peer: str, limit: int, after: int, before: int = NO_END
) -> list[Message]:
    """Return the first ``limit`` messages of a conversation after a row, oldest first."""
    conversation = reader.first(FIND_CONVERSATION, profile_id=profile_id, peer=peer)
    if conversation is None:
        return []
    rows = reader.all(
        _FROM, conversation_id=conversation[0], after=after, before=before, limit=limit
    )
    return [stored_from_row(row).message for row in rows]


def row_at(time: datetime) -> int:
    """Return the row id that those of messages from before this time are below."""
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    milliseconds = int(aware.timestamp() * 1000)
    return min(max(milliseconds, 0) << schema.ORDER_BITS, NO_END)


def encode_extra(extra: Extra) -> str | None:
    """Write what few messages have as its column holds it."""
    return None if extra is NO_EXTRA or extra == NO_EXTRA else msgspec.json.encode(extra).decode()


def when(milliseconds: int) -> datetime:
    """Return the time that a column holds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
