"""The calls ``conversation.*``: what was last said with whom, what is unread, what is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from sat.backend import schema
from sat.backend.history import find_message, message_id, row_of
from sat.backend.schema import Prepared
from sat.backend.store import Reader, Row
from sat.backend.transaction import Transaction
from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import ConversationChanged
from sat.bridge.model import Conversation, Level
from sat.plugin import Read
from sat.xmpp.stanza import JID

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: So many conversations of each profile are in the state that a frontend attaches to.
LATEST = 50

_table = schema.conversation
_columns = (
    _table.c.id,
    _table.c.peer,
    _table.c.last_id,
    _table.c.read_id,
    _table.c.unread,
    _table.c.draft,
    _table.c.rev,
    schema.profile.c.name,
)
_start = select(*_columns).join(schema.profile, schema.profile.c.id == _table.c.profile_id)
_FIND = Prepared(
    _start.where(_table.c.profile_id == bindparam("profile_id"), _table.c.peer == bindparam("peer"))
)
_LATEST = Prepared(
    _start.where(_table.c.profile_id == bindparam("profile_id"))
    .order_by(_table.c.last_id.desc())
    .limit(bindparam("limit"))
)
_ADD = Prepared(
    "INSERT OR IGNORE INTO conversation (profile_id, peer, unread, draft, rev)"
    " VALUES (:profile_id, :peer, 0, '', :rev)"
)
_SET = Prepared(
    update(_table)
    .where(_table.c.id == bindparam("key"))
    .values(
        read_id=bindparam("read_id"),
        unread=bindparam("unread"),
        draft=bindparam("draft"),
        rev=bindparam("rev"),
    )
)
_COUNT_UNREAD = Prepared(
    "SELECT count(*) FROM message WHERE conversation_id = :conversation_id AND id > :read_id"
    " AND direction = 'in' AND type IN ('chat', 'normal', 'groupchat')"
)
_LAST_MARKABLE = Prepared(
    "SELECT id FROM message WHERE conversation_id = :conversation_id AND id > :after"
    " AND id <= :upto AND direction = 'in' AND extra LIKE '%\"markable\":true%'"
    " ORDER BY id DESC LIMIT 1"
)
_LAST_ARCHIVED = Prepared(
    "SELECT id FROM message WHERE conversation_id = :conversation_id AND id > :after"
    " AND id <= :upto AND archive_id IS NOT NULL ORDER BY id DESC LIMIT 1"
)
_NAMED = Prepared(
    "SELECT id FROM message WHERE conversation_id = :conversation_id"
    " AND (archive_id = :archive_id OR (stanza_id = :stanza_id AND direction = 'in'))"
    " ORDER BY id DESC LIMIT 1"
)


class Conversations:
    """The conversations of one profile."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live

    @command("conversation.list", level=Level.READ)
    async def all(self) -> list[Conversation]:
        """Return all conversations, the latest first, each with its last message."""
        return await self._live.core.store.read(
            lambda reader: latest(reader, self._live.id, limit=-1)
        )

    @command("conversation.get", level=Level.READ)
    async def get(self, peer: JID) -> Conversation:
        """Return the conversation with a peer.

        :param peer: with whom
        :raises unknown.conversation: if nothing was ever said
        """
        bare = self._live.rooms.talk.conversation(peer).full()
        found = await self._live.core.store.read(lambda reader: self._find(reader, bare))
        if found is None:
            raise CommandError("unknown.conversation", f"there is no conversation with {bare}")
        return found

    @command("conversation.read", level=Level.SEND)
    async def read(self, call: Call, peer: JID, up_to: str | None = None) -> Conversation:
        """Mark the messages of a conversation as read, in every frontend.

        :param peer: whose conversation
        :param up_to: the id of the last message that was looked at; all of them if it is missing.
            What was read stays read: an earlier message changes nothing.
        :raises unknown.conversation: if nothing was ever said
        :raises unknown.message: if ``up_to`` is no message
        """
        bare = self._live.rooms.talk.conversation(peer).full()
        row = None
        if up_to is not None:
            row = row_of(up_to)
            if row is None:
                raise CommandError("unknown.message", f"there is no message {up_to}")

        seen: Read | None = None

        def mark(tx: Transaction) -> Conversation:
            nonlocal seen
            found = tx.first(_FIND, profile_id=self._live.id, peer=bare)
            if found is None:
                raise CommandError("unknown.conversation", f"there is no conversation with {bare}")
            id_, _, last_id, read_id, unread, draft, *_ = found
            upto = min(row, last_id or 0) if row is not None else last_id
            if upto is None or upto <= (read_id or 0):
                return _from_row(tx, found)
            left = tx.first(_COUNT_UNREAD, conversation_id=id_, read_id=upto)
            seen = self._seen(tx, id_, peer, read_id or 0, upto)
            return self._set(tx, found, upto, left[0] if left else unread, draft)

        conversation = await self._live.core.journal.commit(mark, call=call)
        if seen is not None:
            self._live.plugins.conversation_read(seen)
        return conversation

    def _seen(self, tx: Transaction, id_: int, peer: JID, after: int, upto: int) -> Read:
        found = []
        for statement, begin in ((_LAST_MARKABLE, after), (_LAST_ARCHIVED, 0)):
            row = tx.first(statement, conversation_id=id_, after=begin, upto=upto)
            stored = find_message(tx, row[0]) if row is not None else None
            found.append(stored.message if stored is not None else None)
        return Read(self._live.rooms.talk.conversation(peer), *found)

    async def mark_read(
        self, peer: JID, *, stanza_id: str | None = None, archive_id: str | None = None
    ) -> bool:
        """Mark a conversation as read up to a message, as another program did.

        :return: whether there is such a message
        """

        def mark(tx: Transaction) -> bool:
            found = tx.first(_FIND, profile_id=self._live.id, peer=peer.full())
            if found is None:
                return False
            id_, _, _, read_id, unread, draft, *_ = found
            row = tx.first(_NAMED, conversation_id=id_, stanza_id=stanza_id, archive_id=archive_id)
            if row is None:
                return False
            if row[0] > (read_id or 0):
                left = tx.first(_COUNT_UNREAD, conversation_id=id_, read_id=row[0])
                self._set(tx, found, row[0], left[0] if left else unread, draft)
            return True

        return await self._live.core.journal.commit(mark, wait=True)

    @command("conversation.draft", level=Level.SEND)
    async def draft(self, call: Call, peer: JID, text: str) -> Conversation:
        """Keep a message that is begun, so that it can be finished in any frontend.

        :param peer: to whom
        :param text: what stands there; nothing to forget it
        """
        bare = self._live.rooms.talk.conversation(peer).full()

        def keep(tx: Transaction) -> Conversation:
            tx.run(_ADD, profile_id=self._live.id, peer=bare, rev=tx.rev)
            found = tx.first(_FIND, profile_id=self._live.id, peer=bare)
            assert found is not None
            return self._set(tx, found, found[3], found[4], text)

        return await self._live.core.journal.commit(keep, call=call)

    def _set(
        self, tx: Transaction, row: Row, read_id: int | None, unread: int, draft: str
    ) -> Conversation:
        tx.run(_SET, key=row[0], read_id=read_id, unread=unread, draft=draft, rev=tx.rev)
        changed = self._find(tx, row[1])
        assert changed is not None
        tx.emit(self._live.name, ConversationChanged(changed))
        return changed

    def _find(self, source: Reader | Transaction, peer: str) -> Conversation | None:
        return find_conversation(source, self._live.id, peer)


def find_conversation(
    source: Reader | Transaction, profile_id: int, peer: str
) -> Conversation | None:
    """Return the conversation with a peer, or None."""
    row = source.first(_FIND, profile_id=profile_id, peer=peer)
    return _from_row(source, row) if row else None


def latest(reader: Reader, profile_id: int, limit: int = LATEST) -> list[Conversation]:
    """Return the conversations of a profile, the latest first."""
    rows = reader.all(_LATEST, profile_id=profile_id, limit=limit)
    return [_from_row(reader, row) for row in rows]


def _from_row(source: Reader | Transaction, row: Row) -> Conversation:
    _, peer, last_id, read_id, unread, draft, rev, profile = row
    last = find_message(source, last_id) if last_id is not None else None
    return Conversation(
        profile=profile,
        peer=peer,
        unread=unread,
        read=message_id(read_id) if read_id is not None else None,
        draft=draft,
        last=last.message if last else None,
        rev=rev,
    )
