"""Sessions that can be resumed, and archives that are caught up."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    # It held counts of streams that are over.
    "DROP TABLE stream",
    """
    CREATE TABLE stream (
        profile_id INTEGER NOT NULL,
        handled INTEGER NOT NULL,
        id TEXT NOT NULL,
        jid TEXT NOT NULL,
        location TEXT,
        PRIMARY KEY (profile_id)
    )
    """,
    """
    CREATE TABLE archive (
        profile_id INTEGER NOT NULL,
        jid TEXT NOT NULL,
        last_id TEXT,
        ts INTEGER,
        since INTEGER,
        PRIMARY KEY (profile_id, jid)
    )
    """,
    "ALTER TABLE conversation ADD COLUMN complete INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE conversation ADD COLUMN walked_id INTEGER",
    "DROP INDEX message_archive_id",
    # Ids are unique within one archive only: a room's may be those of the account's.
    """
    CREATE UNIQUE INDEX message_archive_id ON message (conversation_id, archive_id)
    WHERE archive_id IS NOT NULL
    """,
)


def upgrade() -> None:
    """Go on from the first schema."""
    for statement in _STATEMENTS:
        op.execute(statement)
