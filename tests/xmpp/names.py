"""DNS under the test's control: a server on loopback, and a table of host names."""

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.names import dns
from twisted.protocols.basic import Int16StringReceiver
from zope.interface import implementer

from sat.xmpp.resolve import LookupFailed, Service

STARTTLS, DIRECT = "_xmpp-client._tcp.", "_xmpps-client._tcp."


class Table:
    """Answers from a table: lists of services, an exception to raise, or a Deferred to wait for."""

    def __init__(self, starttls=(), direct=(), domain="server.test") -> None:
        self._known = {STARTTLS + domain: starttls, DIRECT + domain: direct}
        self.asked: list[str] = []

    async def services(self, name):
        self.asked.append(name)
        known = self._known.get(name, ())
        if isinstance(known, LookupFailed):
            raise known
        if hasattr(known, "addCallback"):
            await known
        return known


def service(host, port=5222, priority=10, weight=0) -> Service:
    """Return an SRV record, of which mostly the host matters."""
    return Service(priority, weight, port, host)


class NameServer:
    """A DNS server at a free port of loopback, by UDP and by TCP.

    ``records`` has a list of (type, owner, payload) for each name asked for; other names don't
    exist. ``reply`` may replace the bytes of an answer, or give None for silence.
    """

    def __init__(self, reactor) -> None:
        self._reactor = reactor
        self.records: dict[str, list] = {}
        self.code: int | None = None
        #: Whether an answer by UDP, by TCP says that it is cut off.
        self.truncated = {"udp": False, "tcp": False}
        self.reply = lambda data: data
        #: (transport, type, name) of each question.
        self.questions: list[tuple[str, int, str]] = []
        self.streams: list[Int16StringReceiver] = []

    @property
    def address(self) -> tuple[str, int]:
        """Where it answers."""
        return ("127.0.0.1", self._number)

    async def __aenter__(self) -> "NameServer":
        factory = Factory.forProtocol(_Tcp)
        factory.noisy = False
        factory.server = self
        self._tcp = self._reactor.listenTCP(0, factory, interface="127.0.0.1")
        self._number = self._tcp.getHost().port
        self._udp = self._reactor.listenUDP(self._number, _Udp(self), interface="127.0.0.1")
        return self

    async def __aexit__(self, *_) -> None:
        for stream in self.streams:
            stream.transport.abortConnection()
        await DeferredList([maybeDeferred(port.stopListening) for port in (self._tcp, self._udp)])

    def answer(self, data: bytes, way: str) -> bytes | None:
        """Return the answer to a question."""
        message = dns.Message()
        message.fromStr(data)
        (query,) = message.queries
        name = query.name.name.decode()
        self.questions.append((way, query.type, name))
        message.answer = 1
        message.trunc = self.truncated[way]
        found = self.records.get(name)
        message.rCode = self.code if self.code is not None else (3 if found is None else 0)
        if not message.trunc:
            message.answers = [
                dns.RRHeader(owner, type_, payload=payload) for type_, owner, payload in found or ()
            ]
        return self.reply(message.toStr())

    def add(self, name: str, host: str, port: int, priority=10, weight=0, owner=None) -> None:
        """Add an SRV record, by default of the name itself."""
        record = dns.Record_SRV(priority, weight, port, host)
        self.records.setdefault(name, []).append((dns.SRV, owner or name, record))

    def alias(self, name: str, owner: str, meant: str) -> None:
        """Add a CNAME record to the answer for a name."""
        record = dns.Record_CNAME(meant)
        self.records.setdefault(name, []).append((dns.CNAME, owner, record))


class _Udp(DatagramProtocol):
    noisy = False

    def __init__(self, server: NameServer) -> None:
        self._server = server

    def datagramReceived(self, datagram: bytes, addr) -> None:
        answer = self._server.answer(datagram, "udp")
        if answer is not None:
            self.transport.write(answer, addr)


class _Tcp(Int16StringReceiver):
    def connectionMade(self) -> None:
        self.factory.server.streams.append(self)

    def stringReceived(self, string: bytes) -> None:
        answer = self.factory.server.answer(string, "tcp")
        if answer is not None:
            self.sendString(answer)


@implementer(IHostnameResolver)
class Hosts:
    """Host names from a table instead of the system; use it as a context."""

    def __init__(self, reactor) -> None:
        self._reactor = reactor
        #: Addresses by name; None if the question is never answered.
        self.names: dict[str, list[str] | None] = {}
        self.asked: list[str] = []

    def __enter__(self) -> "Hosts":
        self._before = self._reactor.installNameResolver(self)
        return self

    def __exit__(self, *_) -> None:
        self._reactor.installNameResolver(self._before)

    def resolveHostName(
        self,
        resolutionReceiver,
        hostName,
        portNumber=0,
        addressTypes=None,
        transportSemantics="TCP",
    ):
        self.asked.append(hostName)
        resolutionReceiver.resolutionBegan(None)
        literal = [hostName] if hostName[-1].isdigit() else []
        addresses = self.names.get(hostName, literal)
        if addresses is None:
            return resolutionReceiver
        for address in addresses:
            kind = IPv6Address if ":" in address else IPv4Address
            resolutionReceiver.addressResolved(kind("TCP", address, portNumber))
        resolutionReceiver.resolutionComplete()
        return resolutionReceiver
