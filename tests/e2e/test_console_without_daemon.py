"""Primitivus in a real terminal, where there is no daemon, or one that says nothing."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


@pytest.fixture
def home():
    """A home without a daemon, which primitivus starts."""
    daemon = Daemon()
    yield daemon
    daemon.remove()


def flat(seen: str) -> str:
    """Return what stands beside the list, without breaks and spaces."""
    return "".join(line.partition("│")[2].replace(" ", "") for line in seen.split("\n"))


def test_a_daemon_is_started_where_there_is_none(home: Daemon) -> None:
    with Console(home) as console:
        console.wait_for("Welcome! You need an account first")
        assert home.pid is not None
        console.press("C-x")
        assert console.wait_end() == 0
        # It goes on.
        assert home.pid is not None


def test_who_leaves_leaves_no_trace(server, house: Daemon, two) -> None:
    alice, bob = two
    peer = server.jid(bob)
    house.jp("-p", bob, "message", "send", server.jid(alice), "before")

    def state() -> object:
        files = {one.name for one in house.home.iterdir() if "wal" not in one.name}
        (found,) = house.json("-p", alice, "conversation", "list")
        return files, {name: found[name] for name in ("draft", "peer")}

    def sessions() -> int:
        return int(json.loads(house.sat("status", "--json").stdout)["sessions"])

    before, attached = state(), sessions()
    with Console(house, "-p", alice, peer) as console:
        console.wait_for("before")
        console.type("begun")
        for _ in range(5):
            console.press("BSpace")
        console.press("F1")
        console.wait_for("Anywhere")
        console.press("C-x")
        assert console.wait_end() == 0
    with Console(house, "-p", alice, peer) as console:
        console.wait_for("before")
        os.kill(console.pid, signal.SIGKILL)
        console.wait_end()
    assert state() == before
    assert wait_until(lambda: sessions() == attached, 30)
    assert "Traceback" not in house.log.read_text()


@pytest.mark.parametrize("harm", ["file", "long", "none"])
def test_a_home_that_can_not_be_is_told_in_full(home: Daemon, harm: str) -> None:
    (home.home / "file").write_text("")
    place, said = {
        "file": (f"{home.home}/file", "it is not a folder"),
        "long": (f"{home.home}/{'x' * 120}", "set SAT_HOME to a shorter path"),
        "none": ("/proc/nowhere", "/proc/nowhere"),
    }[harm]
    with Console(home, environment={"SAT_HOME": place}) as console:
        wanted = said.replace(" ", "")
        console.wait_for(lambda seen: wanted in flat(seen))
        console.wait_for("try now, and start the daemon")
        # It isn't forgotten at the next try, which starts none.
        console.wait_for("Next try in 5 s")
        # Once is enough.
        assert flat(console.screen()).count(wanted) == 1
        console.press("F8")
        console.wait_for("which is not reached")
        assert "Welcome" not in console.screen()
        console.press("C-x")
        assert console.wait_end() == 0


def test_a_daemon_that_was_stopped_is_started_when_the_person_says_so(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        house.stop()
        console.wait_for("no daemon")
        # Who has stopped it, meant it.
        assert house.pid is None
        console.press("M-c")
        console.wait_without("no daemon")
        console.wait_for(f"● {bob}")
        assert house.pid is not None
        console.press("M-c")
        console.wait_for("The daemon is there.")
        console.say("again")
        console.wait_for("again")


def test_a_full_disk_is_told_where_the_daemon_can_not_start(home: Daemon, small_disk: Path) -> None:
    left = os.statvfs(small_disk)
    (small_disk / "home").mkdir()
    (small_disk / "filler").write_bytes(bytes(left.f_bavail * left.f_bsize))
    place = {"SAT_HOME": str(small_disk / "home")}
    with Console(home, environment=place, size=(140, 30)) as console:
        console.wait_for("try now, and start the daemon")
        console.wait_for("is full: make room there")
        (small_disk / "filler").unlink()
        console.press("M-c")
        console.wait_for("Welcome! You need an account first")
        home.environment |= place
        home.sat("stop")


def test_a_daemon_that_says_nothing_from_the_beginning(server, house: Daemon, two) -> None:
    alice, bob = two
    assert house.pid
    os.kill(house.pid, signal.SIGSTOP)
    try:
        with Console(house, "-p", alice, server.jid(bob)) as console:
            console.wait_for("reaching the daemon…")
            # It is a screen as any: keys are taken.
            console.press("F1")
            console.wait_for("Anywhere")
            console.press("Escape")
            console.wait_without("Anywhere")
            wanted = "The daemon has not answered within 20 seconds."
            console.wait_for(lambda seen: wanted.replace(" ", "") in flat(seen), 60)
            os.kill(house.pid, signal.SIGCONT)
            console.wait_for("Nothing was said yet.")
            console.wait_for(f"● {bob}")
    finally:
        os.kill(house.pid, signal.SIGCONT)


def test_what_is_sent_without_a_daemon_is_told_and_is_not_lost_by_leaving(
    server, daemon: Daemon, pair
) -> None:
    alice, bob = pair
    with Console(daemon, "-p", alice, server.jid(bob), size=(100, 24)) as console:
        console.wait_for("Nothing was said yet.")
        daemon.stop()
        console.wait_for("no daemon")
        console.say("into the void")
        console.wait_for("There is no daemon: this message goes out once it is there.")
        console.press("C-x")
        console.wait_for("1 message waits for the daemon, and is lost then.")
        assert console.runs
        daemon.start()
        console.press("M-c")
        console.wait_for(f"{alice}: into the void")
        console.press("C-x")
        assert console.wait_end() == 0
