"""XEP-0334: what a sender would like to become of a message is a wish, and loses nothing."""

import pytest

from tests.backend.support import house

BOB = "bob@server.test/x"
HINTS = "urn:xmpp:hints"


def hint(name: str) -> str:
    """Return a hint."""
    return f"<{name} xmlns='{HINTS}'/>"


@pytest.mark.parametrize("name", ["no-store", "no-permanent-store", "no-copy", "store"])
async def test_a_message_is_shown_whatever_it_wishes(reactor, tmp_path, name):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(
            f"<message from='{BOB}' type='chat' id='m'><body>hi</body>{hint(name)}</message>"
        )
        added = await home.expect("message.added", body="hi")
        await home.crash()
        [kept] = await home.call("message.list", peer="bob@server.test")
        assert kept["id"] == added["id"]


@pytest.mark.parametrize("name", ["store", "no-store"])
async def test_what_says_nothing_is_no_message_whatever_it_wishes(reactor, tmp_path, name):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
        alice.peer.send(f"<message from='{BOB}' type='chat'>{composing}{hint(name)}</message>")
        await home.forbid("message.added")
        assert await home.call("conversation.list") == []


async def test_what_the_peers_other_programs_need_is_to_be_stored(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(
            f"<message from='{BOB}' type='chat' id='m'><body>hi</body>"
            "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
            "</message>"
        )
        await alice.peer.expect(
            f"<message><received xmlns='urn:xmpp:receipts' id='m'/>{hint('store')}</message>"
        )
        await home.call("conversation.read", peer="bob@server.test")
        await alice.peer.expect(
            f"<message><displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>{hint('store')}</message>"
        )
