"""Files of a profile with a proxy go through it, and it alone resolves names."""

import os

import pytest
from twisted.web.resource import Resource
from twisted.web.server import Site

from sat.backend.http import Http
from sat.bridge.errors import CommandError
from sat.xmpp.socks import Proxy
from tests.backend.support import pause
from tests.hostile.server import HostileServer
from tests.hostile.socks import SocksProxy


class _Shelf(Resource):
    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytes] = []

    def render_PUT(self, request) -> bytes:
        self.kept.append(request.content.read())
        request.setResponseCode(201)
        return b""


async def put(reactor, url, ca, proxy, path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        http = Http(reactor, ca, Proxy("127.0.0.1", proxy.port))
        return await http.put(url, {}, descriptor, lambda done: None)
    finally:
        os.close(descriptor)


async def test_a_file_goes_through_the_proxy(reactor, tmp_path):
    (tmp_path / "file").write_bytes(b"hello")
    server = HostileServer(reactor, tmp_path)
    shelf = _Shelf()
    port = reactor.listenSSL(0, Site(shelf), server.tls, interface="127.0.0.1")
    async with SocksProxy(reactor, port.getHost().port) as proxy:
        url = "https://server.test:8443/x"
        assert await put(reactor, url, server.ca, proxy, tmp_path / "file") == 201
        assert proxy.asked == [("server.test", 8443)]
        with pytest.raises(CommandError, match="its certificate is for another name"):
            await put(reactor, "https://other.test/x", server.ca, proxy, tmp_path / "file")
    assert shelf.kept == [b"hello"]
    await port.stopListening()
    await pause(reactor, 0.05)


async def test_a_proxy_that_refuses_is_told(reactor, tmp_path):
    (tmp_path / "file").write_bytes(b"hello")
    async with SocksProxy(reactor, replies=[b"\x05\xff"]) as proxy:
        with pytest.raises(CommandError, match="wants a user"):
            await put(reactor, "http://server.test/x", None, proxy, tmp_path / "file")
