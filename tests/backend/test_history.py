"""Messages as rows: their ids follow time, whatever the clock and the archive do."""

from datetime import UTC, datetime

import pytest

from sat.backend.adding import Archived
from sat.backend.delivery import forget_numbers
from sat.backend.history import (
    NO_END,
    advance_message,
    change_message,
    find_message,
    message_id,
    page,
    page_from,
    row_at,
    row_of,
)
from sat.bridge.model import Direction, MessageState
from tests.backend.ledger import NOW, Ledger


async def bodies(ledger, profile_id: int = 1, peer: str = "bob@server.test", **how) -> list[str]:
    """Return the bodies of a conversation, oldest first."""
    how.setdefault("limit", 100)
    found = await ledger.store.read(lambda reader: page(reader, profile_id, peer, **how))
    return [message.body for message in found]


@pytest.fixture
def ledger(reactor, tmp_path):
    return Ledger(reactor, tmp_path)


@pytest.mark.parametrize("row", [1, 0xF, 2**62])
def test_ids_and_rows(row):
    assert row_of(message_id(row)) == row


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "g", "0x1", "1_0", " 1", "01", "A", "f" * 16, "f" * 5000, "١"]
)
def test_what_is_no_id(text):
    assert row_of(text) is None


async def test_ids_follow_time(ledger):
    async with ledger:
        await ledger.people("alice")
        ids = []
        for number in range(5):
            ledger.now = NOW + number // 2  # two within one millisecond
            ids.append(row_of((await ledger.add(str(number))).id))
        assert ids == sorted(set(ids))
        assert await bodies(ledger) == ["0", "1", "2", "3", "4"]


async def test_a_page_begins_after_a_message_or_at_a_time(ledger):
    async with ledger:
        await ledger.people("alice")
        ids = []
        for number in range(6):
            ledger.now = NOW + number
            ids.append(row_of((await ledger.add(str(number))).id))

        async def from_(after, limit=2, before=NO_END, peer="bob@server.test"):
            found = await ledger.store.read(
                lambda reader: page_from(reader, 1, peer, limit, after, before)
            )
            return [message.body for message in found]

        assert await from_(ids[1]) == ["2", "3"]
        assert await from_(ids[1], 100, ids[4]) == ["2", "3"]
        assert await from_(row_at(datetime.fromtimestamp(NOW + 3, UTC)) - 1) == ["3", "4"]
        assert await from_(row_at(datetime(1, 1, 1)) - 1) == ["0", "1"]
        assert await from_(row_at(datetime.max) - 1) == []
        assert await from_(ids[1], peer="eve@evil.test") == []


async def test_a_clock_set_back_keeps_the_order(ledger):
    async with ledger:
        await ledger.people("alice")
        await ledger.add("question")
        ledger.now = NOW - 86400
        answer = await ledger.add("answer")
        assert answer.ts.timestamp() == NOW - 86400
        await ledger.add("another", peer="eve@evil.test")
        assert await bodies(ledger) == ["question", "answer"]
        rows = await ledger.rows("SELECT body FROM message ORDER BY id")
        assert rows == [("another",), ("question",), ("answer",)]


async def test_an_archive_gives_its_own_order(ledger):
    async with ledger:
        await ledger.people("alice")
        second = int(NOW) * 1000
        ledger.now = int(NOW) + 0.4
        await ledger.add("before the cut", archive_id="a1")
        ledger.now += 5
        await ledger.add("after the cut", archive_id="a5")
        place = Archived(second + 5000, news=True)
        known = await ledger.add("before the cut", archive_id="a1", ts=second, archived=place)
        assert known is None
        for number, ts in ((2, second), (3, second), (4, second + 9000)):
            await ledger.add(
                f"missed {number}", archive_id=f"a{number}", ts=ts, archived=place, delayed=True
            )
        await ledger.add("after the cut", archive_id="a5", ts=second + 9000, archived=place)
        assert await bodies(ledger) == [
            "before the cut",
            "missed 2",
            "missed 3",
            "missed 4",
            "after the cut",
        ]


async def test_an_archives_order_counts_for_more_than_its_clock(ledger):
    async with ledger:
        await ledger.people("alice")
        ledger.now = NOW + 60
        place = Archived(int(ledger.now) * 1000, news=True)
        # The server's clock was set back between the second and the third.
        for number, seconds in ((1, 10), (2, 30), (3, 20), (4, 21)):
            ts = int(NOW + seconds) * 1000
            await ledger.add(f"{number}", archive_id=f"a{number}", ts=ts, archived=place)
        assert await bodies(ledger) == ["1", "2", "3", "4"]


async def test_the_first_of_an_archive_follows_what_came_live_in_its_second(ledger):
    async with ledger:
        await ledger.people("alice")
        second = int(NOW) * 1000
        ledger.now = int(NOW) + 0.4
        await ledger.add("before the cut")
        ledger.now += 0.2
        await ledger.add("after the cut")
        place = Archived(second + 500, news=True)
        await ledger.add("missed", archive_id="a2", ts=second, archived=place, delayed=True)
        assert await bodies(ledger) == ["before the cut", "missed", "after the cut"]


async def test_looking_back_is_no_news(ledger):
    async with ledger:
        await ledger.people("alice")
        await ledger.add("now")
        place = Archived(int(NOW * 1000) - 1, news=False)
        for number in (1, 2):
            ts = int((NOW - 1000) * 1000)
            await ledger.add(f"old {number}", ts=ts, archived=place, archive_id=str(number))
        assert await bodies(ledger) == ["old 1", "old 2", "now"]
        assert len(await ledger.events()) == 1
        assert await ledger.rows("SELECT unread FROM conversation") == [(1,)]


async def test_what_was_delayed_stays_behind_what_came_from_there_before(ledger):
    async with ledger:
        await ledger.people("alice")
        second = int(NOW) * 1000
        ledger.now = int(NOW) + 0.4
        await ledger.add("live")
        ledger.now += 0.2
        await ledger.add("answer", direction=Direction.OUT)
        ledger.now += 5
        await ledger.add("mine", direction=Direction.OUT)
        # Its server stamps in whole seconds: the same one as the live one's.
        for body, ts in (("kept", second), ("kept too", second + 1000)):
            await ledger.add(body, ts=ts, delayed=True)
        assert await bodies(ledger) == ["live", "answer", "kept", "kept too", "mine"]


@pytest.mark.parametrize("ts", [0, -1, -(2**40), int(NOW * 1000) + 10**9])
async def test_no_stamp_is_out_of_reach(ledger, ts):
    async with ledger:
        await ledger.people("alice")
        added = await ledger.add("odd", ts=ts, delayed=True)
        row = row_of(added.id)
        assert row is not None
        found = await ledger.store.read(lambda reader: find_message(reader, row))
        assert found.message == added
        ledger.now += 1
        await ledger.add("live")
        assert await bodies(ledger) == ["odd", "live"]


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("archive_id", {}),
        ("origin_id", {}),
    ],
)
async def test_the_same_twice_is_one(ledger, field, other):
    async with ledger:
        await ledger.people("alice")
        assert await ledger.add("first", **{field: "1"}) is not None
        assert await ledger.add("again", **{field: "1"}, **other) is None
        assert await bodies(ledger) == ["first"]
        assert len(await ledger.events()) == 1
        assert await ledger.rows("SELECT unread FROM conversation WHERE peer LIKE 'bob%'") == [(1,)]


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("stanza_id", {"peer": "eve@evil.test"}),
        ("stanza_id", {}),
        ("origin_id", {"peer": "eve@evil.test"}),
        ("archive_id", {"profile": "carol", "profile_id": 2}),
        # Ids are unique within one archive only, and a room has one of its own.
        ("archive_id", {"peer": "room@muc.test"}),
    ],
)
async def test_what_only_looks_the_same_is_two(ledger, field, other):
    async with ledger:
        await ledger.people("alice", "carol")
        assert await ledger.add("first", **{field: "1"}) is not None
        assert await ledger.add("second", **{field: "1"}, **other) is not None


async def test_a_copy_without_a_common_id_is_told_by_its_words(ledger):
    async with ledger:
        await ledger.people("alice")
        place = Archived(int(NOW) * 1000, news=True)
        await ledger.add("hello", archive_id="a1", stanza_id="s1", archived=place)
        assert await ledger.add("hello", stanza_id="s1", copied=True) is None
        assert await ledger.add("hello", stanza_id="s1", delayed=True) is None
        # The twins: other words, another id, or much later.
        assert await ledger.add("hello!", stanza_id="s1", copied=True) is not None
        assert await ledger.add("hello", stanza_id="s2", copied=True) is not None
        ledger.now += 3600
        assert await ledger.add("hello", stanza_id="s1", copied=True) is not None


async def test_pages_meet_without_a_gap(ledger):
    async with ledger:
        await ledger.people("alice")
        for number in range(10):
            await ledger.add(str(number))
            await ledger.add("elsewhere", peer="eve@evil.test")
        seen: list[str] = []
        end = {}
        while True:
            found = await ledger.store.read(
                lambda reader, end=end: page(reader, 1, "bob@server.test", 3, **end)
            )
            if not found:
                break
            seen = [message.body for message in found] + seen
            end = {"before": row_of(found[0].id)}
        assert seen == [str(number) for number in range(10)]
        assert await bodies(ledger, peer="nobody@server.test") == []


async def test_a_message_advances_only_from_where_it_is_known_to_be(ledger):
    async with ledger:
        await ledger.people("alice")
        added = await ledger.add("hello", direction=Direction.OUT, state=MessageState.PENDING)

        def advance(known, known_number, state, number):
            return ledger.journal.commit(
                lambda tx: advance_message(tx, known, known_number, state, number)
            )

        sent = await advance(added, None, MessageState.SENT, 3)
        assert (sent.state, sent.rev > added.rev) == (MessageState.SENT, True)
        told = ledger.journal.head
        assert await advance(added, None, MessageState.SENT, 4) is None
        assert await advance(sent, 4, MessageState.ACKNOWLEDGED, 4) is None
        rows = await ledger.rows("SELECT state, number FROM message")
        assert (rows, ledger.journal.head) == ([("sent", 3)], told)
        done = await advance(sent, 3, MessageState.ACKNOWLEDGED, 3)
        stored = await ledger.store.read(lambda reader: find_message(reader, row_of(added.id)))
        assert (stored.message, stored.number) == (done, 3)


async def test_a_session_that_is_forgotten_acknowledges_nothing_by_number(ledger):
    async with ledger:
        await ledger.people("alice")
        added = await ledger.add("hello", direction=Direction.OUT, state=MessageState.PENDING)
        sent = await ledger.journal.commit(
            lambda tx: advance_message(tx, added, None, MessageState.SENT, 1)
        )
        await ledger.journal.commit(lambda tx: forget_numbers(tx, 1))
        acknowledged = await ledger.journal.commit(
            lambda tx: advance_message(tx, sent, 1, MessageState.ACKNOWLEDGED, 1)
        )
        assert acknowledged is None


async def test_what_changed_otherwise_is_not_overwritten(ledger):
    async with ledger:
        await ledger.people("alice")
        added = await ledger.add("hello", direction=Direction.OUT, state=MessageState.PENDING)

        def name(tx):
            stored = find_message(tx, row_of(added.id))
            change_message(tx, stored, state=MessageState.PENDING, archive_id="a1")

        await ledger.journal.commit(name)
        assert (
            await ledger.journal.commit(
                lambda tx: advance_message(tx, added, None, MessageState.SENT, 1)
            )
            is None
        )
