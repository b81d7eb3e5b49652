"""Blobs: files of frontends that can't pass an open one along."""

import base64
import os
from types import SimpleNamespace

import pytest

from sat.backend import blobs
from tests.backend.support import house, until
from tests.backend.test_files import CARRIER, open_files


def text(data: bytes) -> str:
    """Write bytes as the bridge does."""
    return base64.b64encode(data).decode()


async def filled(home, data: bytes, frontend=None) -> str:
    """Return a blob that holds some bytes."""
    call = (frontend or home.frontend).call
    blob = await call("blob.open", size=len(data))
    await call("blob.write", id=blob, offset=0, data=text(data))
    return blob


async def test_a_file_in_pieces_is_sent(reactor, tmp_path):
    async with house(reactor, tmp_path, {"carrier": CARRIER}) as home:
        await home.profile()
        before = open_files()
        blob = await home.call("blob.open", size=5)
        await home.call("blob.write", id=blob, offset=0, data=text(b"hex"))
        await home.call("blob.write", id=blob, offset=2, data=text(b"llo"))
        assert list(home.root.glob("tmp*")) == []  # it has no name
        sent = await home.call("file.send", to="bob@server.test", name="f", size=5, blob=blob)
        done = await home.expect("transfer.changed", id=sent["id"], state="done")
        assert done["url"] == "https://files.test/hello"
        refusal = await home.refused("blob.write", id=blob, offset=0, data="")
        assert refusal.name == "unknown.blob"  # it was used
        await until(reactor, lambda: open_files() == before)


async def test_a_blob_that_is_not_whole_is_not_sent(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        before = open_files()
        blob = await filled(home, b"hel")
        how = {"to": "bob@server.test", "name": "f", "size": 5}
        assert (await home.refused("file.send", blob=blob, **how)).name == "usage.file"
        assert (await home.refused("file.send", blob="none", **how)).name == "unknown.blob"
        assert open_files() == before


async def test_what_is_written_can_be_read(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        blob = await filled(home, b"0123456789")
        read = await home.call("blob.read", id=blob, offset=3, size=4)
        assert base64.b64decode(read) == b"3456"
        assert await home.call("blob.read", id=blob, offset=10) == ""
        await home.call("blob.close", id=blob)
        assert (await home.refused("blob.close", id=blob)).name == "unknown.blob"


async def test_a_backup_by_a_blob(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        blob = await home.call("blob.open")
        size = await home.call("daemon.backup", blob=blob)
        read = b""
        while piece := base64.b64decode(await home.call("blob.read", id=blob, offset=len(read))):
            read += piece
        assert len(read) == size
        assert read.startswith(b"SQLite format 3\0")


async def test_a_blob_is_its_sessions_own_and_goes_with_it(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        other = await home.attach()
        before = open_files()
        blob = await filled(home, b"x", other)
        for method, more in (("read", {"offset": 0}), ("close", {})):
            refusal = await home.refused(f"blob.{method}", id=blob, **more)
            assert refusal.name == "unknown.blob"
        await other.close()
        await until(reactor, lambda: open_files() < before)


@pytest.mark.parametrize(
    ("offset", "data", "name"),
    [
        (1, text(b"gap"), "usage.blob"),
        (-1, "", "usage.params"),
        (0, text(b"x" * (blobs.MAX_PIECE + 1)), "usage.blob"),
        (0, "no base64!", "usage.params"),
        (1 << 62, text(b"far"), "usage.blob"),
    ],
)
async def test_pieces_that_are_none(reactor, tmp_path, offset, data, name):
    async with house(reactor, tmp_path) as home:
        blob = await home.call("blob.open")
        refusal = await home.refused("blob.write", id=blob, offset=offset, data=data)
        assert refusal.name == name


async def test_nobody_fills_the_disk(reactor, tmp_path, monkeypatch):
    async with house(reactor, tmp_path) as home:
        disk = os.statvfs(home.root)
        refusal = await home.refused("blob.open", size=disk.f_bavail * disk.f_frsize)
        assert refusal.name == "failed.storage" and "make some" in refusal.sentence
        blob = await home.call("blob.open")
        # What is left is the same for every test of this machine: the disk is said to be another.
        full = SimpleNamespace(f_bavail=1, f_frsize=4096)
        monkeypatch.setattr(blobs.os, "statvfs", lambda path: full)
        refusal = await home.refused("blob.write", id=blob, offset=0, data=text(b"x"))
        assert refusal.name == "failed.storage"


async def test_a_session_has_not_too_many(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        for _ in range(64):
            await home.call("blob.open")
        assert (await home.refused("blob.open")).name == "failed.blobs"
        other = await home.attach()
        assert await other.call("blob.open")
        await other.close()
