"""A session without a daemon behind it: a log in memory, a wire that ends in a list."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred

from sat.bridge.call import Call
from sat.bridge.command import command, commands_of
from sat.bridge.dispatcher import Dispatcher
from sat.bridge.errors import CommandError
from sat.bridge.followers import Followers, Queued, Way
from sat.bridge.grant import EVERYTHING, Grant
from sat.bridge.log import LoggedEvent, VolatileEvent
from sat.bridge.model import Level
from sat.bridge.session import Session
from sat.bridge.wire import Doors

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELLO = {"id": 0, "method": "session.hello", "params": {"api": "1"}}


class Wire:
    """Where a session writes; it holds back when ``limit`` bytes are unread, as a transport does.

    ``drain`` is the frontend that reads all that waits; ``lines`` is what it has read.
    """

    def __init__(self, limit: int = 1 << 30) -> None:
        self.session: Session
        self.limit = limit
        self.lines: list[dict[str, Any]] = []
        self.queued: list[bytes] = []
        self.most = 0
        self.reading = True
        self.closed = False
        self.full = False

    def write(self, data: bytes) -> None:
        assert not self.closed, data
        assert data.endswith(b"\n"), data
        self.queued += data.splitlines(keepends=True)
        size = sum(map(len, self.queued))
        self.most = max(self.most, size)
        if size > self.limit and not self.full:
            self.full = True
            self.session.output_paused()

    def drain(self, count: int | None = None) -> list[dict[str, Any]]:
        """Read what waits, or ``count`` lines of it; return the lines of this time."""
        count = len(self.queued) if count is None else count
        got = [json.loads(line) for line in self.queued[:count]]
        del self.queued[:count]
        self.lines += got
        if self.full and not self.queued:
            self.full = False
            self.session.output_resumed()
        return got

    @property
    def way(self) -> Way:
        return Queued(self.write)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True


class MemoryLog:
    """The log of events as a session sees it.

    :param window: how many of the latest events ``recent`` reaches back to
    """

    epoch = "this-one"

    def __init__(self, window: int = 1000) -> None:
        self.window = window
        self.events: list[LoggedEvent] = []
        self.oldest = 1
        self.head = 0
        self.values: dict[str, VolatileEvent] = {}
        self.cursors: dict[str, int] = {}
        self.sessions: list[Session] = []
        self.watchers: list[Any] = []
        self.followers = Followers()
        #: Of which profiles snapshots were taken.
        self.shown: list[frozenset[str] | None] = []
        #: Reads that wait for ``release``; None if they are answered at once.
        self.reads: list[Deferred[None]] | None = None

    def add(self, profile: str = "alice", kind: str = "message.added") -> LoggedEvent:
        """Commit an event, and tell every session."""
        scope = {"message": "messages", "roster": "roster"}[kind.partition(".")[0]]
        self.head += 1
        data = json.dumps({"n": self.head}).encode()
        event = LoggedEvent.encode(self.head, profile, (kind, scope), NOW, None, data)
        self.events.append(event)
        self.wake()
        return event

    def wake(self) -> None:
        together = self.followers.tell(self.head, self.lines)
        for watcher in list(self.watchers):
            if not together or watcher not in self.followers:
                watcher.wake()

    def trim(self, oldest: int) -> None:
        """Forget what is before an event."""
        self.oldest = oldest
        self.events = [event for event in self.events if event.seq >= oldest]

    def tell(self, key: str, text: str) -> None:
        """Tell a volatile value, which replaces the one of the same key."""
        line = json.dumps(
            {"method": "event", "params": {"type": "presence.changed", "data": [key, text]}}
        )
        event = VolatileEvent("alice", "presence.changed", "presence", key, line.encode() + b"\n")
        self.values[key] = event
        for session in self.sessions:
            session.volatile(event)

    def release(self) -> None:
        """Let the reads that wait be answered, with what the log holds now."""
        waiting, self.reads = self.reads or [], []
        for one in waiting:
            one.callback(None)

    # ---- EventLog

    def lines(self, after: int) -> tuple[bytes, int] | None:
        lines, last = b"", after
        for event in self.recent(after) or ():
            lines += event.line(event.seq - 1)
            last = event.seq
            if len(lines) > 4096:
                break
        return (lines, last) if lines else None

    def attached(self, watcher: Any) -> None:
        self.watchers.append(watcher)

    def detached(self, watcher: Any) -> None:
        self.watchers.remove(watcher)

    def recent(self, after: int) -> Sequence[LoggedEvent] | None:
        if after + 1 < max(self.oldest, self.head - self.window + 1):
            return None
        return [event for event in self.events if event.seq > after]

    async def read(self, after: int, limit: int) -> Sequence[LoggedEvent]:
        if self.reads is not None:
            waiting: Deferred[None] = Deferred()
            self.reads.append(waiting)
            await waiting
        return [event for event in self.events if event.seq > after][:limit]

    async def snapshot(
        self, scopes: frozenset[str] | None, profiles: frozenset[str] | None
    ) -> tuple[int, bytes]:
        self.shown.append(profiles)
        return self.head, json.dumps({"profiles": [], "head": self.head}).encode()

    def volatile(self) -> Sequence[VolatileEvent]:
        return list(self.values.values())

    async def cursor(self, name: str) -> int | None:
        return self.cursors.get(name)

    async def set_cursor(self, name: str, seq: int) -> None:
        self.cursors[name] = seq


class MemoryResults:
    """Results of transactions; ``recorded`` counts them."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[bytes, bytes]] = {}

    async def find(self, profile: str, txn: str) -> tuple[bytes, bytes] | None:
        return self.known.get((profile, txn))

    async def record(self, call: Call, result: bytes) -> None:
        assert call.txn is not None
        self.known[call.profile or "", call.txn] = (call.digest, result)


class Service:
    """Commands to call."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.waiting: list[Deferred[str]] = []
        self.done: list[object] = []

    @command("test.echo", level=Level.READ)
    async def echo(self, text: str = "") -> str:
        """Return the text."""
        return text

    @command("test.wait")
    async def wait(self) -> str:
        """Return once the test lets it."""
        waiting: Deferred[str] = Deferred()
        self.waiting.append(waiting)
        return await waiting

    @command("test.change")
    async def change(self, n: int = 1) -> int:
        """Commit some events, and return the number of the last."""
        for _ in range(n):
            self.log.add()
        self.done.append(n)
        return self.log.head

    @command("test.refuse")
    async def refuse(self) -> None:
        """Refuse."""
        self.done.append("refused")
        raise CommandError("denied.test", "not today: ask tomorrow", {"retry_after": 5})

    @command("test.fail")
    async def fail(self) -> None:
        """Have a fault."""
        raise RuntimeError("a secret of the inside")

    @command("test.take", level=Level.FILES)
    async def take(self, call: Call) -> int:
        """Take the descriptor that came along."""
        return call.take_descriptor()


class Frontend:
    """One session with all that belongs to it."""

    def __init__(
        self,
        log: MemoryLog | None = None,
        *,
        limit: int = 1 << 30,
        grant: Grant | None = EVERYTHING,
        doors: Doors | None = None,
    ) -> None:
        self.log = log or MemoryLog()
        self.service = Service(self.log)
        self.results = MemoryResults()
        self.failures: list[BaseException] = []
        self.dispatcher = Dispatcher(self._choose, self.results, lambda error: None)
        for spec in commands_of(Service):
            self.dispatcher.add(spec, lambda profile: self.service)
        self.wire = Wire(limit)
        self.session = Session(
            self.wire,
            self.dispatcher,
            self.log,
            grant,
            lambda: {"methods": []},
            self._spawn,
            doors,
        )
        self.wire.session = self.session
        self.log.sessions.append(self.session)

    def send(self, request: dict[str, Any] | bytes) -> None:
        line = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.session.line_received(line)

    def call(self, method: str, id_: int | None = 1, **params: Any) -> None:
        request = {"jsonrpc": "2.0", "method": method, "params": params}
        self.send(request if id_ is None else request | {"id": id_})

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Call, and return the answer, which must be there at once."""
        self.call(method, 77, **params)
        return next(line for line in self.wire.drain() if line.get("id") == 77)

    def hello(self) -> "Frontend":
        self.send(HELLO)
        (answer,) = self.wire.drain()
        assert "result" in answer, answer
        return self

    def attach(self, **params: Any) -> dict[str, Any]:
        """Attach, and return the answer."""
        return self.ask("state.attach", **params)["result"]

    def events(self) -> list[dict[str, Any]]:
        """Read all that waits, and return the numbered events among all that was ever read."""
        self.wire.drain()
        told = [line["params"] for line in self.wire.lines if line.get("method") == "event"]
        return [event for event in told if "seq" in event]

    @staticmethod
    def _choose(name: str | None) -> str:
        if name == "nobody":
            raise CommandError("unknown.profile", "there is no profile nobody")
        return name or "alice"

    def _spawn(self, work: Any, what: str) -> Deferred[None]:
        return Deferred.fromCoroutine(work).addErrback(
            lambda failure: self.failures.append(failure.value)
        )


def name_of(answer: dict[str, Any]) -> str:
    """Return the name of the error that an answer holds."""
    return str(answer["error"]["data"]["name"])
