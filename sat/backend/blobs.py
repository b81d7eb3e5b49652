"""Files of frontends that can't pass an open one along: sent in pieces, spooled, then used."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.model import Level

#: The most bytes that a call writes or reads.
MAX_PIECE = 1024 * 1024
_MAX_BLOBS = 64
#: Bytes of the disk that blobs leave for everything else.
_RESERVE = 100 * 1024 * 1024

_Size = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(slots=True)
class _Blob:
    session: str
    size: int
    descriptor: int


class Blobs:
    """The blobs of all sessions. Each is its session's own, and goes with it.

    A spooled file has no name: whatever becomes of the daemon, nothing of it is left.

    :param folder: on the disk that they are spooled to
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs: dict[str, _Blob] = {}

    @command("blob.open", level=Level.READ, per_profile=False)
    async def open(self, call: Call, size: _Size = 0) -> str:
        """Begin a blob, and return its id; it ends with the session.

        :param size: how many bytes will be written to it, if that is known
        :raises denied.level: if the session may use no profile with the level files
        :raises failed.storage: if there isn't so much room
        :raises failed.blobs: if the session has too many
        """
        if not call.grant.allows_anywhere(Level.FILES):
            raise CommandError("denied.level", "blob.open needs the level files")
        if sum(one.session == call.session for one in self._blobs.values()) >= _MAX_BLOBS:
            raise CommandError("failed.blobs", f"a session has at most {_MAX_BLOBS} blobs")
        self._check_room(size)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            descriptor = os.dup(file.fileno())
        id_ = secrets.token_hex(8)
        self._blobs[id_] = _Blob(call.session, 0, descriptor)
        return id_

    @command("blob.write", level=Level.READ, per_profile=False)
    async def write(self, call: Call, id: str, offset: _Size, data: bytes) -> None:
        """Write a piece of a blob, in order: at its present end, or over what is there.

        :param id: the blob's
        :param offset: where, in bytes
        :param data: at most 1 MiB
        :raises unknown.blob: if the session has none of that id
        :raises usage.blob: if the piece is too large, or leaves a gap
        :raises failed.storage: if there is no room
        """
        blob = self._find(call, id)
        if len(data) > MAX_PIECE or offset > blob.size:
            raise CommandError(
                "usage.blob", f"a piece has at most {MAX_PIECE} bytes, and leaves no gap"
            )
        self._check_room(len(data))
        try:
            done = os.pwrite(blob.descriptor, data, offset)
        except OSError as error:
            raise _no_room(error.strerror or str(error)) from error
        blob.size = max(blob.size, offset + done)
        if done < len(data):
            raise _no_room("the disk is full")

    @command("blob.read", level=Level.READ, per_profile=False)
    async def read(self, call: Call, id: str, offset: _Size, size: _Size = MAX_PIECE) -> bytes:
        """Read a piece of a blob; it is shorter, or empty, at the end.

        :param id: the blob's
        :param offset: from where, in bytes
        :param size: how many bytes at most; never more than 1 MiB
        :raises unknown.blob: if the session has none of that id
        """
        blob = self._find(call, id)
        return os.pread(blob.descriptor, min(size, MAX_PIECE), offset)

    @command("blob.close", level=Level.READ, per_profile=False)
    async def close(self, call: Call, id: str) -> None:
        """Forget a blob.

        :param id: the blob's
        :raises unknown.blob: if the session has none of that id
        """
        os.close(self._take(call, id))

    def descriptor(self, call: Call, id: str | None) -> int:
        """Return the open file that a call means, which is the caller's from now on.

        :param id: the blob that it names, if it does; else the file came along with the call
        :raises CommandError: ``unknown.blob``; ``usage.descriptor``
        """
        return call.take_descriptor() if id is None else self._take(call, id)

    def share(self, call: Call, id: str | None) -> int:
        """Return an open file to write to; a blob stays, and is read by its session later.

        :raises CommandError: as :meth:`descriptor`
        """
        if id is None:
            return call.take_descriptor()
        return os.dup(self._find(call, id).descriptor)

    def session_ended(self, session: str) -> None:
        """Forget what a session has not used."""
        for id_ in [id_ for id_, one in self._blobs.items() if one.session == session]:
            os.close(self._blobs.pop(id_).descriptor)

    def _find(self, call: Call, id_: str) -> _Blob:
        blob = self._blobs.get(id_)
        if blob is None or blob.session != call.session:
            raise CommandError("unknown.blob", f"this session has no blob {id_}")
        return blob

    def _take(self, call: Call, id_: str) -> int:
        self._find(call, id_)
        return self._blobs.pop(id_).descriptor

    def _check_room(self, size: int) -> None:
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize - size < _RESERVE:
            raise _no_room("the disk is nearly full")


def _no_room(why: str) -> CommandError:
    return CommandError(
        "failed.storage", f"the daemon has no room for the file: {why}; make some on its machine"
    )
