"""What is said in rooms: once, from whom it is, and never taken for what somebody else said."""

import pytest

from sat.backend.rooms import history
from tests.backend.rooms.venue import (
    FEATURES,
    NS_MUC,
    NS_USER,
    ROOM,
    SID,
    Venue,
    bodies,
    joined,
    occupant,
    said,
    subject,
)
from tests.backend.support import house, until

#: A room that gives nothing: neither ids of messages nor of occupants.
PLAIN = (NS_MUC,)
OLD = "2020-01-02T03:04:05Z"


async def send(home, body: str, to: str = ROOM, **more):
    """Send a message as alice."""
    return await home.call("message.send", to=to, body=body, **more)


async def sent(alice, body: str, to: str = ROOM):
    """Return the stanza that carries a message."""
    return await alice.peer.expect(f"<message to='{to}'><body>{body}</body></message>")


async def rejoin(home, alice, **how) -> Venue:
    """Cut the stream, and let the next one into a room that is as the test says."""
    alice.peer.abort()
    await home.expect("room.changed", state="waiting")
    home.call("profile.connect", name="alice").addErrback(lambda _: None)
    peer = await alice.online(serve=False)
    peer.serve(alice.roster)
    venue = Venue(peer, **how)
    await until(home.reactor, lambda: venue.joins)
    return venue


async def test_what_others_say(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        alice.peer.send(said("hi", archived="a1"))
        added = await home.expect("message.added", body="hi")
        assert (added["peer"], added["from"], added["type"]) == (ROOM, f"{ROOM}/bob", "groupchat")
        assert (added["direction"], added["archive_id"]) == ("in", "a1")
        assert added["delayed"] is False
        assert (await home.call("conversation.get", peer=ROOM))["unread"] == 1
        await alice.peer.forbid("<message><received xmlns='urn:xmpp:receipts'/></message>", 0)


async def test_what_we_say_is_acknowledged_by_the_room(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        message = await send(home, "hello", wait="sent")
        assert (message["type"], message["from"]) == ("groupchat", f"{ROOM}/alice")
        stanza = await sent(alice, "hello")
        assert stanza.get("type") == "groupchat"
        # Our server has it; that says nothing of the room.
        alice.peer.acknowledge()
        await home.forbid("message.changed", state="acknowledged")
        id_ = message["origin_id"]
        alice.peer.send(said("hello", "alice", id_, origin=id_, archived="a1", author="id-alice"))
        changed = await home.expect("message.changed", id=message["id"], state="acknowledged")
        assert changed["archive_id"] == "a1"
        alice.peer.send(said("hello", "alice", id_, origin=id_, archived="a1", author="id-alice"))
        alice.peer.send(said("end"))
        await home.expect("message.added", body="end")
        assert await bodies(home) == ["hello", "end"]


@pytest.mark.parametrize("features", [FEATURES, PLAIN])
async def test_nobody_else_can_acknowledge_ours(reactor, tmp_path, features):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=features)
        message = await send(home, "hello", wait="sent")
        id_ = message["origin_id"]
        alice.peer.send(said("hello", "eve", id_, origin=id_, archived="a1", author="id-eve"))
        forged = await home.expect("message.added", body="hello", direction="in")
        assert forged["from"] == f"{ROOM}/eve"
        await home.forbid("message.changed", state="acknowledged")
        # The twin: the room itself sends ours back.
        alice.peer.send(said("hello", "alice", id_, archived="a2", author="id-alice"))
        await home.expect("message.changed", id=message["id"], state="acknowledged")
        assert len(await bodies(home)) == 2


async def test_a_room_that_changes_ids_and_one_that_knows_no_origin_ids(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=PLAIN)
        message = await send(home, "hello", wait="sent")
        alice.peer.send(said("hello", "alice", "changed"))
        await home.expect("message.changed", id=message["id"], state="acknowledged")
        # What another program of ours says under the same nick is ours too.
        alice.peer.send(said("from my phone", "alice", "p1"))
        added = await home.expect("message.added", body="from my phone")
        assert (added["direction"], added["state"]) == ("out", "acknowledged")
        assert await bodies(home) == ["hello", "from my phone"]


@pytest.mark.parametrize(
    ("features", "first", "second", "kept"),
    [
        (FEATURES, said("x", archived="a1"), said("x", archived="a1"), 1),
        (FEATURES, said("x", id="1", archived="a1"), said("x", id="2", archived="a1"), 1),
        # The room says that they are two: its word counts more than the author's ids.
        (FEATURES, said("x", origin="o", archived="a1"), said("x", origin="o", archived="a2"), 2),
        (FEATURES, said("x", archived="a1"), said("x", archived="a2"), 2),
        (PLAIN, said("x", origin="o"), said("x", origin="o"), 1),
        (PLAIN, said("x", id="m1"), said("x", id="m1"), 1),
        (PLAIN, said("x", id="m1"), said("y", id="m1"), 2),
        (PLAIN, said("x", id="m1"), said("x", id="m2"), 2),
        (PLAIN, said("x", id=""), said("x", id=""), 2),
        # Another occupant's id, or an id that somebody else than the room gave, hides nothing.
        (PLAIN, said("x", id="m1", origin="o"), said("x", "eve", id="m1", origin="o"), 2),
        (
            FEATURES,
            said("x", id="1", archived="a1", by=f"{ROOM}/bob"),
            said("x", id="2", archived="a1", by=f"{ROOM}/bob"),
            2,
        ),
        (PLAIN, said("x", id="1", archived="a1"), said("x", id="2", archived="a1"), 2),
    ],
)
async def test_the_same_message_twice_is_one(reactor, tmp_path, features, first, second, kept):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=features)
        alice.peer.send(first + second + said("end", id="end"))
        await home.expect("message.added", body="end")
        assert len(await bodies(home)) == kept + 1
        assert (await home.call("conversation.get", peer=ROOM))["unread"] == kept + 1


async def test_one_room_can_not_claim_the_ids_of_another(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        alice.peer.send(said("here", archived="same", origin="o"))
        await home.expect("message.added", body="here")
        other = said("there", archived="same", origin="o").replace(ROOM, "evil@muc.test")
        Venue(alice.peer)
        answer = occupant("alice", 110) + subject()
        info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
        alice.peer.on(
            f"<iq type='get' to='evil@muc.test'>{info}</iq>",
            lambda request: alice.peer.answer(
                request,
                f"<query xmlns='http://jabber.org/protocol/disco#info'><feature var='{SID}'/>"
                "</query>",
            ),
        )
        alice.peer.on("<presence to='evil@muc.test/alice'/>", answer.replace(ROOM, "evil@muc.test"))
        await home.call("room.join", room="evil@muc.test")
        alice.peer.send(other)
        await home.expect("message.added", body="there", peer="evil@muc.test")


@pytest.mark.parametrize("features", [FEATURES, PLAIN])
async def test_joining_again_doubles_nothing(reactor, tmp_path, features):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=features)
        ours = await send(home, "mine", wait="sent")
        id_ = ours["origin_id"]
        alice.peer.send(said("mine", "alice", id_, origin=id_, archived="a1", author="id-alice"))
        await home.expect("message.changed", state="acknowledged")
        alice.peer.send(said("one", id="m1", archived="a2") + said("two", id="", archived="a3"))
        two = await home.expect("message.added", body="two")
        stamp = two["ts"]
        again = (
            said("mine", "alice", id_, origin=id_, archived="a1", stamp=stamp, author="id-alice")
            + said("one", id="m1", archived="a2", stamp=stamp)
            + said("two", id="", archived="a3", stamp=stamp)
            + said("missed", id="m4", archived="a4", stamp=stamp)
        )
        venue = await rejoin(home, alice, features=features, history=again)
        since = venue.joins[0].find(f"{{{NS_MUC}}}x/{{{NS_MUC}}}history").get("since")
        assert since < stamp
        missed = await home.expect("message.added", body="missed")
        assert missed["delayed"] is True
        assert sorted(await bodies(home)) == ["mine", "missed", "one", "two"]
        assert (await home.call("conversation.get", peer=ROOM))["unread"] == 3


async def test_what_was_cut_on_its_way_is_sent_again_once_the_room_has_told(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False)
        await joined(home, alice)
        arrived = await send(home, "arrived", wait="sent")
        lost = await send(home, "lost", wait="sent")
        id_ = arrived["origin_id"]
        history = said(
            "arrived", "alice", id_, origin=id_, archived="a1", stamp=OLD, author="id-alice"
        )
        venue = await rejoin(home, alice, history=history, topic=None)
        told = await home.expect("message.changed", id=arrived["id"], state="acknowledged")
        assert told["maybe_duplicate"] is False
        # Not before the room has told all of the time before.
        await venue.peer.forbid("<message type='groupchat'/>")
        venue.peer.send(subject("Tea"))
        stanza = await venue.peer.expect("<message type='groupchat'><body>lost</body></message>")
        assert stanza.get("id") == lost["stanza_id"]
        await venue.peer.forbid("<message><body>arrived</body></message>")


async def test_what_waits_for_a_room_that_is_not_joined_again_fails(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False)
        await joined(home, alice)
        message = await send(home, "never", wait="sent")
        alice.peer.abort()
        await home.expect("room.changed", state="waiting")
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.online(serve=False)
        peer.serve(alice.roster)
        Venue(
            peer,
            answer=f"<presence from='{ROOM}/alice' type='error'><error type='auth'><forbidden "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
        )
        failed = await home.expect("message.changed", id=message["id"], state="failed")
        assert "banned" in failed["error"]


@pytest.mark.parametrize(
    ("late", "delay_from", "trusted"),
    [
        (False, ROOM, True),
        (False, f"{ROOM}/bob", True),
        (False, "server.test", False),
        (False, "evil@muc.test", False),
        # Once the room has told of the time before, anyone in it could write such a stamp.
        (True, ROOM, False),
    ],
)
async def test_the_room_is_believed_about_the_time_before(
    reactor, tmp_path, late, delay_from, trusted
):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        old = said("old", stamp=OLD, delay_from=delay_from)
        await joined(home, alice, history="" if late else old)
        if late:
            alice.peer.send(old)
        added = await home.expect("message.added", body="old")
        assert added["delayed"] is trusted
        assert added["ts"].startswith("2020-01-02") is trusted


async def test_old_words_of_whoever_had_our_nick_are_not_ours(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        history = said("not mine", "alice", "h1", stamp=OLD)
        await joined(home, alice, features=PLAIN, history=history)
        added = await home.expect("message.added", body="not mine")
        assert added["direction"] == "in"
        # The twin: the room knows who spoke.
        known = said("mine", "al", "h2", stamp=OLD, author="id-alice")
        venue = await rejoin(home, alice, history=known)
        assert venue.features == FEATURES
        added = await home.expect("message.added", body="mine")
        assert added["direction"] == "out"


async def test_an_occupant_id_of_a_room_that_gives_none_proves_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, features=(NS_MUC, SID))
        alice.peer.send(said("forged", "eve", author="id-alice"))
        assert (await home.expect("message.added", body="forged"))["direction"] == "in"


async def test_subjects_are_no_messages(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice, topic="one")
        alice.peer.send(subject("two") + said("end"))
        await home.expect("room.changed", subject="two")
        await home.expect("message.added", body="end")
        assert await bodies(home) == ["end"]


async def test_words_in_private(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        bob, other = f"{ROOM}/bob", f"{ROOM}/carol"
        x = f"<x xmlns='{NS_USER}'/>"
        for nick in (bob, other):
            alice.peer.send(
                f"<message from='{nick}' type='chat' id='p1'><body>psst</body>{x}"
                "<request xmlns='urn:xmpp:receipts'/></message>"
            )
        await home.expect("message.added", peer=bob, type="chat")
        await home.expect("message.added", peer=other)
        message = await send(home, "what?", bob)
        assert (message["peer"], message["type"]) == (bob, "chat")
        stanza = await sent(alice, "what?", bob)
        assert stanza.find(f"{{{NS_USER}}}x") is not None
        assert await bodies(home, bob) == ["psst", "what?"]
        assert await bodies(home, other) == ["psst"]
        assert await bodies(home) == []
        assert (await home.call("conversation.read", peer=bob))["unread"] == 0
        assert (await home.call("conversation.get", peer=other))["unread"] == 1
        # Never to the bare address, nor a receipt for somebody who isn't in the roster.
        await alice.peer.forbid(f"<message to='{ROOM}'/>", 0)
        await alice.peer.forbid("<message><received xmlns='urn:xmpp:receipts'/></message>")
        await home.call("room.leave", room=ROOM)
        error = await home.refused("message.send", to=bob, body="late")
        assert error.name == "offline.room"
        alice.peer.send(f"<message from='{bob}' type='chat' id='p2'><body>late</body></message>")
        await home.expect("message.added", body="late", peer=bob)


async def test_a_contact_who_plays_a_room_stays_a_contact(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(
            f"<message from='bob@server.test/x' type='chat' id='1'><body>hi</body>"
            f"<x xmlns='{NS_USER}'/></message>"
        )
        await home.expect("message.added", peer="bob@server.test")


async def test_a_copy_of_a_room_message_is_left_out(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await joined(home, alice)
        inner = said("copied").replace("<message ", "<message xmlns='jabber:client' ")
        alice.peer.send(
            "<message from='alice@server.test'><received xmlns='urn:xmpp:carbons:2'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></received></message>"
        )
        alice.peer.send(said("live", id="m2"))
        await home.expect("message.added", body="live")
        await home.forbid("message.added", 0, body="copied")


async def test_a_message_that_comes_back_as_from_outside_lets_us_ask(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        venue = await joined(home, alice)
        ping = "<ping xmlns='urn:xmpp:ping'/>"
        condition = "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        alice.peer.on(
            f"<iq type='get' to='{ROOM}/alice'>{ping}</iq>",
            lambda request: alice.peer.answer(
                request, f"<error type='cancel'>{condition}</error>", type_="error"
            ),
        )
        message = await send(home, "hello", wait="sent")
        alice.peer.send(
            f"<message from='{ROOM}' type='error' id='{message['stanza_id']}'>"
            f"<error type='cancel'>{condition}</error></message>"
        )
        await home.expect("message.changed", id=message["id"], state="failed")
        await until(reactor, lambda: len(venue.joins) == 2)


async def test_messages_are_found_by_an_index(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        values = dict.fromkeys(
            ("profile_id", "peer", "archive_id", "stanza_id", "origin_id", "low", "high", "body")
        )
        for statement, index in (
            (history._BY_ID, "message_of_room"),
            (history._BY_ARCHIVE_ID, "message_archive_id"),
        ):
            connection = home.daemon._journal._connection
            explain = f"EXPLAIN QUERY PLAN {statement.text}"
            plan = connection.execute(explain, values).fetchall()
            assert index in str(plan)
