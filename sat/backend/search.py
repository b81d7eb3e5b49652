"""Full-text search: an index that is brought up to date when nothing else is to be written.

Indexing is most of the work of storing a message, so it waits; a search reads the messages that
are not indexed yet as well, so nobody can tell.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata

from sqlalchemy import bindparam, select

from sat.backend import schema
from sat.backend.history import newest_of
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.bridge.errors import CommandError
from sat.bridge.model import Message

_BATCH = 500
_INDEXED = "SELECT value FROM meta WHERE key = 'indexed'"
_SET_INDEXED = (
    "INSERT INTO meta (key, value) VALUES ('indexed', ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_NOT_INDEXED = (
    "SELECT event.seq, message.id, message.body,"
    " 'p' || message.profile_id || ' c' || message.conversation_id"
    " FROM event JOIN message ON message.id = event.message_id"
    " WHERE event.seq > :after AND event.type = 'message.added' ORDER BY event.seq LIMIT :limit"
)
_NEW = Prepared(_NOT_INDEXED)
_ADD = "INSERT INTO message_fts (rowid, body, scope) VALUES (?, ?, ?)"
_FIND = Prepared(
    "SELECT rowid FROM message_fts WHERE message_fts MATCH :query ORDER BY rowid DESC LIMIT :limit"
)
_FIND_NEW = Prepared(
    "SELECT rowid FROM temp.new_messages WHERE new_messages MATCH :query"
    " ORDER BY rowid DESC LIMIT :limit"
)
_CONVERSATION = Prepared(
    select(schema.conversation.c.id).where(
        schema.conversation.c.profile_id == bindparam("profile_id"),
        schema.conversation.c.peer == bindparam("peer"),
    )
)
_OTHER_PROFILE = Prepared("SELECT 1 FROM profile WHERE id != :profile_id LIMIT 1")
_SCRUB = (
    "INSERT INTO message_fts (message_fts, rowid, body, scope)"
    " SELECT 'delete', id, body, 'p' || profile_id || ' c' || conversation_id"
    " FROM message WHERE profile_id = ?"
)
_WORD = re.compile(r"\w+\*?", re.UNICODE)


def index_some(connection: sqlite3.Connection) -> bool:
    """Index a batch of messages; return whether more are left. Runs in the writer's thread."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        left = _index(connection, _BATCH)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return left


def scrub(connection: sqlite3.Connection, profile_id: int) -> None:
    """Take a profile's messages out of the index, within the transaction that deletes them."""
    # The index can take out only what is in it.
    _index(connection, -1)
    connection.execute(_SCRUB, (profile_id,))
    # Until its parts are merged the index keeps the words, of which it knows that they are deleted.
    connection.execute("INSERT INTO message_fts (message_fts) VALUES ('optimize')")


def _index(connection: sqlite3.Connection, limit: int) -> bool:
    row = connection.execute(_INDEXED).fetchone()
    after = int(row[0]) if row else 0
    rows = connection.execute(_NOT_INDEXED, {"after": after, "limit": limit}).fetchall()
    if rows:
        connection.executemany(_ADD, [row[1:] for row in rows])
        connection.execute(_SET_INDEXED, (str(rows[-1][0]),))
    return len(rows) == limit


def search(
    reader: Reader, profile_id: int, text: str, peer: str | None, limit: int
) -> list[Message]:
    """Return the newest messages that hold all words of ``text``, newest first.

    :param text: words; one that ends with ``*`` stands for all that begin so
    :param peer: in the conversation with this bare JID alone
    :raises CommandError: ``usage.text`` if there is no word in it
    """
    # As one character: a letter and its accent apart would be two words here, and one in the index.
    words = _WORD.findall(unicodedata.normalize("NFC", text))
    if not words:
        raise CommandError("usage.text", "give at least one word to search for")
    scope = ""
    if peer is not None:
        row = reader.first(_CONVERSATION, profile_id=profile_id, peer=peer)
        if row is None:
            return []
        scope = f"scope : c{row[0]} AND "
    elif reader.first(_OTHER_PROFILE, profile_id=profile_id) is not None:
        # Not for the only profile: a word that every message has costs most where others are rare.
        scope = f"scope : p{profile_id} AND "
    terms = " ".join(f'"{word[:-1]}"*' if word.endswith("*") else f'"{word}"' for word in words)
    query = f"{scope}body : ({terms})"
    rows = {row[0] for row in reader.all(_FIND, query=query, limit=limit)}
    return newest_of(reader, rows | _among_new(reader, query, limit), limit)


def _among_new(reader: Reader, query: str, limit: int) -> set[int]:
    row = reader.first(Prepared(_INDEXED))
    after = int(row[0]) if row else 0
    new = reader.all(_NEW, after=after, limit=-1)
    if not new:
        return set()
    reader.temporary(
        "CREATE VIRTUAL TABLE temp.new_messages USING fts5"
        '(body, scope, tokenize="unicode61 remove_diacritics 2")'
    )
    reader.temporary(
        "INSERT INTO temp.new_messages (rowid, body, scope) VALUES (?, ?, ?)",
        [row[1:] for row in new],
    )
    return {row[0] for row in reader.all(_FIND_NEW, query=query, limit=limit)}
