"""Events from an exact point on: none lost, none twice, and a slow frontend costs little."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from sat.bridge import subscription
from sat.bridge.subscription import MAX_TAIL
from tests.bridge.support import Frontend, MemoryLog, name_of

HERE = "this-one"


@pytest.fixture
def frontend():
    frontend = Frontend().hello()
    for _ in range(10):
        frontend.log.add()
    return frontend


def seqs(frontend: Frontend) -> list[int]:
    return [event["seq"] for event in frontend.events()]


def test_a_snapshot_and_what_comes_after_it(frontend):
    told = frontend.attach()
    assert (told["mode"], told["epoch"], told["seq"]) == ("snapshot", HERE, 10)
    assert told["state"] == {"profiles": [], "head": 10}
    frontend.log.add()
    (event,) = frontend.events()
    assert (event["seq"], event["prev"], event["data"]) == (11, 10, {"n": 11})
    assert (event["type"], event["profile"]) == ("message.added", "alice")


@pytest.mark.parametrize("mode", ["state", "events"])
@pytest.mark.parametrize("window", [1000, 3, 0])
def test_going_on_where_one_was(frontend, mode, window):
    frontend.log.window = window
    told = frontend.attach(mode=mode, resume={"epoch": HERE, "seq": 4})
    assert (told["mode"], told["seq"], told.get("state")) == ("resumed", 4, None)
    frontend.log.add()
    assert seqs(frontend) == [5, 6, 7, 8, 9, 10, 11]
    assert [event["prev"] for event in frontend.events()] == [4, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    "resume",
    [
        {"epoch": "another", "seq": 4},
        {"epoch": HERE, "seq": 11},
        {"epoch": HERE, "seq": 2**60},
        {"epoch": HERE, "seq": -1},
    ],
)
def test_what_can_not_be_resumed_is_never_silence(frontend, resume):
    frontend.log.trim(1)
    told = frontend.attach(resume=resume)
    assert (told["mode"], told["seq"]) == ("snapshot", 10)
    error = frontend.ask("state.attach", mode="events", resume=resume)
    assert name_of(error) == "log.trimmed"
    assert error["error"]["data"]["oldest"] == 1 and error["error"]["data"]["epoch"] == HERE


def test_what_the_log_has_forgotten(frontend):
    frontend.log.trim(6)
    assert frontend.attach(resume={"epoch": HERE, "seq": 4})["mode"] == "snapshot"
    error = frontend.ask("state.attach", mode="events", resume={"epoch": HERE, "seq": 4})
    assert (name_of(error), error["error"]["data"]["oldest"]) == ("log.trimmed", 6)
    frontend.attach(mode="events", resume={"epoch": HERE, "seq": 5})
    assert seqs(frontend) == [6, 7, 8, 9, 10]


def test_far_behind_gets_a_snapshot_for_the_state_and_all_events_for_a_script():
    frontend = Frontend().hello()
    for _ in range(MAX_TAIL + 2):
        frontend.log.add()
    assert frontend.attach(resume={"epoch": HERE, "seq": 1})["mode"] == "snapshot"
    assert frontend.attach(resume={"epoch": HERE, "seq": 2})["mode"] == "resumed"
    assert len(frontend.events()) == MAX_TAIL
    frontend.wire.lines.clear()
    frontend.attach(mode="events", resume={"epoch": HERE, "seq": 0})
    assert seqs(frontend) == [*range(1, MAX_TAIL + 3)]


def test_a_script_without_a_place_begins_now(frontend):
    assert frontend.attach(mode="events")["seq"] == 10
    frontend.log.add()
    assert seqs(frontend) == [11]


def test_a_named_cursor_is_where_it_was_put(frontend):
    assert frontend.attach(mode="events", cursor="bot")["seq"] == 10
    assert frontend.ask("state.ack", cursor="bot", seq=7)["result"] is None
    assert name_of(frontend.ask("state.ack", cursor="bot", seq=11)) == "unknown.seq"
    assert name_of(frontend.ask("state.ack", cursor="bot", seq=-1)) == "unknown.seq"
    frontend.attach(mode="events", cursor="bot")
    assert seqs(frontend) == [8, 9, 10]


def test_events_that_are_gone_with_their_profile_are_passed_over(frontend):
    frontend.log.window = 0
    frontend.attach()
    frontend.log.events.clear()
    frontend.attach(mode="events", resume={"epoch": HERE, "seq": 4})
    frontend.log.add()
    assert [(event["prev"], event["seq"]) for event in frontend.events()] == [(4, 11)]


def test_a_second_attach_takes_the_place_of_the_first(frontend):
    frontend.attach(types=["roster.changed"])
    frontend.attach()
    frontend.log.add()
    frontend.log.add(kind="roster.changed")
    assert [(event["prev"], event["seq"]) for event in frontend.events()] == [(10, 11), (11, 12)]


def test_an_answer_that_waited_is_not_lost_by_a_second_attach():
    frontend = Frontend(limit=200).hello()
    frontend.attach()
    frontend.call("state.attach", 2, mode="events")
    frontend.call("test.change", 9, n=20)
    frontend.call("state.attach", 3, mode="events")
    while frontend.wire.queued:
        frontend.wire.drain()
    ids = [line["id"] for line in frontend.wire.lines if "id" in line]
    assert sorted(ids) == [0, 2, 3, 9, 77]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"profiles": ["bob"]}, [2, 4, 5]),
        ({"types": ["roster.changed"]}, [3, 4]),
        ({"scopes": ["roster"]}, [3, 4]),
        ({"profiles": ["bob"], "types": ["roster.changed"]}, [4]),
        ({"profiles": []}, [5]),
        ({"scopes": []}, []),
        ({}, [1, 2, 3, 4, 5]),
    ],
)
def test_a_filter_leaves_gaps_that_prev_explains(wanted, expected):
    """What is of no profile concerns all of them."""
    frontend = Frontend().hello()
    frontend.attach(**wanted)
    for profile, kind in (
        ("alice", "message.added"),
        ("bob", "message.added"),
        ("alice", "roster.changed"),
        ("bob", "roster.changed"),
        ("", "message.added"),
    ):
        frontend.log.add(profile, kind)
    told = [(event["prev"], event["seq"]) for event in frontend.events()]
    assert told == list(zip([0, *expected], expected, strict=False))


def test_values_that_are_not_in_the_log_are_told_at_once_and_after_a_pause():
    frontend = Frontend(limit=1000).hello()
    frontend.log.tell("bob", "away")

    def told() -> list[list[str]]:
        lines = frontend.wire.drain()
        return [line["params"]["data"] for line in lines if "seq" not in line.get("params", "seq")]

    frontend.call("state.attach", 1)
    assert told() == [["bob", "away"]]
    frontend.call("test.echo", 2, text="x" * 2000)
    for number in range(100):
        frontend.log.tell("bob", str(number))
    assert len(frontend.wire.queued) == 1, "dropped first"
    frontend.wire.drain()
    assert told() == [["bob", "99"]], "the present value, once"
    frontend.call("state.attach", 1, volatile=False)
    frontend.log.tell("bob", "xa")
    assert told() == []


def test_more_values_than_fit_at_once_are_each_told_once():
    frontend = Frontend(limit=1000).hello()
    for number in range(300):
        frontend.log.tell(f"u{number}", "away")
    frontend.call("state.attach", 1)
    frontend.log.tell("u299", "dnd")
    for _ in range(400):
        frontend.wire.drain()
    told = [line["params"]["data"] for line in frontend.wire.lines if "params" in line]
    assert sorted(told) == sorted([[f"u{n}", "away"] for n in range(299)] + [["u299", "dnd"]])
    assert frontend.wire.queued == []


def test_who_reads_too_slowly_for_the_log_has_to_attach_anew():
    log = MemoryLog(window=5)
    frontend = Frontend(log, limit=2000).hello()
    frontend.attach(mode="events")
    for _ in range(50):
        log.add()
    log.trim(40)
    came = frontend.wire.drain()
    told = [line["params"]["seq"] for line in came if line.get("method") == "event"]
    assert told == list(range(1, len(told) + 1)) and len(told) < 39
    for _ in range(3):
        came += frontend.wire.drain()
    assert [line["params"] for line in came if line.get("method") == "resync"] == [
        {"epoch": HERE, "oldest": 40}
    ]
    # What it asks is still answered, and it can begin anew.
    assert frontend.ask("test.echo", text="x")["result"] == "x"
    assert frontend.attach()["seq"] == 50
    log.add()
    assert seqs(frontend)[-1] == 51


def test_of_too_many_values_the_latest_are_told(monkeypatch):
    monkeypatch.setattr(subscription, "_MAX_BEHIND", 10)
    frontend = Frontend(limit=1000).hello()
    frontend.call("state.attach", 1)
    frontend.wire.drain()
    frontend.call("test.echo", 2, text="x" * 2000)
    for number in range(100):
        frontend.log.tell(f"u{number}", "away")
    for _ in range(100):
        frontend.wire.drain()
    told = [line["params"]["data"][0] for line in frontend.wire.lines if "params" in line]
    assert told == [f"u{number}" for number in range(90, 100)]


def test_a_frontend_that_reads_nothing_costs_a_bounded_amount():
    frontend = Frontend(MemoryLog(window=50), limit=10_000).hello()
    frontend.attach()
    for number in range(20_000):
        frontend.log.add()
        if number % 100 == 0:
            frontend.log.tell(f"u{number}", "away")
    assert frontend.wire.most < 15_100
    while frontend.wire.queued:
        frontend.wire.drain()
    assert seqs(frontend) == [*range(1, 20_001)]
    assert frontend.wire.most < 15_100


class Following(RuleBasedStateMachine):
    """Whatever the frontend does, what it is told is a prefix of what it asked for, in order."""

    @initialize(window=st.integers(0, 6), limit=st.sampled_from([0, 300, 900]))
    def begin(self, window: int, limit: int) -> None:
        self.log = MemoryLog(window)
        self.log.reads = []
        self.frontend = Frontend(self.log, limit=limit).hello()
        self.settle()
        self.limit = limit
        self.calls = 0
        self.attach(None)

    def attach(self, types: list[str] | None, **more: object) -> None:
        self.types = types
        self.frontend.wire.lines.clear()
        self.frontend.call("state.attach", 1, mode="events", types=types, **more)
        self.settle(one_line_for=1)
        told = [line for line in self.frontend.wire.lines if line.get("id") == 1][-1]["result"]
        self.start = told["seq"]
        # What came before the answer belonged to the attachment before this one.
        place = next(n for n, line in enumerate(self.frontend.wire.lines) if line.get("id") == 1)
        del self.frontend.wire.lines[: place + 1]
        self.answers: list[tuple[int, int]] = []

    def settle(self, one_line_for: int | None = None) -> None:
        """Read until nothing waits, or until a call is answered."""
        wire = self.frontend.wire
        while wire.queued or self.log.reads:
            self.log.release()
            wire.drain(1)
            if one_line_for is not None and any(line.get("id") == 1 for line in wire.lines):
                return

    def told(self) -> list[dict]:
        lines = self.frontend.wire.lines
        return [line["params"] for line in lines if line.get("method") == "event"]

    def wanted(self) -> list[int]:
        return [
            event.seq
            for event in self.log.events
            if event.seq > self.start and (self.types is None or event.type in self.types)
        ]

    @rule(kind=st.sampled_from(["message.added", "roster.changed"]), count=st.integers(1, 9))
    def happen(self, kind: str, count: int) -> None:
        for _ in range(count):
            self.log.add(kind=kind)

    @rule(count=st.integers(1, 5))
    def read_some(self, count: int) -> None:
        self.frontend.wire.drain(count)

    @rule()
    def database_answers(self) -> None:
        self.log.release()

    @precondition(lambda self: self.frontend.wire.reading)
    @rule(count=st.integers(0, 3))
    def call(self, count: int) -> None:
        self.calls += 1
        self.frontend.call("test.change", 1000 + self.calls, n=count)
        self.answers.append((1000 + self.calls, self.log.head))

    @precondition(lambda self: self.frontend.wire.reading)
    @rule(types=st.sampled_from([None, ["roster.changed"]]), back=st.integers(0, 20))
    def attach_again(self, types: list[str] | None, back: int) -> None:
        seq = max(0, self.log.head - back)
        self.attach(types, resume={"epoch": HERE, "seq": seq})
        assert self.start == seq

    @rule()
    def read_all(self) -> None:
        self.settle()
        assert [event["seq"] for event in self.told()] == self.wanted()
        lines = self.frontend.wire.lines
        for id_, head in self.answers:
            (place,) = [n for n, line in enumerate(lines) if line.get("id") == id_]
            before = [one["params"]["seq"] for one in lines[:place] if one.get("method")]
            assert [seq for seq in self.wanted() if seq <= head] == [
                seq for seq in before if seq <= head
            ], "an answer came before the events that led to it"

    @invariant()
    def told_in_order(self) -> None:
        if not hasattr(self, "start"):
            return
        told = self.told()
        assert [event["seq"] for event in told] == self.wanted()[: len(told)]
        assert [event["prev"] for event in told] == [
            self.start,
            *(event["seq"] for event in told),
        ][: len(told)]
        assert self.frontend.failures == []
        assert self.frontend.wire.most < self.limit + 7100


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
