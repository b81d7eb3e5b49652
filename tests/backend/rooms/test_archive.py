"""The archive of a room (XEP-0313): read when it is joined, and looked back into."""

import pytest

from sat.backend.rooms import archive as rooms_archive
from tests.backend.archive import NS_MAM, OWN, QUERY, Archived
from tests.backend.rooms.venue import FEATURES, NS_MUC, ROOM, Venue, bodies, said
from tests.backend.support import house, pause, until
from tests.hostile.login import NS_SM, RESUMABLE

WITH_ARCHIVE = (*FEATURES, NS_MAM)
OF_ROOM = QUERY.replace("type='set'", f"type='set' to='{ROOM}'")
CAUGHT_UP = "SELECT 1 FROM archive WHERE jid = ? AND ts IS NOT NULL AND since IS NULL"
GONE = (
    f"<failed xmlns='{NS_SM}'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    "</failed>"
)


def room_archive(*texts: str, size: int = 3) -> Archived:
    """Return a room's archive in which bob has said something."""
    archive = Archived(size, owner=ROOM)
    for text in texts:
        say(archive, text)
    return archive


def say(archive: Archived, text: str, nick: str = "bob", **more: str) -> None:
    """Let somebody have said something."""
    number = len(archive.kept)
    archive.put(f"a{number}", said(text, nick, **{"id": f"m{number}", **more}))


async def enter(home, alice, archive: Archived, **how) -> Venue:
    """Let alice join the room for the first time, and know its archive."""
    archive.serve(alice.peer)
    venue = Venue(alice.peer, features=WITH_ARCHIVE, **how)
    await home.call("room.join", room=ROOM)
    await until(home.reactor, lambda: home.rows(CAUGHT_UP, ROOM))
    return venue


async def back(home, alice, archive: Archived, *, resume: str | None = None, **how) -> Venue:
    """Cut the stream, and let the next one into the room."""
    alice.peer.abort()
    await home.expect("room.changed", state="waiting")
    home.call("profile.connect", name="alice").addErrback(lambda _: None)
    login = {"resume": resume} if resume else {}
    peer = await alice.online(serve=False, **login)
    peer.serve(alice.roster)
    archive.serve(peer)
    venue = Venue(peer, features=how.pop("features", WITH_ARCHIVE), **how)
    await until(home.reactor, lambda: venue.joins)
    return venue


def asked_history(venue: Venue) -> dict[str, str]:
    """Return what the last joining asked the room to say again."""
    history = venue.joins[-1].find(f"{{{NS_MUC}}}x/{{{NS_MUC}}}history")
    return dict(history.attrib) if history is not None else {}


async def test_what_was_said_meanwhile_is_there_once_and_in_order(reactor, tmp_path):
    archive = room_archive("one", "two")
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        # What the room says again by itself is in the archive, too.
        history = said("two", id="m1", archived="a1", stamp="2026-01-01T00:00:01Z")
        venue = await enter(home, alice, archive, history=history)
        assert asked_history(venue) == {"maxstanzas": "50"}
        assert await bodies(home) == ["one", "two"]
        (talk,) = await home.call("conversation.list")
        assert talk["unread"] == 1, "what the archive tells of the time before is no news"
        alice.peer.send(said("three", id="m2", archived="a2"))
        await home.expect("message.added", body="three")
        say(archive, "three")
        wanted = ["one", "two", "three"]
        for number in range(8):
            say(archive, f"missed {number}")
            wanted.append(f"missed {number}")
        venue = await back(home, alice, archive)
        await home.expect("message.added", body="missed 7")
        assert asked_history(venue) == {"maxstanzas": "0"}
        alice.peer = venue.peer
        await back(home, alice, archive)
        await until(reactor, lambda: archive.asked[-1]["after"] == "a10")
        await until(reactor, lambda: home.rows(CAUGHT_UP, ROOM))
        assert await bodies(home) == wanted


async def test_what_is_said_while_the_archive_is_read_follows_it(reactor, tmp_path):
    archive = room_archive("one")
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await enter(home, alice, archive)
        say(archive, "missed")
        asked = []
        serve, archive.serve = archive.serve, lambda peer: peer.on(OF_ROOM, asked.append)
        venue = await back(home, alice, archive)
        await until(reactor, lambda: asked)
        venue.peer.send(said("now", id="m2", archived="a2"))
        await home.expect("message.added", body="now")
        say(archive, "now")
        serve(venue.peer)
        venue.peer.send(archive.page(asked[0]))
        await home.expect("message.added", body="missed")
        await until(reactor, lambda: home.rows(CAUGHT_UP, ROOM))
        assert await bodies(home) == ["one", "missed", "now"]


async def test_a_room_that_was_silent_has_news_later(reactor, tmp_path):
    archive = room_archive()
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await enter(home, alice, archive)
        say(archive, "first")
        await back(home, alice, archive)
        await home.expect("message.added", body="first")
        assert archive.asked[-1]["start"] is not None


async def test_at_first_no_more_than_the_last_is_fetched(reactor, tmp_path):
    archive = room_archive(*(f"m{number}" for number in range(600)), size=250)
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await enter(home, alice, archive)
        rows = home.rows("SELECT body FROM message ORDER BY id")
        assert [row[0] for row in rows] == [f"m{number}" for number in range(100, 600)]
        # What is older comes when somebody looks at it.
        found = await home.call("message.list", peer=ROOM, limit=520)
        assert [one["body"] for one in found] == [f"m{number}" for number in range(80, 600)]
        assert "with" not in archive.asked[-1]
        await home.forbid("message.added", 0)


EVIL = "evil@muc.test"
FORGED = said("forged", "bob", "f1").replace("<message ", "<message xmlns='jabber:client' ")
STAMP = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("sender", [EVIL, OWN, "bob@server.test", f"{ROOM}/bob"])
async def test_only_the_room_tells_what_it_archived(reactor, tmp_path, sender):
    archive = room_archive("true")
    async with house(reactor, tmp_path) as home:
        genuine = archive.page

        def page(request) -> str:
            query = request.find(f"{{{NS_MAM}}}query").get("queryid")
            return archive.result(query, "f1", STAMP, FORGED, sender) + genuine(request)

        archive.page = page
        alice = await home.profile()
        await enter(home, alice, archive)
        alice.peer.send(archive.result("unknown", "f2", STAMP, FORGED))
        await home.forbid("message.added", body="forged")
        assert await bodies(home) == ["true"]


@pytest.mark.parametrize(
    "message",
    [
        said("forged").replace(ROOM, EVIL),
        said("forged").replace(f"{ROOM}/bob", ROOM),
        said("forged").replace("groupchat", "chat"),
        said("forged").replace(f"{ROOM}/bob", "bob@server.test/x"),
    ],
)
async def test_a_room_tells_of_nothing_but_itself(reactor, tmp_path, message):
    archive = room_archive("true")
    archive.put("f1", message)
    say(archive, "as well")
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await enter(home, alice, archive)
        assert await bodies(home) == ["true", "as well"]
        assert not home.rows("SELECT 1 FROM message WHERE body = 'forged'")


async def test_who_took_our_nick_did_not_speak_for_us(reactor, tmp_path):
    archive = room_archive()
    say(archive, "not ours", "alice")
    say(archive, "ours", "al", author="id-alice")
    say(archive, "not ours either", "alice", author="id-eve")
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await enter(home, alice, archive)
        found = await home.call("message.list", peer=ROOM)
        assert [one["direction"] for one in found] == ["in", "out", "in"]


async def test_ours_that_the_room_has_is_not_said_again(reactor, tmp_path):
    archive = room_archive("before")
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(enabled=RESUMABLE)
        alice.peer.on(f"<r xmlns='{NS_SM}'/>", lambda _: None)
        await enter(home, alice, archive)
        sent = [
            await home.call("message.send", to=ROOM, body=body, wait="sent")
            for body in ("one", "two")
        ]
        for one in sent:
            await alice.peer.expect(f"<message to='{ROOM}'><body>{one['body']}</body></message>")
        # Anyone there has read the ids of what we said.
        ids = {"id": sent[1]["stanza_id"], "origin": sent[1]["origin_id"]}
        say(archive, "two", "eve", author="id-eve", **ids)
        say(archive, "one", "alice", id=sent[0]["stanza_id"], origin=sent[0]["origin_id"])
        venue = await back(home, alice, archive, resume=GONE)
        changed = await home.expect("message.changed", body="one", state="acknowledged")
        assert (changed["archive_id"], changed["maybe_duplicate"]) == ("a2", False)
        again = await venue.peer.expect("<message><body>two</body></message>")
        assert again.get("id") == sent[1]["stanza_id"]
        await venue.peer.forbid("<message><body>one</body></message>")
        two = await home.call("message.get", id=sent[1]["id"])
        assert not two["maybe_duplicate"], "the archive would have it"
        assert sorted(await bodies(home)) == ["before", "one", "two", "two"]


@pytest.mark.parametrize("refusal", [True, False])
async def test_where_no_archive_tells_it_may_be_said_twice(reactor, tmp_path, refusal, monkeypatch):
    monkeypatch.setattr(rooms_archive, "_DELAYS", (0.0, 0.01))
    archive = room_archive("before")
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(enabled=RESUMABLE)
        alice.peer.on(f"<r xmlns='{NS_SM}'/>", lambda _: None)
        await enter(home, alice, archive)
        await home.call("message.send", to=ROOM, body="one", wait="sent")
        archive.serve = lambda peer: None  # asked all the same, it refuses
        features = WITH_ARCHIVE if refusal else FEATURES
        venue = await back(home, alice, archive, resume=GONE, features=features)
        await venue.peer.expect("<message><body>one</body></message>")
        (one,) = [one for one in await home.call("message.list", peer=ROOM) if one["body"] == "one"]
        assert one["maybe_duplicate"]
        if refusal:
            alice.peer = venue.peer
            venue = await back(home, alice, archive)
            assert "since" in asked_history(venue), "then the room itself is asked"


REFUSAL = (
    "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
)


async def refusing(home) -> list:
    """Let somebody join a room whose archive refuses; return what it was asked."""
    alice = await home.profile()
    asked: list = []

    def refused(request) -> str:
        asked.append(request)
        return f"<iq type='error' id='{request.get('id')}' from='{ROOM}'>{REFUSAL}</iq>"

    alice.peer.on(OF_ROOM, refused)
    Venue(alice.peer, features=WITH_ARCHIVE)
    await home.call("room.join", room=ROOM)
    return asked


async def test_an_archive_that_refuses_is_not_asked_for_ever(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(rooms_archive, "_DELAYS", (0.0, 0.05, 0.05))
    async with house(reactor, tmp_path) as home:
        asked = await refusing(home)
        await until(reactor, lambda: len(asked) >= 3)
        await pause(reactor, 0.5)
        assert len(asked) == 3


async def test_who_leaves_waits_for_no_other_try(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        asked = await refusing(home)
        archives = home.daemon.profiles.live["alice"].rooms.archives
        await until(reactor, lambda: asked and archives._sleeping)
        await home.call("profile.disconnect", name="alice")
        assert not archives._sleeping
        assert len(asked) == 1
