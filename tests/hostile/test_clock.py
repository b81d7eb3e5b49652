"""A clock that jumps, while connected and between two runs: the order stays, and nothing waits.

What is measured is measured by a clock that can't be set (see ``install_reactor``); the time of
day is only written down.
"""

import pytest

from tests.backend.archive import Archived, arrive
from tests.backend.support import house, until
from tests.hostile.traces import acknowledged

BOB = "bob@server.test"
HOUR, YEARS = 3600.0, 10 * 365 * 86400.0


def chat(body: str, id: str) -> str:
    """Return what comes live, and is in the archive as well."""
    by = "alice@server.test"
    return (
        f"<message from='{BOB}/x' to='{by}' type='chat' id='{body}'><body>{body}</body>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{by}' id='{id}'/></message>"
    )


async def online(home, alice, archive) -> None:
    """Connect alice, with an archive."""
    asked = len(archive.asked)
    await arrive(home, archive, alice)
    await alice.peer.expect("<presence/>")
    await until(home.reactor, lambda: len(archive.asked) > asked)
    await until(home.reactor, lambda: home.rows("SELECT 1 FROM archive WHERE since IS NULL"))


async def comes(home, alice, archive, body: str) -> None:
    """Let a message come live."""
    number = f"a{len(archive.kept)}"
    archive.keep(number, body)
    alice.peer.send(chat(body, number))
    await home.expect("message.added", body=body)


async def goes(home, archive, body: str) -> None:
    """Send a message, and wait until the server has it."""
    sent = await home.call("message.send", to=BOB, body=body, wait="acknowledged")
    archive.keep(
        f"a{len(archive.kept)}", body, by="alice@server.test", to=BOB, origin=sent["origin_id"]
    )


async def bodies(home) -> list[str]:
    listed = await home.call("message.list", peer=BOB, limit=100)
    assert [one["id"] for one in listed] == sorted(one["id"] for one in listed)
    return [one["body"] for one in listed]


@pytest.mark.parametrize(
    "jump", [HOUR, -HOUR, YEARS, -YEARS], ids=["an hour on", "back", "years on", "years back"]
)
async def test_a_clock_that_jumps(reactor, tmp_path, jump):
    archive = Archived(size=50)
    async with house(reactor, tmp_path) as home:
        archive.keep("first", "0 from the archive")
        alice = await home.profile(connect=False)
        await online(home, alice, archive)
        await comes(home, alice, archive, "1 live")
        await goes(home, archive, "2 sent")
        home.clock_is_off = jump
        await comes(home, alice, archive, "3 live after the jump")
        await goes(home, archive, "4 sent after the jump")
        # Acknowledgements and requests go on as before.
        assert await acknowledged(home, alice.peer) >= 2
        assert (await home.call("daemon.status"))["storage"]["state"] == "ok"
        # So does trying again, and it is told by this machine's own idea of the time.
        alice.peer.abort()
        told = await home.expect("profile.changed", connection={"phase": "waiting"})
        assert told["connection"]["retry_at"] and told["connection"]["sentence"]
        archive.keep("missed", "5 missed after the jump")
        await online(home, alice, archive)
        await home.expect("message.added", body="5 missed after the jump")
        # Between two runs the clock is set right.
        await home.stop()
        home.clock_is_off = 0.0
        archive.keep("between", "6 missed between two runs")
        await home.start()
        await online(home, alice, archive)
        await home.expect("message.added", body="6 missed between two runs")
        await comes(home, alice, archive, "7 live")
        await goes(home, archive, "8 sent")
        home.clock_is_off = -jump
        await comes(home, alice, archive, "9 live after another jump")
        found = await bodies(home)
        assert found == sorted(found) and len(found) == 10
        states = {one["state"] for one in await home.call("message.list", peer=BOB, limit=100)}
        assert states == {"received", "acknowledged"}


@pytest.mark.parametrize("jump", [YEARS, -YEARS], ids=["years on", "years back"])
async def test_no_stamp_is_told_of_a_time_that_is_not_yet(reactor, tmp_path, jump):
    """What was kept for us is shown at the server's time, never after our own."""
    async with house(reactor, tmp_path) as home:
        home.clock_is_off = jump
        alice = await home.profile()
        stamp = "<delay xmlns='urn:xmpp:delay' from='server.test' stamp='2026-01-01T00:00:00Z'/>"
        alice.peer.send(chat("kept", "k1").replace("</message>", f"{stamp}</message>"))
        alice.peer.send(chat("live", "k2"))
        await home.expect("message.added", body="live")
        kept, live = await home.call("message.list", peer=BOB, limit=10)
        assert (kept["body"], live["body"]) == ("kept", "live")
        assert kept["ts"] <= live["ts"]
        assert kept["ts"].startswith("2026-01-01") is (jump > 0)
