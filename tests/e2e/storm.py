"""A storm: messages both ways while the link is cut, the daemon killed and the server restarted.

Alice is the daemon, behind a proxy; bob is slixmpp, on a connection of his own that nobody cuts.
When the server is restarted bob leaves before and comes back after, so that whatever is missing or
doubled on his side is alice's doing.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from sat.bridge.blocking import Client
from sat.bridge.errors import CommandError
from tests.testbed import Daemon
from tests.testbed.processes import wait_until
from tests.testbed.proxy import Proxy
from tests.testbed.stranger import Stranger

#: How many messages of either side may be on their way at a time.
WINDOW = 60
#: The states that say that the server has a message.
SAFE = ("acknowledged", "received", "displayed")


@dataclass(frozen=True)
class Size:
    """How large a storm is: messages each way, and what happens meanwhile."""

    messages: int
    cuts: int
    kills: int
    restarts: int

    @property
    def patience(self) -> float:
        """Seconds without any progress after which the storm is given up.

        Prosody's simplest storage reads an archive from its beginning at each query, and does
        nothing else meanwhile.
        """
        return 60.0 + self.messages / 50


class Watcher:
    """Follows all events of the daemon, and goes on where it was when the daemon was killed."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._stopping = False
        #: All events that are numbered, in order.
        self.events: list[dict[str, Any]] = []
        self.gaps: list[str] = []
        #: Messages by id, as the last event has them.
        self.messages: dict[str, dict[str, Any]] = {}
        self.safe: set[str] = set()
        self.got = 0
        with Client(str(daemon.socket)) as client:
            client.call("daemon.status")
            self._epoch, self._seq = client.hello["epoch"], client.hello["head"]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            with suppress(CommandError), Client(str(self._daemon.socket), timeout=10) as client:
                resume = {"epoch": self._epoch, "seq": self._seq}
                client.call("state.attach", mode="events", resume=resume)
                while not self._stopping:
                    with suppress_timeout():
                        for event in client.events(0.2):
                            self._take(event)
            time.sleep(0.01)

    def _take(self, event: dict[str, Any]) -> None:
        if event.get("seq") is None:
            return
        if event["prev"] != self._seq:
            self.gaps.append(
                f"after {self._seq} came {event['seq']}, whose prev is {event['prev']}"
            )
        self._seq = event["seq"]
        self.events.append(event)
        if event["type"] in ("message.added", "message.changed"):
            message = event["data"]
            self.messages[message["id"]] = message
            if message["direction"] == "out" and message["state"] in SAFE:
                self.safe.add(message["id"])
            self.got += event["type"] == "message.added" and message["direction"] == "in"


class suppress_timeout(suppress):
    """Go on after a wait that was too short."""

    def __init__(self) -> None:
        super().__init__(CommandError)

    def __exit__(self, kind, error, trace) -> bool:
        return isinstance(error, CommandError) and error.name.startswith("timeout.")


class Storm:
    """Run it with `run`, then look at what is left."""

    def __init__(
        self, server, daemon: Daemon, names: tuple[str, str], size: Size, random: Random
    ) -> None:
        self.server, self.daemon, self.size = server, daemon, size
        self.alice, self.bob = names
        self._random = random
        self._proxy = Proxy(server.ports["c2s"], random)
        self._failure: BaseException | None = None
        self._stopping = False
        self._fed = 0
        #: Each that bob was, one after the other.
        self._bobs: list[Stranger] = []
        self.watcher: Watcher
        #: What bob's server has archived for him, if it does.
        self.archived: list[str] = []
        #: What was done to them, for people who look for a cause.
        self.story: list[str] = []

    def run(self) -> None:
        """Let it rage until every message is safe, and has arrived where it should."""
        with ExitStack() as stack:
            stack.enter_context(self._proxy)
            self.daemon.profile(self.alice, self.server, at=self._proxy.address)
            self.watcher = Watcher(self.daemon)
            stack.callback(self.watcher.stop)
            self._bob_comes(stack)
            sender = threading.Thread(target=self._send)
            sender.start()
            stack.callback(sender.join)
            stack.callback(setattr, self, "_stopping", True)
            self._rage(stack)
            self._bobs[-1].tell("archive")
            found = self._bobs[-1].expect("archive", timeout=self.size.patience)["bodies"]
            self.archived = [body for body in found if body.startswith("a ")]

    @property
    def seen(self) -> list[str]:
        """What bob was shown, in order."""
        return [
            one["body"]
            for bob in self._bobs
            for one in tuple(bob.seen)
            if one["what"] == "message" and one["body"].startswith("a ")
        ]

    def history(self) -> list[dict[str, Any]]:
        """Return alice's history of their conversation, oldest first."""
        pages: list[dict[str, Any]] = []
        with Client(str(self.daemon.socket)) as client:
            before: dict[str, object] = {}
            while page := client.call(
                "message.list", peer=self.server.jid(self.bob), limit=500, **before
            ):
                assert isinstance(page, list)
                pages[:0] = page
                before = {"before": page[0]["id"]}
        return pages

    # ---- what they do

    def _send(self) -> None:
        """Alice sends, each message under a transaction of its own: asked twice, done once."""
        try:
            for number in range(1, self.size.messages + 1):
                while number - len(self.watcher.safe) > WINDOW and not self._stopping:
                    time.sleep(0.005)
                if self._stopping:
                    return
                self._ask(
                    "message.send",
                    to=self.server.jid(self.bob),
                    body=f"a {number}",
                    txn=f"storm {number}",
                )
        except BaseException as error:
            self._failure = error
        finally:
            self._close()

    _client: Client | None = None

    def _ask(self, method: str, **params: object) -> None:
        """Call the daemon until it answers, whoever kills it meanwhile."""
        while not self._stopping:
            try:
                if self._client is None:
                    self._client = Client(str(self.daemon.socket))
                self._client.call(method, **params)
                return
            except CommandError as error:
                self._close()
                if error.name not in ("daemon.gone", "daemon.missing", "timeout.answer"):
                    raise
                time.sleep(0.01)

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _bob_comes(self, stack: ExitStack) -> None:
        bob = stack.enter_context(Stranger(self.server, self.bob))
        self._bobs.append(bob)

    def _feed(self) -> None:
        """Let bob send a few, unless too many are on their way."""
        if self._fed < self.size.messages and self._fed - self.watcher.got < WINDOW:
            count = min(self._random.randint(1, 8), self.size.messages - self._fed)
            self._bobs[-1].tell("burst", self.server.jid(self.alice), self._fed + 1, count)
            self._fed += count

    # ---- what is done to them

    def _rage(self, stack: ExitStack) -> None:
        total = 2 * self.size.messages
        plan = [
            (self._random.randrange(total * 95 // 100), what)
            for what, count in (
                (self._cut, self.size.cuts),
                (self._kill, self.size.kills),
                (lambda: self._restart(stack), self.size.restarts),
            )
            for _ in range(count)
        ]
        plan.sort(key=lambda one: one[0])
        last, since, alone = -1, time.monotonic(), 0.0
        while True:
            progress = len(self.watcher.safe) + self.watcher.got
            if progress != last:
                last, since = progress, time.monotonic()
            assert self._failure is None, f"alice can't send: {self._failure}"
            assert time.monotonic() - since < self.size.patience, self._stuck()
            if progress >= total and len(set(self.seen)) >= self.size.messages:
                return
            if plan and progress >= plan[0][0]:
                plan.pop(0)[1]()
                continue
            self._feed()
            if self._proxy.open:
                alone = time.monotonic()
            elif time.monotonic() - alone > 0.1:
                self._hurry()
                alone = time.monotonic()
            time.sleep(0.01)

    def _hurry(self) -> None:
        """Let the daemon not wait until its next try."""
        with suppress(CommandError), Client(str(self.daemon.socket), timeout=5) as client:
            client.call("profile.connect", name=self.alice)

    def _cut(self) -> None:
        reset = self._random.random() < 0.5
        kind = self._random.choice(("now", "up", "down", "down", "stall"))
        count = self._random.randrange(3000)
        self.story.append(f"cut {kind} {'RST' if reset else 'FIN'} {count}")
        if kind == "now":
            self._proxy.cut(reset=reset)
        elif kind == "stall":
            flow = self._random.choice((self._proxy.up, self._proxy.down))
            flow.stall()
            for _ in range(3):
                self._feed()
                time.sleep(0.05)
            self._proxy.cut(reset=reset)
            flow.go_on()
        else:
            flow = self._proxy.up if kind == "up" else self._proxy.down
            flow.cut_after(count, reset=reset)

    def _kill(self) -> None:
        self.story.append("kill")
        self.daemon.kill()
        self.daemon.start()

    def _restart(self, stack: ExitStack) -> None:
        """Restart the server, when bob has all that it had for him."""
        if not self.server.archives:
            # What it holds for a session whose link is cut may be lost with it, and by it.
            assert wait_until(self._alice_has_all, self.size.patience), self._stuck()
        self._proxy.refuse()
        self._proxy.cut(reset=True)
        self._all_was_read()
        self._bobs[-1].stop()
        crash = self.server.archives and self.server.survives and self._random.random() < 0.5
        self.story.append("server killed" if crash else "server restarted")
        if crash:
            self.server.kill()
        else:
            self.server.halt()
        self.server.start()
        self._bob_comes(stack)
        self._proxy.listen()

    def _alice_has_all(self) -> bool:
        if not self._proxy.open:
            self._hurry()
        return self.watcher.got >= self._fed

    def _all_was_read(self) -> None:
        """Wait until the server has all that bob sent, and bob what was written to him."""
        bob = self._bobs[-1]
        before = sum(one["what"] == "pong" for one in tuple(bob.seen))
        bob.tell("pong")
        assert wait_until(
            lambda: sum(one["what"] == "pong" for one in tuple(bob.seen)) > before, 60
        ), "bob's server doesn't answer"

    def _stuck(self) -> str:
        seen = set(self.seen)
        missing = [
            number for number in range(1, self.size.messages + 1) if f"a {number}" not in seen
        ]
        return (
            f"nothing moved for {self.size.patience:.0f} s: {len(self.watcher.safe)} of alice's are"
            f" safe, bob saw {len(seen)} (not: {missing[:10]}), alice got {self.watcher.got} of "
            f"{self._fed}. " + "; ".join(self.story[-8:])
        )


def every(found: Iterator[str] | list[str], prefix: str, count: int) -> None:
    """Check that these are all of one side's messages, once each and in order.

    :raises AssertionError: naming what is missing, doubled, or out of order
    """
    bodies = list(found)
    wanted = [f"{prefix} {number}" for number in range(1, count + 1)]
    times = Counter(bodies)
    missing = [body for body in wanted if not times[body]]
    doubled = [body for body, count in times.items() if count > 1]
    assert not missing, f"{len(missing)} are missing: {missing[:20]}"
    assert not doubled, f"{len(doubled)} are doubled: {doubled[:20]}"
    assert bodies == wanted, "out of order: " + _first_difference(bodies, wanted)


def firsts(bodies: list[str]) -> list[str]:
    """Return them without repetitions."""
    return list(dict.fromkeys(bodies))


def _first_difference(bodies: list[str], wanted: list[str]) -> str:
    place = next(n for n, (one, two) in enumerate(zip(bodies, wanted, strict=True)) if one != two)
    return f"{bodies[place]} stands where {wanted[place]} should"
