"""XEP-0184: contacts learn that their messages arrived, and nobody else does."""

import pytest

from tests.backend.support import house

NS = "urn:xmpp:receipts"
TO = "bob@server.test"


def asking(sender: str, inside: str = "<body>hi</body>", type: str = "chat") -> str:
    """Return a message that asks for a receipt."""
    return (
        f"<message from='{sender}' type='{type}' id='m1'>{inside}<request xmlns='{NS}'/></message>"
    )


def receipt(sender: str, id: str) -> str:
    """Return a receipt."""
    return f"<message from='{sender}' type='chat'><received xmlns='{NS}' id='{id}'/></message>"


async def test_a_contact_gets_a_receipt_once_the_message_is_stored(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(asking("bob@server.test/x"))
        await home.expect("message.added", body="hi")
        await alice.peer.expect(
            "<message to='bob@server.test/x' type='chat'>"
            f"<received xmlns='{NS}' id='m1'/></message>"
        )
        await alice.peer.forbid("<message><body/></message>", 0)


@pytest.mark.parametrize(
    ("stanza", "roster"),
    [
        (asking("eve@evil.test/x"), ""),
        (asking("bob@server.test/x"), "<item jid='bob@server.test' subscription='to'/>"),
        (asking("bob@server.test/x"), "<item jid='bob@server.test' subscription='none'/>"),
        (asking("bob@server.test/x", type="headline"), None),
        (asking("bob@server.test/x").replace(" id='m1'", ""), None),
        ("<message from='bob@server.test/x' type='chat' id='m1'><body>hi</body></message>", None),
    ],
)
async def test_nobody_else_gets_one(reactor, tmp_path, stanza, roster):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(**({} if roster is None else {"roster": roster}))
        alice.peer.send(stanza)
        await home.expect("message.added", body="hi")
        await alice.peer.forbid(f"<message><received xmlns='{NS}'/></message>")


async def test_nobody_gets_one_if_the_person_does_not_want_it(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("option.set", name="receipts.send_receipts", value="no")
        alice.peer.send(asking("bob@server.test/x"))
        await home.expect("message.added", body="hi")
        await alice.peer.forbid(f"<message><received xmlns='{NS}'/></message>")


async def test_ours_are_asked_for_and_learnt_of(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        sent = await home.call("message.send", to=TO, body="hello", wait="acknowledged")
        await alice.peer.expect(f"<message to='{TO}'><request xmlns='{NS}'/></message>")
        for sender, id in (
            ("eve@evil.test/x", sent["stanza_id"]),
            ("bob@server.test.evil.test/x", sent["stanza_id"]),
            ("alice@server.test/other", sent["stanza_id"]),
            ("bob@server.test/x", "unknown"),
            ("bob@server.test/x", ""),
        ):
            alice.peer.send(receipt(sender, id))
        alice.peer.send(receipt("bob@server.test/x", sent["stanza_id"]).replace("chat", "error"))
        await home.forbid("message.changed", id=sent["id"], state="received")
        alice.peer.send(receipt("bob@server.test/x", sent["stanza_id"]))
        await home.expect("message.changed", id=sent["id"], state="received")
        alice.peer.send(receipt("bob@server.test/x", sent["stanza_id"]))
        # A receipt is no message, and asks for none.
        await alice.peer.forbid(f"<message><received xmlns='{NS}'/></message>")
        changes = [
            event
            for event in home.frontend.events
            if event["type"] == "message.changed" and event["data"]["state"] == "received"
        ]
        assert len(changes) == 1
        listed = await home.call("message.list", peer=TO)
        assert [one["body"] for one in listed] == ["hello"]


async def test_a_receipt_never_moves_a_message_back(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False)
        sent = await home.call("message.send", to=TO, body="hello", wait="sent")
        await alice.peer.expect("<message><body>hello</body></message>")
        alice.peer.send(receipt("bob@server.test/x", sent["stanza_id"]))
        await home.expect("message.changed", id=sent["id"], state="received")
        alice.peer.acknowledge()
        await home.forbid("message.changed", id=sent["id"], state="acknowledged")
