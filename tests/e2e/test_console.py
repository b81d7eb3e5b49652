"""Primitivus in a real terminal: talking, whatever becomes of the daemon and of the terminal."""

import os
import re
import signal

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import is_alive, wait_until
from tests.testbed.terminal import Terminal

pytestmark = pytest.mark.any_server


def hears(house: Daemon, profile: str, body: str) -> bool:
    """Tell whether a message is in somebody's history."""
    found = house.json("-p", profile, "message", "search", body)
    return any(one["body"] == body for one in found)


def test_two_people_talk(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice) as console:
        console.wait_for(f"● {bob}")
        # What anybody tries first, without having read a word.
        console.press("Enter")
        console.wait_for("Nothing was said yet.")
        house.jp("-p", bob, "message", "send", server.jid(alice), "Salut *Alice* !")
        seen = console.wait_for("Salut *Alice* !")
        assert f"{bob}: Salut *Alice* !" in seen
        console.say("et toi ?")
        console.wait_for(f"✔ {alice}: et toi ?")
        assert wait_until(lambda: hears(house, bob, "et toi ?"), 30)
        console.press("C-x")
        assert console.wait_end() == 0


def test_what_was_said_is_there_at_the_next_start_and_nothing_stays_on_the_terminal(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    house.jp("-p", bob, "message", "send", server.jid(alice), "before")
    line = " ".join(house.command("primitivus", "-p", alice, server.jid(bob)))
    with Terminal(["sh"], house.environment | {"PS1": "$ "}) as terminal:
        terminal.wait_for(re.compile(r"^[$#]").search)  # or the command's echo stands before it
        terminal.type(f"echo above; {line}; echo ended $?; stty -a | grep -c ' icanon .* echo '\n")
        terminal.wait_for("bob")
        terminal.wait_for(": before")
        terminal.type("x")
        terminal.press("C-x")
        shown = terminal.wait_for(re.compile(r"ended 0\n1\n[$#]").search)
        assert ": before" not in shown and "\nabove\nended 0\n1\n" in shown
        assert terminal.ask("#{alternate_on} #{mouse_any_flag} #{cursor_flag}") == "0 0 1"


def test_the_daemon_is_killed_and_comes_back(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        house.kill()
        console.wait_for("no daemon")
        console.say("while it is away")
        house.start()
        house.jp("profile", "connect", bob)
        console.wait_without("no daemon")
        console.wait_for(f"{alice}: while it is away")
        assert wait_until(lambda: hears(house, bob, "while it is away"), 30)
        found = house.json("-p", bob, "message", "list", server.jid(alice))
        assert [one["body"] for one in found] == ["while it is away"]


def test_a_terminal_that_is_closed_ends_it(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        os.kill(console.pid, signal.SIGHUP)
        assert console.wait_end() == 129
        assert "Traceback" not in console.screen()
    with Console(house, "-p", alice) as console:
        console.wait_for(f"● {bob}")
        pid = console.pid
        console.close()
        assert not is_alive(pid)
    assert "Traceback" not in house.log.read_text()
