"""The database file: opening it, reading from it, and bringing it to the present schema.

Readers run in threads of their own, each in a transaction, so that what one call reads is of one
moment. Writing is the journal's alone (:mod:`sat.backend.journal`).
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import create_engine, insert
from sqlalchemy.pool import NullPool
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from sat.backend import schema
from sat.backend.schema import Prepared
from sat.bridge.errors import CommandError

T = TypeVar("T")
Row = tuple[Any, ...]

_READERS = 2
#: In KiB.
_READER_CACHE = 1024


class Reader:
    """A connection to read from, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, statement: Prepared, **values: object) -> list[Row]:
        """Return all rows of a statement."""
        return self._connection.execute(statement.text, values).fetchall()

    def each(self, statement: Prepared, **values: object) -> Iterator[Row]:
        """Iterate over the rows of a statement: of many, only one is in memory."""
        return self._connection.execute(statement.text, values)

    def first(self, statement: Prepared, **values: object) -> Row | None:
        """Return the first row of a statement, or None."""
        row = self._connection.execute(statement.text, values).fetchone()
        return cast("Row | None", row)

    def temporary(self, statement: str, rows: list[Row] | None = None) -> None:
        """Run a statement on the connection's temporary tables, which are not in the database."""
        if rows is None:
            self._connection.execute(statement)
        else:
            self._connection.executemany(statement, rows)


class Store:
    """The database of one home.

    :param reactor: where results are delivered
    :param path: the file; it is made, with mode 0600, where there is none
    """

    def __init__(self, reactor: IReactorFromThreads, path: Path) -> None:
        self.path = path
        self._reactor = reactor
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._pool = ThreadPool(minthreads=0, maxthreads=_READERS, name="readers")
        self._pool.start()

    def read(self, work: Callable[[Reader], T]) -> Deferred[T]:
        """Run ``work`` in a reader's thread and return what it returns.

        All that it reads is of one moment, at which every commit told so far is included.
        """
        result: Deferred[T] = deferToThreadPool(
            cast(Any, self._reactor), self._pool, self._read_in_thread, work
        )
        return result

    def read_now(self, work: Callable[[Reader], T]) -> T:
        """Run ``work`` in this thread: for the start, before anything else runs."""
        connection = connect(self.path)
        try:
            return work(Reader(connection))
        finally:
            connection.close()

    def close(self) -> None:
        """Wait for the readers and close their connections."""
        self._pool.stop()
        for connection in self._connections:
            connection.close()

    def _read_in_thread(self, work: Callable[[Reader], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path)
            # What is read once, such as a roster of thousands, would stay for good.
            connection.execute(f"PRAGMA cache_size=-{_READER_CACHE}")
            self._local.connection = connection
            self._connections.append(connection)
        connection.execute("BEGIN")
        try:
            return work(Reader(connection))
        finally:
            connection.execute("ROLLBACK")


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection as all parts of the daemon use it: WAL, durable at each commit."""
    connection = sqlite3.connect(
        path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-4096",
        "journal_size_limit=8388608",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def prepare(path: Path) -> None:
    """Make the database, or bring it to the present schema, before anything opens it.

    :raises CommandError: if a newer version of the program made it, or it is damaged
    """
    fresh = not path.exists() or path.stat().st_size == 0
    if fresh:
        # Under another name until it is whole: a kill meanwhile must leave nothing half made.
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        _create(new)
        for left in (f"{path}-wal", f"{path}-shm"):
            Path(left).unlink(missing_ok=True)  # of another database, which was deleted
        new.replace(path)
        return
    try:
        version = _version(path)
    except sqlite3.DatabaseError as error:
        raise unusable(str(path), error) from error
    if version == schema.VERSION:
        return
    if version > schema.VERSION:
        raise CommandError(
            "failed.newer-database",
            f"the database {path} was made by a newer version of this program (schema {version}, "
            f"this one knows {schema.VERSION}): upgrade, or restore an older backup",
        )
    migrate(path)


def unusable(path: str, error: sqlite3.DatabaseError) -> CommandError:
    """Return what a person is told of a database that SQLite can't work with."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        todo = "restore a backup with sat restore FILE"
    else:
        todo = "see that it is yours to write, that nothing else has it open, and the disk has room"
    return CommandError("failed.database", f"the database {path} can't be read ({error}): {todo}")


def migrate(path: Path) -> None:
    """Bring an older database to the present schema, in a process of its own.

    Alembic would cost the daemon its memory for good.

    :raises CommandError: if a migration fails; the database is as it was before that migration
    """
    child = subprocess.run(
        [sys.executable, "-m", "sat.backend.migrations", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        reason = (child.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise CommandError(
            "failed.migration",
            f"the database {path} could not be brought to schema {schema.VERSION} "
            f"({reason}): restore a backup with sat restore FILE",
        )


def _create(path: Path) -> None:
    engine = create_engine(
        "sqlite://",
        poolclass=NullPool,
        creator=lambda: sqlite3.connect(path, isolation_level=None),
    )
    with engine.begin() as connection:
        # The driver's own transactions leave out what makes tables, each of which would be synced.
        connection.exec_driver_sql("BEGIN")
        schema.metadata.create_all(connection)
        connection.exec_driver_sql(schema.CREATE_INDEX)
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (schema.VERSION,))
        connection.execute(insert(schema.meta), {"key": "epoch", "value": str(uuid.uuid4())})
    engine.dispose()


def _version(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    finally:
        connection.close()
    return str(row[0]) if row else ""
