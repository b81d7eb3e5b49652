"""Rooms, and ids that count for each of them by itself."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    """
    CREATE TABLE room (
        profile_id INTEGER NOT NULL,
        jid TEXT NOT NULL,
        data BLOB NOT NULL,
        bookmarked INTEGER NOT NULL,
        PRIMARY KEY (profile_id, jid)
    )
    """,
    "DROP INDEX message_origin_id",
    """
    CREATE UNIQUE INDEX message_origin_id ON message (conversation_id, origin_id, direction, (CASE type WHEN 'groupchat' THEN sender ELSE '' END)) WHERE origin_id IS NOT NULL AND (type != 'groupchat' OR archive_id IS NULL)
    """,
    """
    CREATE INDEX message_of_room ON message (conversation_id, stanza_id) WHERE type = 'groupchat'
    """,
)


def upgrade() -> None:
    """Make the table, and the indexes anew."""
    for statement in _STATEMENTS:
        op.execute(statement)
