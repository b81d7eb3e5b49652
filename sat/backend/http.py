"""HTTP for plugins: sending a file, with the profile's own trust."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates

from sat.bridge.errors import CommandError
from sat.xmpp.socks import Proxy, SocksEndpoint

_CHUNK = 256 * 1024
#: An upload of which nothing moves for so many seconds is given up.
_STALL = 60.0
_CONNECT = 30.0
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
        # The web client is a megabyte of code; a daemon that uploads nothing never loads it.
        from twisted.web import client
        from twisted.web.http_headers import Headers

        # Twisted's web client has no types yet.
        web: Any = client
        policy = web.BrowserLikePolicyForHTTPS(self._trust_root())
        if self._proxy is None:
            agent = web.Agent(self._reactor, policy, connectTimeout=_CONNECT)
        else:
            ways = _Ways(self._reactor, policy, self._proxy)
            agent = web.Agent.usingEndpointFactory(self._reactor, ways)
        watch = _Watch(self._reactor, progress)
        file = _Counted(os.dup(descriptor), watch.moved)
        body = web.FileBodyProducer(file, readSize=_CHUNK)
        sent = {"User-Agent": "salut-a-toi", "Content-Type": "application/octet-stream", **headers}
        raw = Headers({name: [value] for name, value in sent.items()})
        host = url.split("/")[2]
        try:
            # What is no address at all is refused at once, not by way of the Deferred.
            request = cast(Deferred[Any], agent.request(b"PUT", url.encode("ascii"), raw, body))
            watch.guard(request)
            response = await request
        except CancelledError:
            if watch.stalled:
                raise CommandError(
                    "failed.http", f"{host} took nothing for {_STALL:.0f} s: try again later"
                ) from None
            raise
        except (ConnectError, DNSLookupError) as error:
            raise CommandError("failed.http", f"{host} can't be reached: {error}") from error
        except Exception as error:
            reasons = getattr(error, "reasons", None)
            why = reasons[0].getErrorMessage() if reasons else str(error)
            raise CommandError("failed.http", f"the transfer to {host} broke off: {why}") from error
        finally:
            watch.stop()
            file.close()
        # What it has to say beyond the status is not read, and would keep the connection open.
        response.deliverBody(_HangUp())
        return int(response.code)

    def _trust_root(self) -> Any:
        if self._ca is None:
            return None
        parts = [part + _END for part in self._ca.split(_END)[:-1]]
        make: Any = trustRootFromCertificates
        return make([Certificate.loadPEM(part.encode()) for part in parts])


class _Ways:
    """Leads each connection through a proxy (Twisted's ``IAgentEndpointFactory``)."""

    def __init__(self, reactor: Any, policy: Any, proxy: Proxy) -> None:
        self._reactor = reactor
        self._policy = policy
        self._proxy = proxy

    def endpointForURI(self, uri: Any) -> Any:
        proxy = self._proxy
        way = HostnameEndpoint(self._reactor, proxy.host, proxy.port, timeout=_CONNECT)
        endpoint: Any = SocksEndpoint(proxy, way, uri.host.decode("ascii"), uri.port)
        if uri.scheme == b"https":
            return wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), endpoint)
        return endpoint


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
    """Gives up a request of which nothing moves any more."""

    def __init__(self, reactor: Any, progress: Callable[[int], None]) -> None:
        self._reactor = reactor
        self._progress = progress
        self._timer: Any = None
        self._request: Deferred[Any] | None = None
        self.stalled = False

    def guard(self, request: Deferred[Any]) -> None:
        self._request = request
        self._timer = self._reactor.callLater(_STALL, self._give_up)

    def moved(self, done: int) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.reset(_STALL)
        self._progress(done)

    def stop(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _give_up(self) -> None:
        self.stalled = True
        if self._request is not None:
            self._request.cancel()
