"""Messages that no archive has named yet are found among those that have a name."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the index."""
    op.execute(
        "CREATE INDEX message_unnamed ON message (conversation_id, direction, id)"
        " WHERE archive_id IS NULL"
    )
