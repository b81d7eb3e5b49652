"""Primitivus in a real terminal: what is done with those who are in a room."""

import re

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


@pytest.fixture
def room(server, house: Daemon, two) -> str:
    """A room with two people in it; whoever made it sees addresses."""
    alice, bob = two
    address = f"people-{alice}@muc.{server.host}"
    house.jp("-p", alice, "room", "join", address, "--nick", "Alice")
    house.jp("-p", bob, "room", "join", address, "--nick", "Bob")
    return address


def to_bob(console: Console) -> None:
    """Go to the second one in the list."""
    console.wait_for(re.compile(r"[ @-]● Bob").search)
    console.press("M-m")
    console.press("Down")


def test_help_says_what_can_be_done_with_somebody(server, house: Daemon, two, room) -> None:
    alice, _bob = two
    with Console(house, "-p", alice, room, size=(100, 40)) as console:
        to_bob(console)
        console.press("?")
        # What stands last is drawn last.
        seen = console.wait_for("Anywhere")
        assert seen.index("Among who is in the room") < seen.index("Anywhere")
        for words in ("write to somebody in private", "block somebody", "invite somebody"):
            assert words in seen
        console.press("Escape")
        console.wait_without("Among who is in the room")
        console.press("Enter")
        seen = console.wait_for("Block, or no more")
        for words in ("Speak to in the room", "What is known", "Talk outside of the room",
                      "Invite to another room", "Block"):  # fmt: skip
            assert words in seen
        # Friends already.
        assert "Add to the contacts" not in seen


def test_somebody_is_written_to_in_private_and_spoken_to(server, house: Daemon, two, room) -> None:
    alice, bob = two
    with Console(house, "-p", alice, room, size=(100, 30)) as console:
        to_bob(console)
        console.press("m")
        console.say("come here")
        console.wait_for("Alice: Bob: come here")
        to_bob(console)
        console.press("p")
        console.wait_for("Nothing was said yet.")
        console.say("between us")
        console.wait_for("between us")
        peer = f"{room}/Alice"
        told = ("-p", bob, "message", "list", peer)
        assert wait_until(lambda: [one["body"] for one in house.json(*told)] == ["between us"], 30)


def test_what_is_known_of_somebody_is_shown(server, house: Daemon, two, room) -> None:
    alice, bob = two
    house.jp("-p", bob, "presence", "set", "dnd", "reading")
    with Console(house, "-p", alice, room, size=(100, 30)) as console:
        console.wait_for(re.compile(r"⊖ Bob").search)
        console.press("M-m")
        console.press("Down")
        console.press("w")
        seen = console.wait_for("reading")
        assert re.search(rf"Address +{re.escape(server.jid(bob))}/", seen)
        assert re.search(r"In the room +participant: may speak", seen)
        assert re.search(r"For the room +none", seen)
        assert re.search(r"Shows +busy: reading", seen)
    with Console(house, "-p", bob, room, size=(100, 30)) as console:
        console.wait_for(re.compile(r"@● Alice").search)
        console.press("M-m")
        # Who is no moderator isn't shown addresses here, and so has no use for them.
        console.press("Enter")
        seen = console.wait_for("Block, or no more")
        assert "Invite" not in seen and "Talk outside" not in seen
        console.press("Escape")
        console.wait_without("Write in private")
        console.press("w")
        console.wait_for("the room does not show it")
        seen = console.wait_for("Shows")
        assert re.search(r"For the room +owner", seen)
        console.press("Escape")
        console.wait_without("For the room")
        console.press("n")
        console.wait_for("This room does not show the address of Alice.")


def test_somebody_is_blocked_and_no_more(server, house: Daemon, two, room) -> None:
    alice, bob = two
    blocked = ("-p", alice, "--json", "blocking", "list")
    with Console(house, "-p", alice, room, size=(100, 30)) as console:
        to_bob(console)
        console.press("b")
        console.wait_for("Block Bob?")
        # The harmless answer is the first.
        console.press("Enter")
        console.wait_without("Block Bob?")
        assert server.jid(bob) not in house.jp(*blocked).stdout
        console.press("b")
        console.wait_for("Block Bob?")
        console.press("Right")
        console.press("Enter")
        console.wait_for(f"{server.jid(bob)} is blocked.")
        assert server.jid(bob) in house.jp(*blocked).stdout
        console.press("M-m")
        console.press("Down")
        # Presence in the room comes from the room: they are still there.
        console.press("b")
        console.wait_for(f"{server.jid(bob)} is blocked no more.")
        assert server.jid(bob) not in house.jp(*blocked).stdout


def test_somebody_is_invited_to_another_room(server, house: Daemon, two, room) -> None:
    alice, bob = two
    other = f"other-{alice}@muc.{server.host}"
    with Console(house, "-p", alice, room, size=(100, 30)) as console:
        to_bob(console)
        console.press("n")
        console.wait_for("You are in no other room: join one first.")
        house.jp("-p", alice, "room", "join", other, "--nick", "Alice")
        console.wait_for("other-")
        console.press("n")
        console.wait_for("To which room?")
        console.press("Enter")
        console.wait_for("Bob is invited to other-")
        questions = ("-p", bob, "question", "list")
        assert wait_until(lambda: any(other in one["sentence"] for one in house.json(*questions)),
                          30)  # fmt: skip


def test_a_click_and_a_narrow_screen_lead_there_as_well(server, house: Daemon, two, room) -> None:
    alice, _bob = two
    with Console(house, "-p", alice, room, size=(100, 30)) as console:
        console.wait_for(re.compile(r"[ @-]● Bob").search)
        console.click(*console.find("Bob"))
        console.wait_for("Write in private")
        console.press("Escape")
        console.wait_without("Write in private")
    with Console(house, "-p", alice, room, size=(60, 24)) as console:
        console.wait_for("people-")
        console.press("M-m")
        console.wait_for("Who is in the room")
        console.type("bob")
        console.press("Enter")
        console.wait_for("Speak to in the room")


def test_who_left_is_not_mistaken_for_who_stands_there_now(
    server, house: Daemon, two, room, people
) -> None:
    alice, bob = two
    (carol,) = people("carol")
    house.profile(carol, server)
    with Console(house, "-p", alice, room, size=(100, 30)) as console:
        to_bob(console)
        house.jp("-p", carol, "room", "join", room, "--nick", "Carol")
        console.wait_for(re.compile(r"[ @-]● Carol").search)
        house.jp("-p", bob, "room", "leave", room)
        console.wait_without("● Bob")
        console.press("p")
        console.wait_for("They left the room: choose somebody else.")


def test_out_of_a_room_there_is_nobody_to_go_to(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.press("M-m")
        console.wait_for("Open a room first")
