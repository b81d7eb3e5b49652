"""XEP-0280: copies from our own account count, once; all others are forged (CVE-2017-5589 ff.)."""

import pytest

from tests.backend.support import house

NS = "urn:xmpp:carbons:2"
OWN = "alice@server.test"


def copy(
    kind: str, inner: str, *, sender: str = OWN, to: str = f"{OWN}/here", more: str = ""
) -> str:
    """Return a copy of a message as the server sends it."""
    return (
        f"<message from='{sender}' to='{to}' type='chat'><{kind} xmlns='{NS}'>"
        f"<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></{kind}>{more}</message>"
    )


def message(sender: str, to: str, body: str, more: str = "", type: str = "chat") -> str:
    return (
        f"<message xmlns='jabber:client' from='{sender}' to='{to}' type='{type}' id='m1'>"
        f"<body>{body}</body>{more}</message>"
    )


RECEIVED = copy("received", message("bob@server.test/x", f"{OWN}/phone", "to my phone"))
SENT = copy("sent", message(f"{OWN}/phone", "bob@server.test", "from my phone"))


async def test_copies_are_asked_for(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        asked = [iq for iq in alice.peer.received if iq.find(f"{{{NS}}}enable") is not None]
        assert [iq.get("type") for iq in asked] == ["set"]


async def test_what_another_program_received(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(RECEIVED)
        added = await home.expect("message.added", body="to my phone")
        assert (added["direction"], added["peer"]) == ("in", "bob@server.test")
        assert added["from"] == "bob@server.test/x"


async def test_what_another_program_sent(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(SENT)
        added = await home.expect("message.added", body="from my phone")
        assert (added["direction"], added["peer"]) == ("out", "bob@server.test")
        assert added["state"] == "acknowledged"
        (conversation,) = await home.call("conversation.list")
        assert conversation["unread"] == 0


@pytest.mark.parametrize(
    "forged",
    [
        RECEIVED.replace(f"from='{OWN}'", "from='eve@server.test'", 1),
        SENT.replace(f"from='{OWN}'", "from='eve@server.test/x'", 1),
        SENT.replace(f"from='{OWN}'", "from='server.test'", 1),
        SENT.replace(f"from='{OWN}'", f"from='{OWN}/phone'", 1),
        copy("received", message("bob@server.test/x", "carol@server.test", "to my phone")),
        copy("sent", message("carol@server.test/x", "bob@server.test", "from my phone")),
        copy("sent", ""),
        copy("sent", message(f"{OWN}/phone", "bob@server.test", "from my phone", type="error")),
        f"<message from='{OWN}' type='chat'><sent xmlns='{NS}'/></message>",
    ],
)
async def test_anything_else_leaves_no_trace(reactor, tmp_path, forged):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(forged)
        alice.peer.send(RECEIVED.replace("to my phone", "the twin"))
        await home.expect("message.added", body="the twin")
        await home.forbid("message.added", body="to my phone")
        await home.forbid("message.added", body="from my phone")
        await home.forbid("plugin.failed")


async def test_a_copy_within_a_copy_is_not_unwrapped(reactor, tmp_path):
    nested = copy("sent", message(f"{OWN}/phone", "eve@server.test", "never sent"))
    inner = message("eve@server.test/x", OWN, "outer", nested[nested.index("<sent") : -10])
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(copy("received", inner))
        await home.expect("message.added", body="outer")
        await home.forbid("message.added", body="never sent")


async def test_a_message_and_its_copy_are_one(reactor, tmp_path):
    stanza_id = f"<stanza-id xmlns='urn:xmpp:sid:0' id='a1' by='{OWN}'/>"
    inner = message("bob@server.test/x", OWN, "once", stanza_id)
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(inner.replace(" xmlns='jabber:client'", ""))
        alice.peer.send(copy("received", inner))
        alice.peer.send(message("bob@server.test/x", OWN, "after"))
        await home.expect("message.added", body="after")
        listed = await home.call("message.list", peer="bob@server.test")
        assert [one["body"] for one in listed] == ["once", "after"]


async def test_the_program_that_received_it_gives_the_receipt(reactor, tmp_path):
    request = "<request xmlns='urn:xmpp:receipts'/>"
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        inner = message("bob@server.test/x", f"{OWN}/phone", "with receipt", request)
        alice.peer.send(copy("received", inner))
        await home.expect("message.added", body="with receipt")
        await alice.peer.forbid("<message><received xmlns='urn:xmpp:receipts'/></message>")
