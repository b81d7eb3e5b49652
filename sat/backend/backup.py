"""Putting a backup in the place of a home's database, while no daemon runs there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from pathlib import Path

from sat.backend import schema
from sat.bridge.errors import CommandError
from sat.bridge.lock import HomeLock
from sat.bridge.paths import Home

_SETTLE = (
    # Another history of numbers begins: a frontend that resumes must not take it for the old one.
    "UPDATE meta SET value = :epoch WHERE key = 'epoch'",
    "DELETE FROM cursor",
    # One that was revoked since the backup was made must not come to life.
    "DELETE FROM token",
    "DELETE FROM token_profile",
    "DELETE FROM txn",
    # What waited then may have been sent since: the archive is asked for it.
    "UPDATE message SET state = 'sent', number = NULL"
    " WHERE direction = 'out' AND state = 'pending'",
    # Its counts have gone on since the backup was made.
    "DELETE FROM stream",
)


def restore(path: str, home: Home) -> None:
    """Put a backup in the place of the database; the one before is kept as ``sat.db.before``.

    :raises CommandError: ``failed.backup`` if it is none, or of a newer version;
        ``failed.running`` if a daemon runs
    """
    lock = HomeLock(home.lock)
    if not lock.acquire():
        raise CommandError("failed.running", "a daemon runs in this home: stop it with sat stop")
    try:
        _restore(Path(path), Path(home.database))
    finally:
        lock.release()


def _restore(source: Path, database: Path) -> None:
    new = database.with_suffix(".restored")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with source.open("rb") as original, os.fdopen(descriptor, "wb") as copy:
            shutil.copyfileobj(original, copy, 1024 * 1024)
            copy.flush()
            os.fsync(copy.fileno())
        _settle(new, source)
        if database.exists():
            _fold(database)
            database.replace(f"{database}.before")
        new.replace(database)
    finally:
        for left in (new, Path(f"{new}-wal"), Path(f"{new}-shm")):
            left.unlink(missing_ok=True)


def _fold(database: Path) -> None:
    """Bring what a killed daemon left beside the database into it."""
    connection = sqlite3.connect(database)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        return  # it is damaged, which is why it is replaced
    finally:
        connection.close()
        for suffix in ("-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)


def _settle(new: Path, source: Path) -> None:
    connection = sqlite3.connect(new)
    try:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise CommandError("failed.backup", f"{source} is damaged: use another backup")
        if version > schema.VERSION:
            raise CommandError(
                "failed.backup", f"{source} was made by a newer version of this program: upgrade"
            )
        with connection:
            for statement in _SETTLE:
                connection.execute(statement, {"epoch": str(uuid.uuid4())})
    except (sqlite3.DatabaseError, TypeError) as error:
        raise CommandError("failed.backup", f"{source} is no backup of a home: {error}") from error
    finally:
        connection.close()
