"""Rule 23: who learns what was looked at, and whom we believe about it; rooms and strangers aren't.

Each attack leaves no trace in anything that a frontend can see; its harmless twin does.
"""

from tests.backend.rooms.venue import ROOM, joined
from tests.backend.support import house
from tests.hostile.test_forged import ALICE, BOB, EVE, carbon
from tests.hostile.traces import Trace
from tests.plugins.test_xep_0333_markers import NS, markable, marker

MARKER = f"<message><displayed xmlns='{NS}'/></message>"
ARCHIVED = "<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'>{}</result>"


def wrapped(inner: str) -> str:
    """Return a marker as a message of an archive that nobody asked for."""
    inner = inner.replace("<message ", "<message xmlns='jabber:client' ", 1)
    forwarded = f"<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded>"
    return f"<message from='{ALICE}'>{ARCHIVED.format(forwarded)}</message>"


async def test_a_marker_counts_from_whom_the_message_went_to(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        to_eve = await home.call("message.send", to=EVE, body="for eve", wait="acknowledged")
        sent = await home.call("message.send", to=BOB, body="for bob", wait="acknowledged")
        alice.peer.send(markable(id="from bob"))
        await home.expect("message.added", direction="in")
        id_ = sent["stanza_id"]
        genuine = marker(f"{BOB}/x", id_)
        strangers = (
            *(f"{EVE}/x", f"{BOB}.evil.test/x", f"{ALICE}/phone", "server.test", f"{ROOM}/bob"),
        )
        forged = [
            *(marker(one, id_) for one in strangers),
            *(genuine.replace("'chat'", f"'{one}'") for one in ("groupchat", "error", "headline")),
            *(marker(f"{BOB}/x", one) for one in (id_[:-1], "", to_eve["stanza_id"], "from bob")),
            *(wrapped(genuine), carbon(f"{EVE}/x", genuine)),
        ]
        async with Trace(home, alice, len(forged)) as trace:
            alice.peer.send("".join(forged))
        assert not trace.changed, trace.events
        async with Trace(home, alice) as trace:
            alice.peer.send(genuine)
        assert [one["data"]["state"] for one in trace.events] == ["displayed"]
        late = f"<received xmlns='urn:xmpp:receipts' id='{id_}'/>"
        async with Trace(home, alice, 2) as trace:
            alice.peer.send(f"<message from='{BOB}/x' type='chat'>{late}</message>{genuine}")
        assert not trace.changed, "it came later, and tells of an earlier state"


async def test_nobody_is_told_but_contacts_who_asked(reactor, tmp_path):
    stanzas = (
        markable(f"{EVE}/x"),
        markable(f"{ROOM}/bob"),
        markable(f"{ROOM}/bob", type="groupchat"),
        markable(type="headline"),
        markable(id="m2").replace(f"<markable xmlns='{NS}'/>", ""),
        markable(id="m3").replace(NS, "urn:xmpp:something:else"),
        markable(id="m4").replace("<markable ", "<received "),
        markable().replace(" id='m1'", ""),
    )
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        for stanza in stanzas:
            alice.peer.send(stanza)
            added = await home.expect("message.added", body="hi")
            await home.call("conversation.read", peer=added["peer"])
        await alice.peer.forbid(MARKER)
        alice.peer.send(markable(text="twin", id="twin"))
        await home.expect("message.added", body="twin")
        # What nobody has looked at yet, but for a list or a notification, is told nobody.
        await home.call("message.list", peer=BOB)
        await alice.peer.forbid(MARKER)
        await home.call("conversation.read", peer=BOB)
        told = await alice.peer.expect(MARKER)
        assert (told.get("to"), told[0].get("id")) == (BOB, "twin")
