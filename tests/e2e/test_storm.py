"""Whatever the network, the daemon and the server do: each message once, in order, on both sides.

Short here; `make storm` runs the long one. The seed is printed; `SAT_SEED` sets it, `SAT_STORM` the
size: messages each way, cuts of the link, kills of the daemon, restarts of the server.
"""

import os
import secrets
from collections import Counter
from random import Random

import pytest

from tests.e2e.storm import Size, Storm, every, firsts
from tests.testbed import Daemon, Ejabberd, Prosody, Server

#: On ejabberd as well, which a loaded machine takes minutes for.
LONG = "SAT_STORM" in os.environ
SIZE = Size(*map(int, os.environ.get("SAT_STORM", "300 6 2 1").split()))


@pytest.fixture
def random() -> Random:
    seed = int(os.environ.get("SAT_SEED") or secrets.randbelow(2**32))
    print(f"SAT_SEED={seed}")
    return Random(seed)


def rage(daemon: Daemon, server: Server, random: Random) -> Storm:
    for name in ("alice", "bob"):
        server.add_user(name, secrets.token_hex(12))
    server.befriend("alice", "bob")
    storm = Storm(server, daemon, ("alice", "bob"), SIZE, random)
    storm.run()
    print("; ".join(storm.story))
    return storm


def number(body: str) -> int:
    """Return the number in a body."""
    return int(body.split()[1])


def check_ours(storm: Storm) -> dict[str, bool]:
    """Check history and event log; return for each message sent whether it may be doubled."""
    history = storm.history()
    added = [event["data"] for event in storm.watcher.events if event["type"] == "message.added"]
    incoming = [one["body"] for one in history if one["direction"] == "in"]
    told = [one["body"] for one in added if one["direction"] == "in"]
    for where, found in (("history", incoming), ("log", told)):
        print(f"in the {where}:")
        in_order = found if storm.server.resumes_exactly else sorted(found, key=number)
        every(in_order, "b", SIZE.messages)
    every((one["body"] for one in history if one["direction"] == "out"), "a", SIZE.messages)
    assert storm.watcher.gaps == []
    every((one["body"] for one in added if one["direction"] == "out"), "a", SIZE.messages)
    assert [one for one in history if one["state"] in ("pending", "sent", "failed")] == []
    return {one["body"]: one["maybe_duplicate"] for one in history if one["direction"] == "out"}


def check_theirs(storm: Storm, marked: dict[str, bool]) -> None:
    """Check that bob saw every message in order, and that what he saw twice is marked."""
    every(firsts(storm.seen), "a", SIZE.messages)
    times = Counter(storm.seen)
    unmarked = [body for body in times if times[body] > 1 and not marked[body]]
    assert not unmarked, f"doubled, and not marked: {unmarked}"


@pytest.mark.parametrize(
    "make",
    [
        # Prosody's simplest storage reads an archive from the beginning for every page.
        pytest.param(lambda: Prosody(page=1000 if LONG else 50), id="Prosody"),
        pytest.param(lambda: Ejabberd(archive="sqlite"), id="Ejabberd"),
    ][: 2 if LONG else 1],
)
def test_where_the_server_has_an_archive_each_message_is_there_once(daemon, make, random):
    with make() as server:
        storm = rage(daemon, server, random)
        marked = check_ours(storm)
    if storm.server.resumes_exactly:
        every(storm.archived, "a", SIZE.messages)
        every(storm.seen, "a", SIZE.messages)
    else:
        check_theirs(storm, marked)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Prosody(without=["mam"]), id="Prosody"),
        pytest.param(lambda: Ejabberd(without=["mod_mam"]), id="Ejabberd"),
    ][: 2 if LONG else 1],
)
def test_where_it_has_none_nothing_is_lost_and_what_may_be_doubled_is_marked(daemon, make, random):
    with make() as server:
        storm = rage(daemon, server, random)
        marked = check_ours(storm)
    check_theirs(storm, marked)
