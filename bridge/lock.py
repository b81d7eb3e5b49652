"""The lock that makes one daemon a home, and tells its pid.

The lock is of the open file (fcntl(2), "open file description locks"): it ends with the process
that holds it, however that ends, and asking who holds it doesn't take it.
"""

import fcntl
import os
import struct

#: ``struct flock``: type, whence, start, length (0: to the end), pid.
_FLOCK = struct.Struct("hhqqi4x")
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class HomeLock:
    """The lock of a home: from ``acquire`` until ``release``, or the end of this process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock and write this process' pid into it; False if another process has it.

        :raises OSError: if the file can't be made
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE_FILE)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back. The file stays: without it two processes could lock two files."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def holder(path: str) -> int | None:
    """Return the pid of the process that holds a home's lock.

    None if none does; 0 if one does that hasn't said yet who it is.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE_FILE)
        if _FLOCK.unpack(answer)[0] == fcntl.F_UNLCK:
            return None
        text = os.pread(descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(descriptor)
