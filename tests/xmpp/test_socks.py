"""Connecting through a SOCKS5 proxy: names are its affair, and what it does wrong is told."""

import pytest

from sat.xmpp.connection import Phase
from sat.xmpp.socks import Proxy
from tests.hostile.server import HostileServer
from tests.hostile.socks import SocksProxy
from tests.xmpp.support import Client


class NoDns:
    """Fails the test if anybody asks."""

    asked: list[str] = []

    async def services(self, name):
        self.asked.append(name)
        return []


async def through(reactor, server, proxy, *, user=None, password=None, **options):
    """Return a client that connects through a proxy."""
    resolver = NoDns()
    resolver.asked = []
    client = Client(
        reactor,
        server,
        proxy=Proxy("127.0.0.1", proxy.port, user, password),
        resolver=resolver,
        **options,
    )
    client.resolver = resolver
    client.connection.start()
    return client


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("bytewise", [False, True])
async def test_the_proxy_gets_the_name_and_nobody_else(reactor, tmp_path, direct, bytewise):
    async with (
        HostileServer(reactor, tmp_path, direct_tls=direct) as server,
        SocksProxy(reactor, server.port, bytewise=bytewise) as proxy,
    ):
        client = await through(reactor, server, proxy, host=None, port=None)
        await (await server.accept()).log_in()
        await client.phase(Phase.ONLINE)
        assert proxy.asked == [("server.test", 5223 if direct else 5222)]
        assert client.resolver.asked == []
        await client.connection.stop(0.2)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "name.onion"])
async def test_every_kind_of_address(reactor, tmp_path, host):
    async with (
        HostileServer(reactor, tmp_path) as server,
        SocksProxy(reactor, server.port, login=("tor", "x")) as proxy,
    ):
        client = await through(reactor, server, proxy, host=host, user="tor", password="x")
        await (await server.accept()).log_in()
        await client.phase(Phase.ONLINE)
        assert proxy.asked == [(host, server.port)]
        await client.connection.stop(0.2)


@pytest.mark.parametrize(
    ("how", "user", "words"),
    [
        ({"login": ("tor", "x")}, "eve", "refuses the user and the password"),
        ({"login": ("tor", "x")}, None, "wants a user and a password"),
        ({"replies": [b"\x05\xff"]}, "eve", "doesn't take a user"),
        ({"replies": [b"HTTP/1.1 400 Bad Request"]}, None, "doesn't speak SOCKS5"),
        ({"replies": [b"\x05\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0"]}, None, "refuses connections"),
        ({"replies": [b"\x05\x00", b"\x05\x04\x00\x01\0\0\0\0\0\0"]}, None, "doesn't know it"),
        ({"replies": [b"\x05\x00", b"\x05\x63\x00\x01\0\0\0\0\0\0"]}, None, "code 99"),
        ({"replies": [b"\x05\x00", b"\x05\x00\x00\x09\0\0\0\0\0\0"]}, None, "doesn't speak SOCKS5"),
        ({"replies": [b"\x05"]}, None, "closes the connection"),
    ],
)
async def test_what_a_proxy_does_wrong_is_told(reactor, tmp_path, how, user, words):
    async with (
        HostileServer(reactor, tmp_path) as server,
        SocksProxy(reactor, server.port, **how) as proxy,
    ):
        password = "secret" if user else None
        client = await through(reactor, server, proxy, user=user, password=password)
        state = await client.been(Phase.WAITING)
        assert state.reason == "network.proxy"
        assert words in state.sentence
        assert "secret" not in state.sentence
        await client.connection.stop(0.2)


async def test_a_silent_proxy_is_left(reactor, tmp_path):
    async with (
        HostileServer(reactor, tmp_path) as server,
        SocksProxy(reactor, server.port, replies=[]) as proxy,
    ):
        client = await through(reactor, server, proxy, step=0.4)
        state = await client.been(Phase.WAITING)
        assert state.reason == "network.proxy"
        assert "no answer" in state.sentence
        await client.connection.stop(0.2)


async def test_a_proxy_that_is_not_there(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        async with SocksProxy(reactor) as proxy:
            pass
        client = await through(reactor, server, proxy)
        state = await client.been(Phase.WAITING)
        assert state.reason == "network.proxy"
        assert "is it running" in state.sentence
        await client.connection.stop(0.2)


async def test_stopping_while_the_proxy_thinks(reactor, tmp_path):
    async with (
        HostileServer(reactor, tmp_path) as server,
        SocksProxy(reactor, server.port, replies=[]) as proxy,
    ):
        client = await through(reactor, server, proxy)
        await client.phase(Phase.CONNECTING)
        await client.connection.stop(0.2)
        assert client.connection.state.phase is Phase.OFFLINE


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("socks5://127.0.0.1:9050", "socks5://127.0.0.1:9050"),
        ("socks5://a%40b:c%3Ad@[::1]:1080", "socks5://[::1]:1080"),
        ("socks5h://tor.example:9050/", "socks5://tor.example:9050"),
    ],
)
def test_a_proxy_shows_without_its_secrets(url, shown):
    proxy = Proxy.parse(url)
    assert str(proxy) == shown
    assert "c:d" not in repr(proxy)
    if proxy.user is not None:
        assert (proxy.user, proxy.password) == ("a@b", "c:d")


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:9050", "http://h:1", "socks4://h:1", "socks5://h", "socks5://:1"),
        *("socks5://h:0", "socks5://h:70000", "socks5://h:1/x", "socks5://u@h:1", "socks5://[::1"),
        f"socks5://{'u' * 256}:p@h:1",
    ],
)
def test_what_is_no_proxy(url):
    with pytest.raises(ValueError, match="proxy"):
        Proxy.parse(url)
