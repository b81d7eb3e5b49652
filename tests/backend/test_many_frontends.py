"""Ten frontends come, go, lag and are killed while everything changes: at the end all see the same.

None is told an event twice, and none misses one that it wants to know of.
"""

import contextlib

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from sat.bridge import events
from sat.bridge.types import decode_hook
from sat.frontends.core.state import State, apply, from_snapshot, resumed
from tests.backend.rooms.venue import joined, occupant, said
from tests.backend.support import BOB, house, pause, until

COUNT = 10
PARTS = (
    *("profiles", "conversations", "roster", "presence", "rooms", "occupants"),
    *("questions", "options"),
)
#: What a frontend may want: filters of its first attach, kept for those after it.
FILTERS = (
    {},
    {"scopes": ["messages", "conversations", "roster", "presence", "profiles"]},
    {"profiles": ["alice"]},
    {"profiles": ["nobody"]},
    {"types": ["message.added", "roster.changed"]},
)
PEERS = ("bob@server.test", "carol@server.test")

slots = st.integers(0, COUNT - 1)
peers = st.sampled_from(PEERS)
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "S", "Z")), max_size=20)
of_frontends = st.one_of(
    st.tuples(st.just("attach"), slots, st.integers(0, len(FILTERS) - 1)),
    st.tuples(st.sampled_from(["leave", "kill", "lag", "read", "forget"]), slots),
)
of_the_world = st.one_of(
    st.tuples(st.just("receive"), peers, st.integers(1, 30)),
    st.tuples(st.sampled_from(["send", "draft"]), peers, words),
    st.tuples(st.sampled_from(["look", "push", "unpush", "show", "hide"]), peers),
    st.tuples(st.just("room"), words, st.booleans()),
    st.tuples(st.just("option"), st.integers(1, 60)),
)
of_the_daemon = st.tuples(st.sampled_from(["restart", "crash", "break"]))
scripts = st.lists(
    st.one_of(of_frontends, of_frontends, of_the_world, of_the_world, of_the_daemon),
    min_size=20,
    max_size=60,
)


class Slot:
    """The place of one frontend, in which it is attached or not, and what it knows."""

    def __init__(self, home) -> None:
        self.home = home
        self.filter: dict | None = None
        self.session = None
        self.taken = 0
        self.state = State()
        #: Since its last snapshot: where that was, and the numbers that it was told.
        self.start = 0
        self.told: list[int] = []
        self.place: dict | None = None

    async def attach(self, wanted: dict) -> None:
        if self.session is not None:
            return
        self.filter = wanted if self.filter is None else self.filter
        resume = {"resume": self.place} if self.place else {}
        self.session = await self.home.attach(**self.filter, **resume)
        answer = self.session.attached
        self.taken = 0
        if answer["mode"] == "snapshot":
            self.state = from_snapshot(msgspec.json.encode(answer["state"]))
            self.start, self.told = answer["seq"], []
        else:
            assert answer["seq"] == self.place["seq"]
            self.state = resumed(self.state)
        self.place = {"epoch": answer["epoch"], "seq": answer["seq"]}

    def take(self) -> None:
        """Deal with what has come."""
        while self.session is not None and self.taken < len(self.session.events):
            told = self.session.events[self.taken]
            self.taken += 1
            kind = events.CORE_EVENTS[told["type"]]
            data = msgspec.json.encode({"data": told["data"]})
            event = msgspec.json.decode(data, type=kind, dec_hook=decode_hook)
            self.state = apply(self.state, event, told.get("seq"))
            if "seq" in told:
                assert told["prev"] == self.place["seq"] < told["seq"], told
                self.place["seq"] = told["seq"]
                self.told.append(told["seq"])

    async def leave(self) -> None:
        self.take()
        session, self.session = self.session, None
        if session is not None:
            session.transport.resumeProducing()
            await session.close()

    async def kill(self) -> None:
        """End in the midst of all: what has come since is not dealt with."""
        session, self.session = self.session, None
        if session is not None:
            session._gone = Deferred()
            session.transport.resumeProducing()
            session.transport.abortConnection()
            await session._gone

    def wants(self, profile: str, type: str, scope: str) -> bool:
        wanted = self.filter or {}
        return (
            type in wanted.get("types", [type])
            and scope in wanted.get("scopes", [scope])
            and (not profile or profile in wanted.get("profiles", [profile]))
        )


class World:
    """A daemon with one profile in a room, and what happens to it."""

    def __init__(self, home, alice) -> None:
        self.home = home
        self.alice = alice
        self.slots = [Slot(home) for _ in range(COUNT)]
        self.in_room = True
        self.number = 0

    async def step(self, name: str, *how) -> None:
        for slot in self.slots:
            slot.take()
        await getattr(self, name)(*how)

    async def attach(self, slot: int, wanted: int) -> None:
        await self.slots[slot].attach(FILTERS[wanted])

    async def leave(self, slot: int) -> None:
        await self.slots[slot].leave()

    async def kill(self, slot: int) -> None:
        await self.slots[slot].kill()

    async def lag(self, slot: int) -> None:
        if self.slots[slot].session is not None:
            self.slots[slot].session.transport.pauseProducing()

    async def read(self, slot: int) -> None:
        if self.slots[slot].session is not None:
            self.slots[slot].session.transport.resumeProducing()

    async def forget(self, slot: int) -> None:
        """Be a frontend that has lost its state."""
        await self.slots[slot].leave()
        self.slots[slot] = Slot(self.home)

    async def receive(self, peer: str, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.alice.peer.send(
                f"<message from='{peer}/x' type='chat' id='m{self.number}'>"
                f"<body>{self.number}</body></message>"
            )
        await self.home.expect("message.added", body=f"{self.number}")

    async def send(self, peer: str, text: str) -> None:
        await self.home.call("message.send", to=peer, body=f"x{text}")

    async def draft(self, peer: str, text: str) -> None:
        await self.home.call("conversation.draft", peer=peer, text=text)

    async def look(self, peer: str) -> None:
        listed = await self.home.call("conversation.list")
        if any(one["peer"] == peer and one["last"] for one in listed):
            await self.home.call("conversation.read", peer=peer)

    async def push(self, peer: str) -> None:
        self.number += 1
        self._push(f"<item jid='{peer}' subscription='both' name='{self.number}'/>")
        await self.home.expect("roster.changed", jid=peer, name=f"{self.number}")

    async def unpush(self, peer: str) -> None:
        await self.push(peer)
        self._push(f"<item jid='{peer}' subscription='remove'/>")
        await self.home.expect("roster.removed", name=peer)

    def _push(self, item: str) -> None:
        self.alice.peer.send(
            f"<iq type='set' id='p'><query xmlns='jabber:iq:roster'>{item}</query></iq>"
        )

    async def show(self, peer: str) -> None:
        self.alice.peer.send(f"<presence from='{peer}/x'><show>away</show></presence>")

    async def hide(self, peer: str) -> None:
        self.alice.peer.send(f"<presence from='{peer}/x' type='unavailable'/>")

    async def room(self, text: str, leaves: bool) -> None:
        if self.in_room:
            self.number += 1
            self.alice.peer.send(occupant("eve", type="unavailable" if leaves else ""))
            self.alice.peer.send(said(f"{self.number} {text}", "bob", f"r{self.number}"))
            await self.home.expect(
                "message.added", body=lambda body: body.startswith(f"{self.number} ")
            )

    async def option(self, value: int) -> None:
        await self.home.call("option.set", name="ping.timeout", value=float(value))

    async def restart(self) -> None:
        await self._again(self.home.restart)

    async def crash(self) -> None:
        await self._again(self.home.crash)

    async def _again(self, how) -> None:
        attached = [slot for slot in self.slots if slot.session is not None]
        for slot in attached:
            await slot.kill()
        await how()
        self.in_room = False
        await self.alice.reconnect()
        for slot in attached:
            await slot.attach({})

    async def break_(self) -> None:
        self.alice.peer.abort()
        self.in_room = False
        await self.alice.reconnect()

    async def end(self) -> None:
        """Let all read what there is, and see what they know."""
        await self.home.call("option.set", name="ping.timeout", value=61.0)
        rows = self.home.rows("SELECT seq, profile, type, scope FROM event ORDER BY seq")
        for slot in self.slots:
            if slot.session is None:
                continue
            slot.session.transport.resumeProducing()
            wanted = [seq for seq, *what in rows if seq > slot.start and slot.wants(*what)]

            def caught_up(slot=slot, wanted=wanted) -> bool:
                slot.take()
                return len(slot.told) >= len(wanted)

            await until(self.home.reactor, caught_up)
            # An acknowledgement of the server may come at any time.
            assert slot.told[: len(wanted)] == wanted
            # Behind this answer, everything that is not in the log was told as well.
            await slot.session.call("option.list")
            slot.take()
            if "types" not in slot.filter:
                await self.compare(slot)

    async def compare(self, slot: Slot) -> None:
        fresh = Slot(self.home)
        await fresh.attach(slot.filter)

        def differing() -> list[str]:
            slot.take()
            fresh.take()
            return [one for one in PARTS if getattr(slot.state, one) != getattr(fresh.state, one)]

        with contextlib.suppress(AssertionError):
            await until(self.home.reactor, lambda: not differing())
        for part in differing():
            assert getattr(slot.state, part) == getattr(fresh.state, part), (part, slot.filter)
        await fresh.leave()


async def play(reactor, folder, script) -> None:
    async with house(reactor, folder) as home:
        alice = await home.profile(roster=BOB + BOB.replace("bob@", "carol@"))
        await joined(home, alice)
        await home.expect("room.changed", state="joined")
        world = World(home, alice)
        try:
            for name, *how in script:
                await world.step("break_" if name == "break" else name, *how)
            await world.end()
        finally:
            for slot in world.slots:
                await slot.kill()
            await pause(reactor)


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    # A shorter script is not worth minutes of everybody else: the one that fails is printed.
    phases=[Phase.generate],
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(script=scripts)
def test_whatever_happens_all_who_are_attached_see_the_same(reactor, tmp_path_factory, script):
    folder = tmp_path_factory.mktemp("play")
    playing = Deferred.fromCoroutine(play(reactor, folder, script))
    playing.addTimeout(180, reactor)
    loop = reactor._asyncioEventloop
    loop.run_until_complete(playing.asFuture(loop))
