"""The tables of the database, in SQLAlchemy Core, and statements compiled from them.

A message's row id is its place in time: milliseconds since 1970 in the upper bits, a counter in the
lower ``ORDER_BITS``. So the history reads in order of time by its primary key, also where older
messages are filled in later, and a full-text search is newest first without sorting.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import ClauseElement

#: The revision of the schema: that of the newest migration.
VERSION = "0009"
#: How many bits of a message's row id count messages within one millisecond.
ORDER_BITS = 20

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

profile = Table(
    "profile",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    # The object that the bridge shows, as JSON: also its connection, so that a snapshot is exact.
    Column("data", LargeBinary, nullable=False),
    Column("ca", Text),
)

contact = Table(
    "contact",
    metadata,
    Column("profile_id", Integer, primary_key=True),
    Column("jid", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("groups", Text, nullable=False),
    Column("subscription", Text, nullable=False),
    Column("ask", Integer, nullable=False),
    Column("rev", Integer, nullable=False),
)

roster = Table(
    "roster",
    metadata,
    Column("profile_id", Integer, primary_key=True),
    # What the server calls the contacts as they stand (RFC 6121, section 2.6), and how many.
    Column("version", Text, nullable=False),
    Column("contacts", Integer, nullable=False),
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("profile_id", Integer, nullable=False),
    Column("peer", Text, nullable=False),
    Column("last_id", Integer),
    Column("read_id", Integer),
    Column("unread", Integer, nullable=False, server_default=text("0")),
    Column("draft", Text, nullable=False, server_default=text("''")),
    Column("rev", Integer, nullable=False),
    # Whether the archive holds nothing older than the history does.
    Column("complete", Integer, nullable=False, server_default=text("0")),
    # The row of the last message that was walked by in the archive: what follows there is behind.
    Column("walked_id", Integer),
    UniqueConstraint("profile_id", "peer"),
    Index("conversation_recent", "profile_id", "last_id"),
)

message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", Integer, nullable=False),
    Column("profile_id", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("subject", Text),
    Column("thread", Text),
    Column("ts", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("stanza_id", Text),
    Column("origin_id", Text),
    Column("archive_id", Text),
    # What is rare (attachments, error, delayed, maybe_duplicate, attempts), as a JSON object.
    Column("extra", Text),
    # The number (XEP-0198) of the stanza in the stream that last carried it.
    Column("number", Integer),
    Column("rev", Integer, nullable=False),
)
Index("message_conversation", message.c.conversation_id, message.c.id)
Index(
    "message_archive_id",
    message.c.conversation_id,
    message.c.archive_id,
    unique=True,
    sqlite_where=text("archive_id IS NOT NULL"),
)
# Those that an archive may have under a name which isn't known here: few, among many.
Index(
    "message_unnamed",
    message.c.conversation_id,
    # What is looked for has one: it makes this index the better one.
    message.c.direction,
    message.c.id,
    sqlite_where=text("archive_id IS NULL"),
)
Index(
    "message_origin_id",
    message.c.conversation_id,
    message.c.origin_id,
    message.c.direction,
    # Two occupants may use the same id; where the room gives one of its own, that one counts.
    text("(CASE type WHEN 'groupchat' THEN sender ELSE '' END)"),
    unique=True,
    sqlite_where=text("origin_id IS NOT NULL AND (type != 'groupchat' OR archive_id IS NULL)"),
)
Index(
    "message_of_room",
    message.c.conversation_id,
    message.c.stanza_id,
    sqlite_where=text("type = 'groupchat'"),
)
Index(
    "message_unacknowledged",
    message.c.profile_id,
    message.c.id,
    sqlite_where=text("direction = 'out' AND state IN ('pending', 'sent')"),
)
Index(
    "message_sent",
    message.c.profile_id,
    message.c.number,
    sqlite_where=text("direction = 'out' AND state = 'sent'"),
)

event = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("ts", Integer, nullable=False),
    Column("session", Text),
    Column("txn", Text),
    # A message's event refers to its row: the body is not stored twice.
    Column("message_id", Integer),
    Column("data", LargeBinary),
)

txn = Table(
    "txn",
    metadata,
    Column("profile", Text, primary_key=True),
    Column("txn", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("result", LargeBinary, nullable=False),
    Column("ts", Integer, nullable=False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("ts", Integer, nullable=False),
)

stream = Table(
    "stream",
    metadata,
    Column("profile_id", Integer, primary_key=True),
    # How many stanzas of the present session are committed (XEP-0198, "h").
    Column("handled", Integer, nullable=False),
    # What the server calls it, to which address it is bound, where it wants to be asked for it.
    Column("id", Text, nullable=False),
    Column("jid", Text, nullable=False),
    Column("location", Text),
    # Whether the server's counts of what it has from us are known to be right.
    Column("exact", Integer, nullable=False, server_default=text("0")),
)

archive = Table(
    "archive",
    metadata,
    Column("profile_id", Integer, primary_key=True),
    # Whose archive: the account's bare JID, or a room's.
    Column("jid", Text, primary_key=True),
    # The last of its messages before which the history lacks none (XEP-0313), and its time.
    Column("last_id", Text),
    Column("ts", Integer),
    # When the first session began in which it could not be caught up; what came live since then
    # may stand before what is missing.
    Column("since", Integer),
)

room = Table(
    "room",
    metadata,
    Column("profile_id", Integer, primary_key=True),
    Column("jid", Text, primary_key=True),
    # The object that the bridge shows, as JSON.
    Column("data", LargeBinary, nullable=False),
    # Whether the server is known to have a bookmark of it (XEP-0402).
    Column("bookmarked", Integer, nullable=False),
)

question = Table(
    "question",
    metadata,
    Column("id", Text, primary_key=True),
    Column("profile_id", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("peer", Text),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("profile_id", "kind", "peer"),
)

login = Table(
    "login",
    metadata,
    Column("profile_id", Integer, primary_key=True),
    # Names this client to the server (XEP-0388, "user-agent").
    Column("agent", Text, nullable=False),
    # The strongest login so far: weaker ones are refused.
    Column("floor", Text),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    # The token's SHA-256: what is stored lets nobody in.
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False),
    # Whether it is for the profiles of ``token_profile`` alone.
    Column("is_limited", Integer, nullable=False),
    Column("created", Integer, nullable=False),
    Column("used", Integer),
)

token_profile = Table(
    "token_profile",
    metadata,
    Column("token_id", Text, primary_key=True),
    Column("profile", Text, primary_key=True),
    Column("level", Text, nullable=False),
)

capability = Table(
    "capability",
    metadata,
    # The protocol, the algorithm and the hash: whoever shows it has this description.
    Column("key", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    # When it was last wanted, in milliseconds since 1970; the oldest make room.
    Column("used", Integer, nullable=False),
    Index("capability_used", "used"),
)

option = Table(
    "option",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("rev", Integer, nullable=False),
)

transfer = Table(
    "transfer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("profile_id", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("rev", Integer, nullable=False),
)

#: The full-text index. It keeps no text of its own; ``scope`` holds the words ``pN`` and ``cN`` of
#: the profile and the conversation, so that a search within one of them reads that one alone.
CREATE_INDEX = (
    "CREATE VIRTUAL TABLE message_fts USING fts5"
    "(body, scope, content='', tokenize=\"unicode61 remove_diacritics 2\")"
)

_DIALECT = sqlite.dialect(paramstyle="named")


_HISTORY = re.compile(r"\b(message|conversation)\b")
_LOG = re.compile(r"\bevent\b")
_NAMED = re.compile(r":\w+")


def _literal(value: object) -> str:
    """Write a constant of a statement as SQL; what comes from outside is always bound."""
    if isinstance(value, int):
        return str(int(value))
    assert isinstance(value, str), value
    return "'" + value.replace("'", "''") + "'"


class Prepared:
    """A statement of SQLAlchemy Core, compiled once for the database's own driver.

    The hot path runs these: compiling a statement costs more than SQLite's work on it. Constants
    stand in its text, where SQLite sees which index is made for them; one that it learns when they
    are bound has it compile the statement again, each time. For the same reason a column that a
    partial index names is compared to what is bound by ``IS``.
    """

    __slots__ = ("of_history", "of_log", "text")

    def __init__(self, statement: ClauseElement | str) -> None:
        if isinstance(statement, str):
            self.text = statement
        else:
            compiled: Any = statement.compile(dialect=_DIALECT)
            constants = {
                f":{name}": _literal(value)
                for name, value in compiled.params.items()
                if value is not None
            }
            self.text = _NAMED.sub(
                lambda found: constants.get(found.group(), found.group()), str(compiled)
            )
        #: Whether it reads or writes messages and conversations, or the log of events.
        self.of_history = _HISTORY.search(self.text) is not None
        self.of_log = _LOG.search(self.text) is not None

    def by_position(self) -> str:
        """Return its text with values by position: they are bound in a third of the time."""
        return _NAMED.sub("?", self.text)
