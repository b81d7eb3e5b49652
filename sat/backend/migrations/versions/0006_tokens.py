"""Tokens by which programs of other machines are let in, and what each of them may do."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.execute(
        """
        CREATE TABLE token (
            id TEXT NOT NULL,
            digest BLOB NOT NULL,
            name TEXT NOT NULL,
            level TEXT NOT NULL,
            is_limited INTEGER NOT NULL,
            created INTEGER NOT NULL,
            used INTEGER,
            PRIMARY KEY (id),
            UNIQUE (digest)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE token_profile (
            token_id TEXT NOT NULL,
            profile TEXT NOT NULL,
            level TEXT NOT NULL,
            PRIMARY KEY (token_id, profile)
        )
        """
    )
