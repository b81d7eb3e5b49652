"""The first schema."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE contact (
        profile_id INTEGER NOT NULL,
        jid TEXT NOT NULL,
        name TEXT NOT NULL,
        groups TEXT NOT NULL,
        subscription TEXT NOT NULL,
        ask INTEGER NOT NULL,
        rev INTEGER NOT NULL,
        PRIMARY KEY (profile_id, jid)
    )
    """,
    """
    CREATE TABLE conversation (
        id INTEGER NOT NULL,
        profile_id INTEGER NOT NULL,
        peer TEXT NOT NULL,
        last_id INTEGER,
        read_id INTEGER,
        unread INTEGER DEFAULT 0 NOT NULL,
        draft TEXT DEFAULT '' NOT NULL,
        rev INTEGER NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (profile_id, peer)
    )
    """,
    """
    CREATE INDEX conversation_recent ON conversation (profile_id, last_id)
    """,
    """
    CREATE TABLE cursor (
        name TEXT NOT NULL,
        seq INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE event (
        seq INTEGER NOT NULL,
        profile TEXT NOT NULL,
        type TEXT NOT NULL,
        scope TEXT NOT NULL,
        ts INTEGER NOT NULL,
        session TEXT,
        txn TEXT,
        message_id INTEGER,
        data BLOB,
        PRIMARY KEY (seq)
    )
    """,
    """
    CREATE TABLE message (
        id INTEGER NOT NULL,
        conversation_id INTEGER NOT NULL,
        profile_id INTEGER NOT NULL,
        type TEXT NOT NULL,
        direction TEXT NOT NULL,
        sender TEXT NOT NULL,
        recipient TEXT NOT NULL,
        body TEXT NOT NULL,
        subject TEXT,
        thread TEXT,
        ts INTEGER NOT NULL,
        state TEXT NOT NULL,
        stanza_id TEXT,
        origin_id TEXT,
        archive_id TEXT,
        extra TEXT,
        number INTEGER,
        rev INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE UNIQUE INDEX message_archive_id ON message (profile_id, archive_id) WHERE archive_id IS NOT NULL
    """,
    """
    CREATE INDEX message_conversation ON message (conversation_id, id)
    """,
    """
    CREATE UNIQUE INDEX message_origin_id ON message (conversation_id, origin_id, direction) WHERE origin_id IS NOT NULL
    """,
    """
    CREATE INDEX message_sent ON message (profile_id, number) WHERE direction = 'out' AND state = 'sent'
    """,
    """
    CREATE INDEX message_unacknowledged ON message (profile_id, id) WHERE direction = 'out' AND state IN ('pending', 'sent')
    """,
    """
    CREATE TABLE meta (
        "key" TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY ("key")
    )
    """,
    """
    CREATE TABLE option (
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        rev INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE profile (
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        data BLOB NOT NULL,
        ca TEXT,
        PRIMARY KEY (id),
        UNIQUE (name)
    )
    """,
    """
    CREATE TABLE question (
        id TEXT NOT NULL,
        profile_id INTEGER NOT NULL,
        kind TEXT NOT NULL,
        peer TEXT,
        data BLOB NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (profile_id, kind, peer)
    )
    """,
    """
    CREATE TABLE stream (
        profile_id INTEGER NOT NULL,
        handled INTEGER NOT NULL,
        PRIMARY KEY (profile_id)
    )
    """,
    """
    CREATE TABLE transfer (
        id TEXT NOT NULL,
        profile_id INTEGER NOT NULL,
        state TEXT NOT NULL,
        data BLOB NOT NULL,
        rev INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE txn (
        profile TEXT NOT NULL,
        txn TEXT NOT NULL,
        digest BLOB NOT NULL,
        result BLOB NOT NULL,
        ts INTEGER NOT NULL,
        PRIMARY KEY (profile, txn)
    )
    """,
    """
    CREATE VIRTUAL TABLE message_fts USING fts5
    (body, scope, content='', tokenize="unicode61 remove_diacritics 2")
    """,
    "INSERT INTO meta (key, value) VALUES ('epoch', lower(hex(randomblob(16))))",
)


def upgrade() -> None:
    """Make every table and index."""
    for statement in _STATEMENTS:
        op.execute(statement)
