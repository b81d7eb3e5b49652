"""What the house promises: nothing lost, nothing doubled, whoever looks and whatever dies."""

import subprocess
import threading
import time

import pytest

from tests.testbed import Daemon, Ejabberd, Prosody
from tests.testbed.processes import wait_until


def bodies(daemon: Daemon, profile: str, peer: str, limit: int = 1000) -> list[str]:
    listed = daemon.json("-p", profile, "message", "list", peer, "--limit", str(limit))
    return [message["body"] for message in listed]


def test_all_followers_see_the_same_event(server, daemon, pair):
    alice, bob = pair
    with daemon.follow() as one, daemon.follow() as two:
        sent = daemon.json("-p", alice, "message", "send", server.jid(bob), "hello")[0]
        seen = [
            follower.wait_for("message.added", lambda data: data["id"] == sent["id"])
            for follower in (one, two)
        ]
    assert seen[0]["seq"] == seen[1]["seq"] == sent["rev"]
    assert seen[0]["data"] == seen[1]["data"] == sent


def test_kill_between_two_sends(server, daemon, pair):
    alice, bob = pair
    peer = server.jid(bob)
    with daemon.follow() as follower:
        daemon.jp("-p", alice, "message", "send", peer, "one", "--wait", "acknowledged")
        follower.wait_for("message.added", lambda data: data["direction"] == "in")
        numbered = [event for event in follower.events if "seq" in event]
    last = numbered[-1]["seq"]
    epoch = daemon.json("api", "call", "session.hello", '{"api":"1"}')[0]["epoch"]
    daemon.kill()
    daemon.start()
    daemon.jp("profile", "connect", alice)
    daemon.jp("profile", "connect", bob)
    daemon.jp("-p", alice, "message", "send", peer, "two", "--wait", "acknowledged")
    with daemon.follow("--resume", f"{epoch}:{last}") as follower:
        follower.wait_for(
            "message.added", lambda data: data["body"] == "two" and data["direction"] == "in"
        )
    numbered = [event for event in follower.events if "seq" in event]
    assert [event["seq"] for event in numbered] == list(
        range(last + 1, last + 1 + len(numbered))
    ), "the resumed events have a hole"
    assert bodies(daemon, alice, peer) == ["one", "two"]
    assert bodies(daemon, bob, server.jid(alice)) == ["one", "two"]


def test_pending_message_survives_a_kill_and_is_sent_once(server, daemon, people):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server, connect=False)
    daemon.profile(bob, server)
    sent = daemon.jp("-p", alice, "message", "send", server.jid(bob), "waiting")
    assert "kept" in sent.stderr or "not connected" in sent.stderr
    daemon.kill()
    daemon.start()
    daemon.jp("profile", "connect", alice)
    daemon.jp("profile", "connect", bob)
    with daemon.follow("-p", bob) as follower:
        wait_until(lambda: bodies(daemon, bob, server.jid(alice)) == ["waiting"], 10)
        follower.stop()
    (message,) = daemon.json("-p", alice, "message", "list", server.jid(bob))
    assert message["state"] in ("acknowledged", "received")
    assert not message["maybe_duplicate"]
    assert bodies(daemon, bob, server.jid(alice)) == ["waiting"]


@pytest.mark.parametrize("rounds", [300])
def test_sigterm_during_a_storm(server, daemon, pair, rounds):
    alice, bob = pair
    names = {alice: server.jid(alice), bob: server.jid(bob)}
    accepted: dict[str, list[str]] = {alice: [], bob: []}
    stop = threading.Event()

    def storm(sender: str, receiver: str) -> None:
        number = 0
        while not stop.is_set() and number < rounds:
            number += 1
            body = f"{sender} {number}"
            result = daemon.jp(
                "-p", sender, "message", "send", names[receiver], body, check=False, timeout=30
            )
            if result.returncode:
                return
            accepted[sender].append(body)

    daemon.environment["SAT_NO_START"] = "1"
    threads = [threading.Thread(target=storm, args=order) for order in ((alice, bob), (bob, alice))]
    for thread in threads:
        thread.start()
    wait_until(lambda: min(map(len, accepted.values())) >= 20, 30)
    pid = daemon.pid
    assert pid
    begun = time.monotonic()
    subprocess.run(["kill", "-TERM", str(pid)], check=True)
    assert wait_until(lambda: daemon.pid is None, 10), "it did not end"
    took = time.monotonic() - begun
    stop.set()
    for thread in threads:
        thread.join()
    assert took < 5, f"it took {took:.1f} s to end"
    daemon.start()
    for name in names:
        daemon.jp("profile", "connect", name)
    for sender, receiver in ((alice, bob), (bob, alice)):
        own = bodies(daemon, sender, names[receiver])
        mine = [body for body in own if body.startswith(f"{sender} ")]
        assert [body for body in mine if body in accepted[sender]] == accepted[sender]
        assert wait_until(
            lambda mine=mine, sender=sender, receiver=receiver: (
                set(mine) <= set(bodies(daemon, receiver, names[sender]))
            ),
            20,
        ), "the peer lacks some"
        got = [
            body
            for body in bodies(daemon, receiver, names[sender])
            if body.startswith(f"{sender} ")
        ]
        assert got == mine, "doubled, or out of order"


def test_backup_and_restore_begin_another_epoch(server, daemon, pair, tmp_path):
    alice, bob = pair
    peer = server.jid(bob)
    daemon.jp("-p", alice, "message", "send", peer, "before", "--wait", "acknowledged")
    epoch = daemon.json("api", "call", "session.hello", '{"api":"1"}')[0]["epoch"]
    copy = tmp_path / "copy.sat"
    daemon.sat("backup", copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert server.passwords[alice].encode() not in copy.read_bytes()
    daemon.jp("-p", alice, "message", "send", peer, "after", "--wait", "acknowledged")
    daemon.sat("restore", copy)
    # What was said since comes back from the archive.
    assert wait_until(lambda: bodies(daemon, alice, peer) == ["before", "after"], 20)
    assert daemon.json("api", "call", "session.hello", '{"api":"1"}')[0]["epoch"] != epoch
    refused = daemon.jp("event", "follow", "--resume", f"{epoch}:1", check=False)
    assert refused.returncode == 1
    assert "log" in refused.stderr


def test_the_same_transaction_is_done_once(server, daemon, pair):
    alice, bob = pair
    line = ("-p", alice, "--txn", "b6d0f9b4-0000-4000-8000-000000000001", "message", "send")
    first = daemon.json(*line, server.jid(bob), "once")
    daemon.kill()
    daemon.start()
    again = daemon.json(*line, server.jid(bob), "once")
    assert again == first
    assert bodies(daemon, alice, server.jid(bob)) == ["once"]
    other = daemon.jp(*line, server.jid(bob), "something else", check=False)
    assert other.returncode == 2
    assert "transaction" in other.stderr


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Prosody(without=["smacks"]), id="prosody"),
        pytest.param(lambda: Ejabberd(without=["mod_stream_mgmt"]), id="ejabberd"),
    ],
)
def test_without_stream_management_nothing_is_sent_twice(make):
    """A server without XEP-0198 has what it answered a ping behind."""
    with make() as server, Daemon() as daemon:
        for name in ("alice", "bob"):
            server.add_user(name, f"{name}-secret")
            daemon.profile(name, server)
        peer = server.jid("bob")
        daemon.jp("-p", "alice", "message", "send", peer, "one", "--wait", "acknowledged")
        # Such a server forgets what it has written: what was on its way to bob would be lost.
        assert wait_until(lambda: bodies(daemon, "bob", server.jid("alice")) == ["one"], 10)
        daemon.kill()
        daemon.start()
        for name in ("alice", "bob"):
            daemon.jp("profile", "connect", name)
        daemon.jp("-p", "alice", "message", "send", peer, "two", "--wait", "acknowledged")
        assert wait_until(
            lambda: bodies(daemon, "bob", server.jid("alice")) == ["one", "two"], 10
        ), bodies(daemon, "bob", server.jid("alice"))
