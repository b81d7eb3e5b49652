"""Messages on their way: finding those that the server, or the peer, may not have yet."""

from __future__ import annotations

from sqlalchemy import bindparam

from sat.backend import schema
from sat.backend.history import (
    FIND_CONVERSATION,
    StoredMessage,
    of_conversation,
    select_messages,
    stored_from_row,
)
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.backend.transaction import Transaction

_message = schema.message

_BY_STANZA_ID = Prepared(
    of_conversation.where(
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
    found = tx.first(_BY_STANZA_ID, conversation_id=conversation[0], stanza_id=stanza_id)
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
