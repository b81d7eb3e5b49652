"""Alice and bob have accounts on two servers, which talk with each other."""

import secrets

import pytest

from tests.e2e.refusals import bodies
from tests.testbed import Authority, Daemon, Prosody
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    here, there = (
        Prosody(host=host, authority=authority, federated=True) for host in ("a.test", "b.test")
    )
    here.meet(there)
    there.meet(here)
    here.add_user("alice", secrets.token_hex(12))
    for name in ("bob", "carol"):
        there.add_user(name, secrets.token_hex(12))
    with here, there:
        yield here, there


@pytest.fixture(scope="module")
def daemon(servers):
    here, there = servers
    with Daemon() as running:
        running.profile("alice", here)
        running.profile("bob", there)
        yield running


def contacts(daemon: Daemon, profile: str) -> dict[str, str]:
    return {one["jid"]: one["subscription"] for one in daemon.json("-p", profile, "roster", "list")}


def shown(daemon: Daemon, profile: str, peer: str) -> list[tuple[str, str]]:
    found = daemon.json("-p", profile, "presence", "get", peer)
    return [(one["show"], one["status"]) for one in found]


def test_messages_go_both_ways(servers, daemon):
    alice, bob = servers[0].jid("alice"), servers[1].jid("bob")
    for number in range(10):
        daemon.jp("-p", "alice", "message", "send", bob, f"there {number}")
        daemon.jp("-p", "bob", "message", "send", alice, f"back {number}")
    there, back = ([f"{way} {number}" for number in range(10)] for way in ("there", "back"))

    def each(profile: str, peer: str) -> list[list[str]]:
        found = bodies(daemon, profile, peer)
        return [[one for one in found if one.startswith(way)] for way in ("there", "back")]

    assert wait_until(lambda: each("bob", alice) == [there, back], 30), each("bob", alice)
    assert wait_until(lambda: each("alice", bob) == [there, back], 30), each("alice", bob)


def test_a_subscription_and_presence(servers, daemon):
    alice, bob = servers[0].jid("alice"), servers[1].jid("bob")
    with daemon.follow("-p", "bob") as asked:
        daemon.jp("-p", "alice", "roster", "add", bob, "--name", "Bob")
        question = asked.wait_for("question.added", timeout=30)["data"]
        assert (question["kind"], question["peer"]) == ("subscription", alice)
        daemon.jp("-p", "bob", "question", "answer", question["id"], "allow=yes")
        assert wait_until(lambda: contacts(daemon, "alice").get(bob) == "to", 30)
        # Whom alice asked may see her, without a question.
        daemon.jp("-p", "bob", "roster", "add", alice)
    assert wait_until(lambda: contacts(daemon, "alice").get(bob) == "both", 30)
    assert wait_until(lambda: contacts(daemon, "bob").get(alice) == "both", 30)
    daemon.jp("-p", "alice", "presence", "set", "away", "abroad")
    assert wait_until(lambda: shown(daemon, "bob", alice) == [("away", "abroad")], 30)
    daemon.jp("profile", "disconnect", "alice")
    assert wait_until(lambda: ("away", "abroad") not in shown(daemon, "bob", alice), 30)
    daemon.jp("profile", "connect", "alice")
    daemon.jp("-p", "bob", "roster", "remove", alice)
    assert wait_until(lambda: alice not in contacts(daemon, "bob"), 30)
    assert wait_until(lambda: contacts(daemon, "alice").get(bob) == "none", 30)


def test_another_program_on_the_other_server(servers, daemon):
    alice = servers[0].jid("alice")
    with Stranger(servers[1], "carol") as carol:
        daemon.jp("-p", "alice", "message", "send", carol.jid, "hello", "--wait", "received")
        carol.expect("message", body="hello")
        carol.tell("send", alice, "hello from afar")
        assert wait_until(
            lambda: bodies(daemon, "alice", carol.jid) == ["hello", "hello from afar"], 30
        )


def test_a_server_that_nobody_finds(servers, daemon):
    done = daemon.jp(
        *("-p", "alice", "message", "send", "eve@nowhere.invalid", "lost?"),
        *("--wait", "received"),
        check=False,
    )
    assert done.returncode == 1
    assert "eve@nowhere.invalid could not be reached" in done.stderr
    (message,) = daemon.json("-p", "alice", "message", "list", "eve@nowhere.invalid")
    assert message["state"] == "failed"


def test_a_server_that_comes_back(servers, daemon):
    alice, bob = servers[0].jid("alice"), servers[1].jid("bob")
    servers[1].halt()
    servers[1].start()
    # A try that began before is told as it ends.
    assert wait_until(
        lambda: not daemon.jp("profile", "connect", "bob", check=False).returncode, 30
    )
    daemon.jp("-p", "alice", "message", "send", bob, "back again")
    assert wait_until(lambda: "back again" in bodies(daemon, "bob", alice), 60)
