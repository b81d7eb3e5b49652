"""One stream over one connection: elements in, elements out, an end with a reason."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from typing import cast

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from sat.xmpp.element import Element, serialize
from sat.xmpp.errors import Fault, quoted
from sat.xmpp.namespaces import NS_CLIENT, NS_STREAM, NS_STREAM_ERROR
from sat.xmpp.parser import ElementParser, ParserError
from sat.xmpp.reactor import Clock, Timer, Transport
from sat.xmpp.tls import Verifier

_log = Logger()

#: Linux alone has it, and takes it back after a while.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
#: What may wait unread during the login, where each side speaks in turn.
_MAX_WAITING = 16
#: Bytes that TLS protects as one, at most (RFC 8446, section 5.1): they come whole, or not at all.
_RECORD = 16384
#: Seconds that the last words may take to be written.
_LINGER = 2.0


class Stream(Protocol):
    """The protocol of a connection.

    While logging in, elements are taken one by one with :meth:`next`; afterwards each one goes to
    the function given to :meth:`route`.

    :param clock: for deadlines
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wire: Transport | None = None
        self._parser: ElementParser | None = None
        self._route: Callable[[Element], None] | None = None
        self._awaits: Callable[[], bool] = self._awaits_next
        self._inbox: deque[Element] = deque()
        self._waiting: Deferred[Element] | None = None
        self._ends: list[Deferred[Fault]] = []
        self._verifier: Verifier | None = None
        self._closed = False
        self._last: Timer | None = None
        # What this turn of the reactor has written, and what waits for the next ones.
        self._written = 0
        self._next: Timer | None = None
        self._unwritten: deque[bytes] = deque()
        #: How often something has come: a sign of life, whatever the clock does.
        self.heard = 0
        #: Why the stream ended, once it has.
        self.fault: Fault | None = None

    def connectionMade(self) -> None:
        """Keep the operating system watching the link."""
        transport = self._wire = cast(Transport, self.transport)
        for option in ("setTcpKeepAlive", "setTcpNoDelay"):
            setter = getattr(transport, option, None)
            if setter is not None:
                setter(1)

    def secured_by(self, verifier: Verifier) -> None:
        """Tell which check the connection had from its start (XEP-0368)."""
        self._verifier = verifier

    def start_tls(self, verifier: Verifier) -> None:
        """Go on within TLS. What came before it and wasn't read yet is forgotten."""
        self._verifier = verifier
        self._forget()
        self._write_all()
        if self._wire is not None:
            self._wire.startTLS(verifier)

    def open(self, to: str, from_: str | None, lang: str = "en") -> None:
        """Send a stream header (RFC 6120, section 4.7), and expect a new one from the server.

        :param from_: the own bare address; None as long as the stream isn't encrypted
        """
        self._forget()
        self._parser = ElementParser(self._on_root, self._on_element, self._on_close)
        header = Element((None, "stream"), {"to": to, "version": "1.0"})
        if from_ is not None:
            header["from"] = from_
        attributes = serialize(header).removeprefix("<stream").removesuffix("/>")
        self.write(
            f"<?xml version='1.0'?><stream:stream xmlns='{NS_CLIENT}' xmlns:stream='{NS_STREAM}'"
            f" xml:lang='{lang}'{attributes}>"
        )

    async def next(self, seconds: float) -> Element:
        """Return the next element.

        :param seconds: how long to wait for it
        :raises Fault: if the stream ends first, or nothing comes in time (``timeout.login``)
        """
        if self._inbox:
            return self._inbox.popleft()
        if self.fault is not None:
            raise self.fault
        waiting: Deferred[Element] = Deferred()
        self._waiting = waiting
        timer = self._clock.callLater(seconds, self._too_late, seconds)
        try:
            return await waiting
        finally:
            self._waiting = None
            if timer.active():
                timer.cancel()

    def route(self, receive: Callable[[Element], None], awaits: Callable[[], bool]) -> None:
        """Give each element from now on to a function.

        :param awaits: tells whether somebody waits for an answer of the server's
        """
        self._route, self._awaits = receive, awaits
        while self._inbox:
            receive(self._inbox.popleft())

    def send(self, element: Element) -> None:
        """Write an element. Nothing happens if the stream has ended."""
        self.write(serialize(element, NS_CLIENT))

    def pause(self) -> None:
        """Read nothing more; what has been read already, up to 64 KiB, still comes."""
        if self._wire is not None:
            self._wire.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        if self._wire is not None:
            self._wire.resumeProducing()

    def close(self) -> None:
        """Write the end of the stream; nothing is written after it."""
        if self._parser is not None and not self._closed:
            self.write("</stream:stream>")
        self._closed = True

    def end(self, fault: Fault) -> None:
        """Cut the connection for a reason."""
        if self.fault is None:
            self.fault = fault
        self._forget()
        if self._wire is not None:
            self._wire.abortConnection()

    def when_ended(self) -> Deferred[Fault]:
        """Return a Deferred that gives the reason when the connection is gone."""
        ended: Deferred[Fault] = Deferred()
        if self._wire is None and self.fault is not None:
            ended.callback(self.fault)
        else:
            self._ends.append(ended)
        return ended

    def refuse(self, condition: str, fault: Fault) -> None:
        """Tell the server by a stream error what it did wrong, and hang up."""
        if self.fault is None:
            self.fault = fault
        error = Element((NS_STREAM, "error"))
        error.add(condition, NS_STREAM_ERROR)
        self.send(error)
        self.close()
        self._forget()
        self._hang_up()

    def _hang_up(self) -> None:
        """Close the connection when all is written, or after a while."""
        self._write_all()
        if self._wire is not None:
            self._last = self._clock.callLater(_LINGER, self._wire.abortConnection)
            self._wire.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Read on."""
        self.heard += 1
        if self._awaits():
            self._acknowledge()
        parser = self._parser
        if parser is None:
            return
        try:
            parser.feed(data)
        except ParserError as error:
            if parser is not self._parser:
                return
            self.refuse(
                error.condition,
                Fault(
                    "xml.forbidden" if error.condition == "restricted-xml" else "xml.invalid",
                    f"The server sent what isn't XMPP: {error}.",
                ),
            )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell everyone that waits why the connection is gone."""
        if self._verifier is not None and self._verifier.fault is not None:
            self.fault = self._verifier.fault
        elif self.fault is None:
            self.fault = _lost(reason)
        self._wire = None
        self._unwritten.clear()
        for timer in (self._last, self._next):
            if timer is not None and timer.active():
                timer.cancel()
        self._forget()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(self.fault)
        ends, self._ends = self._ends, []
        for ended in ends:
            ended.callback(self.fault)

    def _awaits_next(self) -> bool:
        return self._waiting is not None

    def _acknowledge(self) -> None:
        """Let the system acknowledge what came at once.

        A server that follows Nagle's algorithm (RFC 896) keeps the end of a long answer, such as a
        page of its archive, until it knows that the beginning arrived: 40 ms, if that is delayed.
        """
        own = getattr(self._wire, "socket", None)
        if own is not None and _QUICKACK is not None:
            own.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _forget(self) -> None:
        self._inbox.clear()
        if self._parser is not None:
            self._parser.stop()
            self._parser = None

    def write(self, text: str) -> None:
        """Write text: a stanza, say. Nothing happens if the stream has ended.

        What is written at once arrives whole or not at all, if it isn't longer than a record of
        TLS, and the link may be cut anywhere: some servers take what follows in a resumed session
        (XEP-0198) for the rest of what they got a part of.
        """
        if self._wire is None or self._closed:
            return
        data = text.encode()
        if self._unwritten or (self._written and self._written + len(data) > _RECORD):
            # TLS puts together what one turn of the reactor writes, and cuts it where a record is
            # full: what doesn't fit in this one waits for the next turn.
            self._unwritten.append(data)
        else:
            self._put(data)

    def _put(self, data: bytes) -> None:
        assert self._wire is not None
        self._wire.write(data)
        self._written += len(data)
        if self._next is None:
            # After TLS, which does its part in the next turn as well, and was asked before.
            self._next = self._clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._next = None
        self._written = 0
        waiting = self._unwritten
        while waiting and (not self._written or self._written + len(waiting[0]) <= _RECORD):
            self._put(waiting.popleft())

    def _write_all(self) -> None:
        """Write what waits: it is the end, or there is no TLS."""
        while self._unwritten and self._wire is not None:
            self._wire.write(self._unwritten.popleft())

    def _too_late(self, seconds: float) -> None:
        waiting, self._waiting = self._waiting, None
        fault = Fault(
            "timeout.login", f"The server didn't answer within {seconds:.0f} s during the login."
        )
        self.end(fault)
        if waiting is not None:
            waiting.errback(fault)

    def _on_root(self, root: Element) -> None:
        if root.name != "stream" or root.uri != NS_STREAM:
            raise ParserError("invalid-namespace", "what answers isn't an XMPP server")

    def _on_element(self, element: Element) -> None:
        if element.name == "error" and element.uri == NS_STREAM:
            self._on_error(element)
            return
        if self._route is not None:
            try:
                self._route(element)
            except Exception:  # one bad stanza must not end the stream for all others
                _log.failure("handling <{name}/>", name=element.name)
        elif self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.callback(element)
        elif len(self._inbox) < _MAX_WAITING:
            self._inbox.append(element)
        else:
            raise ParserError("policy-violation", "the server talks without being asked")

    def _on_error(self, error: Element) -> None:
        self.end(_stream_fault(error))

    def _on_close(self) -> None:
        if self.fault is None:
            self.fault = Fault("network.lost", "The server closed the stream.")
        self.close()
        self._hang_up()


def _lost(reason: Failure) -> Fault:
    if isinstance(reason.value, SSL.Error):
        detail = reason.getErrorMessage().strip("[]()")
        return Fault("tls.failed", f"TLS with the server failed ({detail or 'it hung up'}).")
    if isinstance(reason.value, ConnectionDone):
        return Fault("network.lost", "The server closed the connection.")
    return Fault("network.lost", "The connection to the server broke off.")


def _stream_fault(error: Element) -> Fault:
    condition, text = "undefined-condition", ""
    for child in error.elements(NS_STREAM_ERROR):
        if child.name == "text":
            text = child.text
        else:
            condition = child.name
    said = f" It says: {quoted(text)}" if text else ""
    if condition == "conflict":
        # So it ends who was replaced; some servers, whose account was deleted as well.
        return Fault(
            "stream.conflict",
            f"The server closed this connection for good.{said} Another program may have connected "
            "with the same account and resource: give one of them another resource, then connect "
            "again.",
            final=True,
        )
    return Fault(f"stream.{condition}", f"The server closed the stream ({condition}).{said}")
