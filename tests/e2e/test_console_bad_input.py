"""Primitivus in a real terminal: what peers, locales and daemons can do to it."""

import os
import signal
import subprocess

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console

pytestmark = pytest.mark.any_server

OVER = "Bob\u202e\u0301\u0301 │ ● root"
EVIL = {
    "colours": "plain \u009b31mred\u009b0m text",
    "override": "photo\u202egnp.exe",
    "zero width": "a" + "\u200b" * 20_000 + "b",
    "marks": "z" + "\u0301" * 10_000 + " end",
    "line": "x" * 100_000,
    "wide": "家" * 500 + "👩\u200d👩\u200d👧 flag 🇫🇷",
    "right to left": "שלום (admin) \u2067 hi",
}


def raw(house: Daemon, profile: str, to: str, body: str) -> None:
    """Send a message as a program does that minds nothing."""
    house.jp("-p", profile, "message", "send", to, input=body)


def test_nothing_in_a_message_breaks_or_spoofs_the_screen(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob), size=(80, 30)) as console:
        console.wait_for("Nothing was said yet.")
        for name, body in EVIL.items():
            raw(house, bob, server.jid(alice), body)
            raw(house, bob, server.jid(alice), f"after {name}")
            seen = console.wait_for(f"after {name}")
            lines = seen.split("\n")
            assert all(line[20:21] == "│" for line in lines[:-1]), f"{name}:\n{seen}"
            assert lines[-1].startswith(f" ● {alice}")
            assert not any(ord(char) < 32 or 0x80 <= ord(char) < 0xA0 for char in "".join(lines))
            assert "\u202e" not in seen and "\u200b" not in seen
        console.say("still here")
        console.wait_for(f"{alice}: still here")


def test_names_and_topics_are_no_better_trusted(server, house: Daemon, two) -> None:
    alice, bob = two
    house.jp(
        "-p", alice, "roster", "update", server.jid(bob), "--name", "Bob\u202e\u0301\u0301 │ ● root"
    )
    room = f"evil-{alice}@muc.{server.host}"
    house.jp("-p", alice, "room", "join", room, "--nick", "Alice")
    house.jp("-p", alice, "room", "subject", room, "top\u009b2Jic" + "\u0336" * 500)
    with Console(house, "-p", alice, room) as console:
        seen = console.wait_for("topic")
        # The marks on a letter take no cell, but a place in the line.
        assert all(line[20:21] == "│" for line in seen.split("\n")[1:-1]), seen
        assert "\u202e" not in seen


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ({"LC_ALL": "", "LANG": "C"}, "“C” names no character set: UTF-8 is drawn"),
        ({"LC_ALL": "xx_YY.UTF-8"}, "This system has no locale “xx_YY.UTF-8”"),
    ],
)
def test_a_broken_locale_is_told_once_and_it_goes_on(
    server, house: Daemon, two, locale, said
) -> None:
    alice, bob = two
    raw(house, bob, server.jid(alice), "déjà vu")
    with Console(house, "-p", alice, server.jid(bob), environment=locale) as console:
        console.wait_for(said)
        console.wait_for("déjà vu")
        console.type("x")
        console.wait_without(said)


def test_it_speaks_french(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, environment={"LANGUAGE": "fr"}) as console:
        console.wait_for(f"● {bob}")
        console.press("F1")
        console.wait_for("Partout")


def test_a_daemon_that_answers_nothing_is_told_of(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        assert house.pid
        os.kill(house.pid, signal.SIGSTOP)
        try:
            console.say("are you there?")
            console.type("keys are drawn")
            console.wait_for("keys are drawn")
            console.press("C-x")
            assert console.wait_end() == 0
        finally:
            os.kill(house.pid, signal.SIGCONT)
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("are you there?")


def test_without_a_terminal_it_says_what_to_use(house: Daemon) -> None:
    for words, code, said in (
        ([], 2, "primitivus needs a terminal"),
        (["--fly"], 2, "no option --fly"),
        (["--version"], 0, "primitivus "),
        (["--help"], 0, "usage: primitivus"),
    ):
        done = subprocess.run(
            house.command("primitivus", *words),
            env=house.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code
        assert said in done.stdout + done.stderr
