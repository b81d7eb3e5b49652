"""Rule 20: what one says of itself counts for nobody else, and a flood of hashes is no flood.

Each attack is observed through the bridge alone, and each has a harmless twin.
"""

import pytest

from sat.backend.descriptions import MAX_SIZE
from sat.backend.rooms import room
from tests.backend.capable import Town, described, hash2_of, hash_of, newer, older, presence
from tests.backend.rooms.venue import ROOM, Venue, occupant
from tests.backend.support import house, pause, until
from tests.backend.test_capabilities import BOB, CAROL, DAVE, ROSTER, shown

GOOD = described("urn:xmpp:ping", "urn:xmpp:sensitive:encryption")
POISON = described("urn:xmpp:ping")
FORM = (
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
    "<value>urn:f</value></field><field var='a'><value>b</value></field></x>"
)
TWICE = {
    "an identity": described("urn:a", more="<identity category='client' type='pc' name='Other'/>"),
    "a feature": described("urn:a", "urn:a"),
    "a form": described("urn:a", more=FORM * 2),
    "a form's type": described(
        "urn:a", more=FORM.replace("<value>urn:f", "<value>urn:g</value><value>urn:f")
    ),
}


async def alone_is_kept(home, hash_: str) -> None:
    """Wait until the description of a hash is on disk, and see that it is the only one."""

    def kept() -> list[str]:
        return [key.rpartition(" ")[2] for (key,) in home.rows("SELECT key FROM capability")]

    await until(home.reactor, lambda: hash_ in kept())
    assert kept() == [hash_]


@pytest.mark.parametrize("claims", [(older, hash_of), (newer, hash2_of)], ids=["0115", "0390"])
async def test_a_lie_counts_for_the_liar_alone(reactor, tmp_path, claims):
    write, hash_ = claims
    claim = write(hash_(GOOD))
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {BOB: POISON})
        await shown(alice, presence(BOB, claim))
        lie = await home.call("disco.info", jid=BOB)
        assert (lie["features"], lie["verified"]) == (["urn:xmpp:ping"], False)
        town.answers[CAROL] = GOOD
        await shown(alice, presence(CAROL, claim))
        truth = await home.call("disco.info", jid=CAROL)
        assert truth["verified"] is True
        assert "urn:xmpp:sensitive:encryption" in truth["features"]
        await alone_is_kept(home, hash_(GOOD))


async def test_a_lie_is_forgotten_with_the_liar(reactor, tmp_path):
    claim = older(hash_of(GOOD))
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {BOB: POISON})
        await shown(alice, presence(BOB, claim))
        await home.call("disco.info", jid=BOB)
        await home.call("disco.info", jid=BOB)
        town.answers[BOB] = GOOD
        await shown(alice, presence(BOB, type="unavailable"), presence(BOB, claim))
        assert (await home.call("disco.info", jid=BOB))["verified"] is True


@pytest.mark.parametrize("what", TWICE)
async def test_an_ambiguous_description_is_verified_for_nobody(reactor, tmp_path, what):
    ambiguous, plain = TWICE[what], described("urn:b", more=FORM)
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        Town(alice.peer, {BOB: ambiguous, CAROL: plain})
        await shown(
            alice,
            presence(BOB, older(hash_of(ambiguous))),
            presence(CAROL, older(hash_of(plain))),
        )
        assert (await home.call("disco.info", jid=BOB))["verified"] is False
        assert (await home.call("disco.info", jid=CAROL))["verified"] is True
        await alone_is_kept(home, hash_of(plain))


async def test_who_does_not_answer_holds_up_nobody_else(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {BOB: None, CAROL: GOOD})
        await shown(
            alice,
            presence(BOB, older(hash_of(POISON))),
            presence(CAROL, older(hash_of(GOOD))),
        )
        silent = home.call("disco.info", jid=BOB)
        silent.addErrback(lambda _: None)
        await until(home.reactor, lambda: BOB in town.who)
        assert (await home.call("disco.info", jid=CAROL))["verified"] is True
        assert set(town.who) == {BOB, CAROL}
        alice.peer.abort()
        await silent


async def test_a_flood_of_hashes_asks_nobody(reactor, tmp_path):
    flood = 3000
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {DAVE: GOOD})
        text = "".join(presence(f"bob@server.test/r{n % 60}", older(f"h{n}")) for n in range(flood))
        alice.peer.send(text)
        await shown(alice, presence(DAVE, older(hash_of(GOOD))))
        assert town.asked == []
        assert (await home.call("disco.info", jid=DAVE))["verified"] is True
        await alone_is_kept(home, hash_of(GOOD))


async def test_few_are_asked_at_once_however_many_are_wondered_about(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        crowd = [f"bob@server.test/r{n}" for n in range(40)]
        town = Town(alice.peer, dict.fromkeys(crowd))
        await shown(alice, *(presence(one, older(f"h{one}")) for one in crowd))
        calls = [home.call("disco.info", jid=one) for one in crowd]
        for call in calls:
            call.addErrback(lambda _: None)
        await until(reactor, lambda: len(town.asked) >= 8)
        await pause(reactor, 0.1)
        assert len(town.asked) == 8
        # The rest of the daemon goes on.
        assert await home.call("presence.get", jid="bob@server.test")
        alice.peer.abort()
        for call in calls:
            await call


async def test_a_huge_description_is_not_kept(reactor, tmp_path):
    huge = described(*(f"urn:feature:{n:050}" for n in range(MAX_SIZE // 50)))
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        Town(alice.peer, {BOB: huge, CAROL: GOOD})
        await shown(
            alice,
            presence(BOB, older(hash_of(huge))),
            presence(CAROL, older(hash_of(GOOD))),
        )
        assert len((await home.call("disco.info", jid=BOB))["features"]) == MAX_SIZE // 50
        assert (await home.call("disco.info", jid=CAROL))["verified"] is True
        await alone_is_kept(home, hash_of(GOOD))


def shows(nick: str, claim: str = "", type: str = "") -> str:
    """Return what a room says of somebody who claims something."""
    return occupant(nick, type=type).replace("</presence>", f"{claim}</presence>")


async def test_in_a_room_a_lie_counts_for_the_liar_alone(reactor, tmp_path):
    bob, carol = f"{ROOM}/bob", f"{ROOM}/carol"
    claim = older(hash_of(GOOD))
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        Venue(alice.peer)
        await home.call("room.join", room=ROOM)
        town = Town(alice.peer, {bob: POISON, carol: GOOD})
        await shown(alice, shows("bob", claim))
        assert (await home.call("disco.info", jid=bob))["verified"] is False
        await shown(alice, shows("carol", claim))
        assert (await home.call("disco.info", jid=carol))["verified"] is True
        await alone_is_kept(home, hash_of(GOOD))
        # Who comes under a nick is not who had it, and what it shows goes with it.
        await shown(alice, shows("bob", type="unavailable"), shows("bob"))
        town.answers[bob] = described("urn:other")
        told = await home.call("disco.info", jid=bob)
        assert (told["features"], told["verified"]) == (["urn:other"], False)
        # Nothing is left of a room that one has left.
        await home.call("room.leave", room=ROOM)
        known = home.daemon.profiles.live["alice"].capabilities
        assert not known._claims and not known._holders and not known._own


async def test_of_occupants_no_more_are_noted_than_a_room_may_have(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MAX_OCCUPANTS", 5)
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        Venue(alice.peer)
        await home.call("room.join", room=ROOM)
        await shown(alice, *(shows(f"n{n}", older(f"h{n}")) for n in range(50)))
        assert len(home.daemon.profiles.live["alice"].capabilities._claims) <= 5
        assert await home.call("room.occupants", room=ROOM)
