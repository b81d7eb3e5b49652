"""Rule 11: what was said stays as it was said, whoever claims to correct it or to take it back.

The daemon corrects nothing yet: not even the author changes a message. So each attack leaves every
message as it is, and what is said with it counts as said by whoever truly says it; its harmless
twin, which the author sends, is not lost either.
"""

import pytest

from tests.backend.rooms.venue import ROOM, joined, said
from tests.backend.support import house
from tests.hostile.test_forged import ALICE, BOB, EVE, chat
from tests.hostile.traces import Trace

FALLBACK = "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>"
#: What claims to change the message with the id ``m1``.
CLAIMS = {
    "correct": "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>",
    "retract": f"<retract xmlns='urn:xmpp:message-retract:1' id='m1'/>{FALLBACK}",
    "moderate": (
        "<retract xmlns='urn:xmpp:message-retract:1' id='m1'>"
        f"<moderated xmlns='urn:xmpp:message-moderate:1' by='{ROOM}/bob'/></retract>"
    ),
    "moderate, as it was": (
        "<apply-to xmlns='urn:xmpp:fasten:0' id='m1'>"
        "<moderated xmlns='urn:xmpp:message-moderate:0'>"
        "<retract xmlns='urn:xmpp:message-retract:0'/></moderated></apply-to>"
    ),
    "react": "<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>👎</reaction></reactions>",
}
ORIGINAL, EVIL, OWN = "the meeting is at noon", "send it to eve", "the meeting is at one"


def bodies(trace, peer):
    """Return what stands in a conversation now: who said it, and what."""
    return [(one["from"], one["body"]) for one in trace.after["messages"][peer]]


def unchanged(trace):
    """Tell whether all that stood in a conversation stands there still, just as it was."""
    before = {one["id"]: one for each in trace.before["messages"].values() for one in each}
    after = {one["id"]: one for each in trace.after["messages"].values() for one in each}
    return before and all(after[id_] == one for id_, one in before.items())


@pytest.mark.parametrize("claim", CLAIMS)
async def test_nobody_changes_what_a_contact_said(reactor, tmp_path, claim):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(chat(f"{BOB}/x", ORIGINAL))
        await home.expect("message.added", body=ORIGINAL)
        strangers = (f"{EVE}/x", f"{BOB}.evil.test/x", f"{ALICE}/phone")
        silent = [
            chat(one, more=CLAIMS[claim]).replace("<body>hello</body>", "") for one in strangers
        ]
        async with Trace(home, alice, len(silent)) as trace:
            alice.peer.send("".join(silent))
        assert not trace.changed, trace.events
        async with Trace(home, alice, 2) as trace:
            # With the id that it claims to change, and with one of its own.
            alice.peer.send(chat(f"{EVE}/x", EVIL, more=CLAIMS[claim]))
            alice.peer.send(chat(f"{EVE}/y", EVIL, more=CLAIMS[claim]).replace("'m1'", "'e2'", 1))
        assert unchanged(trace)
        assert bodies(trace, EVE) == [(f"{EVE}/x", EVIL), (f"{EVE}/y", EVIL)]
        assert bodies(trace, BOB) == [(f"{BOB}/x", ORIGINAL)]
        async with Trace(home, alice) as trace:
            alice.peer.send(
                chat(f"{BOB}/x", OWN, more=CLAIMS[claim]).replace("id='m1'", "id='m2'", 1)
            )
        assert unchanged(trace)
        assert bodies(trace, BOB) == [(f"{BOB}/x", ORIGINAL), (f"{BOB}/x", OWN)]


@pytest.mark.parametrize("claim", CLAIMS)
async def test_nobody_changes_what_is_said_in_a_room(reactor, tmp_path, claim):
    def of(nick, body, id_):
        stanza = said(body, nick, id_, author=f"id-{nick}")
        return stanza.replace("</message>", f"{CLAIMS[claim]}</message>")

    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        await home.expect("room.changed", state="joined")
        alice.peer.send(said(ORIGINAL, archived="m1", author="id-bob"))
        await home.expect("message.added", body=ORIGINAL)
        # Bob's nick, taken over by another; another occupant; a moderator who is no room.
        taken = of("bob", EVIL, "e1").replace("id='id-bob'", "id='id-eve'")
        async with Trace(home, alice, 2) as trace:
            alice.peer.send(taken + of("eve", EVIL, "e2"))
        assert unchanged(trace)
        assert bodies(trace, ROOM) == [
            (f"{ROOM}/bob", ORIGINAL), (f"{ROOM}/bob", EVIL), (f"{ROOM}/eve", EVIL),
        ]  # fmt: skip
        async with Trace(home, alice) as trace:
            alice.peer.send(of("bob", OWN, "m2"))
        assert unchanged(trace)
        assert bodies(trace, ROOM)[3:] == [(f"{ROOM}/bob", OWN)]


async def test_what_claims_to_correct_itself_is_said_once(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(chat(f"{BOB}/x", ORIGINAL, more=CLAIMS["correct"]))
        added = await home.expect("message.added")
        assert added["body"] == ORIGINAL and added["peer"] == BOB
        assert len(await home.call("message.list", peer=BOB)) == 1
