"""XEP-0333: contacts learn what was looked at, if they ask; nobody else does."""

import pytest

from tests.backend.support import house

NS = "urn:xmpp:chat-markers:0"
TO = "bob@server.test"


def markable(sender: str = f"{TO}/x", text: str = "hi", id: str = "m1", type: str = "chat") -> str:
    """Return a message whose author wants to be told."""
    return (
        f"<message from='{sender}' type='{type}' id='{id}'><body>{text}</body>"
        f"<markable xmlns='{NS}'/></message>"
    )


def marker(sender: str, id: str) -> str:
    """Return a marker."""
    return f"<message from='{sender}' type='chat'><displayed xmlns='{NS}' id='{id}'/></message>"


def carbon(inner: str, name: str = "sent") -> str:
    """Return the copy of what another program of the account sent."""
    inner = inner.replace("<message", "<message xmlns='jabber:client'")
    return (
        f"<message from='alice@server.test'><{name} xmlns='urn:xmpp:carbons:2'>"
        f"<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></{name}></message>"
    )


async def test_a_contact_is_told_once_a_person_has_looked(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        for number in ("1", "2"):
            alice.peer.send(markable(text=f"hi {number}", id=f"m{number}"))
        alice.peer.send(f"<message from='{TO}/x' type='chat' id='m3'><body>end</body></message>")
        await home.expect("message.added", body="end")
        await home.call("message.list", peer=TO)
        await alice.peer.forbid(f"<message><displayed xmlns='{NS}'/></message>")
        await home.call("conversation.read", peer=TO)
        await alice.peer.expect(
            f"<message to='{TO}' type='chat'><displayed xmlns='{NS}' id='m2'/>"
            "<store xmlns='urn:xmpp:hints'/></message>"
        )
        await home.call("conversation.read", peer=TO)
        # The last one stands for all before it, and is told once.
        await alice.peer.forbid(f"<message><displayed xmlns='{NS}' id='m1'/></message>")
        came = [one for one in alice.peer.received if one.find(f"{{{NS}}}displayed") is not None]
        assert len(came) == 1


@pytest.mark.parametrize(
    ("stanza", "roster"),
    [
        (markable("eve@evil.test/x"), ""),
        (markable(), "<item jid='bob@server.test' subscription='to'/>"),
        (markable(type="headline"), None),
        (markable().replace(" id='m1'", ""), None),
        (f"<message from='{TO}/x' type='chat' id='m1'><body>hi</body></message>", None),
    ],
)
async def test_nobody_else_is_told(reactor, tmp_path, stanza, roster):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(**({} if roster is None else {"roster": roster}))
        alice.peer.send(stanza)
        added = await home.expect("message.added", body="hi")
        await home.call("conversation.read", peer=added["peer"])
        await alice.peer.forbid(f"<message><displayed xmlns='{NS}'/></message>")


@pytest.mark.parametrize("how", ["option", "invisible"])
async def test_nobody_is_told_if_the_person_does_not_want_it(reactor, tmp_path, how):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        if how == "option":
            await home.call("option.set", name="markers.send_markers", value="no")
        else:
            await home.call("presence.set", show="unavailable")
        alice.peer.send(markable())
        await home.expect("message.added", body="hi")
        await home.call("conversation.read", peer=TO)
        await alice.peer.forbid(f"<message><displayed xmlns='{NS}'/></message>")


async def test_what_the_peer_looked_at_is_displayed(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        sent = [
            await home.call("message.send", to=TO, body=text, wait="acknowledged")
            for text in ("one", "two", "three")
        ]
        await alice.peer.expect(f"<message to='{TO}'><markable xmlns='{NS}'/></message>")
        ids = [one["stanza_id"] for one in sent]
        for sender, id in (
            ("eve@evil.test/x", ids[1]),
            ("bob@server.test.evil.test/x", ids[1]),
            ("alice@server.test/other", ids[1]),
            (f"{TO}/x", "unknown"),
            (f"{TO}/x", ""),
        ):
            alice.peer.send(marker(sender, id))
        alice.peer.send(marker(f"{TO}/x", ids[1]).replace("'chat'", "'groupchat'"))
        await home.forbid("message.changed", state="displayed")
        alice.peer.send(marker(f"{TO}/x", ids[1]))
        for one in sent[:2]:
            await home.expect("message.changed", id=one["id"], state="displayed")
        alice.peer.send(marker(f"{TO}/x", ids[0]))
        await home.forbid("message.changed", id=sent[2]["id"], state="displayed")
        states = [one["state"] for one in await home.call("message.list", peer=TO)]
        assert states == ["displayed", "displayed", "acknowledged"]


async def test_what_was_read_elsewhere_is_read_here_and_not_told_again(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(markable(text="one", id="m1") + markable(text="two", id="m2"))
        await home.expect("message.added", body="two")
        ours = marker("alice@server.test/phone", "m1").replace("<message", f"<message to='{TO}'")
        alice.peer.send(carbon(ours).replace("from='alice@server.test'", "from='eve@evil.test'", 1))
        alice.peer.send(marker("eve@evil.test/x", "m1"))
        await home.forbid("conversation.changed")
        alice.peer.send(carbon(ours))
        await home.expect("conversation.changed", peer=TO, unread=1)
        await alice.peer.forbid(f"<message><displayed xmlns='{NS}'/></message>")
