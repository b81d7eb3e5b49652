"""One session that is looked at from anywhere: what is begun at one terminal goes on at another."""

import re
import secrets
from collections.abc import Iterator
from random import Random

import pytest

from tests.testbed import Daemon, Prosody
from tests.testbed.console import Console
from tests.testbed.processes import wait_until
from tests.testbed.proxy import Proxy
from tests.testbed.shown import Shown, read_screen
from tests.testbed.stranger import Stranger

pytestmark = pytest.mark.any_server


@pytest.fixture(scope="module")
def server() -> Iterator[Prosody]:
    with Prosody({name: secrets.token_hex(12) for name in ("alice", "bob", "carol")}) as running:
        running.befriend("alice", "bob", "carol")
        yield running


@pytest.fixture(scope="module")
def bob(server: Prosody) -> Iterator[Stranger]:
    with Stranger(server, "bob") as running:
        yield running


def sessions(server: Prosody) -> list[str]:
    """Return the full JIDs that alice is there with, as the server has them."""
    return re.findall(rf"{server.jid('alice')}/\S+", server.shell("c2s:show()"))


def buddies(console: Console) -> list[str]:
    """Return the list at the left, who is there and what waits of them."""
    return [line.partition("│")[0].strip() for line in console.lines() if "│" in line]


def shown(console: Console) -> Shown:
    """Return the conversation that a console shows."""
    found = read_screen(console.screen())
    assert found is not None, console.screen()
    return found


def alike(*consoles: Console) -> bool:
    """Tell whether all show the same buddies, the same conversation, read state and draft."""
    first = (buddies(consoles[0]), shown(consoles[0]))
    return all((buddies(one), shown(one)) == first for one in consoles)


def unread(daemon: Daemon) -> int:
    return sum(one["unread"] for one in daemon.json("-p", "alice", "conversation", "list"))


def test_a_person_goes_from_terminal_to_terminal(server: Prosody, bob: Stranger) -> None:
    talk = ("-p", "alice", server.jid("bob"))
    with Daemon() as daemon:
        daemon.profile("alice", server)
        daemon.jp("-p", "alice", "roster", "update", server.jid("carol"), "--name", "Carol")
        (session,) = sessions(server)
        with Console(daemon, *talk) as home:
            home.wait_for("● bob")
            home.wait_for("○ Carol")
            home.say("m1 hello")
            bob.expect("message", body="m1 hello")
            bob.tell("send", server.jid("alice"), "m2 hi")
            home.wait_for("bob: m2 hi")
            home.wait_for("✔ alice: m1 hello")
            home.type("not yet done")
            # The next terminal, while the first stays.
            with Console(daemon, *talk) as bed:
                bed.wait_for("│not yet done")
                bed.wait_for("bob: m2 hi")
                assert wait_until(lambda: alike(home, bed), 30)
                bed.press("C-u")
                bed.say("m3 lying")
                bob.expect("message", body="m3 lying")
                bed.wait_for("✔ alice: m3 lying")
                bed.type("half a")
                home.wait_for("│half a")
                # And a third.
                with Console(daemon, *talk) as work:
                    work.wait_for("│half a")
                    work.wait_for("m3 lying")
                    assert wait_until(lambda: alike(home, bed, work), 30)
                    bob.tell("send", server.jid("alice"), "m4 three")
                    for console in (home, bed, work):
                        console.wait_for("bob: m4 three")
                    assert wait_until(lambda: alike(home, bed, work), 30)
                    authors = [(one.author, one.body) for one in shown(work).lines]
                    assert authors == [
                        ("alice", "m1 hello"),
                        ("bob", "m2 hi"),
                        ("alice", "m3 lying"),
                        ("bob", "m4 three"),
                    ]
                    # What three have looked at is read a moment after it is shown.
                    assert wait_until(lambda: shown(work).unread == 0, 30)
                    assert shown(work).draft == "half a"
                    assert sessions(server) == [session]
                    home.press("C-x")
                    assert home.wait_end() == 0
                bed.press("C-x")
                assert bed.wait_end() == 0
        # Nobody looks, and it goes on.
        assert wait_until(lambda: unread(daemon) == 0, 30)
        for body in ("m5 alone", "m6 alone"):
            bob.tell("send", server.jid("alice"), body)
        assert wait_until(lambda: unread(daemon) == 2, 30)
        assert sessions(server) == [session]
        with Console(daemon, "-p", "alice") as office, Console(daemon, "-p", "alice") as other:
            for console in (office, other):
                console.wait_for("● 2 bob")
                console.wait_for(" 2 new")
            office.press("M-a")
            office.wait_for("─ new ─")
            office.wait_for("m5 alone")
            office.wait_for("m6 alone")
            office.wait_for("│half a")
            for console in (office, other):
                console.wait_without(" 2 new")
                console.wait_for("● bob")
            assert wait_until(lambda: unread(daemon) == 0, 30)
        assert sessions(server) == [session]


def test_the_daemon_goes_and_comes_back_and_the_screen_says_so(
    server: Prosody, bob: Stranger
) -> None:
    with Daemon() as daemon:
        daemon.profile("alice", server)
        with Console(daemon, "-p", "alice", server.jid("bob")) as console:
            console.wait_for("● bob")
            console.wait_for("● alice")
            for end in (daemon.stop, daemon.kill):
                end()
                console.wait_for("no daemon: ")
                console.wait_for(lambda seen: re.search(r"Next try in \d+ s", seen))
                daemon.start()
                console.wait_without("no daemon: ")
                console.wait_for(lambda seen: "● alice" in seen and "● bob" in seen)
                assert "daemon" not in console.screen()


def test_the_network_goes_and_comes_back_and_the_screen_says_so(
    server: Prosody, bob: Stranger
) -> None:
    with Proxy(server.ports["c2s"], Random(1)) as network, Daemon() as daemon:
        daemon.profile("alice", server, at=network.address)
        with Console(daemon, "-p", "alice", server.jid("bob"), size=(200, 24)) as console:
            console.wait_for("● alice")
            # Written to the stream, and nobody has said that it came.
            network.up.stall()
            console.say("m89 swallowed")
            console.wait_for("↑ alice: m89 swallowed")
            network.up.go_on()
            console.wait_for("✔ alice: m89 swallowed")
            network.refuse()
            network.cut(reset=True)
            # A sentence, whatever stands after it.
            console.wait_for(lambda seen: re.search(r"◐ alice: \w.*\w\.  ", seen))
            console.say("m90 waiting")
            console.wait_for(lambda seen: re.search(r"… (alice: )?m90 waiting", seen))
            bob.tell("send", server.jid("alice"), "m91 missed")
            network.listen()
            daemon.jp("profile", "connect", "alice")
            console.wait_without("◐ alice")
            console.wait_for("● alice")
            console.wait_for(lambda seen: re.search(r"✔ (alice: )?m90 waiting", seen))
            console.wait_for("m91 missed")
            bob.expect("message", body="m90 waiting")
