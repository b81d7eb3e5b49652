"""The version of each roster (RFC 6121, section 2.6)."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        CREATE TABLE roster (
            profile_id INTEGER NOT NULL,
            version TEXT NOT NULL,
            contacts INTEGER NOT NULL,
            PRIMARY KEY (profile_id)
        )
        """
    )
