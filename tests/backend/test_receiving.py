"""What a server sends, and what frontends see of it: once, from whom it is, never from others."""

import pytest

from tests.backend.support import fill, free, house, pause, until
from tests.hostile.login import RESUMABLE


def chat(body: str, id: str = "m1", more: str = "", sender: str = "bob@server.test/x") -> str:
    """Return a message to alice."""
    return (
        f"<message from='{sender}' to='alice@server.test' type='chat' id='{id}'>"
        f"<body>{body}</body>{more}</message>"
    )


async def listed(home, peer: str = "bob@server.test") -> list[str]:
    """Return the bodies of a conversation."""
    return [one["body"] for one in await home.call("message.list", peer=peer, limit=1000)]


async def test_a_message_is_told_and_kept(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(chat("hi", "m1"))
        event = await home.frontend.event("message.added", body="hi")
        assert event["profile"] == "alice"
        assert event["data"]["rev"] == event["seq"]
        assert event["data"]["peer"] == "bob@server.test"
        assert event["data"]["from"] == "bob@server.test/x"
        assert (event["data"]["direction"], event["data"]["state"]) == ("in", "received")
        assert await home.call("message.get", id=event["data"]["id"]) == event["data"]
        assert (await home.call("conversation.get", peer="bob@server.test"))["unread"] == 1


def archived(id: str, by: str = "alice@server.test") -> str:
    """Return the id that an archive gave (XEP-0359)."""
    return f"<stanza-id xmlns='urn:xmpp:sid:0' id='{id}' by='{by}'/>"


def origin(id: str) -> str:
    """Return the id that the author's client gave (XEP-0359)."""
    return f"<origin-id xmlns='urn:xmpp:sid:0' id='{id}'/>"


def delay(stamp: str, from_: str = "server.test") -> str:
    """Return a note that a message waited (XEP-0203)."""
    return f"<delay xmlns='urn:xmpp:delay' stamp='{stamp}' from='{from_}'/>"


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (archived("a1"), archived("a1"), 1),
        (origin("o1"), origin("o1"), 1),
        (archived("a1", "bob@server.test"), archived("a1", "bob@server.test"), 2),
        (archived("a1"), archived("a2"), 2),
        ("", "", 2),
    ],
)
async def test_the_same_message_twice_is_one(reactor, tmp_path, first, second, kept):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(chat("hi", "m1", first) + chat("hi", "m1", second) + chat("end", "m9"))
        await home.expect("message.added", body="end")
        assert await listed(home) == ["hi"] * kept + ["end"]
        assert (await home.call("conversation.get", peer="bob@server.test"))["unread"] == kept + 1


async def test_the_same_id_of_two_people_is_two_messages(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        same = origin("o1")
        alice.peer.send(
            chat("from bob", "m1", same) + chat("from eve", "m1", same, "eve@evil.test/x")
        )
        await home.expect("message.added", body="from bob")
        await home.expect("message.added", body="from eve")
        assert await listed(home, "eve@evil.test") == ["from eve"]


@pytest.mark.parametrize(
    ("note", "trusted"),
    [
        (delay("2020-01-02T03:04:05Z"), True),
        (delay("2020-01-02T03:04:05Z", "alice@server.test"), True),
        (delay("2020-01-02T03:04:05Z", "bob@server.test"), False),
        (delay("2020-01-02T03:04:05Z", "evil.test"), False),
        (delay("2020-01-02T03:04:05Z", ""), False),
        (delay("yesterday"), False),
        (delay("0000-00-00T00:00:00Z"), False),
        (delay("99999-01-01T00:00:00Z"), False),
    ],
)
async def test_only_the_own_server_is_believed_about_time(reactor, tmp_path, note, trusted):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(chat("old", "m1", note))
        added = await home.expect("message.added", body="old")
        assert added["delayed"] is trusted
        assert added["ts"].startswith("2020-01-02T03:04:05") is trusted


async def test_a_stamp_of_the_future_does_not_stay_last(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(chat("future", "m1", delay("2999-01-01T00:00:00Z")) + chat("now", "m2"))
        await home.expect("message.added", body="now")
        future = await home.expect("message.added", body="future")
        assert not future["ts"].startswith("2999")
        assert await listed(home) == ["future", "now"]


async def test_a_stamp_before_1970_is_a_message_like_any(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(chat("now", "m1"))
        await home.expect("message.added", body="now")
        alice.peer.send(chat("old", "m2", delay("1960-01-01T00:00:00Z")))
        added = await home.expect("message.added", body="old")
        assert (await home.call("message.get", id=added["id"]))["body"] == "old"
        # It came later, whatever it says: servers deliver in order.
        assert await listed(home) == ["now", "old"]


async def test_what_was_kept_stands_at_its_time_among_ours(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("message.send", to="bob@server.test", body="mine")
        alice.peer.send(
            chat("first", "m2", delay("2020-01-01T00:00:01Z"))
            + chat("second", "m3", delay("2020-01-01T00:00:01Z"))
            + chat("last", "m4")
        )
        await home.expect("message.added", body="last")
        assert await listed(home) == ["first", "second", "mine", "last"]


@pytest.mark.parametrize(
    "nasty",
    [
        "<message from='@@' type='chat'><body>x</body></message>",
        "<message from='bob@server.test/x' to='&#128578;@' type='chat'><body>x</body></message>",
        "<message from='bob@server.test/x' type='nonsense'/>",
        "<message/>",
        "<message from='bob@server.test' type='error' id='unknown'>"
        "<error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        "<message from='bob@server.test' type='error'/>",
        "<presence from='@@'/>",
        "<presence from='bob@server.test/x' type='nonsense'/>",
        "<presence from='bob@server.test/x'><priority>10000</priority><show>x</show></presence>",
        "<iq type='set' id='1' from='@@'><query xmlns='jabber:iq:roster'/></iq>",
        "<iq type='get' from='bob@server.test/x'/>",
        "<iq type='result' id='never' from='bob@server.test/x'/>",
        "<iq type='get' id='1' from='bob@server.test/x'/>",
        "<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='@@'/></query></iq>",
        "<iq type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>",
    ],
)
async def test_nonsense_is_acknowledged_and_leaves_the_rest_alone(reactor, tmp_path, nasty, logged):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        before = alice.peer.acks[-1] if alice.peer.acks else 0
        alice.peer.send(nasty + chat("after"))
        await home.expect("message.added", body="after")
        await home.forbid("message.added", body="x")
        alice.peer.send("<r xmlns='urn:xmpp:sm:3'/>")
        await until(reactor, lambda: alice.peer.acks and alice.peer.acks[-1] >= before + 2)
        logged.clear()


async def test_a_message_is_acknowledged_once_it_is_on_disk(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(enabled=RESUMABLE)
        ask = "<r xmlns='urn:xmpp:sm:3'/>"
        alice.peer.send(chat("first"))
        await home.expect("message.added", body="first")
        await pause(reactor, 0.3)
        alice.peer.send(ask)
        await until(reactor, lambda: alice.peer.acks)
        # The roster, the message, and what plugins were answered.
        present = max(alice.peer.acks)
        fill(home)
        big = "x" * 50_000
        alice.peer.send(chat("1" + big, "m1") + chat("2" + big, "m2") + ask)
        await home.expect("storage.changed", state="full")
        await home.forbid("message.added", 0.3, body=lambda body: body[0] in "12")
        assert max(alice.peer.acks) == present
        # What a person asks for is refused with a sentence meanwhile.
        error = await home.refused("message.send", to="bob@server.test", body="3" + big)
        assert error.name == "failed.storage"
        assert "disk" in error.sentence
        free(home)
        await home.expect("message.added", body="1" + big)
        await home.expect("message.added", body="2" + big)
        await home.expect("storage.changed", state="ok")
        alice.peer.send(ask)
        await until(reactor, lambda: alice.peer.acks[-1] == present + 2)
        assert home.rows("SELECT handled FROM stream") == [(present + 2,)]


async def test_nothing_is_read_while_the_disk_is_full(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        fill(home)
        alice.peer.send(chat("x" * 100_000, "m1"))
        await home.expect("storage.changed", state="full")
        # More than the sockets' buffers hold.
        for number in range(200):
            alice.peer.send(chat(f"{number} " + "y" * 100_000, f"n{number}"))
        await home.forbid("message.added", 0.3)
        live = home.daemon.profiles.live["alice"]
        assert live.inbox._unstored < 20
        free(home)
        await home.expect("message.added", 10, body=lambda body: body.startswith("199 "))
        kept = home.rows("SELECT substr(body, 1, 3) FROM message ORDER BY id")
        assert [body.split()[0] for (body,) in kept[1:]] == list(map(str, range(200)))
