"""Adding messages to the history: each once, in its place.

A message comes by many ways: live, as a copy (XEP-0280), from the archive (XEP-0313), sent again.
It is the same if an archive calls it the same, or its author does (XEP-0359), within one
conversation. Copies that carry no such id are told by what they say and when.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Text, bindparam, insert, text, update

from sat.backend import schema
from sat.backend.conversations import find_conversation
from sat.backend.history import (
    FIND_CONVERSATION,
    NO_EXTRA,
    Extra,
    StoredMessage,
    change_message,
    encode_extra,
    message_id,
    of_conversation,
    stored_from_row,
    when,
)
from sat.backend.schema import ORDER_BITS, Prepared
from sat.backend.store import Row
from sat.backend.transaction import Standing, Transaction
from sat.bridge.events import ConversationChanged, MessageAdded
from sat.bridge.model import Direction, Message, MessageState, MessageType

_message = schema.message
_conversation = schema.conversation

#: Types of messages that count as unread and stand in a conversation's list.
_COUNTED = (MessageType.CHAT, MessageType.NORMAL, MessageType.GROUPCHAT)


_SET_WALKED = Prepared("UPDATE conversation SET walked_id = :row WHERE id = :key")


class Archived:
    """Where in an archive a message stands: one for each walk through it, in its order.

    The archive's order counts for more than its clock, or ours: what follows a message there
    follows it here.

    :param before: in milliseconds since 1970; all of it was there by then
    :param news: whether it is: what lies before the history, and is fetched to look at it, was
        read long ago, and nobody is told
    """

    def __init__(self, before: int, *, news: bool) -> None:
        self.before = before
        self.news = news
        self._last: dict[int, int] = {}

    def reached(self, conversation_id: int, row: int | None) -> None:
        """Note how far earlier walks came in a conversation."""
        if self.news and row is not None:
            self._last.setdefault(conversation_id, row)

    def keep(self, tx: Transaction) -> None:
        """Store how far this walk has come."""
        for conversation_id, row in self._last.items():
            tx.run(_SET_WALKED, key=conversation_id, row=row)

    def behind(self, conversation_id: int) -> int:
        """Return the row of the message before it in the same conversation; 0 for the first."""
        return self._last.get(conversation_id, 0)

    def passed(self, conversation_id: int, row: int) -> None:
        """Note the row of a message; one of ours may have been written long before it was sent."""
        self._last[conversation_id] = max(row, self.behind(conversation_id))


class NewMessage(msgspec.Struct):
    """A message to be added; ``ts`` is when it was written, in milliseconds since 1970.

    ``copied`` tells that another program of the account sent or received it.
    """

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
    copied: bool = False
    #: Where it stands in the archive that it comes from.
    archived: Archived | None = None
    #: The number (XEP-0198) of the stanza that carries it as soon as it is stored.
    number: int | None = None


_ADD = Prepared(insert(_message).prefix_with("OR IGNORE"))
_COLUMNS = tuple(column.name for column in _message.c)
_LAST_PLACE = Prepared(
    "SELECT id FROM message WHERE id >= :low AND id < :high ORDER BY id DESC LIMIT 1"
)
_LAST_BETWEEN = Prepared(
    "SELECT max(id) FROM message"
    " WHERE conversation_id = :conversation_id AND id >= :low AND id < :high"
)
_LAST_SO_FAR = Prepared(
    "SELECT id FROM message WHERE conversation_id = :conversation_id AND direction IS :direction"
    " ORDER BY id DESC LIMIT 1"
)
_ADD_CONVERSATION = Prepared(
    "INSERT INTO conversation (profile_id, peer, unread, draft, rev)"
    " VALUES (:profile_id, :peer, 0, '', :rev)"
)
_READ_ALL = Prepared(
    update(_conversation)
    .where(_conversation.c.id == bindparam("key"))
    .values(read_id=bindparam("read_id"), unread=0, rev=bindparam("rev"))
)
_BY_ARCHIVE_ID = Prepared(
    of_conversation.where(_message.c.archive_id == bindparam("archive_id")).limit(1)
)
#: By the index of these ids alone: without the type SQLite reads the whole conversation.
BY_ORIGIN_ID = Prepared(
    of_conversation.where(
        _message.c.origin_id == bindparam("origin_id"),
        _message.c.direction.is_not_distinct_from(bindparam("direction", type_=Text)),
        text("message.type != 'groupchat'"),
    ).limit(1)
)
_alike = of_conversation.where(
    _message.c.id >= bindparam("low"),
    _message.c.id < bindparam("high"),
    _message.c.direction.is_not_distinct_from(bindparam("direction", type_=Text)),
    _message.c.body == bindparam("body"),
    _message.c.stanza_id.is_not_distinct_from(bindparam("stanza_id", type_=Text)),
).order_by(_message.c.id)
_ALIKE_NOT_ARCHIVED = Prepared(
    # Where a walk brings many of one hour, those that have a name by now are all the others.
    _alike.where(_message.c.archive_id.is_(None)).limit(1)
)
_ALIKE_ARCHIVED = Prepared(_alike.where(_message.c.archive_id.is_not(None)).limit(1))

#: How far apart, in milliseconds, the times of two copies may be that carry no common id.
_WINDOW = 600_000


def add_message(tx: Transaction, new: NewMessage) -> Message | None:
    """Add a message and tell of it; None if it is there already."""
    standing = tx.standing(new.profile_id, new.peer)
    if standing is None:
        row = tx.stored(FIND_CONVERSATION, profile_id=new.profile_id, peer=new.peer)
        if row is None:
            tx.run(_ADD_CONVERSATION, profile_id=new.profile_id, peer=new.peer, rev=tx.rev)
            row = tx.stored(FIND_CONVERSATION, profile_id=new.profile_id, peer=new.peer)
            assert row is not None
        standing = tx.stands(new.profile_id, new.peer, row)
    conversation_id = standing.id
    if new.archived is not None:
        new.archived.reached(conversation_id, standing.walked_id)
    same = _find_alike(tx, new, conversation_id)
    if same is None:
        row_id = _place(tx, new, conversation_id, standing.last_id)
        if _insert(tx, new, conversation_id, row_id):
            if new.archived is not None:
                new.archived.passed(conversation_id, row_id)
            return _added(tx, new, standing, row_id)
        same = _find_named(tx, new, conversation_id)
    if same is not None:
        if new.archived is not None:
            new.archived.passed(conversation_id, same.row)
        _merge(tx, same, new)
    return None


def _insert(tx: Transaction, new: NewMessage, conversation_id: int, row: int) -> bool:
    values = (
        row,
        conversation_id,
        new.profile_id,
        new.type._value_,
        new.direction._value_,
        new.sender,
        new.recipient,
        new.body,
        new.subject,
        new.thread,
        new.ts,
        new.state._value_,
        new.stanza_id,
        new.origin_id,
        new.archive_id,
        encode_extra(new.extra),
        new.number,
        tx.rev,
    )
    if not tx.careful:
        tx.add_message(values, conversation_id, new.archive_id)
        return True
    return tx.run(_ADD, **dict(zip(_COLUMNS, values, strict=True))).rowcount > 0


def _added(tx: Transaction, new: NewMessage, standing: Standing, row: int) -> Message:
    """Bring the conversation up to date with a new row, and tell of both."""
    extra = new.extra
    news = new.archived is None or new.archived.news
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
        ts=when(new.ts),
        state=new.state,
        stanza_id=new.stanza_id,
        origin_id=new.origin_id,
        archive_id=new.archive_id,
        attachments=extra.attachments,
        error=extra.error,
        delayed=extra.delayed,
        maybe_duplicate=extra.maybe_duplicate,
        rev=tx.rev,
    )
    last_id, read_id, unread = standing.last_id, standing.read_id, standing.unread
    latest = last_id is None or row > last_id
    counts = (
        news
        and new.direction is Direction.IN
        and new.type in _COUNTED
        and (read_id is None or row > read_id)
    )
    if news or latest:
        # In the careful way, what stood there may have been written and forgotten meanwhile.
        standing = tx.changing(new.profile_id, new.peer, standing)
        standing.last_id = row if latest else last_id
        standing.unread = unread + counts
        standing.rev = tx.rev
    if news:
        tx.emit(new.profile, MessageAdded(message), message_row=row)
    ours = new.number is not None or new.state is MessageState.PENDING
    elsewhere = new.direction is Direction.OUT and not ours
    if elsewhere and latest and unread:
        # Who answers has read what was said before, with whichever program.
        tx.run(_READ_ALL, key=standing.id, read_id=row, rev=tx.rev)
        _tell_conversation(tx, new)
    elif latest and not news:
        _tell_conversation(tx, new)
    return message


def _tell_conversation(tx: Transaction, new: NewMessage) -> None:
    conversation = find_conversation(tx, new.profile_id, new.peer)
    assert conversation is not None
    tx.emit(new.profile, ConversationChanged(conversation))


def _find_named(tx: Transaction, new: NewMessage, conversation_id: int) -> StoredMessage | None:
    """Return the message that has the archive's id, or the author's."""
    if new.type is MessageType.GROUPCHAT:
        return None  # looked for before: in a room, authors are told apart
    found = None
    # One that was put off is not seen, and makes the whole group be done again.
    look = tx.first if tx.is_advancing else tx.stored
    if new.archive_id is not None:
        found = look(_BY_ARCHIVE_ID, conversation_id=conversation_id, archive_id=new.archive_id)
    if found is None and new.origin_id is not None:
        found = look(
            BY_ORIGIN_ID,
            conversation_id=conversation_id,
            origin_id=new.origin_id,
            direction=new.direction.value,
        )
    return stored_from_row(found) if found else None


def _find_alike(tx: Transaction, new: NewMessage, conversation_id: int) -> StoredMessage | None:
    """Return the message of which this is another copy, where one of them has no archive id."""
    if new.type is MessageType.GROUPCHAT:
        return None
    if new.archived is not None:
        statement = _ALIKE_NOT_ARCHIVED
        if new.origin_id is not None:
            return None  # that one has it as well
    elif (
        new.archive_id is None
        and new.stanza_id is not None
        and new.origin_id is None
        and (new.copied or new.extra.delayed)
    ):
        statement = _ALIKE_ARCHIVED
    else:
        return None
    low = max(new.ts - _WINDOW, 0) << ORDER_BITS
    high = (max(new.ts, 0) + _WINDOW) << ORDER_BITS
    if new.archived is not None and tx.are_named(conversation_id, new.direction, low, high):
        return None
    # Those put off are all named by an archive, unless we know better.
    seen = statement is _ALIKE_NOT_ARCHIVED and not tx.unnamed(conversation_id)
    look = tx.stored if seen and not tx.is_advancing else tx.first
    found = look(
        statement,
        conversation_id=conversation_id,
        low=low,
        high=high,
        direction=new.direction.value,
        body=new.body,
        stanza_id=new.stanza_id,
    )
    if found is None:
        return None
    if new.archived is not None and _find_named(tx, new, conversation_id) is not None:
        return None  # to be found as such
    return stored_from_row(found)


def _merge(tx: Transaction, same: StoredMessage, new: NewMessage) -> None:
    """Note what a further copy of a message tells of it."""
    state = same.message.state
    if new.direction is Direction.OUT and state in (MessageState.PENDING, MessageState.SENT):
        state = MessageState.ACKNOWLEDGED  # the server has it: it comes from there
    named = new.archive_id is not None and same.message.archive_id is None
    if named or state is not same.message.state:
        change_message(tx, same, state=state, archive_id=new.archive_id if named else None)


def _place(tx: Transaction, new: NewMessage, conversation_id: int, last_id: int | None) -> int:
    """Choose the row id: by time, and live messages after all that their conversation holds.

    A clock that was set back must not put an answer before its question. What was delayed on its
    way stands at its time, but never before what came from there earlier: servers deliver in order.
    What an archive gives follows what stands before it there. A stamp in whole seconds may mean any
    moment of its second: what is there already of that second stays before it.
    """
    # Ids are above zero, also that of a message which claims to be older than 1970.
    time = max(min(new.ts, tx.now), 1)
    until = time + 1000
    behind = 0
    if new.archived is not None:
        time = min(time, new.archived.before)
        until = min(until, new.archived.before)
        behind = new.archived.behind(conversation_id)
    elif new.extra.delayed:
        direction = new.direction.value
        behind = _number(
            tx.first(_LAST_SO_FAR, conversation_id=conversation_id, direction=direction)
        )
    else:
        behind = last_id or 0
    if new.ts % 1000 == 0 and (new.extra.delayed if new.archived is None else not behind):
        in_that_second = tx.first(
            _LAST_BETWEEN,
            conversation_id=conversation_id,
            low=time << ORDER_BITS,
            high=until << ORDER_BITS,
        )
        behind = max(behind, _number(in_that_second))
    time = max(time, behind >> ORDER_BITS)
    if tx.knows_place(time):
        return tx.place(time, None)
    low = time << ORDER_BITS
    return tx.place(time, _number(tx.stored(_LAST_PLACE, low=low, high=low + (1 << ORDER_BITS))))


def _number(row: Row | None) -> int:
    return int(row[0]) if row is not None and row[0] is not None else 0
