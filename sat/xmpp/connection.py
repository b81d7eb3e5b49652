"""One account's connection: made, kept, made again, and given up when that can't help."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from sat.bridge.model import Phase
from sat.xmpp.account import Account, ConnectionState, Features, Listener, Resumable
from sat.xmpp.backoff import Backoff
from sat.xmpp.dial import Dial, Link, SeeOtherHost
from sat.xmpp.element import Element, serialize
from sat.xmpp.errors import Fault, NotConnected
from sat.xmpp.keeper import Keeper
from sat.xmpp.management import Place
from sat.xmpp.namespaces import NS_CLIENT
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.resolve import Resolver, SystemResolver, Target
from sat.xmpp.session import PATIENCE, SILENCE, Session
from sat.xmpp.stream import Stream

__all__ = ["Account", "Connection", "ConnectionState", "Features", "Listener", "Phase"]

_log = Logger()

#: Seconds that the server has for the connection, and for each answer during the login.
STEP = 30.0
#: Seconds that the server has to show that it is still there when the network has changed.
QUICK = 10.0
#: A stream that lasted this many seconds was a good one: delays start again from the first.
GOOD_STREAM = 60.0
#: So many times in a row the server may send us to another host at once.
MAX_REDIRECTS = 3


class Connection:
    """Keeps an account connected.

    :param reactor: Twisted's; for connecting and for time
    :param random: for nonces, ids and delays; it must be one that can't be foreseen
    :param step: seconds that the server has for each answer during the login
    :param silence: seconds without a sign of life after which the server is asked for one
    :param patience: seconds that it then has
    :param backoff: the delays between tries
    :param resolver: knows the servers of a domain; by default the DNS of this machine does
    :param previous: the session that an earlier process left, to go on with if it can
    """

    def __init__(
        self,
        account: Account,
        listener: Listener,
        *,
        reactor: Clock,
        random: Random,
        step: float = STEP,
        silence: float = SILENCE,
        patience: float = PATIENCE,
        backoff: Backoff | None = None,
        resolver: Resolver | None = None,
        previous: Resumable | None = None,
    ) -> None:
        self.account = account
        self.state = ConnectionState()
        self._listener = listener
        self._reactor = reactor
        self._random = random
        self._step = step
        self._silence = silence
        self._patience = patience
        self._backoff = backoff or Backoff(random)
        self._resolver = resolver or SystemResolver(reactor)
        self._elsewhere: Target | None = None  # where the server sends us
        self._redirects = 0  # in a row
        self._active = False
        self._again = False  # to start anew when it has stopped
        self._running: Deferred[None] | None = None
        self._awaiting_end: list[Deferred[None]] = []
        self._sleeping: Deferred[None] | None = None
        self._stopping = False
        self._paused = False
        self._hurry = False  # not to sleep before the next try
        self._stream: Stream | None = None
        self._session: Session | None = None
        self._keeper = Keeper(listener, reactor, previous)

    def start(self) -> None:
        """Connect, and stay connected until :meth:`stop`.

        If it was started, it doesn't wait any longer for the next try; if it is just stopping, it
        starts when that is done.
        """
        if self._active:
            self._again = self._stopping
            self.retry()
            return
        self._active = True
        self._stopping = False
        self._elsewhere = None
        self._redirects = 0
        running = Deferred.fromCoroutine(self._run())
        self._running = running
        running.addErrback(self._crashed)
        running.addBoth(self._over)

    def retry(self) -> None:
        """Don't wait any longer for the next try: the network has changed, or a user asks."""
        self._backoff.reset()
        self._hurry = True
        sleeping, self._sleeping = self._sleeping, None
        if sleeping is not None:
            sleeping.callback(None)

    def network_changed(self) -> None:
        """Try again at once; while online, see within seconds whether the stream still lives."""
        if self.state.phase is Phase.ONLINE and self._session is not None:
            self._session.probe(QUICK)
        elif self._active:
            self.retry()

    async def stop(self, seconds: float = 2.0) -> None:
        """Tell the server what has been dealt with, close the stream, and end.

        What waits to be durable is not sent any more: it fails with :class:`NotConnected`.

        :param seconds: how long the server has to close its side
        """
        self._again = False
        if not self._active:
            self._change(ConnectionState())
            return
        over: Deferred[None] = Deferred()
        self._awaiting_end.append(over)
        self._stopping = True
        if self._session is not None and self._stream is not None:
            self._session.close()
            self._session.end()
            timer = self._reactor.callLater(seconds, self._stream.end, Fault("", ""))
            await over
            if timer.active():
                timer.cancel()
        else:
            if self._running is not None:
                self._running.cancel()
            await over

    def send(
        self, stanza: Element | str, durable: Callable[[int], Deferred[bool]] | None = None
    ) -> Deferred[None]:
        """Send a stanza after all those before it, and give it the stream's next number.

        What is no stanza has no number, is written at once, and never again.

        :param stanza: as an element, or as the text of one (:meth:`Message.to_xml`)
        :param durable: called at once with the number; the stanza, and all behind it, waits until
            the Deferred that it returns fires: with False if it isn't to be written after all.
            Should it fail, the stream is given up.
        :return: fires when the stanza is written; fails with :class:`NotConnected` if the stream
            ends first
        :raises NotConnected: if there is no stream
        """
        if self._session is None:
            raise NotConnected(self.state.sentence or "The account isn't connected.")
        if not isinstance(stanza, str):
            if stanza.uri != NS_CLIENT:
                self._session.write_nonza(stanza)
                return succeed(None)
            stanza = serialize(stanza, NS_CLIENT)
        return self._session.lane.send(stanza, durable)

    def reserve(self) -> Place:
        """Give the stream's next number to a stanza that is made later; all behind it waits.

        :raises NotConnected: if there is no stream
        """
        if self._session is None:
            raise NotConnected(self.state.sentence or "The account isn't connected.")
        return self._session.lane.reserve()

    async def request(self, element: Element, timeout: float = 60.0) -> Element:
        """Send an ``<iq/>`` of type get or set and return its result.

        An answer counts only if it comes from whom the request went to (RFC 6120, section 8.1.2.1).

        :param timeout: in seconds
        :raises StanzaError: if it is refused
        :raises TimeoutError: if no answer comes in time
        :raises NotConnected: if there is no stream, or it ends first
        """
        if self._session is None:
            raise NotConnected(self.state.sentence or "The account isn't connected.")
        return await self._session.request(element, timeout)

    def handled(self, number: int) -> None:
        """Note that a stanza of the present stream is dealt with for good, in any order."""
        if self._session is not None:
            self._session.handled(number)

    def pause(self) -> None:
        """Read nothing more from the server, on this stream and the next ones.

        What has been read already, up to 64 KiB, still comes.
        """
        self._paused = True
        if self._session is not None:
            self._session.pause()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        if self._session is not None:
            self._session.resume()

    async def _run(self) -> None:
        while True:
            self._change(ConnectionState(Phase.CONNECTING))
            if self._is_stopping():  # the listener may have said so just now
                return
            self._hurry = False
            try:
                fault = await self._attempt()
            except Fault as raised:
                fault = raised
            if self._is_stopping():
                return
            if self._redirected(fault):
                continue
            if fault.final:
                self._change(
                    ConnectionState(Phase.FAILED, fault.reason, fault.sentence, about=fault.about)
                )
                return
            delay = self._backoff.next()
            sentence = f"{fault.sentence} The next try is in {max(delay, 1):.0f} s."
            self._change(
                ConnectionState(Phase.WAITING, fault.reason, sentence, delay, about=fault.about)
            )
            if self._is_stopping():
                return
            await self._sleep(delay)

    def _is_stopping(self) -> bool:
        return self._stopping

    async def _attempt(self) -> Fault:
        """Connect once; return why it ended, or raise why it failed."""
        elsewhere, self._elsewhere = self._elsewhere, None
        previous = self._keeper.wanted()
        if elsewhere is None and not self.account.host and not self.account.port:
            elsewhere = self._keeper.place(self.account.direct_tls)
        dial = Dial(self.account, self._reactor, self._random, self._resolver, self._step)
        try:
            link = await dial.run(elsewhere, previous)
        except Fault:
            if dial.decided:
                self._keeper.failed()
            raise
        fault = await self._serve(link, previous)
        if link.stream.elsewhere is not None:
            return SeeOtherHost(fault, link.stream.elsewhere)
        return fault

    def _redirected(self, fault: Fault) -> bool:
        """Tell whether to connect at once where the server said, and remember where."""
        if not isinstance(fault, SeeOtherHost) or self._redirects >= MAX_REDIRECTS:
            self._redirects = 0
            return False
        self._redirects += 1
        self._elsewhere = fault.target
        return True

    async def _serve(self, link: Link, previous: Resumable | None) -> Fault:
        """Let stanzas through until the stream ends; return why it did."""
        stream = link.stream
        session = self._keeper.resume(stream, link.features, previous)
        told = self._listener.session_resumed
        if session is None:
            session = Session(
                link.features,
                self._listener,
                self._reactor,
                self._random,
                self._silence,
                self._patience,
                previous,
            )
            session.attach(stream)
            told = session.announce
        self._stream, self._session = stream, session
        since = self._reactor.seconds()
        fault = Fault("", "")
        try:
            told()
            self._change(ConnectionState(Phase.ONLINE, jid=link.features.jid))
            session.begin(stream, link.early)
            if self._paused:
                session.pause()
            fault = await link.ended
            return fault
        finally:
            self._stream = self._session = None
            stream.end(Fault("", ""))
            if self._reactor.seconds() - since >= GOOD_STREAM:
                self._backoff.reset()
                self._redirects = 0
            self._keeper.leave(session, fault, keep=not self._stopping)

    async def _sleep(self, seconds: float) -> None:
        if self._hurry:
            return
        sleeping: Deferred[None] = Deferred()
        self._sleeping = sleeping
        timer: Timer = self._reactor.callLater(seconds, self._wake, sleeping)
        try:
            await sleeping
        finally:
            self._sleeping = None
            if timer.active():
                timer.cancel()

    def _wake(self, sleeping: Deferred[None]) -> None:
        if not sleeping.called:
            sleeping.callback(None)

    def _change(self, state: ConnectionState) -> None:
        if state != self.state:
            self.state = state
            self._listener.state_changed(state)

    def _crashed(self, failure: Failure) -> None:
        if self._stopping and isinstance(failure.value, CancelledError):
            return
        _log.failure("The connection of {jid} failed", failure, jid=self.account.jid.userhost())
        self._change(
            ConnectionState(
                Phase.FAILED, "failed.internal", "The daemon made a mistake; its log says which."
            )
        )

    def _over(self, _: object) -> None:
        self._keeper.give_up()
        self._active = False
        self._running = None
        if self._stopping:
            self._change(ConnectionState())
        awaiting, self._awaiting_end = self._awaiting_end, []
        for over in awaiting:
            over.callback(None)
        if self._again:
            self._again = False
            self.start()
