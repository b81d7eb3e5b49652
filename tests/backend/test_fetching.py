"""Fetching what a message points to: over https alone, within limits, and only when asked."""

import os

import pytest
from twisted.web.server import NOT_DONE_YET

from sat.backend.http import Http
from sat.backend.tasks import start
from sat.bridge.errors import CommandError
from sat.xmpp.socks import Proxy
from tests.backend.support import house, until
from tests.hostile.socks import SocksProxy
from tests.plugins.storage import Storage

CONTENT = bytes(range(256)) * 400


class Shelf(Storage):
    """A storage which gives what it has, as a test says."""

    def __init__(self, reactor, folder) -> None:
        super().__init__(reactor, folder)
        self.asked: list[bytes] = []
        self.gives = lambda request: CONTENT

    def render_GET(self, request):
        self.asked.append(request.uri)
        request.setHeader(b"Content-Type", b"image/png; charset=x")
        return self.gives(request)


async def receive(home, alice, url: str, body: str = "") -> str:
    """Let alice get a message that points to a file, and return the message's id."""
    alice.peer.send(
        f"<message from='bob@server.test/x' type='chat'><body>{body or url}</body>"
        f"<x xmlns='jabber:x:oob'><url>{url}</url></x></message>"
    )
    return (await home.expect("message.added", direction="in"))["id"]


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "fetched"
    found.touch()
    return found


async def refused(home, path, **params) -> str:
    with path.open("r+b") as file:
        error = await home.refused("file.fetch", file.fileno(), **params)
    return f"{error.name}: {error.sentence}"


async def trusting(home, shelf):
    alice = await home.profile(connect=False)
    await home.call("profile.set", name="alice", values={"ca": alice.server.ca + shelf.ca})
    await alice.reconnect()
    await home.expect("profile.changed", connection={"phase": "online"})
    return alice


async def test_a_file_comes_when_somebody_asks(reactor, tmp_path, path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")
        assert shelf.asked == []
        with path.open("r+b") as file:
            found = await home.call("file.fetch", file.fileno(), id=id_)
        assert path.read_bytes() == CONTENT
        assert shelf.asked == [b"/a.png"]
        assert found == {
            "url": shelf.address + "/a.png", "name": None, "size": len(CONTENT),
            "media_type": "image/png", "sha256": None,
        }  # fmt: skip


async def test_what_stands_behind_the_hash_is_not_the_servers(reactor, tmp_path, path):
    """There XEP-0454 has a file's key."""
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, f"{shelf.address}/a.png?x=1#{'0f' * 44}")
        with path.open("r+b") as file:
            await home.call("file.fetch", file.fileno(), id=id_)
        assert shelf.asked == [b"/a.png?x=1"]


async def test_a_frontend_elsewhere_reads_it_in_pieces(reactor, tmp_path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")
        blob = await home.call("blob.open")
        await home.call("file.fetch", id=id_, blob=blob)
        assert len(await home.call("blob.read", id=blob, offset=0)) * 3 // 4 >= len(CONTENT)
        error = await home.refused("file.fetch", id=id_)
        assert error.name == "usage.descriptor"


async def test_what_is_not_there_is_refused(reactor, tmp_path, path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")
        assert (await refused(home, path, id="ffff")).startswith("unknown.message")
        assert (await refused(home, path, id=id_, number=1)).startswith("unknown.file")
        plain = await receive(home, alice, shelf.address.replace("https", "http"))
        assert "denied.link" in await refused(home, path, id=plain)
        reading, writing = os.pipe()
        error = await home.refused("file.fetch", writing, id=id_)
        assert error.name == "usage.file"
        os.close(reading)
        os.close(writing)
        assert shelf.asked == []


async def test_what_is_too_large_is_given_up(reactor, tmp_path, path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")
        size = len(CONTENT)
        assert "failed.size" in await refused(home, path, id=id_, limit=size - 1)
        assert path.stat().st_size == 0

        def without_a_length(request):
            for at in range(0, size, 1000):
                request.write(CONTENT[at : at + 1000])
            request.finish()
            return NOT_DONE_YET

        shelf.gives = without_a_length
        assert "failed.size" in await refused(home, path, id=id_, limit=size - 1)
        assert path.stat().st_size < size
        with path.open("r+b") as file:
            await home.call("file.fetch", file.fileno(), id=id_, limit=size)
        assert path.read_bytes() == CONTENT


async def test_a_file_that_ends_early_is_no_file(reactor, tmp_path, path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")

        begun = []

        def begin(request):
            request.setHeader(b"Content-Length", b"5000")
            request.write(b"x" * 100)
            begun.append(request)
            return NOT_DONE_YET

        async def cut() -> None:
            await until(reactor, lambda: path.stat().st_size)
            begun[0].channel.forceAbortClient()

        shelf.gives = begin
        cutting = start(cut())
        assert "broke off" in await refused(home, path, id=id_)
        await cutting

        def gone(request):
            request.setResponseCode(302)
            request.setHeader(b"Location", shelf.address.encode() + b"/other")
            return b""

        shelf.gives = gone
        assert "answers 302" in await refused(home, path, id=id_)
        assert b"/other" not in shelf.asked


async def test_a_server_without_a_certificate_for_its_name_gets_no_request(reactor, tmp_path, path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await home.profile()
        id_ = await receive(home, alice, shelf.address + "/a.png")
        told = await refused(home, path, id=id_)
        assert "failed.http" in told and "give the account their authority" in told
        assert shelf.asked == []


async def test_a_head_without_end_ends(reactor, tmp_path, path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")
        went = []

        def endless(request):
            line = b"X-Header: " + b"x" * 1000 + b"\r\n"
            request.channel.transport.write(b"HTTP/1.1 200 OK\r\n" + line * 4000)
            request.notifyFinish().addErrback(went.append)
            return NOT_DONE_YET

        shelf.gives = endless
        assert "broke off" in await refused(home, path, id=id_)
        await until(reactor, lambda: went)


async def test_what_stands_still_is_given_up(reactor, tmp_path, path, monkeypatch):
    monkeypatch.setattr("sat.backend.http._PATIENCE", 0.3)
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")

        def drips(request):
            request.write(b"x")
            return NOT_DONE_YET

        shelf.gives = drips
        assert "too slowly" in await refused(home, path, id=id_)
        assert path.read_bytes() == b"x"
        shelf.gives = lambda request: NOT_DONE_YET
        assert "too slowly" in await refused(home, path, id=id_)


async def test_it_goes_through_the_proxy(reactor, tmp_path, path):
    shelf = Shelf(reactor, tmp_path)
    async with shelf, SocksProxy(reactor, shelf.port.getHost().port) as proxy:
        with path.open("r+b") as file:
            http = Http(reactor, shelf.ca, Proxy("127.0.0.1", proxy.port))
            await http.get("https://localhost:8443/x", file.fileno(), 1 << 20)
        assert path.read_bytes() == CONTENT
        assert proxy.asked == [("localhost", 8443)]
        for url in ("https://", "https://[::1", "https://localhost:99999999/x", "https:///x"):
            with path.open("r+b") as file, pytest.raises(CommandError):
                await http.get(url, file.fileno(), 1 << 20)


async def test_a_daemon_that_ends_gives_it_up(reactor, tmp_path, path):
    async with Shelf(reactor, tmp_path) as shelf, house(reactor, tmp_path) as home:
        alice = await trusting(home, shelf)
        id_ = await receive(home, alice, shelf.address + "/a.png")
        shelf.gives = lambda request: NOT_DONE_YET
        with path.open("r+b") as file:
            answered: list = []
            home.call("file.fetch", file.fileno(), id=id_).addBoth(answered.append)
            await until(reactor, lambda: shelf.asked)
            # It is under way. At its end the house sees that no connection and no timer is left.
            assert answered == []
