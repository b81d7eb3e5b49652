"""Who is invisible is not there: nothing that comes from a profile tells otherwise."""

import pytest

from tests.backend.support import house

BOB = "bob@server.test/x"
REQUESTS = (
    "<ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='jabber:iq:version'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
)
RECEIPT = "<message><received xmlns='urn:xmpp:receipts'/></message>"


def ask(id: str, sender: str, payload: str) -> str:
    """Return a request."""
    return f"<iq type='get' id='{id}' from='{sender}'>{payload}</iq>"


@pytest.mark.parametrize("payload", REQUESTS)
async def test_a_request_of_a_contact_is_answered_as_for_nobody(reactor, tmp_path, payload):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(ask("seen", BOB, payload))
        await alice.peer.expect(f"<iq type='result' id='seen' to='{BOB}'/>")
        await home.call("presence.set", show="unavailable")
        alice.peer.send(ask("hidden", BOB, payload))
        await alice.peer.expect(
            f"<iq type='error' id='hidden' to='{BOB}'><error><service-unavailable "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        # The account itself, and its server, know anyway.
        for id, sender in (("own", "alice@server.test/other"), ("server", "server.test")):
            alice.peer.send(ask(id, sender, payload))
            answer = await alice.peer.expect(f"<iq id='{id}' to='{sender}'/>")
            assert answer.get("type") == "result" or "version" in payload


async def test_a_message_is_stored_without_a_receipt(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("presence.set", show="unavailable")
        alice.peer.send(
            f"<message from='{BOB}' type='chat' id='m'><body>hi</body>"
            "<request xmlns='urn:xmpp:receipts'/></message>"
        )
        await home.expect("message.added", body="hi")
        await alice.peer.forbid(RECEIPT)
        await home.call("presence.set", show="available")
        alice.peer.send(
            f"<message from='{BOB}' type='chat' id='m2'><body>there?</body>"
            "<request xmlns='urn:xmpp:receipts'/></message>"
        )
        await alice.peer.expect(RECEIPT)
