"""The log of events is cut by age and by count, and never under whoever still reads it."""

import pytest
from twisted.internet.task import Clock

from sat.backend import retention
from sat.backend.retention import DAY, Retention
from tests.backend.ledger import Ledger


@pytest.fixture
def small(monkeypatch):
    """Limits that a test can reach."""
    monkeypatch.setattr(retention, "MAX_EVENTS", 20)
    monkeypatch.setattr(retention, "MAX_FOR_CURSORS", 40)
    monkeypatch.setattr(retention, "_PIECE", 3)


async def noted(ledger: Ledger, count: int) -> None:
    """Commit so many events."""
    begin = ledger.journal.head
    for number in range(count):
        await ledger.note(f"{begin + number}")


def later(ledger: Ledger, days: float) -> None:
    ledger.now += days * DAY / 1000


async def test_what_is_old_goes(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await noted(ledger, 5)
        later(ledger, 29)
        await noted(ledger, 5)
        await Retention(ledger.journal, reactor).cut()
        assert await ledger.events() == list(range(1, 11))
        later(ledger, 2)
        await Retention(ledger.journal, reactor).cut()
        assert await ledger.events() == list(range(6, 11))
        assert ledger.journal.oldest == 6
        assert ledger.journal.recent(4) is None
        assert [one.seq for one in ledger.journal.recent(5)] == list(range(6, 11))


async def test_the_last_one_stays_and_numbers_go_on(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await noted(ledger, 3)
        later(ledger, 400)
        await Retention(ledger.journal, reactor).cut()
        assert await ledger.events() == [3]
    async with Ledger(reactor, tmp_path) as again:
        assert again.journal.head == 3
        again.now = ledger.now
        await again.note("next")
        assert await again.events() == [3, 4]


async def test_of_too_many_the_first_go(reactor, tmp_path, small):
    async with Ledger(reactor, tmp_path) as ledger:
        await noted(ledger, 50)
        await Retention(ledger.journal, reactor).cut()
        assert await ledger.events() == list(range(31, 51))


async def test_a_named_cursor_keeps_what_it_has_not_passed(reactor, tmp_path, small):
    async with Ledger(reactor, tmp_path) as ledger:
        await noted(ledger, 20)
        await ledger.journal.set_cursor("bot", 5)
        await noted(ledger, 18)
        await Retention(ledger.journal, reactor).cut()
        assert (await ledger.events())[0] == 6
        # Beyond the hard limit it keeps nothing.
        await noted(ledger, 20)
        await Retention(ledger.journal, reactor).cut()
        assert (await ledger.events())[0] == 19


async def test_a_cursor_that_is_not_moved_for_a_month_is_gone(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await noted(ledger, 3)
        await ledger.journal.set_cursor("dead", 1)
        later(ledger, 31)
        await noted(ledger, 3)
        await ledger.journal.set_cursor("live", 4)
        await Retention(ledger.journal, reactor).cut()
        assert await ledger.journal.cursor("dead") is None
        assert await ledger.journal.cursor("live") == 4
        assert await ledger.events() == [4, 5, 6]


@pytest.mark.parametrize("years", [1, -1])
async def test_a_clock_that_jumps_while_it_runs_cuts_nothing(reactor, tmp_path, years):
    clock = Clock()
    async with Ledger(reactor, tmp_path) as ledger:
        kept = Retention(ledger.journal, clock)
        await kept.cut()
        await ledger.journal.set_cursor("bot", 0)
        await noted(ledger, 3)
        later(ledger, years * 365)
        for _ in range(5):
            clock.advance(3600)
            later(ledger, 1 / 24)
            await kept.cut()
        # Set right, it is as if nothing had been.
        later(ledger, -years * 365)
        await kept.cut()
        assert await ledger.events() == [1, 2, 3]
        assert await ledger.journal.cursor("bot") == 0
        for _ in range(31):
            clock.advance(24 * 3600)
            later(ledger, 1)
        await kept.cut()
        assert await ledger.events() == [3]


async def test_a_time_that_lasts_is_believed(reactor, tmp_path):
    clock = Clock()
    async with Ledger(reactor, tmp_path) as ledger:
        kept = Retention(ledger.journal, clock)
        await kept.cut()
        await noted(ledger, 3)
        # It was the battery of the clock, and this is the true time.
        later(ledger, 365)
        for passed in range(26):
            await kept.cut()
            assert (len(await ledger.events()) == 3) is (passed < 24)
            clock.advance(3600)
            later(ledger, 1 / 24)


async def test_a_night_of_sleep_is_no_jump(reactor, tmp_path):
    clock = Clock()
    async with Ledger(reactor, tmp_path) as ledger:
        kept = Retention(ledger.journal, clock)
        for _ in range(40):
            await noted(ledger, 1)
            later(ledger, 1)
            # The clock that measures stands still while the machine sleeps.
            clock.advance(16 * 3600)
            await kept.cut()
        assert 30 <= len(await ledger.events()) <= 32


async def test_results_of_transactions_are_kept_a_week(reactor, tmp_path):
    from sat.bridge.call import Call
    from sat.bridge.grant import EVERYTHING

    async with Ledger(reactor, tmp_path) as ledger:
        await ledger.note("a", call=Call("s", "x.y", EVERYTHING, "alice", "t1", b"digest"))
        later(ledger, 6)
        await Retention(ledger.journal, reactor).cut()
        assert await ledger.journal.find("alice", "t1") is not None
        later(ledger, 2)
        await Retention(ledger.journal, reactor).cut()
        assert await ledger.journal.find("alice", "t1") is None
