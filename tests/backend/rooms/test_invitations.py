"""Invitations are questions: from anyone, one for each room, and not without end."""

from tests.backend.rooms.venue import NS_USER, ROOM, Venue, bodies, joined
from tests.backend.support import house, until


def direct(room: str = ROOM, sender: str = "eve@evil.test/x", more: str = "") -> str:
    """Return an invitation that comes straight from somebody (XEP-0249)."""
    return (
        f"<message from='{sender}' to='alice@server.test'><body>come</body>"
        f"<x xmlns='jabber:x:conference' jid='{room}' reason='tea' {more}/></message>"
    )


def mediated(sender: str = ROOM, password: str = "") -> str:
    """Return an invitation that a room passes on."""
    inner = f"<password>{password}</password>" if password else ""
    return (
        f"<message from='{sender}'><x xmlns='{NS_USER}'><invite from='bob@server.test'>"
        f"<reason>tea</reason></invite>{inner}</x></message>"
    )


async def test_an_invitation_is_a_question_and_yes_joins(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = Venue(alice.peer)
        alice.peer.send(direct() + direct() + mediated())
        question = await home.expect("question.added", kind="room.invitation", peer=ROOM)
        assert question["sentence"].startswith("eve@evil.test invites alice to the room")
        assert question["form"]["instructions"] == "tea"
        await home.forbid("question.added", rev=lambda rev: rev > question["rev"])
        assert venue.joins == []
        await home.call("question.answer", id=question["id"], values={"join": ["yes"]})
        await home.expect("room.changed", state="joined", autojoin=True)
        # Who is in a room needs no invitation to it.
        alice.peer.send(direct())
        await home.forbid("question.added", rev=lambda rev: rev > question["rev"])
        assert await bodies(home, "eve@evil.test") == []


async def test_no_leaves_it_at_that(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = Venue(alice.peer)
        alice.peer.send(mediated())
        question = await home.expect("question.added", kind="room.invitation", peer=ROOM)
        assert "bob@server.test" in question["sentence"]
        await home.call("question.answer", id=question["id"], values={"join": ["no"]})
        await home.forbid("room.changed")
        assert venue.joins == []


async def test_who_is_known_by_a_nick_alone_invites_by_it(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        other = "tea@muc.test"
        for inviter in f"{other}/bob", f"{ROOM}/bob", "bob@server.test/x":
            alice.peer.send(mediated(other).replace("bob@server.test", inviter))
            question = await home.expect("question.added", kind="room.invitation", peer=other)
            shown = inviter.removesuffix("/x")
            assert question["sentence"].startswith(f"{shown} invites alice")
            await home.call("question.answer", id=question["id"], values={"join": ["no"]})


async def test_a_password_that_comes_along_is_used_and_told_nobody(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = Venue(alice.peer)
        alice.peer.send(mediated(password="sesame"))
        question = await home.expect("question.added", kind="room.invitation")
        await home.call("question.answer", id=question["id"], values={"join": ["yes"]})
        await until(reactor, lambda: venue.joins)
        ns = "{http://jabber.org/protocol/muc}"
        assert venue.joins[0].findtext(f"{ns}x/{ns}password") == "sesame"
        await home.expect("room.changed", state="joined")
        assert "sesame" not in str(home.frontend.events)


async def test_strangers_can_not_ask_without_end(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send("".join(direct(f"r{number}@evil.test") for number in range(80)))
        alice.peer.send(mediated(f"{ROOM}/eve") + direct("@@") + direct("evil.test"))
        alice.peer.send("<message from='bob@server.test/x' type='chat'><body>end</body></message>")
        await home.expect("message.added", body="end")
        assert len(await home.call("question.list")) == 50


async def test_inviting(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        await home.call("room.invite", room=ROOM, jid="bob@server.test/x", reason="tea")
        await alice.peer.expect(
            f"<message to='bob@server.test'><x xmlns='jabber:x:conference' jid='{ROOM}' "
            "reason='tea'/></message>"
        )


async def test_a_room_for_members_makes_the_invited_one(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=("muc_membersonly",))
        await home.call("room.invite", room=ROOM, jid="bob@server.test")
        await alice.peer.expect(
            f"<message to='{ROOM}'><x xmlns='{NS_USER}'><invite to='bob@server.test'/></x>"
            "</message>"
        )


async def test_joining_takes_the_question_back(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(direct())
        question = await home.expect("question.added", kind="room.invitation")
        await joined(home, alice)
        await home.expect("question.closed", name=question["id"])
