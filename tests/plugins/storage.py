"""A small web storage over real TLS in the test's reactor, and the upload service before it."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

from twisted.internet import ssl
from twisted.internet.task import Clock
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.testbed.certificates import Authority

NS_UPLOAD = "urn:xmpp:http:upload:0"
SERVICE = "upload.server.test"


class Storage(Resource):
    """Takes every PUT, keeps what came, and answers with ``status``."""

    isLeaf = True

    def __init__(self, reactor, folder: Path) -> None:
        super().__init__()
        authority = Authority(folder / "storage-authority")
        self.ca = authority.ca.read_text()
        certificate, key = authority.issue("localhost", names=("localhost", "127.0.0.1"))
        pair = ssl.PrivateCertificate.loadPEM(key.read_bytes() + certificate.read_bytes())
        self.status = 201
        self.body = b""
        self.headers: dict[bytes, bytes] = {}
        #: What came: (path, headers, content).
        self.taken: list[tuple[bytes, dict[str, str], bytes]] = []
        # On the true clock it has a timer each second, which a house takes for one of its own.
        self.site = Site(self, reactor=Clock())
        self.site.noisy = False
        self.port = reactor.listenSSL(0, self.site, pair.options(), interface="127.0.0.1")
        self.address = f"https://localhost:{self.port.getHost().port}"
        self.connections = 0
        build = self.site.buildProtocol

        def counted(address):
            protocol = build(address)
            lost, self.connections = protocol.connectionLost, self.connections + 1

            def over(reason) -> None:
                self.connections -= 1
                lost(reason)

            protocol.connectionLost = over
            return protocol

        self.site.buildProtocol = counted

    async def __aenter__(self) -> "Storage":
        return self

    async def __aexit__(self, *_) -> None:
        await self.port.stopListening()

    def render_PUT(self, request) -> bytes:
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.taken.append((request.uri, headers, request.content.read()))
        request.setResponseCode(self.status)
        for name, value in self.headers.items():
            request.setHeader(name, value)
        return self.body


def offer(
    peer,
    put: str,
    get: str | None = None,
    headers: str = "",
    limit: str = "100000",
) -> None:
    """Let a server's end of a stream have an upload service that gives this slot."""
    form = (
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
        f"<value>{NS_UPLOAD}</value></field><field var='max-file-size'><value>{limit}</value>"
        "</field></x>"
    )
    info = "http://jabber.org/protocol/disco#info"
    items = "http://jabber.org/protocol/disco#items"

    def answer(payload: str):
        def reply(request) -> None:
            peer.answer(request, payload)

        return reply

    peer.on(
        f"<iq type='get' to='server.test'><query xmlns='{info}'/></iq>",
        answer(f"<query xmlns='{info}'><identity category='server' type='im'/></query>"),
    )
    peer.on(
        f"<iq type='get' to='server.test'><query xmlns='{items}'/></iq>",
        answer(f"<query xmlns='{items}'><item jid='{SERVICE}'/></query>"),
    )
    peer.on(
        f"<iq type='get' to='{SERVICE}'><query xmlns='{info}'/></iq>",
        answer(
            f"<query xmlns='{info}'><identity category='store' type='file'/>"
            f"<feature var='{NS_UPLOAD}'/>{form}</query>"
        ),
    )
    peer.on(
        f"<iq type='get' to='{SERVICE}'><request xmlns='{NS_UPLOAD}'/></iq>",
        answer(
            f"<slot xmlns='{NS_UPLOAD}'><put url={quoteattr(put)}>{headers}</put>"
            f"<get url={quoteattr(get if get is not None else put)}/></slot>"
        ),
    )
