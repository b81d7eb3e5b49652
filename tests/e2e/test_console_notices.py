"""Primitivus in a real terminal: what it tells on the desktop while nobody looks at it."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testbed import Daemon
from tests.testbed.bus import Bus
from tests.testbed.console import Console
from tests.testbed.processes import end_process, wait_until

pytestmark = pytest.mark.any_server


class Desk:
    """A desktop which shows notices, and what it was told."""

    def __init__(self, daemon: Daemon, *words: str) -> None:
        root = str(Path(__file__).parents[2])
        paths = [root, daemon.environment.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.testbed.notifications", *words],
            env=daemon.environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert wait_until(lambda: bool(self.seen), 30)

    @property
    def notices(self) -> list[dict[str, Any]]:
        """The notices that it was to show."""
        return [one for one in tuple(self.seen) if "title" in one]

    def wait_for(self, body: str) -> dict[str, Any]:
        """Return the notice with a text."""
        assert wait_until(lambda: any(body in one["body"] for one in self.notices), 30), self.seen
        return next(one for one in self.notices if body in one["body"])

    def stop(self) -> None:
        """End it."""
        end_process(self._process)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen.append(json.loads(line))


@contextlib.contextmanager
def desk_of(daemon: Daemon, *words: str) -> Iterator[Desk]:
    """A desktop that runs on a daemon's bus."""
    desk = Desk(daemon, *words)
    try:
        yield desk
    finally:
        desk.stop()


@pytest.fixture
def bus(daemon: Daemon) -> Iterator[Bus]:
    """A bus which knows no program."""
    with Bus(daemon, ()) as running:
        yield running


def look_away(console: Console) -> None:
    """Say to the console that the terminal has lost the focus, as terminals do."""
    console.type("\x1b[O")
    console.wait_taken()


def test_a_message_is_told_on_the_desktop_and_replaces_the_last_one(
    server, bus: Bus, daemon: Daemon, pair
) -> None:
    alice, bob = pair
    send = ("-p", bob, "message", "send", server.jid(alice))
    with desk_of(daemon, "body", "body-markup") as desk, Console(daemon, "-p", alice) as console:
        console.wait_for(f"● {bob}")
        written = console.log()
        daemon.jp(*send, "while you look")
        console.wait_for("1 new")
        look_away(console)
        daemon.jp(*send, "<b>first</b> & 'last' \u009b" + "x" * 1000)
        first = desk.wait_for("first")
        assert first["title"] == bob and first["replaces"] == 0 and first["urgency"] == 1
        # What a peer writes is text and no markup, and not without end.
        assert first["body"].startswith("&lt;b&gt;first&lt;/b&gt; &amp; 'last'")
        assert len(first["body"]) < 450
        daemon.jp(*send, "second")
        assert desk.wait_for("second")["replaces"] == first["number"]
        assert [one["body"] for one in desk.notices][1:] == ["second"]
        # Not twice: the terminal says nothing.
        assert b"777;notify" not in written.read_bytes()
        console.press("C-x")
        assert console.wait_end() == 0


def test_a_desktop_that_knows_no_markup_gets_the_text_as_it_is(
    server, bus: Bus, daemon: Daemon, pair
) -> None:
    alice, bob = pair
    with desk_of(daemon, "body") as desk, Console(daemon, "-p", alice) as console:
        console.wait_for(f"● {bob}")
        look_away(console)
        daemon.jp("-p", bob, "message", "send", server.jid(alice), "1 < 2 & so on")
        assert desk.wait_for("so on")["body"] == "1 < 2 & so on"


def test_where_nothing_shows_notices_the_terminal_is_asked_to(
    server, bus: Bus, daemon: Daemon, pair
) -> None:
    alice, bob = pair
    with Console(daemon, "-p", alice) as console:
        console.wait_for(f"● {bob}")
        written = console.log()
        look_away(console)
        daemon.jp("-p", bob, "message", "send", server.jid(alice), "to whom it concerns")
        wanted = f"777;notify;{bob};to whom it concerns".encode()
        assert wait_until(lambda: wanted in written.read_bytes(), 30)


def test_a_desktop_that_answers_nothing_costs_nothing(
    server, bus: Bus, daemon: Daemon, pair
) -> None:
    alice, bob = pair
    send = ("-p", bob, "message", "send", server.jid(alice))
    with (
        desk_of(daemon, "silent") as desk,
        Console(daemon, "-p", alice, server.jid(bob)) as console,
    ):
        console.wait_for("Nothing was said yet.")
        written = console.log()
        look_away(console)
        daemon.jp(*send, "is anybody there")
        assert wait_until(lambda: {"asked": "capabilities"} in desk.seen, 30)
        # It waits in vain, and keys are drawn meanwhile.
        console.say("yes")
        console.wait_for("yes")
        wanted = f"777;notify;{bob};is anybody there".encode()
        assert wait_until(lambda: wanted in written.read_bytes(), 30)
        look_away(console)
        daemon.jp(*send, "and again")
        wanted = f"777;notify;{bob};and again".encode()
        assert wait_until(lambda: wanted in written.read_bytes(), 30)
        # It was left alone.
        assert desk.seen.count({"asked": "capabilities"}) == 1
        console.press("C-x")
        assert console.wait_end() == 0


def test_what_runs_through_ssh_shows_nothing_on_the_desktop_of_another_machine(
    server, bus: Bus, daemon: Daemon, pair
) -> None:
    alice, bob = pair
    far = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
    with desk_of(daemon, "body") as desk, Console(daemon, "-p", alice, environment=far) as console:
        console.wait_for(f"● {bob}")
        written = console.log()
        look_away(console)
        daemon.jp("-p", bob, "message", "send", server.jid(alice), "over there")
        wanted = f"777;notify;{bob};over there".encode()
        assert wait_until(lambda: wanted in written.read_bytes(), 30)
        assert desk.notices == []
