"""A bound stream: stanzas routed, counted and acknowledged, requests answered, a dead link seen."""

from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sat.xmpp.account import Features, Listener
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault, NotConnected, StanzaError
from sat.xmpp.management import WRAP, Incoming, Lane
from sat.xmpp.namespaces import NS_CLIENT, NS_PING, NS_SM
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.stream import Stream

_log = Logger()

_STANZAS = frozenset({"message", "presence", "iq"})

#: The server is told unasked after this many stanzas, ...
_ACK_STANZAS = 100
#: ... or this many seconds after one.
_ACK_SECONDS = 5.0
#: After from one to two times this many seconds without a sign of life the server is asked for
#: one, ...
SILENCE = 60.0
#: ... and after this much longer the link is taken for dead.
PATIENCE = 30.0


class Session:
    """What goes on over a stream between login and end."""

    def __init__(
        self,
        stream: Stream,
        features: Features,
        listener: Listener,
        clock: Clock,
        random: Random,
        silence: float = SILENCE,
        patience: float = PATIENCE,
    ) -> None:
        self._stream = stream
        self._features = features
        self._listener = listener
        self._clock = clock
        self._random = random
        self._silence = silence
        self._patience = patience
        self._incoming = Incoming()
        self.lane = Lane(self._write, self._broken)
        self._requests: dict[str, tuple[frozenset[str | None], Deferred[Element]]] = {}
        self._asked_at = 0  # the number up to which the server waits for our count
        self._told = 0
        self._ack_timer: Timer | None = None
        self._asking = False  # an <r/> of ours is without answer
        self._turn: Timer | None = None
        self._watch_timer: Timer | None = None
        self._heard = 0
        self._probed = False
        self._paused = False
        self._ended = False

    def begin(self, early: list[Element]) -> None:
        """Let stanzas in: those that came during the login, which aren't counted, then all."""
        if self._ended:  # whoever was told of the start has stopped it already
            return
        for element in early:
            if not self._answer(element):
                try:
                    self._listener.stanza_received(element, 0)
                except Exception:  # as for all others: it must not end the stream
                    _log.failure("handling <{name}/>", name=element.name)
        self._stream.route(self._receive)
        self._watch_timer = self._clock.callLater(self._silence, self._watch)

    def end(self) -> None:
        """Let go of all that waits: it fails with :class:`NotConnected`."""
        self._ended = True
        for timer in (self._ack_timer, self._turn, self._watch_timer):
            if timer is not None and timer.active():
                timer.cancel()
        self.lane.end()
        requests, self._requests = self._requests, {}
        for _, answer in requests.values():
            answer.errback(NotConnected("The stream ended before the answer came."))

    def close(self) -> None:
        """Tell the server what has been dealt with, and that nothing more comes."""
        if self._features.management and self._incoming.handled > self._told:
            self._tell()
        self._stream.close()
        if self._paused:  # or the server's own end of the stream would go unread
            self._stream.resume()

    def handled(self, number: int) -> None:
        """Note that a stanza is dealt with for good."""
        if not self._incoming.done(number) or not self._features.management or self._ended:
            return
        handled = self._incoming.handled
        if self._asked_at and handled >= self._asked_at:
            self._asked_at = 0
            self._tell()
        elif handled - self._told >= _ACK_STANZAS:
            self._tell()
        elif self._ack_timer is None:
            self._ack_timer = self._clock.callLater(_ACK_SECONDS, self._tell_late)

    def pause(self) -> None:
        """Read nothing more from the server, unless the stream is just closing."""
        if not self._ended:
            self._paused = True
            self._stream.pause()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        self._probed = False
        self._stream.resume()

    async def request(self, element: Element, timeout: float) -> Element:
        """Send a request and return the answer: see :meth:`Connection.request`."""
        if element.name != "iq" or element.get("type") not in ("get", "set"):
            raise ValueError("A request is an <iq/> of type get or set.")
        id_ = element.get("id")
        if id_ is None:
            id_ = element["id"] = f"{self._random.getrandbits(64):016x}"
        if id_ in self._requests:
            raise ValueError(f"A request with the id {id_!r} is under way.")
        if self._ended:
            raise NotConnected("There is no stream.")
        answer: Deferred[Element] = Deferred()
        to = element.get("to")
        self._requests[id_] = (self._answerers(to), answer)
        timer = self._clock.callLater(timeout, self._expire, id_, to, timeout)
        try:
            self.lane.send(element).addErrback(lambda _: None)  # end() fails the answer itself
            return await answer
        finally:
            self._requests.pop(id_, None)
            if timer.active():
                timer.cancel()

    def _answerers(self, to: str | None) -> frozenset[str | None]:
        """Return the addresses that an answer may come from (RFC 6120, section 8.1.2.1)."""
        own = self._features.jid
        if to is None or to == own.userhost():
            return frozenset({None, own.userhost(), own.full(), own.host})
        if to == own.host:
            return frozenset({None, own.host})
        return frozenset({to})

    def _expire(self, id_: str, to: str | None, timeout: float) -> None:
        _, answer = self._requests.pop(id_)
        answer.errback(TimeoutError(f"{to or 'The server'} didn't answer within {timeout:.0f} s."))

    def _receive(self, element: Element) -> None:
        if self._ended:  # not counted, so the server keeps it for later
            return
        if element.uri == NS_CLIENT and element.name in _STANZAS:
            number = self._incoming.next()
            if self._answer(element):
                self.handled(number)
            else:
                self._listener.stanza_received(element, number)
        elif element.uri == NS_SM and self._features.management:
            self._manage(element)

    def _answer(self, element: Element) -> bool:
        """Take an answer, or an <iq/> that isn't one; tell whether it was."""
        if element.name != "iq":
            return False
        type_, id_ = element.get("type"), element.get("id")
        if type_ in ("get", "set"):
            return False
        pending = self._requests.get(id_ or "")
        if pending is None or type_ not in ("result", "error"):
            return True
        allowed, answer = pending
        if element.get("from") not in allowed:
            _log.warn(
                "An answer from {jid} to a request that it never got.", jid=element.get("from")
            )
            return True
        del self._requests[id_ or ""]
        if type_ == "result":
            answer.callback(element)
        else:
            answer.errback(StanzaError.from_element(element))
        return True

    def _manage(self, element: Element) -> None:
        if element.name == "r":
            if self._incoming.handled < self._incoming.received:
                self._asked_at = self._incoming.received
            self._tell()
        elif element.name == "a":
            self._asking = False
            try:
                moved = self.lane.acknowledge(_count(element.get("h")))
            except Fault as fault:
                self._stream.refuse("undefined-condition", fault)
                return
            if moved:
                self._listener.acknowledged(self.lane.acknowledged)
            if self.lane.acknowledged < self.lane.written:
                self._ask_soon()

    def _tell(self) -> None:
        timer, self._ack_timer = self._ack_timer, None
        if timer is not None and timer.active():
            timer.cancel()
        self._told = self._incoming.handled
        self._stream.send(Element((NS_SM, "a"), {"h": str(self._told % WRAP)}))

    def _tell_late(self) -> None:
        self._ack_timer = None
        if self._incoming.handled > self._told:
            self._tell()

    def _write(self, element: Element) -> None:
        self._stream.send(element)
        self._ask_soon()

    def _ask_soon(self) -> None:
        # After this turn of the reactor, so that one question serves all that is written in it.
        if self._features.management and not self._asking and not self._ended:
            self._asking = True
            self._turn = self._clock.callLater(0, self._ask)

    def _ask(self) -> None:
        self._stream.send(Element((NS_SM, "r")))

    def _broken(self, failure: Failure) -> None:
        _log.failure("A stanza couldn't be stored before it was sent", failure)
        self._stream.end(
            Fault(
                "stream.store",
                "A stanza couldn't be stored before it was sent, so the stream was given up: "
                f"{failure.getErrorMessage()}.",
            )
        )

    def _watch(self) -> None:
        heard = self._stream.heard
        wait = self._silence
        if heard != self._heard or self._paused:
            self._probed = False
        elif not self._probed:
            self._probed = True
            self._probe()
            wait = self._patience
        else:
            self._stream.end(
                Fault("network.lost", "The server gives no sign of life, so it was given up.")
            )
            return
        self._heard = heard
        self._watch_timer = self._clock.callLater(wait, self._watch)

    def _probe(self) -> None:
        if self._features.management:
            self._asking = True
            self._ask()
            return
        ping = Element((NS_CLIENT, "iq"), {"type": "get", "to": self._features.jid.host})
        ping.add("ping", NS_PING)
        answer = Deferred.fromCoroutine(self.request(ping, self._silence))
        answer.addErrback(lambda _: None)  # any answer, even a refusal, is a sign of life


def _count(text: str | None) -> int:
    if text and len(text) <= 10 and text.isascii() and text.isdigit() and int(text) < WRAP:
        return int(text)
    raise Fault("stream.handled-count-too-high", "The server's count of stanzas is no number.")
