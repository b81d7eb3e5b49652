"""A server that does what the test says, and knows no more of XMPP than that.

It speaks raw XML over real TLS on loopback, in the reactor of the test::

    async with HostileServer(reactor, tmp_path) as server:
        connect(server)                        # the thing under test, at server.port
        peer = await server.accept()
        await peer.log_in()                    # or log_in(before="bind"), then something nasty
        peer.send("<message from='bob@server.test/x' type='chat'><body>hi</body></message>")
        reply = await peer.expect("<message to='bob@server.test/x'><body/></message>")
        await peer.forbid("<presence to='*'/>")

A pattern (see :mod:`tests.hostile.patterns`) says what must be there; the rest is free. Elements
that were expected are used up; others stay for a later ``expect``. With ``peer.on(pattern, reply)``
the server answers by itself, and ``peer.serve()`` makes it a friendly one.
"""

import datetime
from pathlib import Path

from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.protocol import Factory

from tests.hostile.peer import PATIENCE, Peer, fail
from tests.testbed.certificates import DAY, Authority


class HostileServer:
    """Listens on a free port of loopback.

    :param folder: for certificates
    :param domain: of the accounts, for which the good certificate stands
    :param certificate: ``good``, ``name`` (another's), ``expired``, ``early`` or ``self`` (signed
        by an authority that nobody knows)
    :param direct_tls: whether TLS starts with the connection
    :param alpn: the protocol that is chosen within TLS if the client offers it; None for none
    :param interface: the address to listen at, of loopback
    """

    def __init__(
        self,
        reactor,
        folder: Path,
        *,
        domain: str = "server.test",
        certificate: str = "good",
        direct_tls: bool = False,
        alpn: bytes | None = b"xmpp-client",
        interface: str = "127.0.0.1",
    ) -> None:
        self._reactor = reactor
        self._interface = interface
        self.domain = domain
        self.user, self.password = "alice", "correct horse"
        self.direct_tls = direct_tls
        authority = Authority(folder / "authority")
        #: The PEM text of the authority that signs all certificates but ``self``.
        self.ca = authority.ca.read_text()
        self.tls = _tls(authority, folder, domain, certificate, alpn)
        self._port = None
        self._arrived: list[Peer] = []
        self._accepting: list[Deferred[Peer]] = []
        self.peers: list[Peer] = []

    async def __aenter__(self) -> "HostileServer":
        self.listen()
        return self

    async def __aexit__(self, *_) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._number

    def listen(self, port: int = 0) -> None:
        """Listen, at a free port by default."""
        factory = _Factory(self)
        if self.direct_tls:
            self._port = self._reactor.listenSSL(port, factory, self.tls, interface=self._interface)
        else:
            self._port = self._reactor.listenTCP(port, factory, interface=self._interface)
        self._number = self._port.getHost().port

    async def refuse(self) -> None:
        """Don't listen any more, so that connections are refused."""
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()

    async def stop(self) -> None:
        """Don't listen, and cut all connections."""
        await self.refuse()
        gone = [peer.gone() for peer in self.peers]
        for peer in self.peers:
            peer.abort()
        await DeferredList(gone)

    async def accept(self, seconds: float = PATIENCE) -> "Peer":
        """Return the next connection."""
        if self._arrived:
            return self._arrived.pop(0)
        accepting: Deferred[Peer] = Deferred()
        self._accepting.append(accepting)
        accepting.addTimeout(seconds, self._reactor, fail("No client came."))
        return await accepting

    def arrived(self, peer: "Peer") -> None:
        """Note a connection."""
        self.peers.append(peer)
        waiting = [accepting for accepting in self._accepting if not accepting.called]
        self._accepting = waiting[1:]
        if waiting:
            waiting[0].callback(peer)
        else:
            self._arrived.append(peer)


class _Factory(Factory):
    noisy = False

    def __init__(self, server: HostileServer) -> None:
        self.server = server

    def buildProtocol(self, addr) -> "Peer":
        return Peer(self.server, self.server._reactor)


def _tls(
    authority: Authority, folder: Path, domain: str, kind: str, alpn: bytes | None
) -> ssl.CertificateOptions:
    options = {}
    if kind == "expired":
        options = {"not_after": datetime.datetime.now(datetime.UTC) - DAY / 2}
    elif kind == "early":
        options = {"not_before": datetime.datetime.now(datetime.UTC) + DAY}
    elif kind == "self":
        authority = Authority(folder / "stranger", "Nobody")
    elif kind != "good" and kind != "name":
        raise ValueError(kind)
    host = "other.test" if kind == "name" else domain.encode("idna").decode()
    certificate, key = authority.issue(host, **options)
    loaded = ssl.PrivateCertificate.loadPEM(key.read_bytes() + certificate.read_bytes())
    made = ssl.CertificateOptions(
        privateKey=loaded.privateKey.original,
        certificate=loaded.original,
        acceptableProtocols=[alpn] if alpn else None,
    )
    # Ask for the client's certificate, and take any: nobody must show one.
    made.getContext().set_verify(SSL.VERIFY_PEER, lambda *_: True)
    if alpn is None:  # Twisted's own choice of none is an error to the client
        made.getContext().set_alpn_select_callback(lambda *_: SSL.NO_OVERLAPPING_PROTOCOLS)
    return made
