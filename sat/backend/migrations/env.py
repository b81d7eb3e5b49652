"""What Alembic runs to apply migrations: each in a transaction, on the database it was given."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

engine = create_engine(f"sqlite:///{context.config.attributes['database']}", poolclass=NullPool)


@event.listens_for(engine, "begin")
def _begin(connection: object) -> None:
    # SQLite's driver would otherwise commit at each CREATE, and leave half a migration.
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]


with engine.connect() as connection:
    connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr]
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
