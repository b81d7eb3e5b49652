"""Primitivus in a real terminal: rooms with their occupants, topics, mentions."""

import re

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


def test_a_room_is_joined_and_talked_in(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"tea-{alice}@muc.{server.host}"
    with Console(house, "-p", alice, size=(100, 24)) as console:
        console.wait_for(f"● {bob}")
        console.press("M-j")
        console.wait_for("Join the room")
        console.say(f"{room} Alice")
        seen = console.wait_for("# tea-")
        console.wait_for("@● Alice")
        house.jp("-p", bob, "room", "join", room, "--nick", "Bob")
        console.wait_for(re.compile(r"[ @-]● Bob").search)
        house.jp("-p", bob, "message", "send", room, "Hello everybody")
        console.wait_for("Bob: Hello everybody")
        console.type("bo")
        console.press("Tab")
        console.say("how are you?")
        console.wait_for("✓ Alice: Bob: how are you?")
        console.say("/topic Tea or coffee")
        console.wait_for(lambda seen: "Tea or coffee" in seen.split("\n")[0])
        seen = console.wait_for("(2)")
        assert "▾ Rooms (1)" in seen
        # A window is as wide as what stands in it, where there is room.
        console.press("M-i")
        assert room in console.wait_for("your name there")
        console.press("Escape")
        console.wait_without("your name there")
        console.press("F3")
        console.wait_without("@● Alice")
        console.press("F3")
        console.wait_for("@● Alice")


def test_who_says_our_name_is_heard(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"loud-{alice}@muc.{server.host}"
    house.jp("-p", alice, "room", "join", room, "--nick", "Alice")
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob")
    with Console(house, "-p", alice, server.jid(bob), size=(100, 24)) as console:
        console.wait_for("Nothing was said yet.")
        written = console.log()
        house.jp("-p", bob, "message", "send", room, "nobody in particular")
        console.wait_for("# 1 loud")
        assert b"\a" not in written.read_bytes().replace(b"primitivus\a", b"")
        house.jp("-p", bob, "message", "send", room, "Alice: come here")
        console.wait_for("# @2 loud")
        console.press("M-a")
        console.wait_for("Bob: nobody in particular")
        console.wait_for("Alice: come here")
        assert wait_until(lambda: re.search(rb"(?<!primitivus)\a", written.read_bytes()), 30)
        # In an order of preference of its own: somebody in particular comes before anybody.
        shown = console.screen(colours=True)
        assert re.search(r"\x1b\[[0-9;]*1[0-9;]*m[^\n]*Alice", shown)


def test_a_room_that_said_our_name_stands_out_in_the_list_whenever_it_did(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    room = f"said-{alice}@muc.{server.host}"
    house.jp("-p", alice, "room", "join", room, "--nick", "Alice")
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob")
    house.jp("-p", bob, "message", "send", room, "to nobody")
    with Console(house, "-p", alice) as console:
        console.wait_for("# 1 said")
        house.jp("-p", bob, "message", "send", room, "Alice: hello")
        console.wait_for("# @2 said")
    with Console(house, "-p", alice) as console:
        console.wait_for("# @2 said")
        assert "38;5;210m@2 " in console.screen(colours=True)
        console.press("M-a")
        console.wait_for("Alice: hello")
        console.wait_for("# said")


def test_a_nick_has_the_colour_that_it_has_everywhere(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"colours-{alice}@muc.{server.host}"
    house.jp("-p", alice, "room", "join", room, "--nick", "Alice")
    house.jp("-p", bob, "room", "join", room, "--nick", "Romeo")
    house.jp("-p", bob, "message", "send", room, "But soft")
    with Console(
        house, "-p", alice, room, size=(100, 24), environment={"COLORTERM": "truecolor"}
    ) as console:
        console.wait_for("Romeo: But soft")
        shown = console.screen(colours=True)
        colours = re.findall(r"38;2;(\d+);(\d+);(\d+)m[^\x1b]*Romeo", shown)
        # XEP-0392, test vectors: Romeo's angle is 327.255249; it is drawn lighter on black.
        assert len(set(colours)) == 1, shown
        red, green, blue = map(int, colours[0])
        assert red > blue > green


def test_a_topic_that_is_cut_can_be_read_and_reorders_nothing(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"topic-{alice}@muc.{server.host}"
    house.jp("-p", alice, "room", "join", room, "--nick", "Alice")
    house.jp("-p", alice, "room", "subject", room, "תה " * 30 + "and the end of it")
    with Console(house, "-p", alice, room) as console:
        seen = console.wait_for(lambda seen: "תה" in seen.split("\n")[0])
        first = seen.split("\n")[0]
        assert "# topic" in first and "…" in first and "the end of it" not in first
        assert first.count("\u2068") == first.count("\u2069") == 1
        console.press("M-i")
        told = console.wait_for("the end of it")
        assert room in told and re.search("people +1", told)
        console.press("Escape")
        console.wait_without("the end of it")
        # So does a click on it; of a person it tells what they show.
        console.click(*console.find("# topic"))
        console.wait_for("the end of it")
        console.press("Escape")
        console.wait_without("the end of it")
        house.jp("-p", bob, "presence", "set", "away", "gone fishing until the winter comes back")
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(server.jid(bob))
        console.wait_for("gone fishing")
        console.say("/about")
        console.wait_for("each sees when the other is there")
        console.wait_for("away. gone fishing until the winter comes back")


def test_of_several_accounts_the_usual_one_comes_first_and_who_has_news(
    server, daemon: Daemon, people
) -> None:
    alice, bob, zoe = people("alice", "bob", "zoe")
    for name in (alice, bob, zoe):
        daemon.profile(name, server)
    daemon.jp("profile", "default", bob)
    daemon.jp("-p", zoe, "message", "send", server.jid(bob), "news")
    daemon.jp("-p", zoe, "message", "send", server.jid(alice), "other news")
    room = f"tea-{bob}@muc.{server.host}"
    for name in (bob, zoe):
        daemon.jp("-p", name, "room", "join", room, "--nick", name)
    daemon.jp("-p", zoe, "message", "send", room, "news for all")
    rows = ("-p", bob, "conversation", "list")
    assert wait_until(lambda: sum(one["unread"] for one in daemon.json(*rows)) == 2, 30)
    with Console(daemon, size=(120, 24)) as console:
        console.wait_for("3 new")
        console.press("Enter")
        console.wait_for(f"{zoe}: news")
        assert "other news" not in console.screen() and "for all" not in console.screen()


def test_rooms_of_two_accounts_that_are_called_the_same_say_whose_they_are(
    server, daemon: Daemon, pair
) -> None:
    alice, bob = pair
    room = f"both-{alice}@muc.{server.host}"
    daemon.jp("-p", alice, "room", "join", room, "--nick", "Alice")
    with Console(daemon, size=(120, 24)) as console:
        seen = console.wait_for(f"# both-{alice}")
        assert f"both-{alice} (" not in seen
        daemon.jp("-p", bob, "room", "join", room, "--nick", "Bob")
        for name in (alice, bob):
            console.wait_for(f"# both-{alice} ({name})")
        daemon.jp("profile", "delete", bob)
        console.wait_without(f"both-{alice} (")
        assert f"# both-{alice}" in console.screen()
