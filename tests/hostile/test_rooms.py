"""Rule 21: a room speaks for itself alone, and nobody else speaks for it.

Each attack leaves no trace in anything that a frontend can see, or the one that it should; its
harmless twin does.
"""

import pytest

from tests.backend.rooms.test_invitations import direct, mediated
from tests.backend.rooms.test_talking import rejoin
from tests.backend.rooms.venue import (
    FEATURES,
    NS_MUC,
    NS_USER,
    ROOM,
    Venue,
    gone,
    joined,
    occupant,
    refusal,
    said,
    subject,
)
from tests.backend.support import house
from tests.hostile.test_forged import ALICE, BOB, EVE
from tests.hostile.traces import Trace

ELSEWHERE = (
    *("evil@muc.test/alice", f"{ROOM}.evil.test/alice", "alice@server.test/alice"),
    *(f"{BOB}/alice", "muc.test/alice", f"{EVE}/room@muc.test"),
)


def from_(sender: str, stanza: str) -> str:
    """Return a stanza of the room as somebody else's."""
    begin, _, rest = stanza.partition(" from=")
    quote = rest[0]
    return f"{begin} from={quote}{sender}{quote}{rest.split(quote, 2)[2]}"


KICK = gone(307)
DESTROYED = gone(more="<destroy jid='evil@muc.test'/>")
NEW_NICK = gone(303, item="nick='al'")
INVITATION = mediated("tea@muc.test")
GUEST = direct("tea@muc.test")
BODY = "<body>come</body>"

NOWHERE = ("", "@@", "evil.test", ROOM)
NO_ROOMS = (f"{BOB}/x", f"{EVE}/x", f"{ROOM}/eve", "muc.test", "evil.test")

#: Attacks, and the harmless stanza that looks like them, by what they want.
CASES = {
    "to put us out": ([from_(one, KICK) for one in (*ELSEWHERE, ROOM)], KICK),
    "to destroy the room": ([from_(one, DESTROYED) for one in ELSEWHERE], DESTROYED),
    "to keep us out": ([from_(one, refusal("forbidden")) for one in ELSEWHERE], KICK),
    "to rename us": ([from_(one, NEW_NICK) for one in ELSEWHERE], NEW_NICK),
    "to speak there": ([from_(one, said("spam")) for one in ELSEWHERE], said("ham")),
    "to set its subject": ([from_(one, subject("spam")) for one in ELSEWHERE], subject("ham")),
    "to invite in its name": ([from_(one, INVITATION) for one in NO_ROOMS], INVITATION),
    "to invite to no room": ([direct(one).replace(BODY, "") for one in NOWHERE], GUEST),
    "to invite as no person": (
        [GUEST.replace(" to=", f" type='{one}' to=") for one in ("groupchat", "error")],
        GUEST,
    ),
}


@pytest.mark.parametrize("aim", CASES)
async def test_rule_21_a_room_speaks_for_itself_alone(reactor, tmp_path, aim):
    attacks, twin = CASES[aim]
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        await home.expect("room.changed", state="joined")
        async with Trace(home, alice, len(attacks)) as trace:
            alice.peer.send("".join(attacks))
        assert not shown(trace), trace.events
        async with Trace(home, alice) as trace:
            alice.peer.send(twin)
        assert shown(trace)


def shown(trace: Trace) -> list[dict]:
    """Return what a frontend is told, but for the presence of those who are no occupants."""
    return [one for one in trace.events if one["type"] != "presence.changed"]


@pytest.mark.parametrize("features", [FEATURES, (NS_MUC,)], ids=["with ids", "without"])
async def test_rule_21_nobody_reflects_ours_but_the_room(reactor, tmp_path, features):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=features)
        sent = await home.call("message.send", to=ROOM, body="ours", wait="sent")
        id_ = sent["origin_id"]
        forged = said("ours", "eve", id_, origin=id_, archived="a1", author="id-eve")
        reflected = said("ours", "alice", id_, origin=id_, archived="a2", author="id-alice")
        async with Trace(home, alice) as trace:
            alice.peer.send(forged)
        [told] = [one["data"] for one in trace.events if one["type"] == "message.added"]
        assert (told["direction"], told["from"]) == ("in", f"{ROOM}/eve")
        assert [one["type"] for one in trace.events].count("message.changed") == 0
        async with Trace(home, alice) as trace:
            for sender in ("evil@muc.test/alice", f"{BOB}/alice"):
                alice.peer.send(from_(sender, reflected))
            alice.peer.send(from_(f"{ROOM}/alice", reflected).replace("groupchat", "headline"))
        changed = [one["type"] for one in trace.events]
        assert "message.changed" not in changed
        async with Trace(home, alice) as trace:
            alice.peer.send(reflected)
        [told] = [one["data"] for one in trace.events if one["type"] == "message.changed"]
        assert (told["id"], told["state"]) == (sent["id"], "acknowledged")


async def test_rule_21_who_took_our_nick_reflects_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        sent = await home.call("message.send", to=ROOM, body="ours", wait="sent")
        id_ = sent["origin_id"]
        async with Trace(home, alice) as trace:
            alice.peer.send(said("ours", "alice", id_, origin=id_, archived="a1", author="id-eve"))
        assert "message.changed" not in [one["type"] for one in trace.events]
        async with Trace(home, alice) as trace:
            alice.peer.send(said("ours", "al", id_, origin=id_, archived="a2", author="id-alice"))
        [told] = [one["data"] for one in trace.events if one["type"] == "message.changed"]
        assert (told["id"], told["state"]) == (sent["id"], "acknowledged")


async def test_rule_21_old_words_of_others_reflect_nothing(reactor, tmp_path):
    """Whoever has read the ids of ours may have used them, while we were away."""
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=(NS_MUC,))
        sent = await home.call("message.send", to=ROOM, body="ours", wait="sent")
        id_, stamp = sent["origin_id"], sent["ts"]
        history = said("ours", "eve", id_, origin=id_, stamp=stamp)
        await rejoin(home, alice, features=(NS_MUC,), history=history)
        told = await home.expect("message.added", body="ours", direction="in")
        assert told["from"] == f"{ROOM}/eve"
        [again] = [
            one for one in await home.call("message.list", peer=ROOM) if one["id"] == sent["id"]
        ]
        assert again["archive_id"] is None and again["maybe_duplicate"]


async def test_rule_21_a_nick_that_is_always_taken(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = Venue(alice.peer, answer=lambda nick: refusal("conflict", nick=nick))
        error = await home.refused("room.join", room=ROOM)
        assert "taken" in error.sentence
        told = await home.expect("room.changed", state="refused")
        assert told["reason"] == "room.nick"
        assert len(venue.joins) == 5
        # The twin: once it is free, asking again is enough.
        Venue(alice.peer)
        await home.call("room.join", room=ROOM)
        await home.expect("room.changed", state="joined", nick="alice")


@pytest.mark.parametrize(
    ("stanza", "features", "direction"),
    [
        (said("words", "alice", author="id-eve"), FEATURES, "in"),
        (said("words", "eve", author="id-alice"), (NS_MUC,), "in"),
        (said("words", "eve", author="id-alicе"), FEATURES, "in"),
        (said("words", "Alice"), (NS_MUC,), "in"),
        (said("words", "alice", author="id-alice"), FEATURES, "out"),
        (said("words", "al", author="id-alice"), FEATURES, "out"),
        (said("words", "alice"), (NS_MUC,), "out"),
    ],
    ids=[
        *("a nick taken over", "an id of a room that gives none", "an id that looks alike"),
        *("a nick that looks alike", "twin: both", "twin: another nick of ours", "twin: our nick"),
    ],
)
async def test_rule_21_whose_words_these_are(reactor, tmp_path, stanza, features, direction):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=features)
        alice.peer.send(stanza)
        told = await home.expect("message.added", body="words")
        assert told["direction"] == direction


async def test_rule_21_who_takes_our_nick_is_not_us(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        before = await home.expect("room.changed", state="joined")
        # Somebody else claims to be called as we are from now on, and goes.
        alice.peer.send(occupant("bob", 303, type="unavailable", item="nick='alice'"))
        alice.peer.send(occupant("bob", 307, type="unavailable"))
        await home.expect("occupant.changed", nick="bob", role="none")
        await home.forbid("room.changed", rev=lambda rev: rev > before["rev"], state="removed")
        assert (await home.call("room.list"))[0]["nick"] == "alice"
        alice.peer.send(gone(303, item="nick='al'") + occupant("al", 110))
        told = await home.expect("room.changed", nick="al")
        assert told["state"] == "joined"


async def test_rule_21_what_a_room_says_after_we_left(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        alice.peer.send(said("before"))
        await home.expect("message.added", body="before")
        await home.call("room.leave", room=ROOM)
        await home.expect("room.changed", state="left")
        async with Trace(home, alice, 4) as trace:
            alice.peer.send(said("spam") + subject("spam") + occupant("alice", 110) + KICK)
        assert not shown(trace), trace.events
        await home.call("room.join", room=ROOM)
        async with Trace(home, alice) as trace:
            alice.peer.send(said("ham", id="m2"))
        assert shown(trace)


async def test_rule_21_a_word_in_private_is_never_said_to_all(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        alice.peer.send(
            f"<message from='{ROOM}/bob' to='{ALICE}/here' type='chat' id='p'><body>psst</body>"
            f"<x xmlns='{NS_USER}'/></message>"
        )
        told = await home.expect("message.added", body="psst")
        assert told["peer"] == f"{ROOM}/bob"
        await home.call("message.send", to=told["peer"], body="in private", wait="sent")
        await home.call("message.send", to=ROOM, body="to all", wait="sent")
        await alice.peer.expect(
            f"<message to='{ROOM}/bob' type='chat'><body>in private</body></message>"
        )
        await alice.peer.expect(
            f"<message to='{ROOM}' type='groupchat'><body>to all</body></message>"
        )
        await alice.peer.forbid(f"<message to='{ROOM}'><body>in private</body></message>", 0)
