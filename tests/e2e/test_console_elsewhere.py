"""Primitivus in a real terminal, by other ways to the daemon: over D-Bus, ssh and TLS."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from tests.testbed import Daemon
from tests.testbed.bus import Bus
from tests.testbed.console import Console
from tests.testbed.elsewhere import pair_up, through_ssh
from tests.testbed.processes import free_ports, wait_until
from tests.testbed.proxy import Proxy
from tests.testbed.terminal import Terminal

pytestmark = pytest.mark.any_server


def talk(console: Console, house: Daemon, server, alice: str, bob: str, word: str) -> None:
    """See a word go each way."""
    console.say(f"{word} there")
    console.wait_for(re.compile(rf"✔ (\w+: )?{word} there").search)
    house.jp("-p", bob, "message", "send", server.jid(alice), f"{word} back")
    console.wait_for(f"{word} back")


def breaks_and_comes_back(
    console: Console, house: Daemon, server, alice: str, bob: str, cut: Callable[[], object]
) -> None:
    """Talk; lose the way; see that told, and what was said meanwhile, once it is there again."""
    console.wait_for("Nothing was said yet.")
    talk(console, house, server, alice, bob, "first")
    written = console.log()
    cut()
    console.wait_for("no daemon: ")
    console.type("begun meanwhile")
    house.jp("-p", bob, "message", "send", server.jid(alice), "said meanwhile")
    console.wait_without("no daemon")
    console.wait_for("said meanwhile")
    # What ssh has to say of it goes nowhere across the screen.
    assert b"closed by" not in written.read_bytes()
    console.wait_for("begun meanwhile")
    console.press("Enter")
    console.wait_for(f"{alice}: begun meanwhile")
    talk(console, house, server, alice, bob, "second")
    console.press("C-x")
    assert console.wait_end() == 0


def children_of(pid: int, name: str) -> list[int]:
    """Return the processes of a name that a process has begun."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            named = (process / "comm").read_text().strip()
        except OSError:
            continue
        if int(fields[1]) == pid and named == name:
            found.append(int(process.name))
    return found


def test_over_d_bus(server, daemon: Daemon, pair) -> None:
    alice, bob = pair
    with Bus(daemon) as bus:
        over = {"SAT_BRIDGE": "dbus"}
        with Console(daemon, "-p", alice, server.jid(bob), environment=over) as console:

            def cut() -> None:
                pid = bus.service_pid()
                assert pid is not None
                os.kill(pid, signal.SIGKILL)

            breaks_and_comes_back(console, daemon, server, alice, bob, cut)


def test_over_ssh(server, daemon: Daemon, pair, elsewhere: Daemon, ssh) -> None:
    alice, bob = pair
    through_ssh(elsewhere, ssh)
    # As talkative as it is where nobody has told it otherwise.
    elsewhere.environment["SAT_SSH"] = ssh.client.replace("LogLevel=ERROR", "LogLevel=INFO")
    url = elsewhere.environment.pop("SAT_REMOTE")
    with Console(elsewhere, "-p", alice, "--remote", url, server.jid(bob)) as console:

        def cut() -> None:
            for pid in children_of(ssh.pid, "sshd"):
                os.kill(pid, signal.SIGKILL)

        breaks_and_comes_back(console, daemon, server, alice, bob, cut)
        assert wait_until(lambda: children_of(console.pid, "ssh") == [], 30)


def test_what_ssh_asks_is_asked_before_the_screen_is_drawn(
    server, daemon: Daemon, pair, elsewhere: Daemon, ssh
) -> None:
    alice, bob = pair
    through_ssh(elsewhere, ssh)
    # It knows no host yet, and may ask.
    known = f"UserKnownHostsFile={elsewhere.home}/known"
    client = re.sub(r"UserKnownHostsFile=[^ ]+", known, ssh.client)
    elsewhere.environment["SAT_SSH"] = client.replace("BatchMode=yes", "BatchMode=no")
    with Console(elsewhere, "-p", alice, server.jid(bob)) as console:
        seen = console.wait_for("(yes/no/[fingerprint])?")
        assert "F1 help" not in seen and console.ask("#{alternate_on}") == "0"
        console.type("yes\n")
        console.wait_for("Nothing was said yet.")
        assert "fingerprint" not in console.screen()
        console.press("C-x")
        assert console.wait_end() == 0


def test_over_tls_to_a_remote_by_its_name(server, daemon: Daemon, pair, elsewhere: Daemon) -> None:
    alice, bob = pair
    pair_up(daemon, elsewhere, "--level", "files")
    del elsewhere.environment["SAT_REMOTE"]
    listed = elsewhere.home / "remotes.json"
    (one,) = elsewhere.json("remote", "list")
    port = urlsplit(one["url"]).port
    assert port is not None
    with Proxy(port, Random(6)) as proxy:
        listed.write_text(listed.read_text().replace(f":{port}/", f":{proxy.port}/"))
        with Console(elsewhere, "-p", alice, "--remote", "home", server.jid(bob)) as console:
            breaks_and_comes_back(console, daemon, server, alice, bob, proxy.cut)


def test_who_is_revoked_is_told_so(server, daemon: Daemon, pair, elsewhere: Daemon) -> None:
    alice, bob = pair
    pair_up(daemon, elsewhere, "--level", "send")
    with Console(elsewhere, "-p", alice, server.jid(bob), size=(160, 24)) as console:
        console.wait_for("Nothing was said yet.")
        daemon.sat("pair", "revoke", daemon.sat("pair", "list").stdout.split()[0])
        console.wait_for("sat pair")
        console.press("C-x")
        assert console.wait_end() == 0


def test_what_a_remote_may_not_do_is_told(server, daemon: Daemon, pair, elsewhere: Daemon) -> None:
    alice, bob = pair
    pair_up(daemon, elsewhere, "--level", "read")
    with Console(elsewhere, "-p", alice, server.jid(bob), size=(120, 24)) as console:
        console.wait_for("Nothing was said yet.")
        console.say("may I?")
        console.wait_for("level")
        # What was written isn't lost.
        console.press("Up")
        console.wait_for("may I?")


def test_a_remote_that_is_none_is_told_before_the_screen_is_taken(elsewhere: Daemon) -> None:
    (port,) = free_ports(1)
    quick = "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no"
    elsewhere.environment["SAT_SSH"] = quick
    for remote, code, said in (
        ("nobody", 6, "nobody"),
        ("http://example.org", 2, "address"),
        (f"ssh://127.0.0.1:{port}", 4, "ssh to 127.0.0.1 brought no session: ssh: connect to host"),
    ):
        line = " ".join(elsewhere.command("primitivus", "--remote", remote))
        with Terminal(["sh"], elsewhere.environment | {"PS1": "$ "}, size=(160, 24)) as terminal:
            terminal.type(f"echo above; {line}; echo ended $?\n")
            seen = terminal.wait_for(f"\nended {code}")
            assert "\nprimitivus: " in seen and said in seen, seen
            assert terminal.ask("#{alternate_on}") == "0"
