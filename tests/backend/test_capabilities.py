"""What contacts can do is asked once for all that show the same, and not before anyone wonders."""

import pytest

from tests.backend.capable import (
    NODE,
    Town,
    described,
    hash2_of,
    hash_of,
    newer,
    older,
    presence,
)
from tests.backend.support import house, until

ROSTER = "".join(
    f"<item jid='{name}@server.test' subscription='both'/>" for name in ("bob", "carol", "dave")
)
BOB, CAROL, DAVE = (f"{name}@server.test/x" for name in ("bob", "carol", "dave"))
PLAIN = described("urn:xmpp:ping")


async def shown(person, *stanzas: str) -> None:
    """Let presences arrive, and wait until they are taken."""
    for stanza in stanzas:
        person.peer.send(stanza)
    # Stanzas are taken in order: behind the answer to a ping there is nothing left.
    person.peer.send(
        "<iq type='get' id='shown' from='server.test'><ping xmlns='urn:xmpp:ping'/></iq>"
    )
    await person.peer.expect("<iq type='result' id='shown'/>")


@pytest.mark.parametrize(
    ("claim", "node"),
    [
        (older(hash_of(PLAIN)), f"{NODE}#{hash_of(PLAIN)}"),
        (newer(hash2_of(PLAIN)), f"urn:xmpp:caps#sha-256.{hash2_of(PLAIN)}"),
    ],
)
async def test_one_is_asked_for_all_that_show_the_same(reactor, tmp_path, claim, node):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {BOB: PLAIN})
        await shown(alice, presence(BOB, claim), presence(CAROL, claim))
        assert town.asked == []
        for jid in (BOB, CAROL, BOB):
            info = await home.call("disco.info", jid=jid)
            assert info["features"] == ["urn:xmpp:ping"]
            assert info["verified"] is True
            assert info["identities"] == [
                {"category": "client", "type": "pc", "lang": "", "name": "Other"}
            ]
        assert town.asked == [(BOB, node)]


async def test_it_is_known_after_a_restart_and_to_all_profiles(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        claim = older(hash_of(PLAIN))
        Town(alice.peer, {BOB: PLAIN})
        await shown(alice, presence(BOB, claim))
        await home.call("disco.info", profile="alice", jid=BOB)
        await home.restart()
        carol = await home.profile("carol", roster=ROSTER)
        town = Town(carol.peer, {})
        await shown(carol, presence(DAVE, claim))
        info = await home.call("disco.info", profile="carol", jid=DAVE)
        assert info["verified"] is True
        assert town.asked == []


async def test_many_who_ask_at_once_cost_one_request(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {BOB: None, CAROL: None})
        claim = older(hash_of(PLAIN))
        await shown(alice, presence(BOB, claim), presence(CAROL, claim))
        calls = [home.call("disco.info", jid=jid) for jid in (BOB, CAROL, BOB, CAROL)]
        asking = home.daemon.profiles.live["alice"].capabilities._asking
        await until(reactor, lambda: [len(waiting) for waiting in asking.values()] == [4])
        await until(reactor, lambda: town.who)
        town.answer(town.who[0], PLAIN)
        for call in calls:
            assert (await call)["verified"] is True
        assert len(town.who) == 1


async def test_another_is_asked_where_the_first_fails(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {DAVE: PLAIN})
        claim = older(hash_of(PLAIN))
        await shown(alice, *(presence(jid, claim) for jid in (BOB, CAROL, DAVE)))
        assert (await home.call("disco.info", jid=BOB))["verified"] is True
        assert town.who == [BOB, CAROL, DAVE]


async def test_who_shows_nothing_is_asked_itself(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {BOB: PLAIN, "server.test": described("urn:xmpp:carbons:2")})
        info = await home.call("disco.info", jid="server.test")
        assert info["features"] == ["urn:xmpp:carbons:2"]
        assert info["verified"] is False
        # A claim in the format of before 2007 is none that could be verified.
        await shown(alice, presence(BOB, older("0.9", None)))
        for _ in range(2):
            assert (await home.call("disco.info", jid=BOB))["verified"] is False
        assert town.asked == [("server.test", None), (BOB, None)]
        # Another program in its place is another matter.
        await shown(alice, presence(BOB, older("1.0", None)))
        await home.call("disco.info", jid=BOB)
        assert town.who == ["server.test", BOB, BOB]


async def test_items_and_nodes(reactor, tmp_path):
    items = "http://jabber.org/protocol/disco#items"
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=ROSTER)
        alice.peer.on(
            f"<iq type='get' to='server.test'><query xmlns='{items}'/></iq>",
            lambda request: alice.peer.answer(
                request,
                f"<query xmlns='{items}'><item jid='muc.server.test' name='Rooms'/>"
                "<item jid='@@'/></query>",
            ),
        )
        assert await home.call("disco.items", jid="server.test") == [
            {"jid": "muc.server.test", "node": "", "name": "Rooms"}
        ]
        Town(alice.peer, {"server.test": described("urn:f")})
        info = await home.call("disco.info", jid="server.test", node="here")
        assert (info["node"], info["features"]) == ("here", ["urn:f"])
        error = await home.refused("disco.items", jid="other.test")
        assert error.name == "failed.xmpp"
        await home.call("profile.disconnect", name="alice")
        assert (await home.refused("disco.info", jid=BOB)).name == "offline.profile"


ASKING = """
from sat.plugin import JID, Level, Plugin, command


class Wonder(Plugin):
    \"\"\"Ask what others can do.\"\"\"

    name = "wonder"

    @command(level=Level.READ)
    async def ask(self, jid: JID, feature: str) -> bool:
        \"\"\"Tell whether somebody can.\"\"\"
        return await self.host.supports(jid, feature)
"""


async def test_who_is_present_is_asked_once(reactor, tmp_path):
    async with house(reactor, tmp_path, {"wonder": ASKING}) as home:
        alice = await home.profile(roster=ROSTER)
        town = Town(alice.peer, {BOB: PLAIN})
        await shown(alice, presence(BOB), presence(CAROL), presence(DAVE, older("h")))
        for _ in range(2):
            assert await home.call("wonder.ask", jid=BOB, feature="urn:xmpp:ping") is True
            for mute in (CAROL, DAVE):
                assert await home.call("wonder.ask", jid=mute, feature="urn:f") is False
        # Who shows a hash is asked for that, and then for what it is itself.
        assert town.asked == [(BOB, None), (CAROL, None), (DAVE, f"{NODE}#h"), (DAVE, None)]
        town.answers[CAROL] = described("urn:f")
        await shown(alice, presence(CAROL, type="unavailable"), presence(CAROL))
        assert await home.call("wonder.ask", jid=CAROL, feature="urn:f") is True


async def test_a_plugin_learns_what_others_can_do(reactor, tmp_path):
    async with house(reactor, tmp_path, {"wonder": ASKING}) as home:
        alice = await home.profile(roster=ROSTER)
        eve = "eve@evil.test/x"
        town = Town(alice.peer, {BOB: PLAIN, eve: described("urn:secret")})
        await shown(alice, presence(BOB, older(hash_of(PLAIN))), presence(eve))
        assert await home.call("wonder.ask", jid=BOB, feature="urn:xmpp:ping") is True
        assert await home.call("wonder.ask", jid=BOB, feature="urn:other") is False
        assert await home.call("wonder.ask", jid=CAROL, feature="urn:xmpp:ping") is False
        # A stranger is not asked: that would tell that we are there.
        assert await home.call("wonder.ask", jid=eve, feature="urn:secret") is False
        assert town.who == [BOB, CAROL]
        # What is known without asking, is.
        await shown(alice, presence(eve, older(hash_of(PLAIN))))
        assert await home.call("wonder.ask", jid=eve, feature="urn:xmpp:ping") is True
        await home.call("presence.set", show="unavailable")
        assert await home.call("wonder.ask", jid=DAVE, feature="urn:other") is False
        assert town.who == [BOB, CAROL]
