"""Alice is here; the other person, on the same server, uses slixmpp."""

import pytest

from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger


@pytest.fixture
def friends(server, daemon, people):
    alice, carol = people("alice", "carol")
    daemon.profile(alice, server)
    with Stranger(server, carol) as stranger:
        yield alice, stranger


def test_messages_both_ways_with_receipts(server, daemon, friends):
    alice, carol = friends
    sent = daemon.json(
        "-p", alice, "message", "send", carol.jid, "Salut ☀ <&>", "--wait", "received"
    )[0]
    got = carol.expect("message", body="Salut ☀ <&>")
    assert got["sender"].startswith(server.jid(alice) + "/")
    assert got["id"] == sent["stanza_id"]
    carol.tell("send", server.jid(alice), "toi aussi")
    assert wait_until(
        lambda: any(
            message["body"] == "toi aussi"
            for message in daemon.json("-p", alice, "message", "list", carol.jid)
        ),
        10,
    )
    (conversation,) = daemon.json("-p", alice, "conversation", "list")
    assert (conversation["peer"], conversation["unread"]) == (carol.jid, 1)
    daemon.jp("-p", alice, "conversation", "read", carol.jid)
    (conversation,) = daemon.json("-p", alice, "conversation", "list")
    assert conversation["unread"] == 0


def test_presence_both_ways(server, daemon, friends):
    alice, carol = friends
    carol.tell("show", "dnd", "writing")

    def shown() -> list[tuple[str, str]]:
        found = daemon.json("-p", alice, "presence", "get", carol.jid)
        return [(one["show"], one["status"]) for one in found]

    assert wait_until(lambda: shown() == [("dnd", "writing")], 10), shown()
    daemon.jp("-p", alice, "presence", "set", "away", "at lunch")
    seen = carol.expect("presence", type="away", status="at lunch")
    carol.tell("caps", seen["sender"])
    carol.expect("caps", verified=True)


def test_what_we_say_of_ourselves(server, daemon, friends):
    alice, carol = friends
    profile = daemon.json("profile", "get", alice)[0]
    carol.tell("version", profile["connection"]["jid"])
    assert carol.expect("version")["name"] == "Salut à Toi"
    carol.tell("features", profile["connection"]["jid"])
    features = carol.expect("features")["features"]
    assert {"urn:xmpp:ping", "jabber:iq:version", "urn:xmpp:receipts"} <= set(features)


def test_subscriptions_and_the_roster(server, daemon, people):
    alice = people("alice")[0]
    dave = people("dave")[0]
    daemon.profile(alice, server)
    with Stranger(server, dave) as stranger, daemon.follow("-p", alice) as follower:
        stranger.tell("subscribe", server.jid(alice))
        asked = follower.wait_for("question.added")["data"]
        assert (asked["kind"], asked["peer"]) == ("subscription", stranger.jid)
        nothing = daemon.jp("-p", alice, "question", "answer", asked["id"], check=False)
        assert nothing.returncode == 2, "the end of input is never a yes"
        daemon.jp("-p", alice, "question", "answer", asked["id"], "allow=yes")
        stranger.expect("presence", type="subscribed")
        follower.wait_for("question.closed", lambda data: data["name"] == asked["id"])
        daemon.jp("-p", alice, "roster", "add", stranger.jid, "--name", "Dave", "--group", "work")
        stranger.expect("presence", type="subscribe")
        stranger.tell("allow", server.jid(alice))
        follower.wait_for(
            "roster.changed",
            lambda data: data["jid"] == stranger.jid and data["subscription"] == "both",
        )
        (contact,) = daemon.json("-p", alice, "roster", "list")
        assert (contact["name"], contact["groups"]) == ("Dave", ["work"])
        daemon.jp("-p", alice, "roster", "remove", stranger.jid)
        follower.wait_for("roster.removed", lambda data: data["name"] == stranger.jid)
    assert daemon.json("-p", alice, "roster", "list") == []


def test_what_another_program_of_ours_sends_and_receives(server, daemon, people):
    alice, carol = people("alice", "carol")
    daemon.profile(alice, server)
    with Stranger(server, alice) as phone, Stranger(server, carol) as stranger:
        phone.tell("send", stranger.jid, "from my phone")
        stranger.expect("message", body="from my phone")
        daemon.jp("-p", alice, "message", "send", stranger.jid, "from here")

        def listed() -> list[tuple[str, str]]:
            found = daemon.json("-p", alice, "message", "list", stranger.jid)
            return [(one["direction"], one["body"]) for one in found]

        expected = [("out", "from my phone"), ("out", "from here")]
        assert wait_until(lambda: listed() == expected, 10), listed()
        address = phone.expect("started")["jid"]
        stranger.tell("send", address, "to my phone")
        phone.expect("message", body="to my phone")
        expected.append(("in", "to my phone"))
        assert wait_until(lambda: listed() == expected, 10), listed()
