"""Primitivus in plain lines, for screen readers: one after another, and none that lies."""

import re

import pytest

from tests.e2e.test_console_talking import send
from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


def test_plain_lines_serve_who_can_not_see(server, house: Daemon, two) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), "hello \u009b31m from bob")
    with Console(house, "-p", alice, "--plain", server.jid(bob)) as console:
        console.wait_for("Talking to")
        console.wait_for(f"{bob}: hello")
        console.say("plain answer")
        console.wait_for(f"{alice}: plain answer")
        send(house, bob, server.jid(alice), "good")
        console.wait_for(f"{bob}: good")
        console.say("/roster list")
        console.wait_for("both")
        console.say("/to nobody@nowhere.invalid")
        console.wait_for("Talking to nobody.")
        console.say("/flyaway")
        console.wait_for("There is no command /flyaway")
        console.say("/quit")
        assert console.wait_end() == 0


def test_no_message_looks_like_several(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, "--plain", server.jid(bob)) as console:
        console.wait_for("Talking to")
        send(house, bob, server.jid(alice), f"hi\n22:41 {alice}: I pay\u2028Done.\x85Done.\rDone.")
        send(house, bob, server.jid(alice), "/me waves")
        seen = console.wait_for(f"* {bob} waves").split("\n")
        said = next(place for place, line in enumerate(seen) if line.endswith(f"{bob}: hi"))
        assert seen[said + 1].startswith(f"    22:41 {alice}: I pay")
        assert all(line.startswith("    ") for line in seen if "Done." in line)
        console.say("/conversation list")
        console.wait_for(re.compile(rf"\n  [-1]  {server.jid(bob)}").search)


def test_a_text_that_is_longer_than_the_terminal_takes_at_once_comes_whole(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    with Console(house, "-p", alice, "--plain", server.jid(bob)) as console:
        console.wait_for("Talking to")
        written = console.log()
        send(house, bob, server.jid(alice), *("x" * 90_000 for _ in range(3)), "after it")
        console.wait_for(f"{bob}: after it")
        # What tmux hands on of it may come after what it shows.
        wait_until(lambda: written.read_bytes().count(b"x") >= 270_000, 30)
        assert written.read_bytes().count(b"x") == 270_000


def test_a_file_and_what_became_of_a_message_are_said(server, house: Daemon, two) -> None:
    alice, bob = two
    picture = house.home / "a picture.png"
    picture.write_bytes(b"x" * 1500)
    with Console(house, "-p", alice, "--plain", server.jid(bob)) as console:
        console.wait_for("Talking to")
        house.jp("-p", bob, "file", "send", picture, server.jid(alice))
        console.wait_for(f"{bob}: ⎘ a picture.png https://")
        console.say("seen?")
        console.wait_for(f"{alice}: seen?")
        house.jp("-p", bob, "conversation", "read", server.jid(alice))
        console.wait_for("The other has looked at it.")


def test_how_a_question_is_answered_is_said_with_it(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"plain-{bob}@muc.{server.host}"
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob")
    with Console(house, "-p", alice, "--plain", size=(200, 24)) as console:
        console.wait_for("Connected to the daemon.")
        console.say("/help flyaway")
        console.wait_for("There is no command “flyaway”.")
        house.jp("-p", bob, "room", "invite", room, server.jid(alice))
        console.wait_for("Question ")
        seen = console.wait_for(
            re.compile(r"Answer it with: (/question answer \w+ .*yes\|no.*)").search
        )
        found = re.search(r"Answer it with: (/question answer \w+ \w+=)yes\|no", seen)
        assert found is not None, seen
        console.say(f"{found[1]}yes")
        rooms = ("-p", alice, "room", "list")
        assert wait_until(lambda: [one["state"] for one in house.json(*rooms)] == ["joined"], 30)
