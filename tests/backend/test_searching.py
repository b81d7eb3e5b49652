"""Searching the history: words as they are written, whether they are indexed already or not."""

import pytest

from tests.backend.ledger import Ledger
from tests.backend.support import until

#: What is looked for, and what of the messages below is found, newest first.
SEARCHES = (
    ("hello", ["HELLO again", "hello world"]),
    ("world hello", ["hello world"]),
    ("wor*", ["hello world"]),
    ("wor", []),
    ("hello *", ["HELLO again", "hello world"]),
    ("naive", ["naïve café"]),
    ("NAI\u0308VE cafe\u0301", ["naïve café"]),
    ("don't", ['don\'t say "never"']),
    ('"never"', ['don\'t say "never"']),
    ('say "never', ['don\'t say "never"']),
    ("AND", ["this AND that"]),
    ("this OR hello", []),
    ("NEAR(this that)", []),
    ("body:hello", []),
    ("scope : p2", []),
    ("p1", []),
    ("p*", []),
    ("_p*", []),
    ("p\u0308*", []),
    ("P1*", []),
    ("hello c1", []),
    ("-hello", ["HELLO again", "hello world"]),
    ("hello^2", []),
    ("snake_case", ["snake_case"]),
    ("привет", ["Привет мир"]),
    ("日本", ["日本 語"]),
    ("हिन्दी", ["हिन्दी भाषा"]),
    ("100%", ["100% sure"]),
)
BODIES = (
    "hello world",
    "HELLO again",
    "naïve café",
    'don\'t say "never"',
    "this AND that",
    "snake_case",
    "Привет мир",
    "日本 語",
    "हिन्दी भाषा",
    "100% sure",
)
NO_WORDS = ("", "   ", "🙂", "*", '"', "()", "-", "\0", "'; --", "**")


@pytest.mark.parametrize("indexing", [True, False])
async def test_searching(reactor, tmp_path, indexing):
    ledger = Ledger(reactor, tmp_path, indexing=indexing)
    async with ledger:
        await ledger.people("alice", "carol")
        for body in BODIES:
            await ledger.add(body)
        await ledger.add("hello carol", profile="carol", profile_id=2)
        if indexing:
            await _indexed(reactor, ledger, len(BODIES) + 1)
        found = {text: await ledger.find(text) for text, _ in SEARCHES}
        assert found == dict(SEARCHES)


async def test_no_word_is_refused_with_a_sentence(reactor, tmp_path):
    async with Ledger(reactor, tmp_path) as ledger:
        await ledger.people("alice")
        await ledger.add("hello")
        for text in NO_WORDS:
            with pytest.raises(Exception, match="at least one word") as told:
                await ledger.find(text)
            assert told.value.name == "usage.text"


@pytest.mark.parametrize("indexing", [True, False])
async def test_searching_one_conversation(reactor, tmp_path, indexing):
    ledger = Ledger(reactor, tmp_path, indexing=indexing)
    async with ledger:
        await ledger.people("alice", "carol")
        for number in range(15):
            await ledger.add(f"hello {number}", peer=f"p{number}@server.test")
        await ledger.add("hello carol", profile="carol", profile_id=2, peer="p1@server.test")
        if indexing:
            await _indexed(reactor, ledger, 16)
        # c1 is no prefix of c11, nor p1 of p11.
        assert await ledger.find("hello", "p0@server.test") == ["hello 0"]
        assert await ledger.find("hello", "p1@server.test", profile_id=2) == ["hello carol"]
        assert await ledger.find("hello", "nobody@server.test") == []
        assert await ledger.find("hello", limit=2) == ["hello 14", "hello 13"]


async def test_what_is_indexed_and_what_is_not_are_found_as_one(reactor, tmp_path):
    async with Ledger(reactor, tmp_path, indexing=True) as ledger:
        await ledger.people("alice")
        for number in range(3):
            await ledger.add(f"hello {number}")
        await _indexed(reactor, ledger, 3)
    async with Ledger(reactor, tmp_path) as again:
        await again.add("hello 3")
        assert await again.find("hello") == ["hello 3", "hello 2", "hello 1", "hello 0"]
        assert await again.find("hello", limit=2) == ["hello 3", "hello 2"]


async def _indexed(reactor, ledger, count: int) -> None:
    """Wait until so many messages are in the index."""
    read = Ledger.rows
    end = reactor.seconds() + 5
    while await read(ledger, "SELECT count(*) FROM message_fts_docsize") != [(count,)]:
        assert reactor.seconds() < end, "nothing is indexed"
        await until(reactor, lambda: True)
