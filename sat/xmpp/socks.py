"""Connecting through a SOCKS5 proxy, which resolves names itself (RFC 1928, RFC 1929)."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped, unused-ignore]

_VERSION, _NO_LOGIN, _PASSWORD = 5, 0, 2
_LOGIN_VERSION = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4

_REFUSALS = {
    1: "failed",
    2: "doesn't allow it",
    3: "can't reach the server's network",
    4: "can't reach the server, or doesn't know it",
    5: "says that the server refuses connections",
    6: "says that the server doesn't answer",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A SOCKS5 proxy.

    :param user: tells it who asks; Tor keeps apart what different ones do
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"socks5://{host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Read ``socks5://[USER:PASSWORD@]HOST:PORT``.

        :raises ValueError: if it is something else
        """
        wrong = ValueError("A proxy is socks5://HOST:PORT or socks5://USER:PASSWORD@HOST:PORT.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise wrong from None
        if parts.scheme not in ("socks5", "socks5h") or not parts.hostname or not port:
            raise wrong
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise wrong
        user, password = parts.username, parts.password
        if (user is None) != (password is None):
            raise wrong
        user, password = (unquote(text) if text is not None else None for text in (user, password))
        for text in (user, password):
            if text is not None and not 0 < len(text.encode()) < 256:
                raise ValueError("A proxy's user and password have from 1 to 255 bytes each.")
        return cls(parts.hostname, port, user, password)


class ProxyError(Exception):
    """The proxy didn't connect; the text goes on after "The proxy HOST:PORT"."""


@implementer(IStreamClientEndpoint)
class SocksEndpoint:
    """A server behind a proxy.

    :param way: the endpoint of the proxy itself
    :param host: a name in A-labels, or an address; it is the proxy that resolves it
    """

    def __init__(self, proxy: Proxy, way: HostnameEndpoint, host: str, port: int) -> None:
        self._proxy = proxy
        self._way = way
        self._host = host
        self._port = port

    def connect(self, protocolFactory: Factory) -> Deferred[Protocol]:
        """Connect, and give the protocol once the proxy has connected."""
        through = _Through(self._proxy, self._host, self._port, protocolFactory)
        reaching = cast(
            "Deferred[object]",
            self._way.connect(_One(through)),  # type: ignore[arg-type]
        )
        connected: Deferred[Protocol] = Deferred(lambda _: through.give_up(reaching))
        through.done = connected

        def failed(failure: Failure) -> None:
            if not connected.called:
                connected.errback(failure)

        reaching.addErrback(failed)
        return connected


class _One(Factory):
    noisy = False

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> Protocol:
        return self._protocol


class _Through(Protocol):
    """Speaks with the proxy; from then on, hands everything through."""

    done: Deferred[Protocol]

    def __init__(self, proxy: Proxy, host: str, port: int, factory: Factory) -> None:
        self._proxy = proxy
        self._host = host
        self._port = port
        self._factory = factory
        self._inner: Protocol | None = None
        self._wire: Any = None
        self._data = b""
        self._next = self._method

    def connectionMade(self) -> None:
        """Greet the proxy."""
        self._wire = cast(Any, self.transport)
        methods = [_NO_LOGIN] if self._proxy.user is None else [_NO_LOGIN, _PASSWORD]
        self._write(bytes([_VERSION, len(methods), *methods]))

    def dataReceived(self, data: bytes) -> None:
        """Take the proxy's answers; later, hand on what the server sends."""
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        self._data += data
        try:
            while self._inner is None and self._next():
                pass
        except ProxyError as error:
            self._fail(error)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell who waits, or whoever the connection was handed on to."""
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif not self.done.called:
            self.done.errback(ProxyError("closes the connection."))

    def give_up(self, reaching: Deferred[object]) -> None:
        """End, wherever it stands."""
        reaching.cancel()
        self._abort()

    def _method(self) -> bool:
        answer = self._take(2)
        if answer is None:
            return False
        if answer[0] != _VERSION:
            raise ProxyError("doesn't speak SOCKS5.")
        if answer[1] == _PASSWORD and self._proxy.user is not None:
            user, password = self._proxy.user.encode(), (self._proxy.password or "").encode()
            self._write(
                bytes([_LOGIN_VERSION, len(user)]) + user + bytes([len(password)]) + password
            )
            self._next = self._admitted
        elif answer[1] == _NO_LOGIN:
            self._ask()
        elif self._proxy.user is None:
            raise ProxyError("wants a user and a password: give them with the proxy.")
        else:
            raise ProxyError("doesn't take a user and a password.")
        return True

    def _admitted(self) -> bool:
        answer = self._take(2)
        if answer is None:
            return False
        if answer[1] != 0:
            raise ProxyError("refuses the user and the password given for it.")
        self._ask()
        return True

    def _ask(self) -> None:
        try:
            address = ipaddress.ip_address(self._host)
        except ValueError:
            name = self._host.encode()
            if len(name) > 255:
                raise ProxyError("can't be asked for a name that long.") from None
            where = bytes([_NAME, len(name)]) + name
        else:
            where = bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed
        self._write(bytes([_VERSION, 1, 0]) + where + struct.pack("!H", self._port))
        self._next = self._answered

    def _answered(self) -> bool:
        if len(self._data) < 5:
            return False
        version, code, _, kind, first = self._data[:5]
        if version != _VERSION:
            raise ProxyError("doesn't speak SOCKS5.")
        if code:
            raise ProxyError(f"{_REFUSALS.get(code, f'refuses (code {code})')}.")
        size = {_IPV4: 4, _IPV6: 16, _NAME: 1 + first}.get(kind)
        if size is None:
            raise ProxyError("doesn't speak SOCKS5.")
        if self._take(4 + size + 2) is None:
            return False
        self._begin()
        return True

    def _begin(self) -> None:
        inner = cast("Protocol | None", self._factory.buildProtocol(self._wire.getPeer()))
        if inner is None:
            raise ProxyError("isn't needed any more.")
        self._inner = inner
        inner.makeConnection(self._wire)  # type: ignore[no-untyped-call]
        rest, self._data = self._data, b""
        if rest:
            inner.dataReceived(rest)
        self.done.callback(inner)

    def _take(self, size: int) -> bytes | None:
        if len(self._data) < size:
            return None
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def _write(self, data: bytes) -> None:
        self._wire.write(data)

    def _fail(self, error: ProxyError) -> None:
        self._abort()
        if not self.done.called:
            self.done.errback(error)

    def _abort(self) -> None:
        if self._wire is not None:
            self._wire.abortConnection()
