"""A profile at work: its connection, and the services that keep its state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import cast

import msgspec
from twisted.internet.defer import Deferred, DeferredLock, fail, succeed
from twisted.logger import Logger

from sat.backend import phases, sessions
from sat.backend.archive import Archive
from sat.backend.arrival import Arrival, Arrivals
from sat.backend.capabilities import Capabilities
from sat.backend.conversations import Conversations
from sat.backend.core import Core
from sat.backend.counts import Counts
from sat.backend.disco import Disco
from sat.backend.disco_calls import DiscoCalls
from sat.backend.files import Files
from sat.backend.incoming import Inbox
from sat.backend.leaving import drain
from sat.backend.messages import Messages
from sat.backend.outbox import Outbox
from sat.backend.plugin_host import PluginHost
from sat.backend.presence import Presences
from sat.backend.questions import Questions
from sat.backend.responder import Responder
from sat.backend.rooms.calls import RoomCalls
from sat.backend.rooms.service import Rooms
from sat.backend.roster import Roster
from sat.backend.schema import Prepared
from sat.backend.tasks import spawn, start
from sat.backend.transaction import Transaction
from sat.backend.trust import Trust
from sat.bridge.errors import CommandError
from sat.bridge.events import ProfileChanged
from sat.bridge.model import Phase, Profile
from sat.xmpp.connection import Connection, ConnectionState, Features
from sat.xmpp.management import Place
from sat.xmpp.reactor import Clock
from sat.xmpp.stanza import JID, Element, Iq, NotConnected, parse_jid

_log = Logger("sat.profile")

SET_PROFILE = Prepared("UPDATE profile SET data = :data, ca = :ca WHERE id = :profile_id")


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
        self._connecting, self._leaving = DeferredLock(), DeferredLock()
        self._disconnects = 0
        self._session = Arrivals(0, None)
        self._features: Features | None = None
        self._suspended = False
        self._begun = 0  # which session has been begun
        self._looked_back = False
        self._paused: set[str] = set()
        self._stream_over = False
        self._ended_by_error = False
        self._state_waiters: list[Deferred[None]] = []
        self.outbox = Outbox(self)
        self.inbox = Inbox(self)
        self.archive = Archive(self)
        self.counts = Counts(self)
        self.messages = Messages(self)
        self.conversations = Conversations(self)
        self.roster = Roster(self)
        self.questions = Questions(self)
        self.trust = Trust(self)
        self.presences = Presences(self)
        self.disco = Disco(self)
        self.capabilities = Capabilities(self)
        self.disco_calls = DiscoCalls(self)
        self.plugins = PluginHost(self)
        self.files = Files(self)
        self.responder = Responder(self)
        self.rooms = Rooms(self)
        self.room_calls = RoomCalls(self.rooms)

    @property
    def name(self) -> str:
        """The profile's name."""
        return self.profile.name

    # ---- the connection

    @property
    def online(self) -> bool:
        """Whether there is a stream, to which stanzas can be written."""
        return self._features is not None and not self._suspended

    @property
    def bound_jid(self) -> JID:
        """The full JID of the present stream; the bare one where there is none."""
        return self._features.jid if self._features is not None else self.jid

    @property
    def connection_state(self) -> ConnectionState:
        """How the connection stands at this moment."""
        return self._connection.state if self._connection is not None else ConnectionState()

    async def connect(self) -> None:
        """Connect and stay connected; harmless while connected.

        A connection with other settings than the present ones is closed before.

        :raises CommandError: ``denied.password`` if nothing is known to log in with
        """
        disconnects = self._disconnects
        # Two at once would make two connections, of which one is then nobody's.
        await self._connecting.run(lambda: start(self._connect(disconnects)))

    async def _connect(self, disconnects: int) -> None:
        previous = None
        if not self._looked_back:
            # What a process before this one left; later ones are kept by the connection itself.
            previous = await self.core.store.read(lambda reader: sessions.load(reader, self.id))
        account = await self.trust.account()
        if self._connection is not None and self._connection.account != account:
            await self._leaving.run(lambda: start(self._leave()))
        await self._leaving.run(lambda: None)
        if self._disconnects != disconnects:
            return  # somebody has changed their mind meanwhile
        if self._connection is not None:
            self._connection.start()
            return
        self._looked_back = True
        reactor, random = cast(Clock, self.core.reactor), self.core.random
        self._connection = Connection(
            account, self, reactor=reactor, random=random, previous=previous
        )
        self._connection.start()

    async def reconnect(self) -> None:
        """Connect with the present settings, unless the profile is to stay offline."""
        if self._connection is not None:
            await self.connect()

    def network_changed(self) -> None:
        """Wait no longer for the next try, and don't believe in the present stream."""
        if self._connection is not None:
            self._connection.network_changed()

    def use_password(self, password: str) -> None:
        """Log in with another password from the next time on."""
        connection = self._connection
        if connection is not None:
            connection.account = dataclasses.replace(connection.account, password=password)

    async def disconnect(self) -> None:
        """Close the stream, having told the server what is dealt with, and stay offline."""
        self._disconnects += 1
        await self._leaving.run(lambda: start(self._leave()))

    async def _leave(self) -> None:
        if self.online:
            await drain(self)
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.stop()

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
        self, stanza: Element | str, durable: Callable[[int], Deferred[bool]] | None = None
    ) -> Deferred[None]:
        """Write a stanza in its turn; see :meth:`sat.xmpp.connection.Connection.send`."""
        if self._connection is None or not self.online:
            return fail(NotConnected("there is no stream"))
        return self._connection.send(stanza, durable)

    def reserve(self) -> Place:
        """Reserve a stanza's place in the stream; see :meth:`Connection.reserve`."""
        if self._connection is None or not self.online:
            raise NotConnected("there is no stream")
        return self._connection.reserve()

    async def request(self, iq: Iq, timeout: float) -> Iq:
        """Send a request and return its answer; see :meth:`sat.plugin.Plugin.request`."""
        return Iq.from_element(await self.request_element(iq.to_element(), timeout))

    async def request_element(self, iq: Element, timeout: float) -> Element:
        """Send a request as an element and return its answer as one."""
        if self._connection is None or not self.online:
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
        session = self._session
        if arrival.session == session.number and session.id is not None:
            sessions.keep_handled(tx, self.id, session.id, arrival.number)

    def handled(self, arrival: Arrival) -> None:
        """Let the server know that a stanza is dealt with; it is committed by now."""
        if arrival.session == self._session.number and self._connection is not None:
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
        done = self.change(connection=phases.shown(state, self.core.now()))
        done.addErrback(lambda failure: _log.failure("noting a state failed", failure=failure))
        # Who waits sees what everyone is told by then.
        done.addCallback(lambda _: self._tell_waiters())
        self.trust.state_changed(state)
        if phase is Phase.ONLINE and self._begun != self._session.number:
            spawn(self._begin(self._session.number), f"beginning the session of {self.name}")

    def _tell_waiters(self) -> None:
        waiting, self._state_waiters = self._state_waiters, []
        for one in waiting:
            one.callback(None)

    def session_started(self, features: Features) -> None:
        """Begin to count anew."""
        if features.refused is not None and self._features is None:
            self.outbox.acknowledged(features.refused)
        self._take_session(features)
        self.outbox.session_started(features, self._ended_by_error)

    def session_restored(self, features: Features, acknowledged: int) -> None:
        """Go on where an earlier process was."""
        self._take_session(features)
        self.outbox.session_restored(acknowledged)
        # What it knew of others' presence went with it: the server tells it to who arrives anew.
        self.presences.say_goodbye()

    def _take_session(self, features: Features) -> None:
        resumption = features.resumption
        self._session = Arrivals(self._session.number + 1, resumption.id if resumption else None)
        self._features = features
        self._suspended = False
        self.counts.session_began()
        self.archive.session_began()

    def session_suspended(self) -> None:
        """Hold back what isn't numbered yet."""
        self._suspended = True
        self.outbox.end()

    def session_resumed(self) -> None:
        """Write what was held back."""
        self._suspended = False
        self.counts.resumed()
        if self._features is not None and self._begun == self._session.number:
            self.outbox.begin(self._features.management)
            self.archive.begin()
            self.rooms.resumed()
            self.plugins.resumed()

    def session_ended(self) -> None:
        """Forget what was true of the session alone."""
        features, self._features = self._features, None
        self._suspended = False
        self._stream_over = True
        self._begun = 0
        self.outbox.end()
        self.archive.end(managed=features is not None and features.management)
        self.presences.stream_ended()
        self.rooms.stream_ended()
        self.disco.forget()
        self.capabilities.forget()
        self._commit(lambda tx: sessions.end(tx, self.id), "noting the end of a session")

    def keep_handled(self, number: int) -> Deferred[None]:
        """Store how many of the server's stanzas are dealt with."""
        id_ = self._session.id
        if id_ is None:
            return succeed(None)  # it is never asked for again

        def keep(tx: Transaction) -> None:
            sessions.keep_handled(tx, self.id, id_, number)

        return self.core.journal.commit(keep, wait=True)

    def _commit(self, change: Callable[[Transaction], None], what: str) -> None:
        done = self.core.journal.commit(change, wait=True)
        done.addErrback(lambda failure: _log.failure("{what} failed", failure=failure, what=what))

    def acknowledged(self, count: int) -> None:
        """Note which messages the server has."""
        done = self.outbox.acknowledged(count)
        done.addErrback(lambda failure: _log.failure("noting an ack failed", failure=failure))

    def stanza_received(self, element: Element, number: int) -> None:
        """Hand a stanza to those whom it concerns."""
        arrival = Arrival(self._session.number, number)
        if element.name == "message":
            if self.archive.takes(element):
                self.handled(arrival)  # it can be asked for again
            elif not self.archive.holding.takes(element, arrival):
                self.inbox.received(element, arrival)
            return
        try:
            if element.name == "presence":
                if not self.rooms.presence(element, arrival):
                    self.presences.received(element, arrival)
            else:
                self.responder.received(element, arrival)
        except ValueError as error:
            # An address or a type that isn't one: nothing can be done with it, nor answered.
            _log.debug("stanza left out: {error}", error=error)
            self.handled(arrival)

    async def _begin(self, session: int) -> None:
        """Do what RFC 6121 asks of a new session: roster, then presence; then what waits."""
        features = self._features
        await self.roster.fetch(features)
        if features is None or not self.online or self._session.number != session:
            return  # it is begun again when it is resumed
        if self._begun == session:
            return
        self._begun = session
        spawn(self.counts.learn(), "asking the server what it is")
        self.presences.announce()
        self.outbox.begin(features.management)
        self.plugins.connected(features)
        self.archive.begin()

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
