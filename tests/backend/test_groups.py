"""What is put off to the end of a group of commits is seen by all that comes after it."""

import pytest

from sat.backend import transaction
from sat.backend.adding import Archived, add_message
from sat.backend.history import advance_message, change_message, find_message, page, row_of
from sat.backend.schema import Prepared
from sat.bridge.model import Direction, MessageState
from tests.backend.ledger import NOW, Ledger, news

PEER = "bob@server.test"
OURS = {"direction": Direction.OUT, "state": MessageState.PENDING}


@pytest.fixture
def ledger(reactor, tmp_path):
    return Ledger(reactor, tmp_path)


@pytest.fixture
def groups(monkeypatch) -> list[bool]:
    """Note for each group of commits whether it is done with care."""
    begun: list[bool] = []

    class Noting(transaction.Transaction):
        def __init__(self, *arguments, careful=True) -> None:
            begun.append(careful)
            super().__init__(*arguments, careful=careful)

    monkeypatch.setattr("sat.backend.journal.Transaction", Noting)
    return begun


def together(ledger, *changes):
    """Commit changes in one group; the Deferred of the last one, and a list of all results."""
    results: list = []
    for change in changes:
        done = ledger.journal.commit(change)
        done.addCallback(results.append)
    return done, results


def adding(ledger, body, **fields):
    new = ledger.message(body, **fields)
    return lambda tx: add_message(tx, new)


async def bodies(ledger) -> list[str]:
    found = await ledger.store.read(lambda reader: page(reader, 1, PEER, 100))
    return [message.body for message in found]


async def test_messages_of_one_group_are_written_together(ledger, groups):
    async with ledger:
        await ledger.people("alice")
        groups.clear()
        done, results = together(ledger, *(adding(ledger, str(n)) for n in range(20)))
        await done
        assert groups == [False]
        assert await bodies(ledger) == [str(n) for n in range(20)]
        assert [one.rev for one in results] == [1 + n for n in range(20)]
        assert await ledger.events() == list(range(1, 21))
        assert await ledger.rows("SELECT unread, rev FROM conversation") == [(20, 20)]
        assert len({one.id for one in results}) == 20


@pytest.mark.parametrize("named", ["origin_id", "archive_id"])
async def test_a_message_that_comes_twice_in_a_group_is_there_once(ledger, groups, named):
    async with ledger:
        await ledger.people("alice")
        groups.clear()
        changes = [
            adding(ledger, "before", **{named: "a"}),
            adding(ledger, "twice", **{named: "b"}),
            adding(ledger, "twice", **{named: "b"}),
            adding(ledger, "after", **{named: "c"}),
        ]
        done, results = together(ledger, *changes)
        await done
        assert groups == [False, True]
        assert await bodies(ledger) == ["before", "twice", "after"]
        assert [one is not None for one in results] == [True, True, False, True]
        assert await ledger.events() == [1, 2, 3]
        assert await ledger.rows("SELECT unread FROM conversation") == [(3,)]


async def test_a_message_and_its_copy_from_the_archive_in_one_group(ledger):
    """Neither has an id of its author: what was put off must be looked at."""
    place = Archived(int(NOW * 1000) + 1, news=True)
    async with ledger:
        await ledger.people("alice")
        done, results = together(
            ledger,
            adding(ledger, "live", stanza_id="s"),
            adding(ledger, "live", stanza_id="s", archive_id="a", archived=place),
            adding(ledger, "other", stanza_id="t", archive_id="b", archived=place),
        )
        await done
        assert await bodies(ledger) == ["live", "other"]
        assert [one is not None for one in results] == [True, False, True]
        assert await ledger.rows("SELECT archive_id FROM message ORDER BY id") == [("a",), ("b",)]


async def test_who_reads_what_was_put_off_sees_it(ledger):
    async with ledger:
        await ledger.people("alice")
        seen = []

        def look(tx) -> None:
            seen.append(tx.first(Prepared("SELECT count(*), max(rev) FROM message")))
            seen.append(tx.first(Prepared("SELECT unread FROM conversation")))
            seen.append(tx.first(Prepared("SELECT count(*) FROM event")))

        done, _ = together(ledger, adding(ledger, "a"), adding(ledger, "b"), look)
        await done
        assert seen == [(2, 2), (2,), (2,)]


async def test_a_state_that_is_as_known_advances_with_its_group(ledger, groups):
    async with ledger:
        await ledger.people("alice")
        sent = [await ledger.add(str(n), origin_id=str(n), **OURS) for n in range(3)]
        groups.clear()

        def advance(message, number):
            return lambda tx: advance_message(tx, message, None, MessageState.SENT, number)

        done, results = together(ledger, *(advance(one, n) for n, one in enumerate(sent, 1)))
        await done
        assert groups == [False]
        assert [one.state for one in results] == [MessageState.SENT] * 3
        assert await ledger.rows("SELECT state, number, rev FROM message ORDER BY id") == [
            ("sent", 1, 4),
            ("sent", 2, 5),
            ("sent", 3, 6),
        ]


async def test_a_state_that_is_not_as_known_is_left_as_it_is(ledger, groups):
    """Another change came first, in the same group: the later one must not undo it."""
    async with ledger:
        await ledger.people("alice")
        sent = await ledger.add("a", origin_id="a", **OURS)
        other = await ledger.add("b", origin_id="b", **OURS)
        groups.clear()

        def fail(tx):
            stored = find_message(tx, row_of(sent.id))
            return change_message(tx, stored, state=MessageState.FAILED)

        def advance(message):
            return lambda tx: advance_message(tx, message, None, MessageState.SENT, 1)

        done, results = together(ledger, advance(other), fail, advance(sent))
        await done
        assert groups == [False, True]
        assert results[2] is None
        assert await ledger.rows("SELECT state FROM message ORDER BY id") == [
            ("failed",),
            ("sent",),
        ]
        assert await ledger.events() == [1, 2, 3, 4]


async def test_what_fails_in_a_group_takes_nobody_with_it(ledger):
    async with ledger:
        await ledger.people("alice")

        def bad(tx) -> None:
            raise ValueError("no")

        together(ledger, adding(ledger, "a"))
        failing = ledger.journal.commit(bad)
        last, _ = together(ledger, adding(ledger, "b"))
        with pytest.raises(ValueError, match="no"):
            await failing
        await last
        assert await bodies(ledger) == ["a", "b"]
        assert await ledger.events() == [1, 2]


async def test_a_large_group_of_events_is_written_whole(ledger):
    async with ledger:

        def many(tx) -> None:
            for number in range(1700):
                tx.emit("alice", news(str(number)))

        await ledger.journal.commit(many)
        assert await ledger.events() == list(range(1, 1701))


async def test_those_who_wait_without_a_deferred_are_called_in_order(ledger):
    async with ledger:
        await ledger.people("alice")
        called: list[str] = []
        for body in "abc":
            ledger.journal.add(adding(ledger, body), lambda message: called.append(message.body))
        await ledger.journal.commit(lambda tx: None)
        assert called == ["a", "b", "c"]
