"""Primitivus in a real terminal: help, commands, questions, accounts, settings."""

import json
import re

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


def test_help_says_what_can_be_done_here_and_the_palette_does_it(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    with Console(house, "-p", alice, size=(100, 50)) as console:
        console.wait_for(f"● {bob}")
        console.press("F2")
        console.press("?")
        seen = console.wait_for("In the list of contacts")
        assert seen.index("In the list of contacts") < seen.index("Anywhere")
        assert "Ctrl-X" in seen and "leave; the daemon goes on" in seen
        console.press("End")
        console.wait_for("the other has looked at it")
        console.press("Escape")
        console.wait_without("the other has looked at it")
        console.press("C-p")
        console.wait_for("What is to be done?")
        console.type("accnts")
        console.wait_for("Your accounts")
        console.press("Enter")
        console.wait_for("Use an account that you have")


def test_commands_of_jp_are_typed_with_a_slash_and_completed(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.type("/rost")
        console.press("Tab")
        console.wait_for("/roster")
        console.type("li")
        console.press("Tab")
        console.press("Enter")
        console.wait_for(lambda seen: server.jid(bob) in seen and "both" in seen)
        console.press("C-g")
        console.wait_without("both")
        console.say("/ping")
        console.wait_for(re.compile(r"\n /ping: 0\.\d+").search)
        console.say("/search nothingofthekind")
        console.wait_for("/message search: there is nothing to show.")
        console.say(f"/msg {server.jid(alice)} to myself")
        assert "nothing to show" not in console.wait_for("▾ Others (1)")
        console.say("/flyaway")
        console.wait_for("There is no command /flyaway")
        console.say("//not a command")
        console.wait_for(f"{alice}: /not a command")
        console.press("M-:")
        console.say("quit")
        assert console.wait_end() == 0


def test_a_subscription_is_asked_and_answered(server, house: Daemon, two, people) -> None:
    alice, _bob = two
    (carol,) = people("carol")
    house.profile(carol, server)
    with Console(house, "-p", alice) as console:
        console.wait_for("F1 help")
        house.jp("-p", carol, "roster", "add", server.jid(alice))
        console.wait_for("1 question")
        console.press("F7")
        console.wait_for("[ Later ] [ Yes ] [ No ]")
        console.press("Enter")
        console.wait_without("[ Later ]")
        assert "1 question" in console.screen()
        console.press("F7")
        console.wait_for("[ Later ]")
        console.press("Right")
        console.press("Enter")
        console.wait_without("1 question")
        roster = ("-p", carol, "roster", "list")
        assert wait_until(lambda: house.json(*roster)[0]["subscription"] in ("to", "both"), 30)


def test_who_has_no_account_is_helped_to_one(server, people) -> None:
    (dora,) = people("dora")
    with Daemon() as daemon, Console(daemon, size=(80, 30)) as console:
        console.wait_for("Welcome! You need an account first")
        console.press("Enter")
        console.wait_for("An account that you have")
        console.press("M-Enter")
        console.wait_for("This has to be filled in.")
        fields = (server.jid(dora), "wrong", "", server.address, str(server.ca))
        for text in fields:
            console.type(text)
            console.press("Tab")
        assert "wrong" not in console.screen()
        console.press("M-Enter")
        console.wait_for("The server doesn't accept the password")
        # The focus is where the mistake is.
        console.press("C-u")
        console.type(server.passwords[dora])
        console.press("M-Enter")
        console.wait_without("An account that you have")
        console.wait_for(f"● {dora}")
        assert daemon.phase(dora) == "online"


def test_several_accounts_are_there_at_once(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, size=(160, 30)) as console:
        console.wait_for(lambda seen: f"● {alice}" in seen and f"● {bob}" in seen)
        console.press("F8")
        console.wait_for("Your accounts")
        rows = [line for line in console.lines() if server.jid(bob) in line]
        assert any("connected" in row for row in rows)
        console.press("Escape")
        console.wait_without("Your accounts")
        house.jp("profile", "disconnect", bob)
        console.wait_for(f"○ {bob}")


def test_what_others_see_is_chosen_in_a_form(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice) as console:
        console.wait_for(f"● {alice}")
        console.press("F8")
        console.wait_for("Your accounts")
        console.press("Enter")
        console.wait_for("Disconnect")
        console.press("Down")
        console.press("Enter")
        console.wait_for("In a few words")
        for _ in range(4):
            console.press("Down")
        console.press("Space")
        console.wait_for("(x) ⊖ busy")
        console.press("Tab")
        console.type("at work")
        console.press("M-Enter")
        console.wait_for(f"{alice} (busy)")
        shown = house.jp("-p", bob, "presence", "get", server.jid(alice)).stdout
        assert "at work" in shown


def test_a_setting_is_changed_by_its_description(server, house: Daemon, two) -> None:
    alice, _bob = two
    with Console(house, "-p", alice, size=(100, 40)) as console:
        console.wait_for(f"● {alice}")
        console.press("F9")
        console.wait_for("seconds to wait for an answer")
        console.press("/")
        console.type("timeout")
        console.wait_without("send_receipts")
        console.press("Enter")
        console.wait_for("at least 1")
        console.press("C-u")
        console.type("soon")
        console.press("M-Enter")
        console.wait_for("“soon” is no number.")
        console.press("C-u")
        console.type("2.5")
        console.press("M-Enter")
        console.wait_without("usually")
        console.wait_for("2.5")
        assert house.json("option", "get", "ping.timeout")[0]["value"] == 2.5
        house.jp("option", "set", "ping.timeout", "10")
        console.wait_for("10.0")
    assert json.loads(house.jp("--json", "option", "get", "ping.timeout").stdout)["value"] == 10


def test_what_a_setting_is_for_can_be_read_and_the_consoles_own_show_what_they_are(
    server, house: Daemon, two
) -> None:
    alice, _bob = two
    with Console(house, "-p", alice) as console:
        console.wait_for(f"● {alice}")
        console.press("F9")
        console.wait_for("▾ This console (")
        told = "tell contacts in the roster which of their messages were looked at"
        assert told not in console.screen()
        console.press("/")
        console.type("send_markers")
        console.press("Down", "Down")
        console.wait_for(told.partition(" were ")[0])
        console.press("Escape")
        console.wait_without("send_markers")
        console.press("F9")
        console.wait_for("▾ This console (")
        console.press("Home", *["Down"] * 4, "Enter")
        console.wait_for(re.compile(r"bell +no").search)
        console.press("Enter")
        console.wait_for(re.compile(r"bell +yes").search)
        # All rows of the daemon are others when it comes back, and these stay.
        house.kill()
        house.start()
        house.jp("option", "set", "ping.timeout", "11")
        console.wait_for("11.0")
        assert "▾ This console (" in console.screen()
        house.jp("option", "set", "ping.timeout", "10")
