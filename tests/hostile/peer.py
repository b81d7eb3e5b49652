"""One connection of a client, from the server's side."""

import os
from collections.abc import Callable
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

from tests.hostile import login
from tests.hostile.login import NS_SM, NS_STREAM
from tests.hostile.patterns import matches, parse, show

STANZAS = {f"{{jabber:client}}{name}" for name in ("message", "presence", "iq")}

#: Seconds after which ``expect`` and the like give up; where all have to fail, less will do.
PATIENCE = float(os.environ.get("SAT_PATIENCE", "20"))


class Peer(Protocol):
    """What came is in ``received``, what goes is as raw as the test says."""

    def __init__(self, server, reactor) -> None:
        self.server = server
        self._reactor = reactor
        self._parser: ET.XMLPullParser | None = None
        self._depth = 0
        self._root: ET.Element | None = None
        self._gone: list[Deferred[None]] = []
        self._waiting: list[tuple[Callable[[], object], str, Deferred]] = []
        self._rules: list[tuple[ET.Element, str | Callable[[ET.Element], str | None]]] = []
        #: What came in clear, before TLS.
        self.clear = b""
        self.secure = server.direct_tls
        #: Headers of the client's streams, in order.
        self.headers: list[ET.Element] = []
        #: All elements that came, in order, and those not used up by ``expect`` yet.
        self.received: list[ET.Element] = []
        self.unread: list[ET.Element] = []
        #: Stanzas since ``<enable/>``: what ``h`` must say to acknowledge all.
        self.stanzas = 0
        #: The client's own counts, in order.
        self.acks: list[int] = []
        self.jid = ""
        self.lost = False
        #: Whether what came is no XML, as when one side began TLS and the other didn't.
        self.garbled = False

    # What comes

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(1)
        self.server.arrived(self)

    def dataReceived(self, data: bytes) -> None:
        if not self.secure:
            self.clear += data
        begun = data.lstrip()
        # The declaration may be left out (RFC 6120, section 11.5): slixmpp does.
        anew = begun.startswith(b"<?xml") or (self._depth and begun.startswith(b"<stream:stream"))
        if self._parser is None or anew:
            self._parser = ET.XMLPullParser(("start", "end"))
            self._depth = 0
        if self.garbled:
            return
        self._parser.feed(data)
        try:
            events = list(self._parser.read_events())
        except ET.ParseError:
            self.garbled = True
            return
        for event, element in events:
            if event == "start":
                self._depth += 1
                if self._depth == 1:
                    self._root = element
                    self.headers.append(element)
            else:
                self._depth -= 1
                if self._depth == 1:
                    self._root.remove(element)
                    self._take(element)
                elif self._depth == 0:
                    self.send("</stream:stream>")
                    self.transport.loseConnection()
        self._look()

    def connectionLost(self, reason) -> None:
        self.lost = True
        gone, self._gone = self._gone, []
        for deferred in gone:
            deferred.callback(None)
        self._look()

    def _take(self, element: ET.Element) -> None:
        self.received.append(element)
        if element.tag == f"{{{NS_SM}}}enable":
            self.stanzas = 0
        elif element.tag in STANZAS:
            self.stanzas += 1
        elif element.tag == f"{{{NS_SM}}}a":
            self.acks.append(int(element.get("h")))
        for pattern, reply in self._rules:
            if matches(pattern, element):
                text = reply(element) if callable(reply) else reply
                if text is not None:
                    self.send(text)
                return
        self.unread.append(element)

    def _look(self) -> None:
        for found, sentence, deferred in list(self._waiting):
            if deferred.called:
                self._waiting.remove((found, sentence, deferred))
                continue
            value = found()
            if value is not None:
                self._waiting.remove((found, sentence, deferred))
                deferred.callback(value)
            elif self.lost:
                self._waiting.remove((found, sentence, deferred))
                deferred.errback(AssertionError(f"{sentence} {self._story()}"))

    async def until(self, found: Callable[[], object], sentence: str, seconds: float = PATIENCE):
        """Wait until a function gives something other than None, and return that."""
        value = found()
        if value is not None:
            return value
        if self.lost:
            raise AssertionError(f"{sentence} {self._story()}")
        deferred: Deferred = Deferred()
        self._waiting.append((found, sentence, deferred))
        deferred.addTimeout(seconds, self._reactor, fail(lambda: f"{sentence} {self._story()}"))
        return await deferred

    def _story(self) -> str:
        came = "\n  ".join(show(element)[:500] for element in self.unread[-20:])
        return f"The connection is {'gone' if self.lost else 'up'}; unread:\n  {came or 'nothing'}"

    async def expect(self, pattern: str, seconds: float = PATIENCE) -> ET.Element:
        """Return the first unread element that matches, and use it up."""
        wanted = parse(pattern)

        def found() -> ET.Element | None:
            for element in self.unread:
                if matches(wanted, element):
                    self.unread.remove(element)
                    return element
            return None

        return await self.until(found, f"{pattern} didn't come.", seconds)

    async def forbid(self, pattern: str, seconds: float = 0.2) -> None:
        """Fail if any element that came, or comes within some seconds, matches."""
        wanted = parse(pattern)
        waited: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, waited.callback, None)
        await waited
        for element in self.received:
            assert not matches(wanted, element), f"{show(element)} came, against {pattern}"

    async def header(self, seconds: float = PATIENCE) -> ET.Element:
        """Return the next stream header of the client."""
        return await self.until(
            lambda: self.headers[-1] if self._fresh_header() else None,
            "No stream header came.",
            seconds,
        )

    def _fresh_header(self) -> bool:
        fresh = len(self.headers) > getattr(self, "_headers_seen", 0)
        if fresh:
            self._headers_seen = len(self.headers)
        return fresh

    def gone(self) -> Deferred[None]:
        """Return a Deferred that fires when the connection is gone."""
        deferred: Deferred[None] = Deferred()
        if self.lost:
            deferred.callback(None)
        else:
            self._gone.append(deferred)
        return deferred

    async def ends(self, seconds: float = PATIENCE) -> None:
        """Wait until the connection is gone."""
        await self.until(lambda: self.lost or None, "The client didn't hang up.", seconds)

    # What goes

    def send(self, xml: str | bytes) -> None:
        """Send anything: XML, half of it, or what is none."""
        self.transport.write(xml.encode() if isinstance(xml, str) else xml)

    def answer(self, request: ET.Element, payload: str = "", **given_: str) -> None:
        """Send the result of a request; attributes replace the right ones (``from_`` for from)."""
        given = {"type": "result", "id": request.get("id"), "to": self.jid}
        if request.get("to"):
            given["from"] = request.get("to")
        given |= {name.rstrip("_"): value for name, value in given_.items()}
        self.send(f"<iq {attributes(given)}>{payload}</iq>")

    def on(self, pattern: str, reply: str | Callable[[ET.Element], str | None]) -> None:
        """Answer by itself what matches; it isn't kept for ``expect``. The latest rule is first.

        :param reply: what to send, or a function that makes it (None: nothing) of the element
        """
        self._rules.insert(0, (parse(pattern), reply))

    def acknowledge(self, count: int | None = None) -> None:
        """Send ``<a/>``, for all stanzas that came by default."""
        self.send(f"<a xmlns='{NS_SM}' h='{self.stanzas if count is None else count}'/>")

    def serve(self, roster: str = "") -> None:
        """Answer as a friendly server does: roster, acknowledgements, and no to the rest."""

        def iq(payload: str, type_: str = "result") -> Callable[[ET.Element], str]:
            def reply(request: ET.Element) -> str:
                given = {"type": type_, "id": request.get("id"), "to": self.jid}
                if request.get("to"):
                    given["from"] = request.get("to")
                return f"<iq {attributes(given)}>{payload}</iq>"

            return reply

        refusal = iq(
            "<error type='cancel'><service-unavailable "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            "error",
        )
        self.on("<iq type='get'/>", refusal)
        self.on("<iq type='set'/>", refusal)
        self.on("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>", iq(""))
        self.on(
            "<iq type='get'><query xmlns='jabber:iq:roster'/></iq>",
            iq(f"<query xmlns='jabber:iq:roster'>{roster}</query>"),
        )
        self.on(f"<r xmlns='{NS_SM}'/>", lambda _: f"<a xmlns='{NS_SM}' h='{self.stanzas}'/>")

    def stream_error(self, condition: str) -> None:
        """Send a stream error and hang up."""
        self.send(
            f"<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
            "</stream:error></stream:stream>"
        )
        self.transport.loseConnection()

    def abort(self) -> None:
        """Cut the connection."""
        if not self.lost:
            self.transport.abortConnection()

    def open(self, features: str | None = None) -> None:
        """Send a stream header, and features."""
        self.send(
            f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='{NS_STREAM}'"
            f" version='1.0' id='s{len(self.headers)}' from='{self.server.domain}'>"
        )
        if features is not None:
            self.send(f"<stream:features>{features}</stream:features>")

    def start_tls(self) -> None:
        """Go on within TLS."""
        self.secure = True
        self.garbled = False
        self._parser = None
        self.transport.startTLS(self.server.tls)

    async def log_in(self, before: str | None = None, **options) -> None:
        """Log the client in: see :func:`tests.hostile.login.log_in`."""
        await login.log_in(self, before, **options)


def attributes(given: dict[str, str | None]) -> str:
    """Return attributes as XML, without those that are empty."""
    return " ".join(f"{name}={quoteattr(value)}" for name, value in given.items() if value)


def fail(sentence: str | Callable[[], str]) -> Callable:
    """Return a function for addTimeout that fails the test with a sentence."""

    def refuse(*_) -> None:
        raise AssertionError(sentence() if callable(sentence) else sentence)

    return refuse
