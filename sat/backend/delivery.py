"""Messages on their way: finding those that the server, or the peer, may not have yet."""

from __future__ import annotations

import msgspec
from sqlalchemy import Text, bindparam, select, text

from sat.backend import schema
from sat.backend.adding import BY_ORIGIN_ID
from sat.backend.history import (
    FIND_CONVERSATION,
    StoredMessage,
    advance_message,
    change_message,
    find_message,
    of_conversation,
    row_of,
    select_messages,
    stored_from_row,
)
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.backend.transaction import Transaction
from sat.bridge.model import Message, MessageState, MessageType

#: A message in flight at so many stream errors is given up, and the queue moves on.
_MAX_ATTEMPTS = 3
_message = schema.message

#: Among so many of the last messages of a conversation one is looked for that its author, another
#: program of the account, gave no origin id: a peer may tell of any that never was.
_LOOKED_THROUGH = 5000
_last = (
    select(_message.c.id, _message.c.direction, _message.c.stanza_id)
    .where(_message.c.conversation_id == bindparam("conversation_id"))
    .order_by(_message.c.id.desc())
    .limit(_LOOKED_THROUGH)
    .subquery()
)
_BY_STANZA_ID = Prepared(
    select_messages().where(
        _message.c.id
        == select(_last.c.id)
        .where(_last.c.direction == "out", _last.c.stanza_id == bindparam("stanza_id"))
        .limit(1)
        .scalar_subquery()
    )
)
_IN_STATE = Prepared(
    select_messages()
    .where(
        _message.c.profile_id == bindparam("profile_id"),
        # As the index of what is unacknowledged has it, or the whole history is read.
        _message.c.direction == "out",
        text("message.state IN ('pending', 'sent')"),
        _message.c.state.is_not_distinct_from(bindparam("state", type_=Text)),
    )
    .order_by(_message.c.id)
)
#: So many messages are displayed with a later one, at most.
_MARKED = 200
_NOT_DISPLAYED = Prepared(
    of_conversation.where(
        _message.c.direction == "out",
        _message.c.id < bindparam("before"),
        (_message.c.state == "sent")
        | (_message.c.state == "acknowledged")
        | (_message.c.state == "received"),
    )
    .order_by(_message.c.id.desc())
    .limit(bindparam("limit"))
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


def find_sent(tx: Transaction, profile_id: int, peer: str, stanza_id: str) -> StoredMessage | None:
    """Return the message that was sent to ``peer`` with this stanza or origin id, or None."""
    conversation = tx.first(FIND_CONVERSATION, profile_id=profile_id, peer=peer)
    if conversation is None:
        return None
    key = conversation[0]
    found = tx.first(BY_ORIGIN_ID, conversation_id=key, origin_id=stanza_id, direction="out")
    found = found or tx.first(_BY_STANZA_ID, conversation_id=key, stanza_id=stanza_id)
    return stored_from_row(found) if found else None


def not_displayed(tx: Transaction, profile_id: int, stored: StoredMessage) -> list[StoredMessage]:
    """Return the last messages sent in a conversation before one, of which it isn't known."""
    conversation = tx.first(FIND_CONVERSATION, profile_id=profile_id, peer=stored.message.peer)
    if conversation is None:
        return []
    rows = tx.all(_NOT_DISPLAYED, conversation_id=conversation[0], before=stored.row, limit=_MARKED)
    return [stored_from_row(row) for row in rows]


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


def number_message(tx: Transaction, message: Message, row: int, number: int) -> Message | None:
    """Note the number of the stanza that is to carry a message; None if it isn't pending."""
    if message.state is MessageState.PENDING:
        sent = advance_message(tx, message, None, MessageState.SENT, number)
        if sent is not None:
            return sent
    present = find_message(tx, row)
    if present is None or present.message.state is not MessageState.PENDING:
        return None
    return change_message(tx, present, state=MessageState.SENT, number=number)


def came_back(tx: Transaction, profile_id: int, peer: str, stanza_id: str, reason: str) -> None:
    """Note that a message came back, unless it was displayed meanwhile."""
    stored = find_sent(tx, profile_id, peer, stanza_id)
    if stored is not None and stored.message.state is not MessageState.DISPLAYED:
        extra = msgspec.structs.replace(
            stored.extra, error=f"{peer} could not be reached: {reason}"
        )
        change_message(tx, stored, state=MessageState.FAILED, extra=extra)


def give_up(tx: Transaction, sent: Message, number: int) -> None:
    """Note that a message with a number can't be written."""
    stored = find_message(tx, row_of(sent.id) or 0)
    if stored is not None and stored.number == number:
        extra = msgspec.structs.replace(
            stored.extra, error="a fault of the daemon kept it from being written"
        )
        change_message(tx, stored, state=MessageState.FAILED, extra=extra)


def acknowledge(tx: Transaction, stored: StoredMessage) -> None:
    """Note that our server has a message; of a room's, only what the room sends back says so."""
    if stored.message.type is not MessageType.GROUPCHAT:
        change_message(tx, stored, state=MessageState.ACKNOWLEDGED)


def count_attempt(tx: Transaction, stored: StoredMessage) -> None:
    """Note that a stream ended in an error while a message was in flight; give up a third time."""
    extra = msgspec.structs.replace(stored.extra, attempts=stored.extra.attempts + 1)
    state = MessageState.SENT
    if extra.attempts >= _MAX_ATTEMPTS:
        why = "the server closed the stream each time this message was sent"
        extra = msgspec.structs.replace(extra, error=why)
        state = MessageState.FAILED
    change_message(tx, stored, state=state, extra=extra)
