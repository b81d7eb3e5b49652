"""Primitivus in a real terminal: what Tab makes of what was begun, and lines that are commands."""

import re
from collections.abc import Callable

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


@pytest.fixture
def console(server, house: Daemon, two):
    """A conversation of one with the other."""
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob), size=(100, 30)) as running:
        running.wait_for("Nothing was said yet.")
        running.wait_for(f"● {bob}")
        yield running


def completes(console: Console, begun: str, wanted: str | Callable[[str], object]) -> str:
    """Write something, press Tab, and return the screen once it shows what is wanted; drop it."""
    console.press("C-u")
    console.type(begun)
    console.wait_for(begun.strip())
    console.press("Tab")
    seen = console.wait_for(wanted)
    console.press("C-g")
    console.press("C-u")
    console.wait_for("Write a message")
    return seen


def line(text: str) -> Callable[[str], object]:
    """Return what finds a text at the beginning of the line to write in."""
    return re.compile(rf"│{re.escape(text)}(?: |$)", re.MULTILINE).search


def test_addresses_are_completed_wherever_they_stand(server, two, console) -> None:
    _alice, bob = two
    jid = server.jid(bob)
    # A command of a plugin: the daemon is asked what that takes.
    completes(console, f"/ping {bob}@", line(f"/ping {jid}"))
    completes(console, f"/ping {bob[:-1]}", line(f"/ping {jid}"))
    completes(console, f"/ping @{bob}", line(f"/ping {jid}"))
    completes(console, f"/msg {bob}@lo", line(f"/msg {jid}"))
    completes(console, f"/roster add --name Bob {bob}@", line(f"/roster add --name Bob {jid}"))
    completes(console, f"write to {bob}@", line(f"write to {jid}"))
    seen = completes(console, f"/ping {jid}/", re.compile(rf"/ping {re.escape(jid)}/\S+").search)
    assert jid in seen


def test_rooms_and_nicks_are_completed(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"long-name-{alice}@muc.{server.host}"
    house.jp("-p", alice, "room", "join", room, "--nick", "Alice")
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob of Here")
    with Console(house, "-p", alice, room, size=(140, 30)) as console:
        console.wait_for("Bob of")
        completes(console, "/join long-n", line(f"/join {room}"))
        completes(console, f"/who {room[:20]}", line(f"/who {room}"))
        completes(console, "bo", line("Bob of Here:"))
        completes(console, "@bo", line("Bob of Here:"))
        completes(console, "and you, bo", line("and you, Bob of Here"))
        # A word with spaces in it is quoted, as commands take it.
        completes(console, f"/msg {room}/Bo", line(f'/msg "{room}/Bob of Here"'))
        console.press("Tab")
        console.say(f'/msg "{room}/Bob of Here" psst')
        told = ("-p", bob, "message", "list", f"{room}/Alice")
        assert wait_until(lambda: [one["body"] for one in house.json(*told)] == ["psst"], 30)


def test_commands_options_and_their_values_are_completed(server, house: Daemon, console) -> None:
    completes(console, "/pin", line("/ping"))
    completes(console, "/roster upd", line("/roster update"))
    completes(console, "/version ge", line("/version get"))
    completes(console, "/roster add x@y.z --na", line("/roster add x@y.z --name"))
    completes(console, "/status aw", line("/status away"))
    completes(console, "/option get ping.", line("/option get ping.timeout"))
    seen = completes(console, "/room ", "occupants")
    assert "invite" in seen and "join" in seen
    # The command line without a slash.
    console.press("M-:")
    console.wait_for(re.compile(r"^ :", re.MULTILINE).search)
    console.type("rost")
    console.press("Tab")
    console.wait_for("roster")
    console.press("Escape")
    console.wait_for("Write a message")


def test_emoji_and_paths_are_completed(house: Daemon, console) -> None:
    (house.home / "folder").mkdir()
    completes(console, ":thumbs_u", "👍")
    completes(console, "tea :teac", re.compile("tea [\N{TEACUP WITHOUT HANDLE}🫖]").search)
    completes(console, f"/send {house.home}/fol", f"{house.home.name}/folder/")
    completes(console, f"see {house.home}/fol", f"{house.home.name}/folder/")


def test_what_is_no_beginning_of_anything_stays_as_it_is(console) -> None:
    for begun in ("/ping zzz", "zzz", "/zzz", "/roster zzz", "/ping nobody@nowhere.invalid/",
                  "/ping --zzz", '/msg "', "/", "@", "/ping \u202e"):  # fmt: skip
        console.press("C-u")
        console.type(begun)
        console.press("Tab")
        console.type("!")
        console.wait_for("!")
        console.press("C-g")
        console.press("C-u")
        console.wait_for("Write a message")


def test_commands_that_fail_and_those_that_are_none(server, house: Daemon, two, console) -> None:
    alice, bob = two
    console.say("/ping nobody@nowhere.invalid")
    console.wait_for("the peer refused: ")
    # It is told, and what was written can be had again to be mended.
    console.press("Up")
    console.wait_for(line("/ping nobody@nowhere.invalid"))
    console.press("C-u")
    for said, told in (
        ("/foo", "There is no command /foo"),
        ("/pong", "Did you mean"),
        ("/roster", "/roster goes on:"),
        ("/nick", "/nick is for a room: open one first, or say which: /room nick ROOM NICK"),
        ("/topic Tea", "/topic is for a room: open one first"),
        ("/topic", "/topic is for a room"),
        ("/set theme light", "“theme” is a setting of this console: F9 lists them"),
        ("/set no.such x", "there is no option no.such"),
        ("/nick tea@nowhere", "See /help room nick."),
        ("/roster add --fly x@y.z", "See /help roster add."),
        ("/profile create x --jid x@y.z", "That needs a shell"),
        ("/time get nobody@nowhere.invalid", "remote domains"),
    ):
        console.say(said)
        console.wait_for(told)
        console.press("C-l")
        console.wait_without(told)
    console.say("/ping")
    console.wait_for(re.compile(r"/ping: \d+\.\d+ s\b").search)
    # No word of these was sent to anybody.
    assert house.json("-p", alice, "message", "list", server.jid(bob)) == []


def test_messages_that_begin_with_a_slash(server, house: Daemon, two, console) -> None:
    alice, bob = two
    wanted = {
        "//text": "/text",
        "//": "/",
        "/": "/",
        "/ me": "/ me",
        "/me waves": "/me waves",
        "/etc/hosts is a file": None,
        "//etc/hosts is a file": "/etc/hosts is a file",
    }
    for said in wanted:
        console.say(said)
        console.wait_for("Write a message")
    told = ("-p", bob, "message", "list", server.jid(alice))
    bodies = [body for body in wanted.values() if body is not None]
    assert wait_until(lambda: [one["body"] for one in house.json(*told)] == bodies, 30), house.json(
        *told
    )
