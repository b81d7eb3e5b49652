"""A session: stanzas routed, counted and acknowledged, requests answered, a dead link seen.

Where the server allows, it outlives its stream (XEP-0198, section 5): it is suspended when the
connection is lost, and goes on with the next one where it stood.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sat.xmpp.account import Features, Listener, Resumable
from sat.xmpp.element import Element, serialize
from sat.xmpp.errors import Fault, NotConnected
from sat.xmpp.management import WRAP, Incoming, Lane, count_of, nearest
from sat.xmpp.namespaces import NS_CLIENT, NS_PING, NS_SM
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.requests import Requests
from sat.xmpp.stream import Stream
from sat.xmpp.watch import Watch

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
    """What goes on between login and end, over one stream after another.

    :param previous: what an earlier process left, if that is what goes on
    """

    def __init__(
        self,
        features: Features,
        listener: Listener,
        clock: Clock,
        random: Random,
        silence: float = SILENCE,
        patience: float = PATIENCE,
        previous: Resumable | None = None,
    ) -> None:
        self._stream: Stream | None = None
        self.features = features
        self._listener = listener
        self._clock = clock
        self._random = random
        self._silence = silence
        self._patience = patience
        handled = acknowledged = 0
        if previous is not None and features.resumed is not None:
            handled, acknowledged = previous.handled, nearest(features.resumed, previous.sent)
        self._incoming = Incoming(handled)
        self._durable = handled  # what is known of it after a crash
        self.lane = Lane(
            self._write, self._broken, acknowledged, keep=features.resumption is not None
        )
        self._requests = Requests(features.jid, clock, random)
        self._asked_at = 0  # the number up to which the server waits for our count
        self._told = handled
        self._ack_timer: Timer | None = None
        self._asking = False  # an <r/> of ours is without answer
        self._turn: Timer | None = None
        self._watch: Watch | None = None
        self._paused = False
        self._taken_up = features.resumed is not None
        self._lost = False  # the server can't take it up, or can't acknowledge what it should
        self._ended = False

    def begin(self, stream: Stream, early: list[Element]) -> None:
        """Let stanzas in: those that came during the login, which aren't counted, then all."""
        if self._ended:  # whoever was told of the start has stopped it already
            return
        for element in early:
            if not self._requests.answer(element):
                try:
                    self._listener.stanza_received(element, 0)
                except Exception:  # as for all others: it must not end the stream
                    _log.failure("handling <{name}/>", name=element.name)
        self._asked_at = 0  # what the stream before asked for
        if self._stream is stream and not self._ended:
            self._watch = Watch(stream, self._clock, self._probe, self._silence, self._patience)
            if self._taken_up:
                self._watch.expect_proof(self._lose)
                self._ask_soon()
        stream.route(self._receive, self._requests.under_way)

    def announce(self) -> None:
        """Tell the listener of this session, which is new to it."""
        if self.features.resumed is None:
            self._listener.session_started(self.features)
        else:
            self._listener.session_restored(self.features, self.lane.acknowledged)

    def attach(self, stream: Stream) -> None:
        """Write to a stream from now on."""
        self._stream = stream
        self._asking = False

    def resume_on(self, stream: Stream, told: int, count: int) -> None:
        """Go on with another stream: what the server doesn't have is written again.

        :param told: how many of its stanzas the server was told are dealt with
        :param count: how many of ours it says it has
        :raises Fault: if it can't be right
        """
        moved = self.lane.acknowledge(count)
        self.attach(stream)
        self._incoming.resume(told)
        self._told = told
        self._taken_up = True
        if moved:
            self._listener.acknowledged(self.lane.acknowledged)
        self.lane.resume()

    def suspend(self) -> None:
        """Leave the stream, which is lost; requests go on waiting for their answers."""
        self._stop_timers()
        self._stream = None
        self._keep(self._incoming.handled)

    def acknowledge(self, count: int) -> None:
        """Take a count of a server that doesn't let the session go on."""
        try:
            moved = self.lane.acknowledge(count)
        except Fault as fault:
            _log.warn("A count of the last session is left out: {fault}", fault=fault.sentence)
            return
        if moved:
            self._listener.acknowledged(self.lane.acknowledged)

    def resumable(self) -> Resumable | None:
        """Return how to ask the server for this session; None if it can't be resumed."""
        resumption = self.features.resumption
        if resumption is None or self._ended or self._lost:
            return None
        return Resumable(
            resumption.id,
            self.features.jid,
            self._durable,
            self.lane.acknowledged,
            resumption.location,
        )

    def end(self) -> None:
        """Let go of all that waits: it fails with :class:`NotConnected`."""
        self._ended = True
        self._stop_timers()
        self._stream = None
        self.lane.end()
        self._requests.end()

    def _stop_timers(self) -> None:
        for timer in (self._ack_timer, self._turn):
            if timer is not None and timer.active():
                timer.cancel()
        self._ack_timer = self._turn = None
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def close(self) -> None:
        """Tell the server what has been dealt with, and that nothing more comes."""
        stream = self._stream
        if stream is None:
            return
        if self.features.management and self._incoming.handled > self._told:
            # The session ends with it: nothing can be asked for again by a lower count.
            self._write_count(self._incoming.handled)
        stream.close()
        if self._paused:  # or the server's own end of the stream would go unread
            stream.resume()

    def handled(self, number: int) -> None:
        """Note that a stanza is dealt with for good."""
        if not self._incoming.done(number) or not self.features.management or self._ended:
            return
        handled = self._incoming.handled
        if self._stream is None:
            self._keep(handled)
            return
        if self._asked_at and handled >= self._asked_at:
            self._asked_at = 0
            self._tell()
        elif handled - self._told >= _ACK_STANZAS:
            self._tell()
        elif self._ack_timer is None:
            self._ack_timer = self._clock.callLater(_ACK_SECONDS, self._tell_late)

    def pause(self) -> None:
        """Read nothing more from the server, unless the stream is just closing."""
        if self._stream is not None:
            self._paused = True
            self._stream.pause()
            if self._watch is not None:
                self._watch.paused = True

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        if self._watch is not None:
            self._watch.read_on()
        if self._stream is not None:
            self._stream.resume()

    async def request(self, element: Element, timeout: float) -> Element:
        """Send a request and return the answer: see :meth:`Connection.request`."""
        if self._stream is None:
            raise NotConnected("There is no stream.")
        answer = self._requests.add(element, timeout)
        try:
            self.lane.send(serialize(element, NS_CLIENT)).addErrback(
                lambda _: None
            )  # end() fails the answer itself
            return await answer
        finally:
            answer.cancel()  # of no use to who was cancelled meanwhile

    def _receive(self, element: Element) -> None:
        if self._stream is None:  # not counted, so the server keeps it for later
            return
        if element.uri == NS_CLIENT and element.name in _STANZAS:
            number = self._incoming.next()
            if number is None:  # it came before the connection was lost, and is being dealt with
                return
            if element.name == "iq" and self._requests.answer(element):
                self.handled(number)
            else:
                self._listener.stanza_received(element, number)
        elif element.uri == NS_SM and self.features.management:
            self._manage(element)

    def _manage(self, element: Element) -> None:
        if element.name == "r":
            if self._incoming.handled < self._incoming.received:
                self._asked_at = self._incoming.received
            self._tell()
        elif element.name == "a":
            self._asking = False
            if self._watch is not None:
                self._watch.prove()
            try:
                moved = self.lane.acknowledge(count_of(element.get("h")))
            except Fault as fault:
                if self._stream is not None:
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
        number, stream = self._incoming.handled, self._stream
        self._told = number

        def tell() -> None:
            if self._stream is stream:
                self._write_count(number)

        self._keep(number, tell)

    def _keep(self, number: int, then: Callable[[], None] = lambda: None) -> None:
        """Have a count stored, if it isn't, before the server is told of it."""
        if number <= self._durable:
            then()
            return

        def kept(_: None) -> None:
            self._durable = max(self._durable, number)
            then()

        def failed(failure: Failure) -> None:
            _log.failure("The count of what is dealt with couldn't be stored", failure)

        self._listener.keep_handled(number).addCallback(kept).addErrback(failed)

    def _write_count(self, number: int) -> None:
        if self._stream is not None:
            self._stream.send(Element((NS_SM, "a"), {"h": str(number % WRAP)}))

    def _tell_late(self) -> None:
        self._ack_timer = None
        if self._incoming.handled > self._told:
            self._tell()

    def _write(self, stanza: str) -> None:
        if self._stream is not None:
            if not self._asking:
                # Before the first is written, so that the question goes out with them: TLS puts
                # together what is written until its own turn, which comes after.
                self._ask_soon()
            self._stream.write(stanza)

    def _ask_soon(self) -> None:
        # After this turn of the reactor, so that one question serves all that is written in it.
        if self.features.management and not self._asking and self._stream is not None:
            self._asking = True
            self._turn = self._clock.callLater(0, self._ask)

    def _ask(self) -> None:
        if self._stream is not None:
            self._stream.send(Element((NS_SM, "r")))

    def write_nonza(self, element: Element) -> None:
        """Write what is no stanza, if there is a stream."""
        if self._stream is not None:
            self._stream.send(element)

    def _broken(self, failure: Failure) -> None:
        _log.failure("A stanza couldn't be stored before it was sent", failure)
        self._lose()
        if self._stream is not None:
            self._stream.end(_unstored(failure))

    def _lose(self) -> None:
        self._lost = True

    def probe(self, seconds: float) -> None:
        """Ask the server for a sign of life now, and give the stream up if none comes in time."""
        if self._watch is not None:
            self._watch.probe(seconds)

    def _probe(self) -> None:
        if self.features.management:
            self._asking = True
            self._ask()
            return
        ping = Element((NS_CLIENT, "iq"), {"type": "get", "to": self.features.jid.host})
        ping.add("ping", NS_PING)
        answer = Deferred.fromCoroutine(self.request(ping, self._silence))
        answer.addErrback(lambda _: None)  # any answer, even a refusal, is a sign of life


def _unstored(failure: Failure) -> Fault:
    return Fault(
        "stream.store",
        "A stanza couldn't be stored before it was sent, so the stream was given up: "
        f"{failure.getErrorMessage()}.",
    )
