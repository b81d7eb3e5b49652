"""Descriptions that were verified, by the hashes that stand for them (XEP-0115, XEP-0390)."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        CREATE TABLE capability (
            "key" TEXT NOT NULL,
            data BLOB NOT NULL,
            size INTEGER NOT NULL,
            used INTEGER NOT NULL,
            PRIMARY KEY ("key")
        )
        """
    )
    op.execute("CREATE INDEX capability_used ON capability (used)")
