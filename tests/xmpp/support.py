"""A connection under test, whose listener notes what it is told."""

import random
from pathlib import Path

from twisted.internet.defer import Deferred, succeed

from sat.xmpp.connection import Account, Backoff, Connection, ConnectionState, Features, Phase
from sat.xmpp.stanza import NS_CLIENT, Element, Message, parse_jid
from tests.hostile.peer import Peer
from tests.hostile.server import HostileServer

ACCOUNT = Account.__dataclass_fields__.keys()
BOB = parse_jid("bob@server.test/x")
#: What :func:`question` looks like to the server.
ASKED = "<iq type='get'><query xmlns='urn:q'/></iq>"


def message(body: str) -> Element:
    """Return a message to bob."""
    return Message(to=BOB, body=body).to_element()


def question(to: str | None = None) -> Element:
    """Return a request."""
    iq = Element((NS_CLIENT, "iq"), {"type": "get"})
    if to is not None:
        iq["to"] = to
    iq.add("query", "urn:q")
    return iq


def begin(coroutine) -> list:
    """Start a coroutine; the list gets its result or Failure when it ends."""
    outcome: list = []
    Deferred.fromCoroutine(coroutine).addBoth(outcome.append)
    return outcome


async def wait(deferred: Deferred):
    """Return what a Deferred gives."""
    return await deferred


class Client:
    """A connection to a server, and all that its listener heard."""

    def __init__(
        self, reactor, server: HostileServer, *, automatic: bool = True, **options
    ) -> None:
        given = {
            "jid": parse_jid(f"{server.user}@{server.domain}"),
            "password": server.password,
            "host": "127.0.0.1",
            "port": server.port,
            "direct_tls": server.direct_tls,
            "ca": server.ca,
        }
        if "own" in options:  # "certificate" tells which one the server shows
            options["certificate"] = options.pop("own")
        account = {name: options.pop(name) for name in list(options) if name in ACCOUNT}
        chance = random.Random(7)
        options.setdefault("backoff", Backoff(chance, 0.05, 0.2))
        self.connection = Connection(
            Account(**(given | account)), self, reactor=reactor, random=chance, **options
        )
        self._reactor = reactor
        self._automatic = automatic
        self.states: list[ConnectionState] = []
        self.stanzas: list[tuple[Element, int]] = []
        self.acks: list[int] = []
        self.features: Features | None = None
        #: What happened to sessions, in order.
        self.sessions: list[str] = []
        #: The counts that had to be stored, and what they wait for.
        self.handled: list[int] = []
        self.keeping: Deferred[None] | None = None
        self._waiting: list[tuple[object, Deferred]] = []

    def state_changed(self, state: ConnectionState) -> None:
        self.states.append(state)
        self._look()

    def session_started(self, features: Features) -> None:
        self.features = features
        self.sessions.append("started")

    def session_restored(self, features: Features, acknowledged: int) -> None:
        self.features = features
        self.sessions.append(f"restored at {acknowledged}")

    def session_suspended(self) -> None:
        self.sessions.append("suspended")

    def session_resumed(self) -> None:
        self.sessions.append("resumed")

    def session_ended(self) -> None:
        self.sessions.append("ended")

    def keep_handled(self, number: int) -> Deferred[None]:
        self.handled.append(number)
        return self.keeping if self.keeping is not None else succeed(None)

    def stanza_received(self, element: Element, number: int) -> None:
        self.stanzas.append((element, number))
        if self._automatic:
            self.connection.handled(number)
        self._look()

    def acknowledged(self, count: int) -> None:
        self.acks.append(count)
        self._look()

    async def until(self, found, seconds: float = 20.0):
        """Wait until a function of this client gives something true, and return it."""
        if found(self):
            return found(self)
        deferred: Deferred = Deferred()
        self._waiting.append((found, deferred))
        deferred.addTimeout(seconds, self._reactor, self._fail)
        return await deferred

    async def phase(self, phase: Phase, seconds: float = 20.0) -> ConnectionState:
        """Wait for a phase, and return the state."""

        def found(_) -> ConnectionState | None:
            state = self.connection.state
            return state if state.phase is phase else None

        return await self.until(found, seconds)

    async def been(self, phase: Phase) -> ConnectionState:
        """Wait until it is or was in a phase, and return the first such state."""

        def found(_) -> ConnectionState | None:
            return next((state for state in self.states if state.phase is phase), None)

        return await self.until(found)

    async def stanza(self) -> Element:
        """Return the next stanza."""
        await self.until(lambda client: client.stanzas)
        return self.stanzas.pop(0)[0]

    def _look(self) -> None:
        for found, deferred in list(self._waiting):
            value = found(self)
            if value and not deferred.called:
                self._waiting.remove((found, deferred))
                deferred.callback(value)

    def _fail(self, *_) -> None:
        raise AssertionError(f"It didn't come to that; states: {self.states}")


class Pair:
    """A server and a client of it, both stopped at the end."""

    def __init__(self, reactor, folder: Path, **options) -> None:
        names = ("alpn", "certificate", "domain", "direct_tls")
        given = {name: options.pop(name) for name in names if name in options}
        self.server = HostileServer(reactor, folder, **given)
        self._reactor = reactor
        self._options = options

    async def __aenter__(self) -> "Pair":
        self.server.listen()
        self.client = Client(self._reactor, self.server, **self._options)
        self.connection = self.client.connection
        self.connection.start()
        return self

    async def __aexit__(self, *_) -> None:
        await self.connection.stop(0.2)
        await self.server.stop()

    async def online(self, **options) -> Peer:
        """Log the client in and return the server's side."""
        peer = await self.server.accept()
        await peer.log_in(**options)
        await self.client.phase(Phase.ONLINE)
        return peer
