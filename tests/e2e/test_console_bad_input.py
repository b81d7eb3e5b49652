"""Primitivus in a real terminal: what peers, locales and daemons can do to it."""

import json
import os
import re
import signal
import subprocess

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger

pytestmark = pytest.mark.any_server

MUCH = "\u0336" * 10_000 + "y" * 100_000
#: What turns words around (UAX #9), or hides what is between them.
ORDERS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200b\u200e\u200f\u2028\u2029"
#: What XML lets through: C1 controls, orders, line ends.
EVIL = "Ev\u202eil\u009b31m\u009b2J\u200b\u0085│\u2028\u2067end"
FILE = "https://example.org/file%1B]0;owned%07%C2%9B2J%E2%80%AEgnp.exe"
BODIES = {
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
        for name, body in BODIES.items():
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


def told_raw(written: bytes) -> str:
    """Return what was written for the terminal, once it is sure that the terminal obeys us alone.

    :raises AssertionError: if a text of somebody else's is in it as it is
    """
    text = written.decode("utf-8")
    odd = [char for char in text if 0x80 <= ord(char) < 0xA0 or char in ORDERS]
    assert not odd, {f"U+{ord(char):04X}" for char in odd}
    # Of those that name windows, tell and copy, ours alone.
    for command in re.findall(r"\x1b\]([^\a\x1b]*)", text):
        assert re.match(r"2;(\(\d+\) )?primitivus$|777;notify;|[0-9]+;?$", command), command
    return text


def test_no_text_of_others_reaches_the_terminal_as_it_is(
    server, house: Daemon, two, people
) -> None:
    alice, bob = two
    (carol,) = people("carol")
    room = f"evil-{alice}@muc.{server.host}"
    mine = ("-p", alice)
    house.jp(*mine, "roster", "update", server.jid(bob), "--name", f"Bob{EVIL}", "--group", EVIL)
    house.jp(*mine, "room", "join", room, "--nick", "Alice")
    house.jp(*mine, "room", "subject", room, f"topic{EVIL}" + MUCH)
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob│" + "\u0336" * 99)
    house.jp("-p", bob, "presence", "set", "away", f"status{EVIL}")
    stranger, console = Stranger(server, carol), Console(house, *mine, size=(100, 30))
    with stranger, console:
        written = console.log()
        console.press("C-l")
        console.wait_for(f"● alice{alice[5:]}")
        lure = f"lure-{alice}@muc.{server.host}"
        stranger.tell("join", lure, "Carol")
        stranger.expect("joined")
        stranger.tell("invite", lure, server.jid(alice), f"reason{EVIL}")
        stranger.tell("offer", server.jid(alice), FILE)
        console.wait_for(f"1 {carol}")
        subject = ("--subject", f"subject{EVIL}")
        house.jp("-p", bob, "message", "send", server.jid(alice), *subject, input=f"body{EVIL}")
        draft = {"profile": alice, "peer": server.jid(bob), "text": f"draft{EVIL}"}
        house.jp("api", "call", "conversation.draft", json.dumps(draft))
        console.press("M-a")
        console.press("M-a")
        console.wait_for("⎘ file")
        console.press("M-l")
        console.wait_for("Links and files")
        console.press("C-g")
        console.wait_without("Links and files")
        console.press("M-a")
        seen = console.wait_for(lambda seen: "body" in seen and "draft" in seen and "subj" in seen)
        assert "Bob" in seen.split("\n")[0] and "status" in seen
        # The marks on a letter take no cell, but a place in the line.
        assert all(line[25:26] == "│" for line in seen.split("\n")[:-1]), seen
        console.press("M-i")
        console.wait_for("each sees when")
        console.press("C-g")
        console.wait_without("each sees when")
        console.press("C-f")
        console.wait_for("Search in all")
        console.say("bodyEv*")
        console.wait_for("Enter go there")
        console.press("C-g")
        console.wait_without("Enter go there")
        console.press("M-t")
        console.wait_for(" 1:Bob")
        console.type("\x1b[O")
        house.jp("-p", bob, "message", "send", server.jid(alice), f"notice{EVIL}; and more")
        assert wait_until(lambda: b";notice" in written.read_bytes(), 30)
        console.type("\x1b[I")
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(room)
        console.wait_for(lambda seen: "# evil" in seen and "@● Alice" in seen)
        head = console.wait_for(lambda seen: "topic" in seen.split("\n")[1]).split("\n")[1]
        assert "…" in head
        console.wait_for("Bob│")
        console.press("F7")
        console.wait_for("reason")
        console.press("C-g")
        console.wait_without("reason")
        house.jp(*mine, "room", "join", lure, "--nick", "Al")
        stranger.tell("kick", lure, "Al", f"kicked{EVIL}")
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(lure)
        console.wait_for("you were put out of")
        console.press("M-i")
        console.wait_for("kickedEv")
        console.press("C-g")
        console.wait_without("kickedEv")
        console.press("C-x")
        assert console.wait_end() == 0
        raw_text = told_raw(written.read_bytes())
    for word in ("body", "subject", "draft", "status", "topic", "reason", "file", "Bob", ";notice"):
        assert word in raw_text, word


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
    french = {"LANGUAGE": "fr"}
    with Console(house, "-p", alice, server.jid(bob), environment=french) as console:
        console.wait_for("Rien n’a encore été dit.")
        console.press("F1")
        console.wait_for("Partout")
        console.press("Escape")
        console.wait_without("Partout")
        # What the core says is in the same language as what the console does.
        console.say("/jion")
        console.wait_for("Vouliez-vous dire « join » ?")
        console.say("/help room join")
        console.wait_for("l’adresse du salon")
        console.press("Escape")
        console.wait_without("l’adresse du salon")
        console.type("/room sub")
        console.press("Tab")
        console.wait_for("/room subject")


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
            # What was not taken is not lost without a word.
            console.press("C-x")
            console.wait_for("1 message waits for the daemon")
            console.press("C-x")
            assert console.wait_end() == 0
        finally:
            os.kill(house.pid, signal.SIGCONT)
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("are you there?")


def test_why_a_daemon_is_not_reached_can_be_read(house: Daemon) -> None:
    with Console(house, "--remote", "nowhere-at-all") as console:
        seen = console.wait_for("There is no remote “nowhere-at-all”")
        assert "“jp remote list”" in seen and "jp remote add" in " ".join(seen.split())


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
