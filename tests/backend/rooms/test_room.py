"""A room's machine by itself: every state and event, with a clock that goes as fast as it must."""

import itertools
from random import Random

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from sat.backend.rooms import room as module
from sat.backend.rooms.refusals import Why
from sat.backend.rooms.room import TABLE, Room
from sat.backend.rooms.states import Event, Prepared, State
from sat.backend.rooms.watch import SILENCE
from sat.xmpp import muc
from sat.xmpp.stanza import JID, Iq, Presence, StanzaError
from tests.backend.rooms.venue import ROOM, gone, occupant, refusal
from tests.xmpp.xml import element

HERE = JID(ROOM)


class World:
    """What a room needs of the rest, as a list of what it did."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sent: list[Presence] = []
        self.requests: list[Iq] = []
        #: What the next requests are answered with: None for a result, or an error.
        self.answers: list[Exception | Deferred | None] = []
        self.states: list[State] = []
        self.told: list[tuple[str, bool]] = []
        self.caught = 0
        self.venues: list[JID] = []
        self.room = Room(HERE, "alice", self, self.clock, Random(1))

    def prepare(self, room):
        return succeed(Prepared(frozenset({muc.NS_OCCUPANT_ID}), None))

    def send(self, presence, joining):
        self.sent.append(presence)

    def request(self, iq, timeout):
        self.requests.append(iq)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Deferred):
            return answer
        return succeed(iq.result()) if answer is None else fail(answer)

    def changed(self, room):
        self.states.append(room.state)

    def occupant(self, room, told):
        self.told.append((told.nick, told.here))

    def caught_up(self, room):
        self.caught += 1

    def moved(self, room, venue):
        self.venues.append(venue)

    def hears(self, *texts: str) -> None:
        """Let the room send presences."""
        for text in texts:
            self.room.received(Presence.from_element(element(text)))

    @property
    def joins(self) -> int:
        """How often the room was asked to let us in."""
        return len([one for one in self.sent if one.type == "available"])

    def join(self) -> None:
        """Come as far as being in."""
        self.room.happen(Event.WANTED)
        self.room.happen(Event.ONLINE)
        self.hears(occupant("bob"), occupant("alice", 110))
        self.room.set_subject("")


@pytest.fixture
def world():
    made = World()
    yield made
    made.room.happen(Event.UNWANTED)
    assert made.clock.getDelayedCalls() == []


def test_every_state_can_be_left_and_every_step_is_one():
    states = {state for state, _ in TABLE}
    assert states == set(State)
    for state in set(State) - {State.LEFT}:
        assert TABLE[state, Event.UNWANTED][0] is State.LEFT
    for state in (State.JOINING, State.UNLOCKING, State.JOINED):
        assert TABLE[state, Event.OFFLINE][0] is State.WAITING


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_whatever_happens_whenever_leaves_a_room_that_can_be_left(world, state, event):
    world.answers = [Deferred()]
    world.room.state = state
    world.room.happen(event, Why("x.y", "z"))
    expected = TABLE.get((state, event), (state,))[0]
    assert world.room.state is expected
    world.room.happen(Event.UNWANTED)
    assert world.room.state is State.LEFT


def test_joining(world):
    world.join()
    assert world.states == [State.WAITING, State.JOINING, State.JOINED]
    assert world.room.occupant_id == "id-alice"
    assert list(world.room.occupants) == ["bob", "alice"]
    assert world.caught == 1


def test_the_subject_may_come_before_our_presence(world):
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    world.room.set_subject("x")
    assert world.caught == 0
    world.hears(occupant("alice", 110))
    assert world.caught == 1
    assert world.room.joined


def test_a_room_without_subject_is_caught_up_with_after_a_while(world):
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    world.hears(occupant("alice", 110))
    world.clock.advance(module.HISTORY_TIMEOUT - 1)
    assert world.caught == 0
    world.clock.advance(1)
    assert world.caught == 1
    world.room.set_subject("late")
    assert world.caught == 1


def test_the_room_may_choose_our_nick(world):
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    world.hears(occupant("al", 110, 210))
    assert world.room.nick == "al"
    assert "alice is taken" in world.room.why.sentence


def test_silence_is_tried_again_with_growing_delays(world):
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    delays = []
    for _ in range(12):
        world.clock.advance(module.JOIN_TIMEOUT)
        assert world.room.state is State.WAITING
        (timer,) = world.clock.getDelayedCalls()
        delays.append(timer.getTime() - world.clock.seconds())
        world.clock.advance(delays[-1])
        assert world.room.state is State.JOINING
    assert all(later > earlier / 2 for earlier, later in itertools.pairwise(delays))
    assert delays[0] <= 1
    assert 300 <= delays[-1] <= 600
    assert world.joins == 13


@pytest.mark.parametrize("codes", [(332,), (307, 333), ()])
def test_a_service_that_goes_away_at_once_is_not_hammered(world, codes):
    world.join()
    for _ in range(30):
        world.hears(gone(*codes))
        assert world.room.state is State.WAITING
        world.clock.advance(1200)
        world.hears(occupant("alice", 110))
    started = world.clock.seconds()
    assert world.joins == 31
    world.hears(gone(*codes))
    (timer,) = world.clock.getDelayedCalls()
    assert timer.getTime() - started >= 250


def test_who_had_been_in_for_long_is_back_at_once(world):
    world.join()
    for _ in range(5):
        world.clock.advance(120)
        world.hears(gone(332))
        world.clock.advance(1)
        world.hears(occupant("alice", 110))
        assert world.room.joined


def test_nobody_comes_back_who_was_put_out(world):
    world.join()
    world.hears(gone(307, more=""))
    assert world.room.state is State.REMOVED
    world.room.happen(Event.OFFLINE)
    world.room.happen(Event.ONLINE)
    world.clock.advance(3600)
    assert world.joins == 1
    # The twin: the person says so.
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    assert world.joins == 2


def test_a_refusal_is_tried_again_at_the_next_connection(world):
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    world.hears(refusal("registration-required"))
    assert world.room.state is State.REFUSED
    world.clock.advance(3600)
    assert world.joins == 1
    world.room.happen(Event.OFFLINE)
    world.room.happen(Event.ONLINE)
    assert world.joins == 2


@pytest.mark.parametrize("codes", [(), (307,), (301,), (332,)])
def test_what_remains_of_an_earlier_visit_puts_nobody_out(world, codes):
    world.join()
    world.room.happen(Event.UNWANTED)
    assert world.sent[-1].type == "unavailable"
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    world.hears(gone(*codes))
    assert world.room.state is State.JOINING
    world.hears(occupant("alice", 110))
    assert world.room.joined


# ---- self-ping (XEP-0410)


@pytest.mark.parametrize(
    ("answer", "joined"),
    [
        (None, True),
        (StanzaError("item-not-found"), True),
        (StanzaError("service-unavailable"), True),
        (StanzaError("feature-not-implemented"), True),
        (StanzaError("remote-server-timeout"), True),
        (StanzaError("remote-server-not-found"), True),
        (TimeoutError(), True),
        (StanzaError("not-acceptable"), False),
        (StanzaError("not-allowed"), False),
        (StanzaError("bad-request"), False),
    ],
)
def test_after_a_silence_the_room_is_asked(world, answer, joined):
    world.join()
    world.answers = [answer]
    world.clock.advance(SILENCE * 1.2)
    (ping,) = world.requests
    assert (ping.to, ping.type) == (JID(f"{ROOM}/alice"), "get")
    assert world.room.joined is joined
    if not joined:
        world.clock.advance(1)
        assert world.joins == 2


def test_whoever_speaks_is_not_asked(world):
    world.join()
    for _ in range(20):
        world.clock.advance(SILENCE * 0.4)
        world.hears(occupant("bob"))
    assert world.requests == []


def test_doubts_are_asked_about_once_and_old_answers_count_for_nothing(world):
    world.join()
    slow: Deferred = Deferred()
    world.answers = [slow]
    world.room.watch.doubt()
    world.room.watch.doubt()
    assert len(world.requests) == 1
    world.hears(gone(332))
    world.clock.advance(1)
    world.hears(occupant("alice", 110))
    assert world.room.joined
    slow.errback(StanzaError("not-acceptable"))
    assert world.room.joined
    world.room.watch.doubt()
    assert len(world.requests) == 2


# ---- new rooms


def test_a_new_room_is_opened_before_we_are_in(world):
    slow: Deferred = Deferred()
    world.answers = [slow]
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    world.hears(occupant("alice", 110, 201))
    assert world.room.state is State.UNLOCKING
    (request,) = world.requests
    assert request.payload is not None
    assert request.payload.uri == muc.NS_MUC_OWNER
    slow.callback(request.result())
    assert world.room.joined


def test_a_new_room_that_can_not_be_opened(world):
    world.answers = [StanzaError("forbidden")]
    world.room.happen(Event.WANTED)
    world.room.happen(Event.ONLINE)
    world.hears(occupant("alice", 110, 201))
    assert world.room.state is State.REFUSED
    assert "could not be opened" in world.room.why.sentence
    assert world.sent[-1].type == "unavailable"


def test_who_wants_to_join_waits_until_that_may_be_asked(world):
    world.room.happen(Event.WANTED)
    early = world.room.settled()
    assert not early.called
    world.room.happen(Event.ONLINE)
    assert not early.called
    world.hears(occupant("alice", 110))
    assert early.called


def test_who_wants_to_join_hears_when_the_stream_ends_first(world):
    world.room.happen(Event.WANTED)
    early = world.room.settled()
    world.room.happen(Event.OFFLINE, Why())
    assert early.called
    again = world.room.settled()
    assert again.called
    world.room.happen(Event.WANTED)
    assert not world.room.settled().called
