"""Rules 5 to 7 in an archive: what lies there is ours, as it was said, and wrapped in nothing."""

import pytest

from tests.backend.archive import BOB, OWN, QUERY, Archived, arrive
from tests.backend.support import house, until
from tests.hostile.test_forged import EVE, carbon


def stanza(sender: str, to: str, inner: str = "<body>forged</body>", kind: str = "chat") -> str:
    return f"<message from='{sender}' to='{to}' type='{kind}' id='f'>{inner}</message>"


def within(sender: str, to: str) -> str:
    """Return a message that can be put into another one."""
    return stanza(sender, to).replace("<message ", "<message xmlns='jabber:client' ")


FORGED = {
    "others among themselves": stanza(f"{BOB}/x", EVE),
    "from nobody to others": stanza("", EVE).replace(" from=''", f" from='{BOB}'"),
    "an error": stanza(f"{BOB}/x", OWN, kind="error"),
    "a room": stanza("room@muc.test/bob", OWN, kind="groupchat"),
    "a copy": carbon(OWN, within(f"{BOB}/x", OWN)),
    "a copy of ours": carbon(OWN, within(f"{OWN}/phone", EVE), "sent"),
    "a copy that a peer made": carbon(f"{BOB}/x", within(f"{EVE}/x", OWN)),
    "an archive in the archive": stanza(
        OWN,
        OWN,
        "<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client' from='bob@server.test/x' to='alice@server.test' "
        "type='chat'><body>forged</body></message></forwarded></result>",
    ),
}


@pytest.mark.parametrize("what", FORGED)
async def test_an_archive_tells_of_ours_alone(reactor, tmp_path, what):
    archive = Archived()
    archive.keep("a1", "to us")
    archive.put("f1", FORGED[what].replace(" xmlns='jabber:client'", "", 1))
    archive.keep("a2", "from our phone", by=OWN, to=BOB)
    async with house(reactor, tmp_path) as home:
        alice = await arrive(home, archive)
        genuine = archive.page

        def page(request) -> str:
            # Nor is what answers no question that was asked, though it comes with the answer.
            stamp, message = archive.kept[0][1:]
            other = message.replace("to us", "forged")
            return archive.result("another", "f2", stamp, other) + genuine(request)

        alice.peer.on(QUERY, page)
        await home.expect("message.added", body="from our phone", direction="out")
        await until(reactor, lambda: home.rows("SELECT 1 FROM archive WHERE since IS NULL"))
        listed = await home.call("message.list", peer=BOB, limit=10)
        assert [one["body"] for one in listed] == ["to us", "from our phone"]
        assert [one["peer"] for one in await home.call("conversation.list")] == [BOB]
