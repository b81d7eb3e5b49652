"""Whether the home can be used: its folders, the disk, the database, the log, the daemon."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import sat
from sat.backend import schema
from sat.backend.doctor.finding import Finding, Severity
from sat.bridge import blocking, lock
from sat.bridge.errors import CommandError
from sat.bridge.paths import Home

#: Room on the disk, in bytes, that the daemon can't do without, and that it should have.
_LEAST, _SCARCE = 16 * 1024 * 1024, 256 * 1024 * 1024
#: Seconds that reading the whole database may take.
_PATIENCE = 20.0
#: So much of the log's end is read, in bytes.
_LOG_END = 256 * 1024


def examine_folders(place: Home) -> list[Finding]:
    """Make sure of the folders just as the daemon does, and look at the room in them."""
    try:
        place.prepare()
        for folder in dict.fromkeys((place.data, place.state, place.runtime)):
            with tempfile.TemporaryFile(dir=folder):
                pass
    except CommandError as error:
        return [_error("home.folders", *parted(error.sentence))]
    except OSError as error:
        remedy = "Make it writable for you, or set SAT_HOME to a folder of your own."
        full = f"The folder {error.filename} can't be written to: {error.strerror}."
        return [_error("home.folders", full, remedy)]
    found = [Finding(check="home.folders", cause=f"The home {place.data} can be used.")]
    free = shutil.disk_usage(place.data).free
    if free < _SCARCE:
        severity = Severity.ERROR if free < _LEAST else Severity.WARNING
        cause = f"The disk of {place.data} has {free // 1024**2} MiB left."
        remedy = "Make room: while the disk is full, nothing is received."
        found.append(Finding(check="home.disk", severity=severity, cause=cause, remedy=remedy))
    else:
        cause = f"The disk of {place.data} has {free / 1024**3:.1f} GiB left."
        found.append(Finding(check="home.disk", cause=cause))
    return found


def examine_daemon(place: Home) -> tuple[list[Finding], Mapping[str, object]]:
    """Ask the daemon how it is; return that too, empty if it doesn't answer."""
    try:
        pid = lock.holder(place.lock)
    except OSError as error:
        cause = f"The lock {place.lock} can't be read: {error.strerror}."
        return [_error("daemon", cause, "Make the file yours.")], {}
    if pid is None:
        cause, remedy = "No daemon runs, so nothing is received.", "Start it: sat start"
        severity = Severity.WARNING
        return [Finding(check="daemon", severity=severity, cause=cause, remedy=remedy)], {}
    try:
        place.check_runtime()
        with blocking.Client(place.socket, name="sat") as client:
            answer = client.call("daemon.status")
    except CommandError as error:
        cause = f"The daemon (pid {pid}) doesn't answer: {error.sentence}"
        return [_error("daemon", cause, "End it with sat stop, and start it again.")], {}
    status = cast("dict[str, object]", answer)
    found = [Finding(check="daemon", cause=f"The daemon (pid {pid}) runs and answers.")]
    if status.get("version") != sat.__version__:
        cause = f"The daemon is of version {status.get('version')}, this is {sat.__version__}."
        found = [_warning("daemon", cause, "Start it anew: sat stop, then sat start")]
    storage = status.get("storage")
    if isinstance(storage, dict) and storage.get("state") != "ok":
        cause = f"The daemon can't write: {storage.get('sentence')}"
        found.append(_error("daemon.storage", cause, "Make room on the disk."))
    return found, status


def examine_database(place: Home) -> tuple[list[Finding], bool]:
    """Read the whole database; return also whether it is one that this version knows."""
    path = Path(place.database)
    if not path.exists():
        cause = "There is no database yet: the daemon makes it at its first start."
        return [Finding(check="home.database", cause=cause)], False
    restore = "Restore a backup: sat restore FILE"
    try:
        with closing(open_database(place)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            version = str(row[0]) if row else ""
            damage = _damage(connection)
    except sqlite3.Error as error:
        cause = f"The database {path} can't be read ({error})."
        return [_error("home.database", cause, restore)], False
    if damage:
        cause = f"The database {path} is damaged ({damage})."
        return [_error("home.database", cause, restore)], False
    if version > schema.VERSION:
        cause = f"The database {path} was made by a newer version of this program."
        return [_error("home.database", cause, "Upgrade, or restore an older backup.")], False
    if version < schema.VERSION:
        cause = f"The database {path} is of an older version of this program."
        remedy = "Start the daemon, which brings it up to date: sat start"
        return [_warning("home.database", cause, remedy)], False
    return [Finding(check="home.database", cause=f"The database {path} is whole.")], True


def examine_log(place: Home) -> list[Finding]:
    """Look for faults in the end of the log."""
    try:
        with Path(place.log).open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - _LOG_END))
            faults = log.read().count(b"#critical] ")
    except FileNotFoundError:
        return [Finding(check="home.log", cause=f"There is no log yet at {place.log}.")]
    except OSError as error:
        cause = f"The log {place.log} can't be read: {error.strerror}."
        return [_error("home.log", cause, "Make the file yours.")]
    if faults:
        cause = f"The log {place.log} tells of {faults} faults of the daemon, by its end."
        return [_warning("home.log", cause, "Please report them, with what sat logs shows.")]
    return [Finding(check="home.log", cause=f"The log {place.log} tells of no fault.")]


def newest(place: Home) -> datetime | None:
    """Return when a file of the home was last written; None if there is none."""
    times = []
    for path in (place.database, f"{place.database}-wal", place.log, place.secrets):
        try:
            times.append(Path(path).stat().st_mtime)
        except OSError:
            continue
    return datetime.fromtimestamp(max(times), UTC) if times else None


def open_database(place: Home) -> sqlite3.Connection:
    """Open the database to read from it, whether a daemon has it open or not."""
    uri = f"{Path(place.database).as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)


def parted(sentence: str) -> tuple[str, str]:
    """Part what was told of a failure into the cause, and what to do or is further known."""
    cause, _, rest = sentence.partition(". ")
    return (f"{cause}." if rest else cause), rest


def _damage(connection: sqlite3.Connection) -> str:
    """Return what is wrong with a database; nothing if there wasn't time to read all of it."""
    end = time.monotonic() + _PATIENCE
    connection.set_progress_handler(lambda: int(time.monotonic() > end), 100_000)
    try:
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return ""
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return "" if said == "ok" else str(said)


def _error(check: str, cause: str, remedy: str) -> Finding:
    return Finding(check=check, severity=Severity.ERROR, cause=cause, remedy=remedy)


def _warning(check: str, cause: str, remedy: str) -> Finding:
    return Finding(check=check, severity=Severity.WARNING, cause=cause, remedy=remedy)
