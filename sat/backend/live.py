"""A profile at work: its connection, and the services that keep its state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec
from sqlalchemy.dialects.sqlite import insert as upsert
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferTimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from sat.backend import schema
from sat.backend.arrival import Arrival
from sat.backend.conversations import Conversations
from sat.backend.core import Core
from sat.backend.disco import Disco
from sat.backend.files import Files
from sat.backend.incoming import Inbox
from sat.backend.messages import Messages
from sat.backend.outbox import Outbox
from sat.backend.plugin_host import PluginHost
from sat.backend.presence import Presences
from sat.backend.questions import Questions
from sat.backend.roster import Roster
from sat.backend.schema import Prepared
from sat.backend.tasks import spawn
from sat.backend.transaction import Transaction
from sat.bridge.errors import CommandError
from sat.bridge.events import ProfileChanged
from sat.bridge.model import Connection as ConnectionModel
from sat.bridge.model import Phase, Profile
from sat.xmpp.connection import Account, Connection, ConnectionState, Features
from sat.xmpp.reactor import Clock
from sat.xmpp.stanza import JID, NS_PING, Element, Iq, NotConnected, StanzaError, parse_jid

_log = Logger("sat.profile")
#: Seconds that the server, and then the disk, have at the end of a stream.
_DRAIN = 1.5

SET_PROFILE = Prepared("UPDATE profile SET data = :data, ca = :ca WHERE id = :profile_id")
_setting = upsert(schema.stream)
_SET_HANDLED = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["profile_id"], set_={"handled": _setting.excluded.handled}
    )
)


class LiveProfile:
    """One profile: the listener of its connection, and the owner of its services.

    :param id: of its row
    :param profile: as the bridge shows it
    :param ca: its private certificate authority as PEM text
    """

    def __init__(self, core: Core, id: int, profile: Profile, ca: str | None) -> None:
        self.core = core
        self.id = id
        self.profile = profile
        self.ca = ca
        self.jid: JID = parse_jid(profile.jid)
        self._connection: Connection | None = None
        self._stream = 0
        self._features: Features | None = None
        self._paused: set[str] = set()
        self._last_phase = Phase.OFFLINE
        self._stream_over = False
        self._ended_by_error = False
        self._state_waiters: list[Deferred[None]] = []
        self.outbox = Outbox(self)
        self.inbox = Inbox(self)
        self.messages = Messages(self)
        self.conversations = Conversations(self)
        self.roster = Roster(self)
        self.questions = Questions(self)
        self.presences = Presences(self)
        self.disco = Disco(self)
        self.plugins = PluginHost(self)
        self.files = Files(self)

    @property
    def name(self) -> str:
        """The profile's name."""
        return self.profile.name

    # ---- the connection

    @property
    def online(self) -> bool:
        """Whether there is a stream, to which stanzas can be written."""
        return self._features is not None

    @property
    def bound_jid(self) -> JID:
        """The full JID of the present stream; the bare one where there is none."""
        return self._features.jid if self._features is not None else self.jid

    @property
    def connection_state(self) -> ConnectionState:
        """How the connection stands at this moment."""
        return self._connection.state if self._connection is not None else ConnectionState()

    async def connect(self, password: str) -> None:
        """Connect and stay connected; harmless while connected.

        A connection with other settings than the present ones is closed before.
        """
        profile = self.profile
        host, port = split_server(profile.server)
        account = Account(
            jid=self.jid,
            password=password,
            host=host,
            port=port,
            direct_tls=profile.direct_tls,
            ca=self.ca,
            allow_plain=profile.allow_plain,
            resource=profile.resource,
        )
        if self._connection is not None and self._connection.account != account:
            await self.disconnect()
        if self._connection is not None:
            self._connection.start()
            return
        reactor = cast(Clock, self.core.reactor)
        self._connection = Connection(account, self, reactor=reactor, random=self.core.random)
        self._connection.start()

    async def disconnect(self) -> None:
        """Close the stream, having told the server what is dealt with, and stay offline."""
        if self.online:
            await self._drain()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.stop()

    async def _drain(self) -> None:
        """Take in all that the server has sent us, so that it keeps nothing to deliver again.

        Once we are unavailable it sends no more messages, and it answers in order (RFC 6120,
        section 10.1): behind the answer to a ping there is nothing left. What stayed
        unacknowledged, a server may deliver later out of order.
        """
        self.presences.say_goodbye()
        ping = Iq(type="get", to=parse_jid(self.jid.host), extensions=[Element((NS_PING, "ping"))])
        with suppress(StanzaError, TimeoutError, NotConnected):
            await self.request(ping, _DRAIN)
        # All that came is queued to be written by now; a full disk must not keep us.
        written = self.core.journal.commit(lambda tx: None, wait=True)
        written.addTimeout(_DRAIN, cast(IReactorTime, self.core.reactor))
        with suppress(DeferTimeoutError):
            await written

    async def settled(self) -> None:
        """Wait until the connection is online, has failed, or waits to be tried again."""
        while self._connection is not None and self._connection.state.phase in (
            "connecting",
            "offline",
        ):
            waiting: Deferred[None] = Deferred()
            self._state_waiters.append(waiting)
            await waiting

    def require_online(self) -> None:
        """Refuse what needs a stream.

        :raises CommandError: ``offline.profile`` if there is none
        """
        if not self.online:
            why = self.profile.connection.sentence
            hint = why or f"connect it with: jp profile connect {self.name}"
            raise CommandError(
                "offline.profile", f"the profile {self.name} is not connected; {hint}"
            )

    def write(
        self, element: Element, durable: Callable[[int], Deferred[None]] | None = None
    ) -> Deferred[None]:
        """Write a stanza in its turn; see :meth:`sat.xmpp.connection.Connection.send`."""
        if self._connection is None or self._features is None:
            failed: Deferred[None] = Deferred()
            failed.errback(NotConnected("there is no stream"))
            return failed
        return self._connection.send(element, durable)

    async def request(self, iq: Iq, timeout: float) -> Iq:
        """Send a request and return its answer; see :meth:`sat.plugin.Plugin.request`."""
        return Iq.from_element(await self.request_element(iq.to_element(), timeout))

    async def request_element(self, iq: Element, timeout: float) -> Element:
        """Send a request as an element and return its answer as one."""
        if self._connection is None or self._features is None:
            raise NotConnected(f"the profile {self.name} is not connected")
        return await self._connection.request(iq, timeout)

    def pause(self, why: str) -> None:
        """Read nothing more from the server until every reason to pause is gone."""
        self._paused.add(why)
        if self._connection is not None:
            self._connection.pause()

    def resume(self, why: str) -> None:
        """Take back a reason to pause."""
        self._paused.discard(why)
        if not self._paused and self._connection is not None:
            self._connection.resume()

    # ---- what is dealt with (XEP-0198)

    def note_handled(self, tx: Transaction, arrival: Arrival) -> None:
        """Store that a stanza is dealt with, in the transaction that deals with it."""
        if arrival.stream == self._stream:
            # Of many in one transaction the last one counts.
            tx.run_last(
                f"handled {self.id}", _SET_HANDLED, profile_id=self.id, handled=arrival.number
            )

    def handled(self, arrival: Arrival) -> None:
        """Let the server know that a stanza is dealt with; it is committed by now."""
        if arrival.stream == self._stream and self._connection is not None:
            self._connection.handled(arrival.number)

    # ---- Listener

    def state_changed(self, state: ConnectionState) -> None:
        """Tell frontends how the connection stands."""
        phase = state.phase
        if self._stream_over:
            # What follows the end of a stream says why it ended; later states tell of new tries.
            self._stream_over = False
            self._ended_by_error = state.reason.startswith(("stream.", "xml."))
        _log.info("{name}: {phase} {why}", name=self.name, phase=phase.value, why=state.sentence)
        retry_at = None
        if state.retry_in is not None:
            now = datetime.fromtimestamp(self.core.now(), UTC)
            retry_at = now + timedelta(seconds=state.retry_in)
        connection = ConnectionModel(
            phase=phase,
            reason=state.reason,
            sentence=state.sentence,
            retry_at=retry_at,
            jid=state.jid.full() if state.jid else None,
        )
        done = self.change(connection=connection)
        done.addErrback(lambda failure: _log.failure("noting a state failed", failure=failure))
        waiting, self._state_waiters = self._state_waiters, []
        for one in waiting:
            one.callback(None)
        if phase is Phase.ONLINE and self._last_phase is not Phase.ONLINE:
            spawn(self._begin(), f"beginning the session of {self.name}")
        self._last_phase = phase

    def stream_started(self, features: Features) -> None:
        """Begin to count anew."""
        self._stream += 1
        self._features = features
        if self._paused and self._connection is not None:
            self._connection.pause()

    def stream_ended(self, last_acknowledged: int) -> None:
        """Forget what was true of the stream alone."""
        self._features = None
        self._stream_over = True
        self._last_phase = Phase.CONNECTING
        self.outbox.end()
        self.presences.stream_ended()
        self.disco.forget()

    def acknowledged(self, count: int) -> None:
        """Note which messages the server has."""
        done = self.outbox.acknowledged(count)
        done.addErrback(lambda failure: _log.failure("noting an ack failed", failure=failure))

    def stanza_received(self, element: Element, number: int) -> None:
        """Hand a stanza to those whom it concerns."""
        arrival = Arrival(self._stream, number)
        if element.name == "message":
            self.inbox.received(element, arrival)
            return
        try:
            if element.name == "presence":
                self.presences.received(element, arrival)
            else:
                self._request_received(Iq.from_element(element), element, arrival)
        except ValueError as error:
            # An address or a type that isn't one: nothing can be done with it, nor answered.
            _log.debug("stanza left out: {error}", error=error)
            self.handled(arrival)

    def _request_received(self, iq: Iq, element: Element, arrival: Arrival) -> None:
        if self.roster.takes(iq):
            spawn(self.roster.pushed(iq, element, arrival), "noting a roster push")
            return
        self.handled(arrival)
        answer = self.disco.answer(iq) or self.plugins.answer(iq)
        spawn(self._answer(iq, answer), "answering a request")

    async def _answer(self, iq: Iq, answer: Awaitable[Element | None] | None) -> None:
        try:
            if answer is None:
                raise StanzaError("service-unavailable")
            payload = await answer
        except StanzaError as error:
            reply = iq.refuse(error)
        except NotConnected:
            return  # who asked has to ask again on the next stream
        else:
            reply = iq.result(*([payload] if payload is not None else []))
        try:
            await self.write(reply.to_element())
        except NotConnected:
            return  # who asked has to ask again on the next stream

    async def _begin(self) -> None:
        """Do what RFC 6121 asks of a new session: roster, then presence; then what waits."""
        features = self._features
        if features is None:
            return
        await self.roster.fetch()
        if not self.online:
            return
        self.presences.announce()
        self.outbox.begin(features.management, self._ended_by_error)
        self.plugins.connected()

    # ---- the profile itself

    def change(self, *, wait: bool = True, **fields: object) -> Deferred[None]:
        """Change what the bridge shows of the profile, and tell of it.

        :param wait: wait for a full disk; a person's call is refused instead
        """
        ca = self.ca

        def change(tx: Transaction) -> None:
            self.profile = msgspec.structs.replace(self.profile, rev=tx.rev, **fields)
            tx.run(
                SET_PROFILE,
                profile_id=self.id,
                data=msgspec.json.encode(self.profile),
                ca=ca,
            )
            tx.emit(self.name, ProfileChanged(self.profile))

        return self.core.journal.commit(change, wait=wait)


def split_server(server: str | None) -> tuple[str | None, int | None]:
    """Read ``host``, ``host:port`` or ``[address]:port``.

    :raises CommandError: ``usage.server`` if it is none of these
    """
    if not server:
        return None, None
    host, colon, port = server.rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        return server.strip("[]"), None
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise CommandError("usage.server", f"{server} is no server: give HOST or HOST:PORT")
    return host.strip("[]"), int(port)
