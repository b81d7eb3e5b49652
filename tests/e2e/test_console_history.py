"""Primitivus in a real terminal: back through the history, to a date, to what was searched."""

import re
from datetime import datetime, timedelta

import pytest

from tests.e2e.test_console_talking import send
from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


@pytest.fixture
def long(server, house: Daemon, two) -> tuple[str, str]:
    """Two who have said a lot."""
    alice, bob = two
    send(house, bob, server.jid(alice), *(f"number {number}." for number in range(250)))
    last = ("-p", alice, "message", "list", server.jid(bob), "--limit", "1")
    assert wait_until(
        lambda: house.json(*last)[-1:] and house.json(*last)[0]["body"] == "number 249.", 60
    )
    return two


def test_history_is_scrolled_back_to_its_first_message(server, house: Daemon, long) -> None:
    alice, bob = long
    with Console(house, "-p", alice, server.jid(bob), size=(80, 40)) as console:
        console.wait_for("number 249.")
        for _ in range(40):
            console.press("PageUp")
            if "number 0." in console.screen():
                break
        seen = console.wait_for("number 0.")
        assert "number 249." not in seen
        send(house, bob, server.jid(alice), "and now?")
        assert "and now?" not in console.screen()
        console.press("M-End")
        console.wait_for("and now?")
        console.to_messages()
        console.press("Home")
        console.wait_for("number 0.")


def test_search_shows_what_is_around_and_goes_there(server, house: Daemon, long) -> None:
    alice, bob = long
    with Console(house, "-p", alice) as console:
        console.wait_for(bob)
        console.press("C-f")
        console.wait_for("Search in all messages:")
        console.say("number 120")
        seen = console.wait_for("1 message with “number 120”")
        assert f"{bob}: number 120." in seen
        console.wait_for("number 119. … number 121.")
        # What was looked for stands out, in the list and where it was said.
        marked = "\x1b[38;5;16m\x1b[48;5;221mnumber"
        assert console.screen(colours=True).count(marked) == 1
        console.press("Enter")
        seen = console.wait_for(lambda seen: "number 118." in seen and "number 122." in seen)
        assert "message with" not in seen
        console.wait_for(lambda seen: marked in seen, colours=True)
        console.press("C-f")
        console.wait_for("Search in all messages:")
        console.say("nothingofthekind")
        console.wait_for("Nothing was found with “nothingofthekind”.")


def test_a_conversation_is_written_to_a_file(server, house: Daemon, long) -> None:
    alice, bob = long
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("number 249.")
        for said in ("250 messages are in", "can't be written: File exists"):
            console.press("M-e")
            console.wait_for("Write this conversation to which file?")
            console.wait_for(re.compile(rf"> {bob} \d{{4}}-\d\d-\d\d\.txt").search)
            console.press("C-u")
            console.type(f"{house.home}/{alice}.txt")
            console.press("Enter")
            console.wait_for(said)
    lines = (house.home / f"{alice}.txt").read_text().splitlines()
    assert [line.partition(": ")[2] for line in lines] == [f"number {n}." for n in range(250)]


def test_a_date_is_gone_to(server, house: Daemon, long) -> None:
    alice, bob = long
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("number 249.")
        console.press("M-g")
        console.wait_for("Go to the date")
        console.say("yesterday")
        console.wait_for("number 0.")
        console.press("M-g")
        console.wait_for("Go to the date")
        console.say("soon")
        console.wait_for("“soon” is no date")
        console.press("M-g")
        later = datetime.now() + timedelta(days=2)
        console.say(f"{later:%Y-%m-%d}")
        console.wait_for("number 249.")


def test_a_message_is_chosen_and_copied_or_quoted(server, house: Daemon, two) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), "see https://example.org/page for more")
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("for more")
        console.to_messages()
        console.press("Enter")
        console.wait_for("This message")
        console.wait_for("Open https://example.org/page")
        for _ in range(3):
            console.press("Down")
        console.press("Enter")
        console.wait_for("> see https://example.org/page for more")


def test_where_all_is_in_view_nothing_is_below(server, house: Daemon, two) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), "first", "last")
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("last")
        console.press("PageUp")
        console.type("x")
        assert "below" not in console.wait_for("│x")


def test_who_has_scrolled_back_is_told_of_what_is_newer_and_comes_to_it(
    server, house: Daemon, long
) -> None:
    alice, bob = long
    with Console(house, "-p", alice, server.jid(bob)) as console:
        seen = console.wait_for("number 249.")
        assert "below" not in seen
        console.press("PageUp")
        console.wait_for("─ ▾ more below: Alt-End ─")
        send(house, bob, server.jid(alice), "news")
        console.wait_for("─ ▾ 1 new below: Alt-End ─")
        console.press("M-a")
        console.wait_for("  news")
        console.wait_without(" below")
        console.press("PageUp")
        console.wait_for("more below")
        console.click(*console.find("more below"))
        console.wait_for("  news")
        console.press("PageUp")
        console.wait_for("more below")
        console.say("what I say is seen")
        console.wait_for("what I say is seen")
        console.wait_without(" below")
        # Nor does one begin again where one was long ago.
        console.press("M-g")
        console.wait_for("Go to the date")
        console.say("yesterday")
        console.wait_for("number 0.")
        console.press("M-w")
        console.wait_without("number 0.")
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(server.jid(bob))
        console.wait_for("what I say is seen")
