"""Primitivus in a real terminal, for somebody who has no account yet."""

import os
import re
import signal
import tempfile
from pathlib import Path

import pytest

from tests.demo.test_demo import processes_of
from tests.testbed import Daemon, Prosody
from tests.testbed.console import Console
from tests.testbed.processes import free_ports, wait_until


@pytest.fixture(scope="module")
def open_server():
    """A server on which anybody may make an account."""
    with Prosody({"taken": "it is"}, modules=("register",)) as running:
        yield running


@pytest.fixture(scope="module")
def closed_server():
    """A server which makes no accounts for programs."""
    with Prosody({"somebody": "right"}) as running:
        yield running


@pytest.fixture
def newcomer():
    """A daemon without profiles, and a console of it that offers to make one."""
    with Daemon() as daemon, Console(daemon, size=(80, 30)) as console:
        console.wait_for("Welcome! You need an account first")
        yield daemon, console


@pytest.fixture
def short():
    """A temporary folder whose path leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="sat-tmp-") as folder:
        yield Path(folder)


def fill(console: Console, *texts: str) -> None:
    """Write into fields from the one in focus on; those that hold something are written anew."""
    for text in texts:
        console.press("C-u")
        console.type(text)
        console.press("Tab")


def servers_of(folder: Path) -> list[str]:
    """Return what runs for a folder beside consoles and their terminals."""
    found = processes_of(folder)
    return [one for one in found if "prosody" in one or "sat run" in one or "demo" in one]


def begin(console: Console, item: str) -> None:
    """Open one of the forms."""
    if item == "A new account":
        console.press("Down")
    console.press("Enter")
    console.wait_for(item)


def test_an_account_is_registered_and_talks(open_server, newcomer) -> None:
    daemon, console = newcomer
    begin(console, "A new account")
    fill(console, "new+one@localhost", "a secret", "", open_server.address, str(open_server.ca))
    assert "a secret" not in console.screen()
    console.press("M-Enter")
    console.wait_without("A new account")
    # A name for it is made of the address, whatever that has in it.
    console.wait_for("● new-one")
    assert daemon.phase("new-one") == "online"
    open_server.passwords["new+one"] = "a secret"
    daemon.profile("other", open_server, user="taken")
    console.press("M-o")
    console.wait_for("Talk to:")
    console.say("taken@localhost")
    console.wait_for("Nothing was said yet.")
    console.say("I am new here")
    console.wait_for("new+one: I am new here")
    told = ("-p", "other", "message", "list", "new+one@localhost")
    assert wait_until(lambda: [one["body"] for one in daemon.json(*told)] == ["I am new here"], 30)


def test_a_name_that_is_taken_is_told_and_another_one_does(open_server, newcomer) -> None:
    daemon, console = newcomer
    begin(console, "A new account")
    fill(console, "taken@localhost", "mine now", "me", open_server.address, str(open_server.ca))
    console.press("M-Enter")
    seen = console.wait_for("There is an account taken@localhost already")
    assert open_server.address in seen and "> me" in seen
    assert daemon.json("profile", "list") == []
    # The focus is where the mistake is, and all else is still there.
    console.press("C-u")
    console.type("free@localhost")
    console.press("M-Enter")
    console.wait_without("A new account")
    console.wait_for("● me")
    assert daemon.json("profile", "get", "me")[0]["jid"] == "free@localhost"


def test_what_a_server_wants_to_know_is_asked_and_nothing_is_lost(newcomer) -> None:
    daemon, console = newcomer
    with Prosody({"taken": "it is"}, modules=("register",), wants=("email+", "name")) as curious:
        begin(console, "A new account")
        fill(console, "taken@localhost", "secret", "me", curious.address, str(curious.ca))
        console.press("M-Enter")
        seen = console.wait_for("Full Name")
        assert "Email *" in seen
        console.press("M-Enter")
        console.wait_for("This has to be filled in.")
        # Who goes back finds all as it was.
        console.press("Escape")
        console.wait_for("the server wants to know more.")
        assert "> taken@localhost" in console.screen() and "Full Name" not in console.screen()
        console.press("M-Enter")
        console.wait_for("Full Name")
        console.type("me@example.org")
        console.press("M-Enter")
        # What it refuses is about the address, which stands in the first form.
        console.wait_for("There is an account taken@localhost already")
        assert "Full Name" not in console.screen()
        console.press("C-u")
        console.type("free@localhost")
        console.press("M-Enter")
        console.wait_for("Full Name")
        console.type("me@example.org")
        console.press("M-Enter")
        console.wait_without("A new account")
        console.wait_for("● me")
        assert daemon.phase("me") == "online"


def test_enter_twice_asks_once(newcomer) -> None:
    daemon, console = newcomer
    with Prosody({}, modules=("register",)) as slow:
        begin(console, "A new account")
        fill(console, "new@localhost", "secret", "", slow.address, str(slow.ca))
        slow.freeze()
        written = console.log()
        console.press("M-Enter")
        console.wait_for("Asking the server for an account…")
        console.press("M-Enter")
        console.wait_taken()
        slow.thaw()
        console.wait_without("A new account")
        console.wait_for("● new")
        assert b"already" not in written.read_bytes()
        assert daemon.phase("new") == "online"


def test_a_server_that_makes_no_accounts_is_told(closed_server, newcomer) -> None:
    daemon, console = newcomer
    begin(console, "A new account")
    given = ("new@localhost", "secret", "", closed_server.address, str(closed_server.ca))
    fill(console, *given)
    console.press("M-Enter")
    seen = console.wait_for("The server didn't make the account new@localhost")
    assert "> new@localhost" in seen and closed_server.address in seen
    assert daemon.json("profile", "list") == []
    console.press("Escape")
    console.wait_without("A new account")


def test_a_server_that_nobody_answers_for_is_told(closed_server, newcomer) -> None:
    _daemon, console = newcomer
    (port,) = free_ports(1)
    begin(console, "A new account")
    fill(console, "new@localhost", "secret", "", f"127.0.0.1:{port}", str(closed_server.ca))
    console.press("M-Enter")
    console.wait_for("refuses connections")
    assert "> new@localhost" in console.screen()
    console.press("Escape")
    console.wait_without("A new account")
    console.press("F8")
    console.wait_for("Welcome!")
    begin(console, "An account that you have")
    fill(console, "new@nowhere.invalid", "secret")
    console.press("M-Enter")
    console.wait_for("The server nowhere.invalid isn't known.")
    assert "> new@nowhere.invalid" in console.screen()
    # When it is tried again is counted at the bottom, and stands still nowhere.
    console.wait_for("new: next try in")
    assert "The next try" not in console.screen()
    counts = {0}
    console.wait_for(
        lambda seen: (
            counts.update(map(int, re.findall(r"next try in (\d+) s", seen)))
            or any({one, one - 1} <= counts for one in counts if one > 1)
        )
    )


def test_what_is_no_account_is_told_without_the_names_that_programs_have(newcomer) -> None:
    _daemon, console = newcomer
    begin(console, "An account that you have")
    fill(console, "a b@local host", "secret")
    console.press("M-Enter")
    seen = console.wait_for("isn't an address")
    assert "profile.create" not in seen and "jid:" not in seen
    assert "> a b@local host" in seen


def test_what_is_no_address_and_what_is_no_file_is_told(closed_server, newcomer) -> None:
    _daemon, console = newcomer
    begin(console, "An account that you have")
    fill(console, "somebody", "right", "", closed_server.address, "/no/such/file")
    console.press("M-Enter")
    console.wait_for("/no/such/file can't be read: No such file or directory.")
    console.press("C-u")
    console.type(str(closed_server.ca))
    console.press("M-Enter")
    console.wait_for("somebody is no account: it needs NAME@HOST")
    # The focus is at the address again.
    console.press("End")
    console.type("@localhost")
    console.press("M-Enter")
    console.wait_for("● somebody")


def test_who_gives_up_leaves_nothing(closed_server, newcomer) -> None:
    daemon, console = newcomer
    begin(console, "An account that you have")
    fill(console, "somebody@localhost", "wrong", "", closed_server.address, str(closed_server.ca))
    console.press("M-Enter")
    console.wait_for("The server doesn't accept the password")
    assert [one["name"] for one in daemon.json("profile", "list")] == ["somebody"]
    console.press("Escape")
    console.wait_without("An account that you have")
    assert wait_until(lambda: daemon.json("profile", "list") == [], 30)


def test_it_is_tried_without_an_account_and_nothing_of_that_is_left(newcomer, short) -> None:
    daemon, first = newcomer
    first.press("C-x")
    assert first.wait_end() == 0
    with Console(daemon, size=(100, 30), environment={"TMPDIR": str(short)}) as console:
        console.wait_for("Welcome! You need an account first")
        console.press("Up")
        console.press("Enter")
        console.wait_for("● alice  ● bob")
        assert [one.name[:9] for one in short.iterdir()] == ["sat-demo-"]
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say("bob@demo.localhost")
        console.wait_for("Salut, Alice!")
        console.say("merci")
        console.wait_for("✔ alice: merci")
        console.press("C-x")
        console.wait_for("The demonstration is over, and nothing of it is left.")
        assert "Welcome!" in console.screen()
        assert [*short.iterdir()] == []
        assert servers_of(short) == []
        assert daemon.json("profile", "list") == []
        # It is a console as before.
        console.press("Enter")
        console.wait_for("An account that you have")
        console.press("C-x")
        assert console.wait_end() == 0


def test_a_console_that_is_killed_ends_what_it_lets_try(newcomer, short) -> None:
    daemon, _first = newcomer
    with Console(daemon, environment={"TMPDIR": str(short)}) as console:
        console.wait_for("Welcome! You need an account first")
        console.press("Up")
        console.press("Enter")
        console.wait_for("● alice  ● bob")
        os.kill(console.pid, signal.SIGKILL)
        assert wait_until(lambda: [*short.iterdir()] == [], 30)
        console.close()
        assert wait_until(lambda: processes_of(short) == [], 30)


def test_without_prosody_it_is_told_how_to_get_it(newcomer, short) -> None:
    daemon, _first = newcomer
    with Console(daemon, environment={"PATH": str(short)}) as console:
        console.wait_for("Welcome! You need an account first")
        console.press("Up")
        console.press("Enter")
        console.wait_for("install --no-install-recommends prosody.")
        console.press("F8")
        console.wait_for("Welcome!")
