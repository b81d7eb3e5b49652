"""Whether a server's counts of what it has from us (XEP-0198) are right."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the column."""
    op.execute("ALTER TABLE stream ADD COLUMN exact INTEGER DEFAULT 0 NOT NULL")
