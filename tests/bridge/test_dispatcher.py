"""A transaction is done once; an error is not kept; arguments are checked before anything runs."""

import msgspec
import pytest
from twisted.internet.defer import Deferred

from sat.bridge.call import Call
from sat.bridge.command import command, commands_of
from sat.bridge.dispatcher import Dispatcher
from sat.bridge.errors import CommandError
from sat.bridge.grant import EVERYTHING, Grant
from sat.bridge.model import Level
from tests.bridge.support import MemoryResults


class Counter:
    """Commands whose runs are counted."""

    def __init__(self) -> None:
        self.runs: list[object] = []
        self.gates: list[Deferred[None]] = []

    @command("count.add")
    async def add(self, n: int, note: str = "") -> int:
        """Add."""
        self.runs.append(n)
        return len(self.runs)

    @command("count.slow")
    async def slow(self, n: int = 0) -> int:
        """Add, once the test lets it."""
        self.runs.append(n)
        gate: Deferred[None] = Deferred()
        self.gates.append(gate)
        await gate
        return len(self.runs)

    @command("count.record")
    async def record(self, call: Call) -> str:
        """Record the result with the change, as the journal does."""
        self.runs.append(call.txn)
        call.recorded = True
        return f"{call.profile} {call.method}"

    @command("count.all", per_profile=False)
    async def all(self) -> int:
        """Count."""
        self.runs.append("all")
        return len(self.runs)

    @command("count.oops")
    async def oops(self) -> None:
        """Fail at first."""
        self.runs.append("oops")
        if len(self.runs) == 1:
            raise CommandError("failed.test", "it failed: try again")

    @command("count.odd")
    async def odd(self, kind: str) -> None:
        """Raise."""
        raise {"network": TimeoutError, "fault": ZeroDivisionError}[kind]("odd")


class House:
    def __init__(self) -> None:
        self.counter = Counter()
        self.results = MemoryResults()
        self.chosen: list[str | None] = []
        self.faults: list[Exception] = []
        self.dispatcher = Dispatcher(self._choose, self.results, self._translate)
        for spec in commands_of(Counter):
            self.dispatcher.add(spec, lambda _: self.counter)

    def _choose(self, name: str | None) -> str:
        self.chosen.append(name)
        return name or "alice"

    @staticmethod
    def _translate(error: Exception) -> CommandError | None:
        if isinstance(error, TimeoutError):
            return CommandError("timeout.peer", "no answer came: try later")
        return None

    def start(self, method: str, level: Level = Level.ADMIN, **params: object) -> Deferred:
        call = Call("s1", method, Grant(level=level))
        raw = msgspec.Raw(msgspec.json.encode(params))
        return Deferred.fromCoroutine(self.dispatcher.run(call, raw))

    def run(self, method: str, level: Level = Level.ADMIN, **params: object) -> object:
        """Run a call that ends at once."""
        ended: list[object] = []
        self.start(method, level, **params).addBoth(ended.append)
        (result,) = ended
        if isinstance(result, bytes):
            return msgspec.json.decode(result)
        result.raiseException()  # type: ignore[attr-defined]
        return None

    def refusal(self, method: str, level: Level = Level.ADMIN, **params: object) -> str:
        with pytest.raises(CommandError) as caught:
            self.run(method, level, **params)
        return caught.value.name


@pytest.fixture
def house():
    return House()


def test_a_transaction_is_done_once_and_answered_again(house):
    assert house.run("count.add", n=5, txn="t") == 1
    assert house.run("count.add", n=5, txn="t") == 1
    assert house.run("count.add", n=5, note="", txn="t") == 1, "a default counts as given"
    assert house.counter.runs == [5]
    assert house.run("count.add", n=5, txn="u") == 2
    assert house.run("count.add", n=5) == 3


def test_a_transaction_belongs_to_a_profile(house):
    assert house.run("count.add", n=1, txn="t", profile="alice") == 1
    assert house.run("count.add", n=1, txn="t", profile="bob") == 2
    assert house.run("count.all", txn="t") == 3
    assert house.run("count.all", txn="t") == 3
    assert set(house.results.known) == {("alice", "t"), ("bob", "t"), ("", "t")}


def test_a_transaction_with_other_arguments_or_another_method_is_refused(house):
    house.run("count.add", n=5, txn="t")
    assert house.refusal("count.add", n=6, txn="t") == "usage.txn"
    assert house.refusal("count.add", n=5, note="x", txn="t") == "usage.txn"
    assert house.refusal("count.slow", n=5, txn="t") == "usage.txn"
    assert house.counter.runs == [5]


def test_two_at_once_under_one_transaction_are_one(house):
    ended: list[tuple[str, object]] = []
    for name in ("first", "second", "third"):
        house.start("count.slow", txn="t").addBoth(lambda got, name=name: ended.append((name, got)))
    other = house.start("count.slow", n=1, txn="other")
    assert house.counter.runs == [0, 1], "another transaction does not wait"
    house.counter.gates[0].callback(None)
    assert sorted(ended) == [(name, b"2") for name in ("first", "second", "third")]
    assert not other.called
    house.counter.gates[1].callback(None)
    assert other.called and house.counter.runs == [0, 1]


def test_an_error_is_not_recorded_and_who_waits_tries(house):
    assert house.refusal("count.oops", txn="t") == "failed.test"
    assert house.results.known == {}
    assert house.run("count.oops", txn="t") is None
    assert house.run("count.oops", txn="t") is None
    assert house.counter.runs == ["oops", "oops"]


def test_what_waits_behind_one_that_failed_is_run(house):
    first = house.start("count.slow", txn="t")
    second = house.start("count.slow", txn="t")
    house.counter.gates[0].errback(CommandError("failed.test", "no"))
    assert first.called and not second.called
    first.addErrback(lambda failure: failure.trap(CommandError) and None)
    house.counter.gates[1].callback(None)
    assert house.counter.runs == [0, 0]
    assert second.result == b"2"


def test_a_result_recorded_with_its_change_is_not_recorded_again(house):
    assert house.run("count.record", txn="t", profile="bob") == "bob count.record"
    assert house.results.known == {}


def test_arguments_are_checked_before_anything_runs(house):
    for wrong in ({}, {"n": "5"}, {"n": 5, "note": 1}, {"n": None}, {"n": 5, "profile": 1}):
        assert house.refusal("count.add", **wrong) == "usage.params"
    assert house.refusal("count.add", n=5, txn=7) == "usage.params"
    assert house.counter.runs == [] and house.chosen == []
    assert house.run("count.add", n=5, unknown=[1]) == 1, "what is unknown is ignored"


@pytest.mark.parametrize("params", [b"[]", b"7", b"null", b'"x"'])
def test_parameters_that_are_no_object(house, params):
    ended: list[object] = []
    call = Call("s1", "count.add", EVERYTHING)
    running = house.dispatcher.run(call, msgspec.Raw(params))
    Deferred.fromCoroutine(running).addBoth(ended.append)
    assert ended[0].value.name == "usage.params"  # type: ignore[attr-defined]


def test_levels(house):
    assert house.refusal("count.add", Level.READ, n=1) == "denied.level"
    assert house.run("count.add", Level.SEND, n=1) == 1
    for number, level in enumerate(Level):
        for other, needed in enumerate(Level):
            assert level.allows(needed) is (number >= other)


def test_what_is_of_the_whole_daemon_chooses_no_profile(house):
    house.run("count.all")
    assert house.chosen == []
    house.run("count.add", n=1)
    house.run("count.add", n=1, profile="bob")
    assert house.chosen == [None, "bob"]


def test_errors_of_the_network_are_told_and_faults_are_not_hidden(house):
    assert house.refusal("count.odd", kind="network") == "timeout.peer"
    with pytest.raises(ZeroDivisionError):
        house.run("count.odd", kind="fault")


def test_a_fault_is_told_to_whose_command_it_is(house):
    house.dispatcher.remove("count.odd")
    (spec,) = (spec for spec in commands_of(Counter) if spec.name == "count.odd")
    told: list[Exception] = []

    def fault(error: Exception) -> CommandError:
        told.append(error)
        return CommandError("failed.plugin", "the plugin count has a fault")

    house.dispatcher.add(spec, lambda _: house.counter, fault)
    assert house.refusal("count.odd", kind="fault") == "failed.plugin"
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert house.refusal("count.odd", kind="network") == "timeout.peer"


def test_commands_come_and_go(house):
    (spec,) = (spec for spec in commands_of(Counter) if spec.name == "count.all")
    with pytest.raises(ValueError, match=r"count\.all exists already"):
        house.dispatcher.add(spec, lambda _: house.counter)
    house.dispatcher.remove("count.all")
    assert house.refusal("count.all") == "unknown.method"
    house.dispatcher.remove("count.all")
    assert "count.all" not in [one.name for one in house.dispatcher.specs]
    house.dispatcher.close()
    assert house.refusal("count.add", n=1) == "daemon.ending"
