"""Joining rooms and being in them: every answer of the room, and what people are told."""

import pytest

from tests.backend.rooms.venue import (
    NS_MUC,
    ROOM,
    Venue,
    gone,
    joined,
    occupant,
    refusal,
)
from tests.backend.support import house


async def test_joining_talking_and_leaving(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = Venue(alice.peer, topic="Tea")
        room = await home.call("room.join", room=ROOM)
        assert (room["state"], room["nick"], room["sentence"]) == ("joined", "alice", "")
        assert room["autojoin"] is True
        await home.expect("room.changed", jid=ROOM, state="joined", subject="Tea")
        (presence,) = venue.joins
        assert presence.get("to") == f"{ROOM}/alice"
        assert presence.find("{http://jabber.org/protocol/caps}c") is not None
        there = await home.call("room.occupants", room=ROOM)
        assert [(one["nick"], one["role"], one["jid"]) for one in there] == [
            ("alice", "participant", None),
            ("bob", "moderator", "bob@server.test/x"),
        ]
        assert await home.call("presence.get", jid=ROOM) == []
        left = await home.call("room.leave", room=ROOM)
        assert (left["state"], left["autojoin"]) == ("left", False)
        await alice.peer.expect(f"<presence type='unavailable' to='{ROOM}/alice'/>")
        assert (await home.refused("room.occupants", room=ROOM)).name == "offline.room"
        assert (await home.refused("room.leave", room="no@muc.test")).name == "unknown.room"


async def test_occupants_come_change_and_go(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        send = alice.peer.send
        send(occupant("carol"))
        await home.expect("occupant.changed", nick="carol", role="participant", room=ROOM)
        send(occupant("carol", role="visitor"))
        await home.expect("occupant.changed", nick="carol", role="visitor")
        send(occupant("carol", 303, type="unavailable", item="nick='caro'") + occupant("caro"))
        await home.expect("occupant.changed", nick="carol", role="none")
        await home.expect("occupant.changed", nick="caro", occupant_id="id-caro")
        late = await home.attach()
        await late.expect("occupant.changed", nick="caro")
        await late.forbid("occupant.changed", nick="carol")
        (room,) = [one for one in late.attached["state"]["rooms"] if one["jid"] == ROOM]
        assert room["state"] == "joined"
        await late.close()
        send(occupant("caro", type="unavailable"))
        await home.expect("occupant.changed", nick="caro", role="none")
        alice.peer.abort()
        await home.expect("occupant.changed", nick="bob", role="none")


@pytest.mark.parametrize(
    ("answer", "name", "state", "words"),
    [
        (refusal("not-authorized", "auth"), "denied.room", "refused", "password"),
        (refusal("forbidden", "auth"), "denied.room", "refused", "banned"),
        (refusal("registration-required", "auth"), "denied.room", "refused", "members"),
        (refusal("not-allowed"), "denied.room", "refused", "may not make"),
        (refusal("not-acceptable", text="Use Al"), "failed.room", "refused", "Use Al"),
        (refusal("gone"), "failed.room", "removed", "no more"),
        (refusal("undefined-condition"), "failed.room", "refused", "refused"),
        (refusal("service-unavailable", "wait"), "failed.room", "waiting", "full"),
        (refusal("remote-server-not-found"), "unknown.room", "waiting", "found"),
        (refusal("conflict"), "failed.room", "refused", "taken"),
    ],
)
async def test_rooms_that_let_nobody_in(reactor, tmp_path, answer, name, state, words):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        Venue(alice.peer, answer=answer)
        error = await home.refused("room.join", room=ROOM)
        assert error.name == name
        assert words in error.sentence
        await home.expect("room.changed", jid=ROOM, state=state, sentence=error.sentence)
        error = await home.refused("message.send", to=ROOM, body="hi")
        assert error.name == "offline.room"
        assert ROOM in error.sentence


async def test_a_nick_that_is_taken(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()

        def answer(nick):
            return refusal("conflict", nick=nick) if nick in ("alice", "alice_") else None

        Venue(alice.peer, answer=answer)
        room = await home.call("room.join", room=ROOM)
        assert room["nick"] == "alice__"
        assert "alice is taken" in room["sentence"]
        assert room["state"] == "joined"


async def test_a_new_room_is_opened(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.on(
            f"<iq type='set' to='{ROOM}'><query xmlns='{NS_MUC}#owner'>"
            "<x xmlns='jabber:x:data' type='submit'/></query></iq>",
            alice.peer.answer,
        )
        venue = await joined(home, alice, codes=(201,))
        assert len(venue.joins) == 1
        assert (await home.call("room.list"))[0]["state"] == "joined"


async def test_a_room_that_answers_nothing_is_tried_again(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = Venue(alice.peer, answer="")
        error = await home.refused("room.join", room=ROOM, timeout=0.2)
        assert error.name == "timeout.room"
        venue.answer = None
        live = home.daemon.profiles.live["alice"]
        live.rooms.entries[next(iter(live.rooms.entries))].room._too_late()
        await home.expect("room.changed", state="waiting", reason="room.timeout")
        await home.expect("room.changed", state="joined")


@pytest.mark.parametrize(
    ("goodbye", "state", "words"),
    [
        (gone(307, item="", more=""), "removed", "put out"),
        (gone(301), "refused", "banned"),
        (gone(321), "refused", "members"),
        (gone(322), "refused", "members"),
        (gone(332), "joined", ""),
        (gone(307, 333), "joined", ""),
        (gone(), "joined", ""),
        (gone(more="<destroy/>"), "removed", "destroyed"),
    ],
)
async def test_who_is_put_out(reactor, tmp_path, goodbye, state, words):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = await joined(home, alice)
        shown = await home.expect("room.changed", state="joined", autojoin=True)
        alice.peer.send(goodbye)
        told = await home.expect("room.changed", state=state, rev=lambda rev: rev > shown["rev"])
        assert words in told["sentence"]
        if state == "joined":
            assert len(venue.joins) == 2
        else:
            await home.forbid("room.changed", state="joining", rev=lambda rev: rev > told["rev"])


async def test_another_ones_departure_is_not_ours(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        before = await home.expect("room.changed", state="joined")
        alice.peer.send(occupant("bob", 307, type="unavailable"))
        await home.expect("occupant.changed", nick="bob", role="none")
        # What it would mean for us is told behind that.
        await home.forbid("room.changed", rev=lambda rev: rev > before["rev"], state="removed")
        assert (await home.call("room.list"))[0]["state"] == "joined"


async def test_a_destroyed_room_says_where_it_goes_on(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        alice.peer.send(gone(more="<destroy jid='new@muc.test'><reason>moved</reason></destroy>"))
        told = await home.expect("room.changed", state="removed")
        assert "new@muc.test" in told["sentence"] and "moved" in told["sentence"]
        question = await home.expect("question.added", kind="room.invitation")
        assert question["peer"] == "new@muc.test"


async def test_changing_the_nick(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        change = f"<presence to='{ROOM}/al'/>"
        alice.peer.on(change, gone(303, item="nick='al'") + occupant("al", 110))
        assert (await home.call("room.nick", room=ROOM, nick="al"))["nick"] == "al"
        there = await home.call("room.occupants", room=ROOM)
        assert sorted(one["nick"] for one in there) == ["al", "bob"]
        alice.peer.on(f"<presence to='{ROOM}/bob'/>", refusal("conflict", nick="bob"))
        error = await home.refused("room.nick", room=ROOM, nick="bob")
        assert (error.name, "taken" in error.sentence) == ("failed.room", True)
        assert (await home.call("room.list"))[0]["nick"] == "al"


async def test_the_subject(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        pattern = f"<message type='groupchat' to='{ROOM}'><subject>new</subject></message>"
        alice.peer.on(
            pattern,
            f"<message from='{ROOM}/alice' type='groupchat'><subject>new</subject></message>",
        )
        assert (await home.call("room.subject", room=ROOM, subject="new"))["subject"] == "new"
        alice.peer.on(
            f"<message type='groupchat' to='{ROOM}'><subject>no</subject></message>",
            lambda message: (
                f"<message from='{ROOM}' type='error' id='{message.get('id')}'><error type='auth'>"
                "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
            ),
        )
        error = await home.refused("room.subject", room=ROOM, subject="no")
        assert error.name == "denied.room"
        assert await home.call("message.list", peer=ROOM) == []


async def test_a_password_is_asked_for_and_kept(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        secret = "sesame"

        def answer(nick):
            given = venue.joins[-1].findtext(f"{{{NS_MUC}}}x/{{{NS_MUC}}}password")
            return None if given == secret else refusal("not-authorized", "auth")

        venue = Venue(alice.peer, answer=answer)
        await home.refused("room.join", room=ROOM)
        question = await home.expect("question.added", kind="room.password")
        assert question["form"]["fields"][0]["kind"] == "text-private"
        await home.call("question.answer", id=question["id"], values={"password": [secret]})
        await home.expect("room.changed", state="joined")
        assert secret not in str(home.frontend.events)
        assert not any(secret in str(row) for row in home.rows("SELECT data FROM room"))
        await home.restart()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.online(serve=False)
        peer.serve(alice.roster)
        venue = Venue(peer, answer=answer)
        await home.expect("room.changed", state="joined")
        await home.call("profile.delete", name="alice")
        assert not [path for path in home.root.rglob("*") if secret in _text(path)]


def _text(path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""


async def test_rooms_are_joined_again_after_a_restart(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        await home.restart()
        (room,) = await home.call("room.list")
        assert room["state"] == "waiting"
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.online(serve=False)
        peer.serve(alice.roster)
        Venue(peer)
        await home.expect("room.changed", jid=ROOM, state="joined")


async def test_our_presence_is_shown_to_rooms(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        await home.call("presence.set", show="dnd", status="busy")
        await alice.peer.expect(
            f"<presence to='{ROOM}/alice'><show>dnd</show><status>busy</status></presence>"
        )
        await home.call("presence.set", show="unavailable")
        await alice.peer.expect(f"<presence type='unavailable' to='{ROOM}/alice'/>")
        await home.expect("room.changed", state="waiting", reason="room.hidden")
        assert (await home.refused("room.join", room="b@muc.test")).name == "failed.hidden"
        await home.call("presence.set", show="available")
        await home.expect("room.changed", state="joined")


async def test_strangers_make_no_room(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(occupant("eve", 110) + occupant("bob"))
        alice.peer.send(
            f"<message from='{ROOM}/eve' type='groupchat' id='x'><body>spam</body></message>"
        )
        await home.forbid("room.changed")
        await home.forbid("message.added", 0)
        await home.forbid("occupant.changed", 0)
        # The twin: once we are in, the same is heard.
        await joined(home, alice)
        alice.peer.send(
            f"<message from='{ROOM}/eve' type='groupchat' id='x'><body>ham</body></message>"
        )
        await home.expect("message.added", body="ham")


@pytest.mark.parametrize("nick", ["", "x" * 1024, "\x00"])
async def test_nicks_that_are_none(reactor, tmp_path, nick):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        error = await home.refused("room.join", room=ROOM, nick=nick or "\ud7ff\x01")
        assert error.name == "usage.nick"
        assert (await home.refused("room.join", room="muc.test")).name == "usage.room"


async def test_occupants_are_bounded(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr("sat.backend.rooms.room.MAX_OCCUPANTS", 100)
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        alice.peer.send("".join(occupant(f"n{number}") for number in range(300)))
        await home.expect("occupant.changed", nick="n97")
        await home.forbid("occupant.changed", nick="n98")
        assert len(await home.call("room.occupants", room=ROOM)) == 100


async def online_without_roster(home):
    """Return a profile that is online and waits for its roster, and the request for it."""
    alice = await home.profile(connect=False)
    connecting = home.call("profile.connect", name="alice")
    await alice.online(serve=False)
    await connecting
    asked = await alice.peer.expect("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
    return alice, asked


async def test_joining_in_the_first_moment_of_a_session_waits_for_its_presence(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice, asked = await online_without_roster(home)
        joining = home.call("room.join", room=ROOM)
        await alice.peer.forbid("<presence/>")
        assert not joining.called
        alice.peer.serve()
        Venue(alice.peer)
        alice.peer.answer(asked, "<query xmlns='jabber:iq:roster'/>")
        assert (await joining)["state"] == "joined"


async def test_joining_ends_with_the_session_that_it_waited_for(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice, _ = await online_without_roster(home)
        joining = home.refused("room.join", room=ROOM)
        alice.peer.abort()
        assert (await joining).name == "offline.profile"
