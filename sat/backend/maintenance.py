"""The calls ``daemon.*``: how it is, ending it, and a copy of its database."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from sat.backend.blobs import Blobs
from sat.backend.journal import Journal
from sat.backend.store import Store, connect
from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.model import Level, Status


class Maintenance:
    """What concerns the daemon itself.

    :param status: makes the answer to ``daemon.status``
    :param stop: ends the daemon, after the present call is answered
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        status: Callable[[], Status],
        stop: Callable[[], None],
        blobs: Blobs,
    ) -> None:
        self._store = store
        self._journal = journal
        self._status = status
        self._stop = stop
        self._blobs = blobs

    @command("daemon.status", level=Level.READ, per_profile=False)
    async def status(self, call: Call) -> Status:
        """Return how the daemon is: its profiles, plugins, and the disk."""
        status = self._status()
        shown = tuple(one for one in status.profiles if call.grant.shows(one.name))
        return msgspec.structs.replace(status, profiles=shown)

    @command("daemon.stop", level=Level.ADMIN, per_profile=False)
    async def stop(self) -> None:
        """End the daemon: it writes what is queued and closes every stream."""
        self._stop()

    @command("daemon.backup", level=Level.ADMIN, per_profile=False)
    async def backup(self, call: Call, blob: str | None = None) -> int:
        """Write a copy of the database to the open file that comes along; return its size.

        Passwords are not in it. What is committed while it is written may be missing.

        :param blob: write it to this blob, to be read from there
        :raises usage.descriptor: if no open file came along
        :raises unknown.blob: if there is no such blob
        :raises failed.backup: if it can't be written
        """
        descriptor = self._blobs.share(call, blob)
        path = self._store.path
        try:
            return await self._store.read(lambda _: _copy(path, descriptor))
        except (sqlite3.Error, OSError) as error:
            raise CommandError("failed.backup", f"the backup can't be written: {error}") from error
        finally:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _copy(database: Path, descriptor: int) -> int:
    """Write a compact copy; SQLite needs a path, so it is made beside the database first."""
    with tempfile.TemporaryDirectory(dir=database.parent, prefix="backup-") as folder:
        copy = Path(folder) / "copy.db"
        connection = connect(database)
        try:
            connection.execute("VACUUM INTO ?", (str(copy),))
        finally:
            connection.close()
        size = copy.stat().st_size
        with copy.open("rb") as source, os.fdopen(os.dup(descriptor), "wb") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)
        return size
