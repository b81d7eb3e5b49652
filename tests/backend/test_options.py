"""Settings: their kinds, their limits, and what becomes of them."""

import pytest

from sat.backend.options import Options
from sat.bridge.call import Call
from sat.bridge.errors import CommandError
from sat.bridge.grant import EVERYTHING
from tests.backend.ledger import Ledger


def described(ledger) -> Options:
    """Return settings of each kind."""
    options = Options(ledger.journal, ledger.store.read_now(Options.stored))
    options.describe("t.flag", False)
    options.describe("t.count", 3, minimum=1, maximum=10)
    options.describe("t.seconds", 1.5, minimum=0.5)
    options.describe("t.text", "a", choices=("a", "b"))
    options.describe("t.free", "")
    return options


def call() -> Call:
    """Return a call of nobody in particular."""
    return Call("s", "option.set", EVERYTHING)


GOOD = (
    ("t.flag", True, True),
    ("t.flag", "yes", True),
    ("t.flag", " OFF ", False),
    ("t.flag", 1, True),
    ("t.count", 10, 10),
    ("t.count", "1", 1),
    ("t.seconds", 0.5, 0.5),
    ("t.seconds", 2, 2.0),
    ("t.seconds", "1e3", 1000.0),
    ("t.text", "b", "b"),
    ("t.free", "5", "5"),
    ("t.free", "🙂 ", "🙂 "),
)
BAD = (
    ("t.flag", "maybe", "is a boolean"),
    ("t.flag", 2, "is a boolean"),
    ("t.count", 0, "at least 1 and at most 10"),
    ("t.count", 11, "at least 1 and at most 10"),
    ("t.count", 1.5, "is a integer"),
    ("t.count", "two", "is a integer"),
    ("t.count", True, "is a integer"),
    ("t.count", 10**400, "at most 10"),
    ("t.seconds", 0.49, "at least 0.5"),
    ("t.seconds", "nan", "is a number"),
    ("t.seconds", "inf", "is a number"),
    ("t.seconds", "1e999", "is a number"),
    ("t.seconds", True, "is a number"),
    ("t.text", "c", "one of: a, b"),
    ("t.text", 5, "is a text"),
    ("t.free", False, "is a text"),
)


async def test_values_are_of_their_kind_and_within_their_limits(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        options = described(ledger)
        for name, given, kept in GOOD:
            changed = await options.set(call(), name, given)
            assert changed.value == kept, (name, given)
            assert type(changed.value) is type(kept)
            assert options.value(name) == kept
            assert (await options.get(name)).rev == ledger.journal.head
        before = ledger.journal.head
        for name, given, sentence in BAD:
            with pytest.raises(CommandError, match=sentence) as told:
                await options.set(call(), name, given)
            assert told.value.name == "usage.value"
        assert ledger.journal.head == before


async def test_what_is_set_outlives_a_restart_and_its_plugin(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await described(ledger).set(call(), "t.count", 7)
    async with Ledger(reactor, tmp_path) as ledger:
        options = described(ledger)
        assert options.value("t.count") == 7
        options.forget("t.count")
        assert options.value("t.count") is None
        with pytest.raises(CommandError, match="jp option list"):
            await options.get("t.count")
        options.describe("t.count", 3)
        assert options.value("t.count") == 7
        listed = await options.all()
        assert [one.name for one in listed] == sorted(one.name for one in listed)
        snapshot = await ledger.store.read(lambda reader: options.snapshot(reader, None))
        assert snapshot == listed


async def test_a_value_that_newer_limits_forbid_is_the_default(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await described(ledger).set(call(), "t.count", 7)
    async with Ledger(reactor, tmp_path) as ledger:
        options = Options(ledger.journal, ledger.store.read_now(Options.stored))
        options.describe("t.count", 3, maximum=5)
        assert options.value("t.count") == 3
        other = Options(ledger.journal, ledger.store.read_now(Options.stored))
        other.describe("t.count", "now a text")
        assert other.value("t.count") == "now a text"
