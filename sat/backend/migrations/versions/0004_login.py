"""What logins of a profile leave for the next ones."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        CREATE TABLE login (
            profile_id INTEGER NOT NULL,
            agent TEXT NOT NULL,
            floor TEXT,
            PRIMARY KEY (profile_id)
        )
        """
    )
