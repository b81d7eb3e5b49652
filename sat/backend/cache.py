"""What can be fetched again, and is kept on disk until its room is needed."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from twisted.logger import Logger

_log = Logger("sat.cache")

#: Bytes, and files, that are kept of one profile; the least used go first.
MAX_BYTES = 32 * 1024 * 1024
MAX_FILES = 2000
#: Bytes of the disk that are left for everything else.
_RESERVE = 100 * 1024 * 1024
_HEXADECIMAL = frozenset("0123456789abcdef")


class Cache:
    """Bytes of each profile, by names of hexadecimal digits. Nothing depends on their being there.

    :param folder: for the daemon alone; it is made when something is kept for the first time
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, profile: str, name: str) -> bytes | None:
        """Return what was kept, or None; whether it is whole is for the reader to check."""
        path = self._path(profile, name)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, profile: str, name: str, data: bytes) -> None:
        """Keep bytes; where the disk doesn't take them, they are not kept."""
        path = self._path(profile, name)
        part = path.with_suffix(".part")
        try:
            # The mode of parents is the system's own.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            disk = os.statvfs(path.parent)
            if disk.f_bavail * disk.f_frsize < _RESERVE:
                return
            part.write_bytes(data)
            part.replace(path)
            _trim(path.parent)
        except OSError as error:
            _log.debug("nothing can be kept: {error}", error=error)
            with suppress(OSError):
                part.unlink()

    def forget(self, profile: str) -> None:
        """Keep nothing more of a profile."""
        shutil.rmtree(self._of(profile), ignore_errors=True)

    def _of(self, profile: str) -> Path:
        # A profile's name can have more bytes than a file's.
        return self._folder / sha256(profile.encode()).hexdigest()[:32]

    def _path(self, profile: str, name: str) -> Path:
        if not name or not set(name) <= _HEXADECIMAL:
            raise ValueError(f"{name!r} is not of hexadecimal digits")
        return self._of(profile) / name


def _trim(folder: Path) -> None:
    """Remove what was used longest ago, until the rest has its room."""
    files = [(one.stat(), one) for one in folder.iterdir()]
    files.sort(key=lambda one: one[0].st_mtime_ns)
    total, count = sum(status.st_size for status, _ in files), len(files)
    for status, path in files:
        if total <= MAX_BYTES and count <= MAX_FILES:
            return
        path.unlink()
        total, count = total - status.st_size, count - 1
