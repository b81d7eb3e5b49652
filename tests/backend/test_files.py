"""Transfers: what can be sent, who carries it, and how it ends whatever happens meanwhile."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from sat.backend.files import Pace
from tests.backend.support import house, pause, until

CARRIER = '''
from sat.plugin import Plugin, CommandError, file_method
from twisted.internet.defer import CancelledError, Deferred
import os

HELD = {}

class Carrier(Plugin):
    """Carries a file as a test says."""

    name = "carrier"

    @file_method(priority=20)
    async def first(self, to, source, progress):
        raise CommandError("failed.x", "the first way is closed")

    @file_method(priority=15)
    async def second(self, to, source, progress):
        if source.name == "fault":
            raise RuntimeError("a fault")
        if source.name in ("wait", "cancel", "broke"):
            turn = HELD[source.name] = Deferred()
            progress(1)
            try:
                await turn
            except CancelledError:
                if source.name == "broke":
                    raise CommandError("failed.x", "the line broke off")
                raise
        content = os.read(source.descriptor, 100)
        progress(source.size)
        return f"https://files.test/{content.decode()}"
'''


def held():
    """Return what the carrier waits for."""
    return sys.modules["sat_user_plugins.carrier"].HELD


async def send(home, path: Path, name: str = "file", frontend=None):
    """Send a file and return the transfer as it begins."""
    with path.open("rb") as file:
        return await (frontend or home.frontend).call(
            "file.send",
            file.fileno(),
            to="bob@server.test",
            name=name,
            size=os.fstat(file.fileno()).st_size,
        )


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "content"
    found.write_bytes(b"hello")
    return found


def open_files() -> int:
    """Return how many descriptors are open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../x", "/etc/passwd", "a\\b", "a\0b", "x" * 256, "ü" * 128],
)
async def test_what_is_no_name(reactor, tmp_path, path, name):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        before = open_files()
        with path.open("rb") as file:
            error = await home.refused(
                "file.send", file.fileno(), to="bob@server.test", name=name, size=5
            )
        assert error.name in ("usage.file", "usage.json")
        assert open_files() == before
        assert await home.call("transfer.list") == []


async def test_what_is_no_file(reactor, tmp_path, path):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        before = open_files()
        how = {"to": "bob@server.test", "name": "x"}
        assert (await home.refused("file.send", size=5, **how)).name == "usage.descriptor"
        with path.open("rb") as file:
            changed = await home.refused("file.send", file.fileno(), size=6, **how)
            assert changed.name == "usage.file"
            assert "5 bytes, not 6" in changed.sentence
            negative = await home.refused("file.send", file.fileno(), size=-1, **how)
            assert negative.name == "usage.params"
        ends = os.pipe()
        folder = os.open(tmp_path, os.O_RDONLY)
        for descriptor in (*ends, folder):
            error = await home.refused("file.send", descriptor, size=0, **how)
            assert "not a regular file" in error.sentence
            os.close(descriptor)
        await home.call("profile.disconnect", name="alice")
        with path.open("rb") as file:
            offline = await home.refused("file.send", file.fileno(), size=5, **how)
        assert offline.name == "offline.profile"
        assert open_files() <= before


async def test_the_ways_are_tried_in_turn(reactor, tmp_path, path, logged):
    async with house(reactor, tmp_path, {"carrier": CARRIER}) as home:
        alice = await home.profile()
        before = open_files()
        started = await send(home, path)
        done = await home.expect("transfer.changed", id=started["id"], state="done")
        assert (done["method"], done["done"], done["url"]) == (
            "carrier",
            5,
            "https://files.test/hello",
        )
        await home.expect("transfer.progressed", id=started["id"], done=5, size=5)
        await alice.peer.expect("<message><body>https://files.test/hello</body></message>")
        await until(reactor, lambda: open_files() == before)
        fault = await send(home, path, "fault")
        failed = await home.expect("transfer.changed", id=fault["id"], state="failed")
        assert "fault of the daemon" in failed["sentence"]
        assert [event["log_failure"].type for event in logged] == [RuntimeError]
        logged.clear()
        assert open_files() == before
        await home.call("plugin.unload", name="carrier")
        nobody = await send(home, path)
        failed = await home.expect("transfer.changed", id=nobody["id"], state="failed")
        assert "offers no upload" in failed["sentence"]


async def test_a_transfer_goes_on_when_its_frontend_has_gone(reactor, tmp_path, path):
    async with house(reactor, tmp_path, {"carrier": CARRIER}) as home:
        await home.profile()
        other = await home.attach()
        started = await send(home, path, "wait", frontend=other)
        await until(reactor, lambda: "wait" in held())
        await other.close()
        await pause(reactor, 0.05)
        late = await home.attach()
        assert [one["id"] for one in late.attached["state"]["transfers"]] == [started["id"]]
        await late.expect("transfer.progressed", id=started["id"], done=1)
        await late.close()
        held()["wait"].callback(None)
        await home.expect("transfer.changed", id=started["id"], state="done")


async def test_stopping_a_transfer(reactor, tmp_path, path):
    async with house(reactor, tmp_path, {"carrier": CARRIER}) as home:
        alice = await home.profile()
        before = open_files()
        started = await send(home, path, "cancel")
        await until(reactor, lambda: "cancel" in held())
        await home.call("transfer.cancel", id=started["id"])
        await home.expect("transfer.changed", id=started["id"], state="cancelled")
        assert (await home.refused("transfer.cancel", id=started["id"])).name == "unknown.transfer"
        await until(reactor, lambda: open_files() == before)
        await alice.peer.forbid("<message/>", 0)


async def test_a_deleted_profile_sends_nothing_more(reactor, tmp_path, path):
    async with house(reactor, tmp_path, {"carrier": CARRIER}) as home:
        await home.profile()
        await send(home, path, "cancel")
        await until(reactor, lambda: "cancel" in held())
        await home.call("profile.delete", name="alice")
        await pause(reactor, 0.1)
        assert home.rows("SELECT count(*) FROM transfer") == [(0,)]
        assert held()["cancel"].called


async def test_what_the_daemon_left_unfinished_has_failed(reactor, tmp_path, path):
    async with house(reactor, tmp_path, {"carrier": CARRIER}) as home:
        await home.profile()
        started = await send(home, path, "cancel")
        await until(reactor, lambda: "cancel" in held())
        [running] = home.rows("SELECT state, data FROM transfer")
        await home.call("transfer.cancel", id=started["id"])
        await home.expect("transfer.changed", id=started["id"], state="cancelled")
        await home.stop()
        # As a kill in the middle leaves it.
        connection = sqlite3.connect(home.paths.database)
        with connection:
            connection.execute("UPDATE transfer SET state = ?, data = ?", running)
        connection.close()
        await home.start()
        await until(reactor, lambda: home.rows("SELECT state FROM transfer") == [("failed",)])
        [failed] = await home.call("transfer.list")
        assert failed["state"] == "failed"
        assert "send the file again" in failed["sentence"]


async def test_a_transfer_that_is_stopped_has_not_failed_whatever_its_way_calls_it(
    reactor, tmp_path, path
):
    async with house(reactor, tmp_path, {"carrier": CARRIER}) as home:
        await home.profile()
        started = await send(home, path, "broke")
        await until(reactor, lambda: "broke" in held())
        await home.call("transfer.cancel", id=started["id"])
        await home.expect("transfer.changed", id=started["id"], state="cancelled")


def test_how_far_a_transfer_is_is_told_in_time_and_also_where_it_stops() -> None:
    clock, told = Clock(), []
    pace = Pace(clock, told.append, 100)
    pace.moved(0)
    pace.moved(10)
    pace.moved(20)
    assert told == [0]
    # Nothing moves any more: the last step is told all the same.
    clock.advance(0.25)
    clock.advance(5)
    assert told == [0, 20]
    pace.moved(30)
    pace.moved(40)
    pace.moved(100)
    assert told == [0, 20, 30, 100]
    pace.moved(70)
    pace.stop()
    clock.advance(5)
    assert told == [0, 20, 30, 100]
    assert not clock.getDelayedCalls()
