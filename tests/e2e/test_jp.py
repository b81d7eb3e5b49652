"""jp's commands on a real server, with the daemon that people have."""

import json
import os
import pty
import subprocess

import pytest

from tests.testbed import Daemon

pytestmark = pytest.mark.each_bridge


def fails(daemon, code, *arguments):
    """Run jp, which must end with a code and one sentence; return the sentence."""
    done = daemon.jp(*arguments, check=False)
    assert done.returncode == code, done
    assert done.stderr.startswith("jp: ") and done.stderr.count("\n") == 1, done
    return done.stderr


def test_a_message_goes_from_one_command_to_another(server, daemon: Daemon, pair):
    alice, bob = pair
    id_ = daemon.jp(
        "-p", alice, "message", "send", server.jid(bob), "--wait", "received", input="hé\n👋\n"
    ).stdout.strip()
    (told,) = daemon.json("-p", alice, "message", "get", id_)
    assert (told["body"], told["state"], told["direction"]) == ("hé\n👋", "received", "out")
    (conversation,) = daemon.json("-p", bob, "conversation", "list")
    assert (conversation["peer"], conversation["unread"]) == (server.jid(alice), 1)
    daemon.jp("-p", bob, "conversation", "read", server.jid(alice))
    (conversation,) = daemon.json("-p", bob, "conversation", "list")
    assert conversation["unread"] == 0
    printed = daemon.jp("-p", bob, "message", "list", server.jid(alice)).stdout
    assert printed.endswith(f"  {server.jid(alice)}: hé\n    👋\n")


def test_two_followers_see_one_event_under_one_number(server, daemon: Daemon, pair):
    alice, bob = pair
    with daemon.follow("-p", alice) as first, daemon.follow("-p", alice) as second:
        # Presence is told to each that attaches: then they have.
        first.wait_for("presence.changed")
        second.wait_for("presence.changed")
        id_ = daemon.jp("-p", alice, "message", "send", server.jid(bob), "hi").stdout.strip()
        seen = [
            one.wait_for("message.added", lambda data: data["id"] == id_) for one in (first, second)
        ]
    assert seen[0]["seq"] == seen[1]["seq"]
    assert seen[0]["profile"] == alice


def test_a_named_cursor_goes_on_where_it_was(server, daemon: Daemon, pair):
    alice, bob = pair
    follow = ("-p", alice, "event", "follow", "--cursor", "bot", "--type", "message.added")

    def send(body: str) -> str:
        return daemon.jp("-p", alice, "message", "send", server.jid(bob), body).stdout.strip()

    with daemon.follow("-p", alice, "--cursor", "bot") as follower:
        follower.wait_for("presence.changed")
        first = send("one")
        follower.wait_for("message.added", lambda data: data["id"] == first)
    missed = [send("two"), send("three")]
    daemon.stop()
    daemon.start()
    seen = [json.loads(line) for line in daemon.jp(*follow, "--limit", "2").stdout.splitlines()]
    assert [one["data"]["id"] for one in seen] == missed


def test_a_transaction_is_done_once(server, daemon: Daemon, pair):
    alice, bob = pair
    line = ("-p", alice, "--txn", "t1", "message", "send", server.jid(bob))
    assert daemon.jp(*line, "once").stdout == daemon.jp(*line, "once").stdout
    assert "t1 was used" in fails(daemon, 2, *line, "twice")
    assert len(daemon.json("-p", alice, "message", "list", server.jid(bob))) == 1


def test_what_is_sent_while_offline(server, daemon: Daemon, pair):
    alice, bob = pair
    daemon.jp("profile", "disconnect", alice)
    done = daemon.jp("-p", alice, "message", "send", server.jid(bob), "later")
    assert "is not connected: the message is kept" in done.stderr
    assert "not connected" in fails(
        daemon, 4, "-p", alice, "message", "send", server.jid(bob), "now", "--now"
    )
    daemon.jp("profile", "connect", alice)
    epoch = json.loads(daemon.sat("status", "--json").stdout)["epoch"]
    with daemon.follow("-p", bob, "--resume", f"{epoch}:0") as follower:
        follower.wait_for("message.added", lambda data: data["body"] == "later")


def test_roster_and_presence(server, daemon: Daemon, pair):
    alice, bob = pair
    new = f"new-{alice}@{server.host}"
    daemon.jp("-p", alice, "roster", "add", new, "--name", "N", "--group", "A", "--group", "B")
    (contact,) = [one for one in daemon.json("-p", alice, "roster", "list") if one["jid"] == new]
    assert (contact["name"], sorted(contact["groups"])) == ("N", ["A", "B"])
    daemon.jp("-p", alice, "roster", "remove", new)
    assert new not in daemon.jp("-p", alice, "roster", "list").stdout
    assert "not in the roster" in fails(daemon, 6, "-p", alice, "roster", "remove", new)
    with daemon.follow("-p", bob) as follower:
        follower.wait_for("presence.changed")
        daemon.jp("-p", alice, "presence", "set", "dnd", "at work")
        follower.wait_for("presence.changed", lambda data: data["status"] == "at work")
    shown = daemon.jp("-p", bob, "presence", "get", server.jid(alice)).stdout
    assert shown.split(maxsplit=2)[1:] == ["dnd", "at work\n"]


def test_a_plugins_command_and_its_option(server, daemon: Daemon, pair):
    alice, bob = pair
    line = ("-p", alice, "ping", server.jid(bob))
    assert 0 < float(daemon.jp(*line).stdout) < 10
    daemon.jp("option", "set", "ping.timeout", "2.5")
    (option,) = daemon.json("option", "get", "ping.timeout")
    assert option["value"] == 2.5
    assert "ping.timeout" in fails(daemon, 2, "option", "set", "ping.timeout", "soon")
    daemon.jp("plugin", "unload", "ping")
    assert "There is no command “ping”" in fails(daemon, 2, *line)
    daemon.jp("plugin", "load", "ping")
    daemon.jp(*line)


def test_files_with_a_bar_on_a_terminal_and_silence_on_a_pipe(server, daemon: Daemon, pair):
    alice, bob = pair
    (daemon.home / "a [b].bin").write_bytes(os.urandom(700_000))
    line = ("-p", alice, "file", "send", "a [b].bin", server.jid(bob))
    done = daemon.jp(*line)
    assert done.stderr == "" and done.stdout.startswith("https://")
    told = daemon.json(*line)
    assert (told[-1]["state"], told[-1]["done"]) == ("done", 700_000)
    inner, outer = pty.openpty()
    with subprocess.Popen(
        daemon.command("jp", *line),
        env=daemon.environment | {"TERM": "xterm", "COLUMNS": "100"},
        cwd=daemon.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=outer,
    ) as process:
        os.close(outer)
        shown = b""
        try:
            while part := os.read(inner, 4096):
                shown += part
        except OSError:  # a terminal whose other side is closed
            os.close(inner)
        assert process.stdout.read().startswith(b"https://")
    assert process.returncode == 0
    sent = daemon.json("-p", alice, "message", "list", server.jid(bob))[-1]["id"]
    fetched = daemon.jp("-p", alice, "file", "fetch", sent, "--to", "copy.bin")
    assert (fetched.stdout, fetched.stderr) == ("copy.bin\n", "")
    assert (daemon.home / "copy.bin").read_bytes() == (daemon.home / "a [b].bin").read_bytes()
    assert b"a [b].bin" in shown and b"700.0/700.0 kB" in shown
    daemon.jp("profile", "disconnect", alice)
    assert "not connected" in fails(daemon, 4, *line)


def test_which_profile(server, daemon: Daemon, pair):
    alice, bob = pair
    assert alice in fails(daemon, 2, "roster", "list")
    daemon.jp("profile", "default", bob)
    daemon.jp("roster", "list")
    assert "no profile nobody" in fails(daemon, 6, "-p", "nobody", "roster", "list")
    (default,) = [one for one in daemon.json("profile", "list") if one["default"]]
    assert default["name"] == bob
