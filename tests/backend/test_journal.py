"""The one writer: what is told is on disk, in the order of its numbers, and nothing else is."""

import pytest
from twisted.internet.defer import Deferred

from sat.backend.journal import Journal
from sat.bridge.call import Call
from sat.bridge.errors import CommandError
from sat.bridge.events import ApiChanged
from sat.bridge.grant import EVERYTHING
from tests.backend.ledger import Ledger, news
from tests.backend.support import pause, until


def watch(deferred: Deferred) -> list:
    """Return a list that gets what a Deferred gives."""
    got: list = []
    deferred.addBoth(got.append)
    return got


async def test_rows_and_events_are_one(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        assert await ledger.note("a") == 1
        assert await ledger.rows("SELECT seq, profile, type, scope FROM event") == [
            (1, "alice", "api.changed", "plugins")
        ]
        with pytest.raises(ZeroDivisionError):

            def change(tx) -> None:
                tx.connection.execute("INSERT INTO meta VALUES ('b', '')")
                tx.emit("alice", news("b"))
                raise ZeroDivisionError

            await ledger.journal.commit(change)
        assert await ledger.notes() == ["a"]
        assert await ledger.events() == [1]
        # The number of what failed is not lost.
        assert await ledger.note("c") == 2


async def test_one_that_fails_keeps_no_other_of_its_group(reactor, tmp_path):
    ledger = Ledger(reactor, tmp_path)
    first, third = ledger.note("a"), ledger.note("c")
    second = watch(ledger.note("a"))  # the key is unique
    fourth = ledger.note("d")
    async with ledger:
        assert [await first, await third, await fourth] == [1, 2, 3]
        assert "UNIQUE" in second[0].getErrorMessage()
        assert await ledger.notes() == ["a", "c", "d"]
        assert await ledger.events() == [1, 2, 3]


async def test_one_of_a_burst_that_fails_keeps_no_other(reactor, tmp_path, logged):
    ledger = Ledger(reactor, tmp_path)
    told: list = []

    def adding(name: str):
        def change(tx) -> str:
            tx.connection.execute("INSERT INTO meta VALUES (?, '')", (name,))
            tx.emit("alice", news(name))
            return name

        return change

    def tell(name: str) -> None:
        told.append(name)
        assert not name.startswith("b"), "what raises here"

    for name in ("a", "b"):
        ledger.journal.add(adding(name), tell)
    between = ledger.note("between")
    for name in ("a", "c"):  # the key is unique
        ledger.journal.add(adding(name), tell)
    assert ledger.journal.waiting == 4
    async with ledger:
        await between
        await until(reactor, lambda: told == ["a", "b", "c"])
        assert await ledger.notes() == ["a", "b", "between", "c"]
        assert await ledger.events() == [1, 2, 3, 4]
        assert len(logged) == 2, "what raised, and what could not be added"
        for name in ("d", "b2", "e"):
            ledger.journal.add(adding(name), tell)
        await until(reactor, lambda: told[3:] == ["d", "b2", "e"])
        assert len(logged) == 3
        logged.clear()


async def test_projections_then_sessions_then_the_author(reactor, tmp_path):
    ledger = Ledger(reactor, tmp_path)
    seen: list = []
    ledger.journal.project(ApiChanged, lambda event: seen.append(event.data.api))
    ledger.journal.when_published(lambda: seen.append(f"told {ledger.journal.head}"))
    for name in ("a", "b"):
        ledger.note(name, before_events=lambda seq: seen.append(f"before {seq}")).addCallback(
            lambda seq: seen.append(f"done {seq}")
        )
    async with ledger:
        await until(reactor, lambda: "done 2" in seen)
    assert seen == ["before 1", "a", "before 2", "b", "told 2", "done 1", "done 2"]


async def test_many_are_told_in_order(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        seen: list = []
        ledger.journal.project(ApiChanged, lambda event: seen.append(int(event.data.api)))
        last = [ledger.note(str(number)) for number in range(1500)][-1]
        await last
        assert seen == list(range(1500))
        assert await ledger.events() == list(range(1, 1501))


async def test_one_handler_that_raises_keeps_no_other(reactor, tmp_path, logged):
    async with Ledger(reactor, tmp_path) as ledger:
        seen: list = []
        ledger.journal.project(ApiChanged, lambda event: 1 / 0)
        ledger.journal.project(ApiChanged, seen.append)
        await ledger.note("a", before_events=lambda seq: 1 / 0)
        assert len(seen) == 1
        assert [event["log_failure"].type for event in logged] == [ZeroDivisionError] * 2
        logged.clear()


async def test_a_full_disk_lets_calls_fail_and_all_else_wait(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await ledger.note("before")
        await ledger.limit(1)
        waits = watch(ledger.note("waits", "x" * 30_000, wait=True))
        call = watch(ledger.note("call", "x" * 30_000))
        behind = watch(ledger.note("behind", wait=True))
        await until(reactor, lambda: call)
        error = call[0].value
        assert isinstance(error, CommandError)
        assert error.name == "failed.storage"
        assert "make room" in error.sentence
        await pause(reactor, 0.1)
        # What is behind one that waits keeps its place, though there is room for it.
        assert (waits, behind) == ([], [])
        assert "full" in ledger.storage[0]
        assert await ledger.notes() == ["before"]
        await ledger.limit(100)
        await until(reactor, lambda: behind)
        assert (waits, behind) == ([2], [3])
        assert await ledger.notes() == ["before", "waits", "behind"]
        assert ledger.storage[1:] == [""]


async def test_the_end_gives_up_what_waits_for_room(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await ledger.limit(1)
        waits = watch(ledger.note("waits", "x" * 30_000, wait=True))
        await until(reactor, lambda: ledger.storage)
    assert waits == []


async def test_the_end_writes_what_is_queued(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        last = [ledger.note(str(number)) for number in range(600)][-1]
    assert await last == 600


async def test_numbers_go_on_after_a_restart(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await ledger.note("a")
        epoch = ledger.journal.epoch
        assert epoch
    async with Ledger(reactor, tmp_path) as again:
        assert (again.journal.epoch, again.journal.head, again.journal.oldest) == (epoch, 1, 1)
        assert await again.note("b") == 2
        assert again.journal.recent(1) is not None


async def test_recent_reaches_as_far_as_it_is_asked_or_says_so(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        journal: Journal = ledger.journal
        assert journal.recent(0) is None
        await [ledger.note(str(number)) for number in range(5)][-1]
        for after in range(6):
            assert [event.seq for event in journal.recent(after)] == list(range(after + 1, 6))
        assert list(journal.recent(99)) == []
        await [ledger.note(f"x{number}") for number in range(1000)][-1]
        journal.told(journal.head)
        assert journal.recent(0) is None
        assert journal.recent(journal.head - 1)[0].seq == journal.head


async def test_a_transaction_is_recorded_with_its_change(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        call = Call("s", "x.y", EVERYTHING, "alice", "t1", b"digest")
        await ledger.note("a", call=call)
        assert call.recorded
        assert await ledger.journal.find("alice", "t1") == (b"digest", b"1")
        assert await ledger.journal.find("bob", "t1") is None
        assert await ledger.rows("SELECT session, txn FROM event") == [("s", "t1")]
        failing = Call("s", "x.y", EVERYTHING, "alice", "t2", b"digest")
        with pytest.raises(Exception, match="UNIQUE"):
            await ledger.note("a", call=failing)
        assert not failing.recorded
        assert await ledger.journal.find("alice", "t2") is None


async def test_a_cursor_stands_where_it_was_put(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        assert await ledger.journal.cursor("bot") is None
        for seq in (5, 7):
            await ledger.journal.set_cursor("bot", seq)
            assert await ledger.journal.cursor("bot") == seq


async def test_idle_work_is_done_in_pieces_and_gives_way(reactor, tmp_path):
    ledger = Ledger(reactor, tmp_path)
    pieces: list[int] = []

    def work(connection) -> bool:
        pieces.append(connection.execute("SELECT count(*) FROM event").fetchone()[0])
        return len(pieces) % 3 != 0

    ledger.journal.when_idle(work)
    async with ledger:
        await until(reactor, lambda: len(pieces) == 3)
        await pause(reactor, 0.5)
        assert len(pieces) == 3
        await ledger.note("a")
        await until(reactor, lambda: len(pieces) == 6)
        assert pieces[3] == 1


async def test_idle_work_that_fails_stops_nothing(reactor, tmp_path):
    ledger = Ledger(reactor, tmp_path)
    tried: list[None] = []

    def work(connection) -> bool:
        tried.append(None)
        connection.execute("SELECT * FROM nowhere")
        return True

    ledger.journal.when_idle(work)
    async with ledger:
        await until(reactor, lambda: tried)
        assert await ledger.note("a") == 1
