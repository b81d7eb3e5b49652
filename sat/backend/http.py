"""HTTP: sending a file, and fetching one, with the profile's own trust."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from sat.backend.http_faults import failure
from sat.bridge.errors import CommandError
from sat.xmpp.socks import Proxy, SocksEndpoint
from sat.xmpp.stanza import clean

_CHUNK = 256 * 1024
#: An upload of which nothing moves for so many seconds is given up.
_STALL = 60.0
_CONNECT = 30.0
#: An answer's head has at most so many bytes.
_HEAD = 256 * 1024
#: A download has so many seconds, and one more for each of so many bytes that have come.
_PATIENCE = 60.0
_SLOWEST = 10_000
_END = "-----END CERTIFICATE-----"


class Http:
    """HTTP requests that are verified against a profile's certificate authority, or the system's.

    :param ca: certificates in PEM that are trusted in place of the system's
    :param proxy: the one through which all goes, names too
    """

    def __init__(self, reactor: object, ca: str | None, proxy: Proxy | None = None) -> None:
        self._reactor = cast(Any, reactor)
        self._ca = ca
        self._proxy = proxy

    async def put(
        self, url: str, headers: dict[str, str], descriptor: int, progress: Callable[[int], None]
    ) -> int:
        """Send a file with PUT and return the status code of the answer.

        :param descriptor: of the open file; it is read from where it stands, and stays open
        :param progress: is told how many bytes have gone
        :raises CommandError: ``failed.http`` if the server can't be reached or trusted, or stalls
        """
        from twisted.web import client

        # Twisted's web client has no types yet.
        web: Any = client
        watch = _Watch(self._reactor, progress)
        file = _Counted(os.dup(descriptor), watch.moved)
        body = web.FileBodyProducer(file, readSize=_CHUNK)
        sent = {"Content-Type": "application/octet-stream", **headers}
        host = url.split("/")[2]
        try:
            # What is no address at all is refused at once, not by way of the Deferred.
            request = self._request(b"PUT", url, sent, body, _Intake())
            watch.guard(request)
            response = await request
        except Exception as error:
            if watch.stalled:
                raise CommandError(
                    "failed.http", f"{host} took nothing for {_STALL:.0f} s: try again later"
                ) from None
            raise failure(error, f"the transfer to {host}", host) from error
        finally:
            watch.stop()
            file.close()
        # What it has to say beyond the status is not read, and would keep the connection open.
        response.deliverBody(_HangUp())
        return int(response.code)

    async def get(self, url: str, descriptor: int, most: int) -> Fetched:
        """Fetch a file with GET into an open one; nothing but https, and from no other address.

        A server that has no certificate for its name gets no request: a link of a peer can't make
        this machine ask anything of what stands beside it.

        :param descriptor: of a regular file; it is written from its start on, and stays open
        :param most: how many bytes are taken at most
        :raises CommandError: ``denied.link`` if it isn't https; ``failed.size`` if it is larger;
            ``failed.storage`` if there is no room for it; ``failed.http`` if the server can't be
            reached or trusted, has no such file, or is too slow
        """
        if not url.isascii() or not url.startswith("https://") or set(url) & set(" \r\n"):
            raise CommandError(
                "denied.link", "the file is at an address that is not https: it isn't fetched"
            )
        host = url.split("/")[2]
        intake = _Intake()
        watch = _Watch(self._reactor, lambda done: None, _PATIENCE, _SLOWEST)
        sink = _Sink(descriptor, most, watch.moved)
        try:
            # Compressed, it would be another file than the one that was meant.
            request = self._request(b"GET", url, {"Accept-Encoding": "identity"}, None, intake)
            watch.guard(request)
            response = await request
            if response.code != 200:
                response.deliverBody(_HangUp())
                raise CommandError(
                    "failed.http", f"{host} doesn't give the file: it answers {response.code}"
                )
            # Chunks of a byte each take five more.
            intake.most = intake.came + 6 * most + _HEAD
            watch.guard(sink.done)
            response.deliverBody(sink)
            sink.check(response.length)
            await sink.done
        except Exception as error:
            if watch.stalled:
                raise CommandError(
                    "failed.http", f"{host} sends the file too slowly: try again later"
                ) from None
            raise failure(error, f"the transfer from {host}", host) from error
        finally:
            watch.stop()
            sink.hang_up()
        kind = response.headers.getRawHeaders("content-type", [""])[0]
        return Fetched(sink.size, clean(kind).partition(";")[0].strip().lower()[:100])

    def _request(
        self,
        method: bytes,
        url: str,
        headers: dict[str, str],
        body: object,
        intake: _Intake,
    ) -> Deferred[Any]:
        # The web client is a megabyte of code; a daemon that uploads nothing never loads it.
        from twisted.web import client
        from twisted.web.http_headers import Headers

        # Twisted's web client has no types yet.
        web: Any = client
        policy = web.BrowserLikePolicyForHTTPS(self._trust_root())
        ways = _Ways(self._reactor, policy, self._proxy, intake)
        agent = web.Agent.usingEndpointFactory(self._reactor, ways)
        sent = {"User-Agent": "salut-a-toi", **headers}
        raw = Headers({name: [value] for name, value in sent.items()})
        return cast(Deferred[Any], agent.request(method, url.encode("ascii"), raw, body))

    def _trust_root(self) -> Any:
        if self._ca is None:
            return None
        parts = [part + _END for part in self._ca.split(_END)[:-1]]
        make: Any = trustRootFromCertificates
        return make([Certificate.loadPEM(part.encode()) for part in parts])


class Fetched(NamedTuple):
    """How large a file was, and what the server says that it is (empty if it doesn't)."""

    size: int
    media_type: str


class _Ways:
    """Makes each connection, through a proxy if there is one (``IAgentEndpointFactory``)."""

    def __init__(self, reactor: Any, policy: Any, proxy: Proxy | None, intake: _Intake) -> None:
        self._reactor = reactor
        self._policy = policy
        self._proxy = proxy
        self._intake = intake

    def endpointForURI(self, uri: Any) -> Any:
        proxy = self._proxy
        host, port = uri.host.decode("ascii"), uri.port
        if not 0 < port < 1 << 16:
            raise ValueError(f"there is no port {port}")
        if proxy is None:
            endpoint: Any = HostnameEndpoint(self._reactor, host, port, timeout=_CONNECT)
        else:
            way = HostnameEndpoint(self._reactor, proxy.host, proxy.port, timeout=_CONNECT)
            endpoint = SocksEndpoint(proxy, way, host, port)
        if uri.scheme == b"https":
            endpoint = wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), endpoint)
        return _Bounded(endpoint, self._intake)


class _Intake:
    """How many bytes may come in answer to a request, and how many have: a head without end ends.

    ``most`` is for the head, until the body's length is known.
    """

    def __init__(self) -> None:
        self.came = 0
        self.most = _HEAD


class _Bounded:
    """An endpoint whose connections end when too much has come."""

    def __init__(self, endpoint: Any, intake: _Intake) -> None:
        self._endpoint = endpoint
        self._intake = intake

    def connect(self, factory: Any) -> Deferred[Any]:
        make: Any = WrappingFactory
        wrapping = make(factory)
        wrapping.noisy = False
        wrapping.protocol = lambda *given: _BoundedProtocol(self._intake, *given)
        connected: Deferred[Any] = self._endpoint.connect(wrapping)
        return connected.addCallback(lambda protocol: protocol.wrappedProtocol)


class _BoundedProtocol(ProtocolWrapper):
    def __init__(self, intake: _Intake, factory: Any, protocol: Any) -> None:
        ProtocolWrapper.__init__(self, factory, protocol)
        self._intake = intake

    def dataReceived(self, data: bytes) -> None:
        """Pass it on, unless it is too much."""
        self._intake.came += len(data)
        if self._intake.came > self._intake.most:
            transport: Any = self.transport
            transport.abortConnection()
        else:
            protocol: Any = self.wrappedProtocol
            protocol.dataReceived(data)


class _Sink(Protocol):
    """Writes what comes to a file, up to a limit; ``done`` fires at the end.

    :param moved: is told how many bytes have come
    """

    def __init__(self, descriptor: int, most: int, moved: Callable[[int], None]) -> None:
        self._descriptor = descriptor
        self._most = most
        self._moved = moved
        self._over = False
        self.size = 0
        self.done: Deferred[None] = Deferred(lambda _: self.hang_up())

    def check(self, length: object) -> None:
        """Refuse a file at once whose length is told, and too large."""
        if isinstance(length, int) and length > self._most:
            raise self._too_large()

    def dataReceived(self, data: bytes) -> None:
        """Write it down."""
        if self._over:
            return
        try:
            if self.size + len(data) > self._most:
                raise self._too_large()
            rest = memoryview(data)
            while rest:
                written = os.pwrite(self._descriptor, rest, self.size)
                self.size += written
                rest = rest[written:]
        except OSError as error:
            self._fail(CommandError("failed.storage", f"the file can't be kept: {error.strerror}"))
        except CommandError as error:
            self._fail(error)
        else:
            self._moved(self.size)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell that it is all, or that it isn't."""
        from twisted.web.client import ResponseDone
        from twisted.web.http import PotentialDataLoss

        if self._over:
            return
        if isinstance(reason.value, ResponseDone | PotentialDataLoss):
            self.done.callback(None)
        else:
            self.done.errback(reason)

    def hang_up(self) -> None:
        """Read no more: from now on the descriptor may be another file's."""
        self._over = True
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()

    def _fail(self, error: CommandError) -> None:
        self.hang_up()
        self.done.errback(error)

    def _too_large(self) -> CommandError:
        return CommandError(
            "failed.size", f"the file is larger than {self._most} bytes, which are taken at most"
        )


class _HangUp(Protocol):
    """Ends a connection rather than read from it."""

    def connectionMade(self) -> None:
        """Hang up."""
        transport: Any = self.transport
        transport.loseConnection()


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, descriptor: int, moved: Callable[[int], None]) -> None:
        self._file = os.fdopen(descriptor, "rb")
        self._moved = moved

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._moved(self._file.tell())
        return data

    def seek(self, *where: int) -> int:
        return self._file.seek(*where)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


class _Watch:
    """Gives up a request of which nothing moves any more, or too little.

    :param progress: is told how many bytes have moved
    :param patience: seconds without any
    :param slowest: if given, all together takes no more seconds than ``patience``, and one for
        each of so many bytes
    """

    def __init__(
        self,
        reactor: Any,
        progress: Callable[[int], None],
        patience: float = _STALL,
        slowest: int | None = None,
    ) -> None:
        self._reactor = reactor
        self._progress = progress
        self._patience = patience
        self._slowest = slowest
        self._begun = reactor.seconds()
        self._timer: Any = None
        self._request: Deferred[Any] | None = None
        self.stalled = False

    def guard(self, request: Deferred[Any]) -> None:
        self._request = request
        if self._timer is None:
            self._timer = self._reactor.callLater(self._patience, self._give_up)

    def moved(self, done: int) -> None:
        if self._timer is not None and self._timer.active():
            left = self._patience
            if self._slowest is not None:
                left += self._begun + done / self._slowest - self._reactor.seconds()
            self._timer.reset(max(0.0, left))
        self._progress(done)

    def stop(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _give_up(self) -> None:
        self.stalled = True
        if self._request is not None:
            self._request.cancel()
