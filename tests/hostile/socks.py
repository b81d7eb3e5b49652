"""A SOCKS5 proxy on loopback (RFC 1928): all leads to one port, or it says what it is told."""

import ipaddress
import struct

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol


class SocksProxy:
    """Listens on a free port.

    :param port: of loopback, where all connections lead
    :param login: user and password that it wants
    :param replies: raw answers to give instead, in turn; after them it is silent
    :param bytewise: send each byte by itself
    """

    def __init__(self, reactor, port=0, *, login=None, replies=None, bytewise=False) -> None:
        self.reactor = reactor
        self.target = port
        self.login = login
        self.replies = replies
        self.bytewise = bytewise
        #: Where clients wanted to go: host and port.
        self.asked: list[tuple[str, int]] = []
        self.lines: list[_Line] = []

    async def __aenter__(self) -> "SocksProxy":
        factory = Factory.forProtocol(_Line)
        factory.noisy = False
        factory.proxy = self
        self._listening = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = self._listening.getHost().port
        return self

    async def __aexit__(self, *_) -> None:
        await self._listening.stopListening()
        for line in self.lines:
            line.transport.abortConnection()


class _Far(Protocol):
    def __init__(self, near: "_Line") -> None:
        self.near = near

    def connectionMade(self) -> None:
        self.near.far = self
        self.near.say(b"\x05\x00\x00\x03\x04near\x00\x00")

    def dataReceived(self, data: bytes) -> None:
        self.near.transport.write(data)

    def connectionLost(self, reason) -> None:
        self.near.transport.loseConnection()


class _Line(Protocol):
    far = None

    def connectionMade(self) -> None:
        self.proxy = self.factory.proxy
        self.proxy.lines.append(self)
        self.data = b""
        self.step = self._greeted

    def dataReceived(self, data: bytes) -> None:
        if self.proxy.replies is not None:
            if self.proxy.replies:
                self.transport.write(self.proxy.replies.pop(0))
                if not self.proxy.replies:
                    self.transport.loseConnection()
            return
        if self.far is not None:
            self.far.transport.write(data)
            return
        self.data += data
        self.step()

    def connectionLost(self, reason) -> None:
        if self.far is not None:
            self.far.transport.loseConnection()

    def say(self, data: bytes) -> None:
        if not self.proxy.bytewise:
            self.transport.write(data)
            return
        for at in range(len(data)):
            self.proxy.reactor.callLater(0.01 * at, self.transport.write, data[at : at + 1])

    def _greeted(self) -> None:
        version, count, *methods = self.data
        assert version == 5
        assert len(methods) == count
        self.data = b""
        if self.proxy.login is None:
            assert 0 in methods
            self.say(b"\x05\x00")
            self.step = self._wanted
        elif 2 in methods:
            self.say(b"\x05\x02")
            self.step = self._logged_in
        else:
            self.say(b"\x05\xff")

    def _logged_in(self) -> None:
        size = self.data[1]
        user, password = self.data[2 : 2 + size], self.data[3 + size :]
        self.data = b""
        good = (user.decode(), password.decode()) == self.proxy.login
        self.say(b"\x01\x00" if good else b"\x01\x01")
        self.step = self._wanted

    def _wanted(self) -> None:
        assert self.data[:3] == b"\x05\x01\x00"
        kind, rest = self.data[3], self.data[4:]
        if kind == 3:
            host, rest = rest[1 : 1 + rest[0]].decode(), rest[1 + rest[0] :]
        else:
            size = 4 if kind == 1 else 16
            host, rest = str(ipaddress.ip_address(rest[:size])), rest[size:]
        self.proxy.asked.append((host, struct.unpack("!H", rest)[0]))
        self.data = b""
        far = Factory()
        far.noisy = False
        far.buildProtocol = lambda _: _Far(self)
        TCP4ClientEndpoint(self.proxy.reactor, "127.0.0.1", self.proxy.target).connect(far)
