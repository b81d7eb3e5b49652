"""What a frontend sends, and what its server and frontends see of it: in order, never lost."""

import pytest

from tests.backend.support import fill, free, house, pause, until

TO = "bob@server.test"


async def send(home, body: str, **how) -> dict:
    """Send a message to bob."""
    return await home.call("message.send", to=TO, body=body, **how)


async def state(home, message: dict) -> str:
    """Return how far a message has come."""
    return (await home.call("message.get", id=message["id"]))["state"]


async def test_the_way_of_a_message(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        other = await home.attach()
        sent = await send(home, "hello")
        # It is written as soon as it is stored, and nobody is told of it before.
        assert sent["state"] == "sent"
        added = await home.frontend.event("message.added", id=sent["id"])
        seen = await other.event("message.added", id=sent["id"])
        assert {**added, "prev": 0} == {**seen, "prev": 0}
        assert added["seq"] == sent["rev"] == added["data"]["rev"]
        assert added["origin"]["session"] == home.frontend.hello["session"]
        assert added["data"]["state"] == "sent"
        stanza = await alice.peer.expect(
            f"<message to='{TO}' type='chat' id='{sent['stanza_id']}'><body>hello</body>"
            f"<origin-id xmlns='urn:xmpp:sid:0' id='{sent['origin_id']}'/></message>"
        )
        assert stanza.get("from") in (None, alice.peer.jid)
        await home.expect("message.changed", id=sent["id"], state="acknowledged")
        await other.close()


@pytest.mark.parametrize("state", ["sent", "acknowledged"])
async def test_who_waits_is_answered_after_the_event(reactor, tmp_path, state):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        sent = await send(home, "hello", wait=state)
        assert sent["state"] == state
        told = [
            event["data"]["state"]
            for event in home.frontend.events
            if event["type"] in ("message.added", "message.changed")
        ]
        assert state in told


async def test_the_order_of_sending_is_the_order_on_the_wire(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        for number in range(100):
            home.call("message.send", to=TO, body=str(number))
        await alice.peer.expect(f"<message to='{TO}'><body>99</body></message>")
        bodies = [
            one.findtext("{jabber:client}body")
            for one in alice.peer.received
            if one.tag == "{jabber:client}message"
        ]
        assert bodies == [str(number) for number in range(100)]
        listed = await home.call("message.list", peer=TO, limit=100)
        assert [one["body"] for one in listed] == bodies


async def test_a_message_is_numbered_on_disk_before_it_is_written(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await send(home, "before", wait="acknowledged")
        found = []

        def look(_) -> None:
            # The peer has counted it already.
            rows = home.rows("SELECT state, number FROM message WHERE body = 'hello'")
            found.extend((state, number - alice.peer.stanzas) for state, number in rows)

        alice.peer.on("<message/>", look)
        await send(home, "hello", wait="sent")
        await until(reactor, lambda: found)
        assert found == [("sent", 0)]


async def test_what_waited_is_numbered_on_disk_before_it_is_written(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        await send(home, "hello")
        found = []
        peer = await alice.reconnect()

        def look(_) -> None:
            rows = home.rows("SELECT state, number FROM message")
            found.extend((state, number - peer.stanzas) for state, number in rows)

        peer.on("<message/>", look)
        await until(reactor, lambda: found)
        assert found == [("sent", 0)]


async def test_what_can_not_be_stored_holds_up_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await send(home, "before", wait="acknowledged")
        fill(home)
        error = await home.refused("message.send", to=TO, body="x" * 100_000)
        assert error.name == "failed.storage"
        free(home)
        after = await send(home, "after")
        await alice.peer.expect("<message><body>after</body></message>")
        await home.expect("message.changed", id=after["id"], state="acknowledged")
        # In place of what was refused stands what says nothing, so that both count the same.
        assert home.rows("SELECT body FROM message") == [("before",), ("after",)]
        number = home.rows("SELECT number FROM message WHERE body = 'after'")[0][0]
        assert number <= alice.peer.stanzas
        kept = [one for one in alice.peer.received if one.get("id", "").startswith("none-")]
        assert [(one.tag, one.get("type")) for one in kept] == [("{jabber:client}iq", "result")]


async def test_what_was_not_acknowledged_is_sent_again_with_the_same_id(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False)
        await send(home, "acknowledged")
        await alice.peer.expect("<message><body>acknowledged</body></message>")
        alice.peer.acknowledge()
        await home.expect("message.changed", state="acknowledged")
        sent = await send(home, "hello", wait="sent")
        await alice.peer.expect("<message><body>hello</body></message>")
        alice.peer.abort()
        peer = await alice.reconnect()
        await peer.expect(
            f"<message id='{sent['stanza_id']}'><body>hello</body>"
            f"<origin-id xmlns='urn:xmpp:sid:0' id='{sent['origin_id']}'/></message>"
        )
        await home.expect(
            "message.changed", id=sent["id"], state="acknowledged", maybe_duplicate=True
        )
        await peer.forbid("<message><body>acknowledged</body></message>")


async def test_what_waited_is_sent_once_by_the_next_daemon(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        kept = await send(home, "kept")
        assert await state(home, kept) == "pending"
        await home.restart()
        peer = await alice.reconnect()
        await peer.expect("<message><body>kept</body></message>")
        changed = await home.expect("message.changed", id=kept["id"], state="acknowledged")
        assert changed["maybe_duplicate"] is False
        bodies = [one for one in peer.received if one.tag == "{jabber:client}message"]
        assert len(bodies) == 1


async def test_an_acknowledgement_counts_for_its_own_stream_alone(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False)
        sent = await send(home, "hello", wait="sent")
        number = home.rows("SELECT number FROM message")[0][0]
        alice.peer.abort()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.server.accept()
        await peer.log_in()
        roster = await peer.expect("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
        # Before the roster is answered no message is written, but answers to requests are.
        for count in range(number + 1):
            peer.send(f"<iq type='get' id='p{count}'><ping xmlns='urn:xmpp:ping'/></iq>")
            await peer.expect(f"<iq type='result' id='p{count}'/>")
        assert peer.stanzas > number
        peer.acknowledge()
        await home.forbid("message.changed", id=sent["id"], state="acknowledged")
        peer.serve()
        peer.answer(roster, "<query xmlns='jabber:iq:roster'/>")
        await peer.expect("<message><body>hello</body></message>")


async def test_three_stream_errors_fail_a_message_and_the_queue_moves_on(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False)
        peer = alice.peer
        sent = await send(home, "poison", wait="sent")
        for attempt in range(3):
            await peer.expect("<message><body>poison</body></message>")
            peer.stream_error("policy-violation")
            await peer.ends()
            if attempt == 2:
                await send(home, "next")
            peer = await alice.reconnect(acknowledge=attempt == 2)
        failed = await home.expect("message.changed", id=sent["id"], state="failed")
        assert "closed the stream" in failed["error"]
        await peer.expect("<message><body>next</body></message>")
        await home.expect("message.changed", body="next", state="acknowledged")
        await peer.forbid("<message><body>poison</body></message>")


async def test_without_stream_management_a_ping_tells(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(features="")
        held = []
        alice.peer.on("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>", held.append)
        sent = await send(home, "hello", wait="sent")
        await until(reactor, lambda: held)
        stanzas = [one.tag for one in alice.peer.received]
        assert stanzas.index("{jabber:client}message") < len(stanzas) - 1
        await home.forbid("message.changed", id=sent["id"], state="acknowledged")
        alice.peer.answer(held[0])
        await home.expect("message.changed", id=sent["id"], state="acknowledged")


BOUNCE = (
    "<message type='error' from='{sender}' id='{id}'><error type='cancel'>"
    "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
)


async def test_a_message_that_comes_back_has_failed(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        sent = await send(home, "hello", wait="acknowledged")
        alice.peer.send(BOUNCE.format(sender="eve@evil.test", id=sent["stanza_id"]))
        alice.peer.send(BOUNCE.format(sender="bob@server.test/x", id="another"))
        await home.forbid("message.changed", state="failed")
        waiting = home.call("message.send", to=TO, body="waits", wait="received")
        waits = await home.expect("message.added", body="waits")
        alice.peer.send(BOUNCE.format(sender="bob@server.test/x", id=sent["stanza_id"]))
        failed = await home.expect("message.changed", id=sent["id"], state="failed")
        assert "service unavailable" in failed["error"]
        alice.peer.send(BOUNCE.format(sender="bob@server.test", id=waits["stanza_id"]))
        with pytest.raises(Exception, match="could not be reached") as told:
            await waiting
        assert told.value.name == "failed.message"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "usage.text"),
        ("a\0b", "usage.text"),
        ("a\x0bb", "usage.text"),
        ("\ufffe", "usage.text"),
        ("x" * 131_073, "usage.text"),
    ],
)
async def test_what_xmpp_cannot_carry_is_refused(reactor, tmp_path, text, name):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        assert (await home.refused("message.send", to=TO, body=text)).name == name
        await send(home, "still there", wait="acknowledged")
        await alice.peer.forbid("<iq type='error'/>", 0)


async def test_not_connected(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        error = await home.refused("message.send", to=TO, body="now or never", now=True)
        assert error.name == "offline.profile"
        late = await home.refused("message.send", to=TO, body="x", wait="sent", timeout=0.1)
        assert late.name == "timeout.message"
        assert await state(home, late.data) == "pending"


async def test_one_transaction_is_one_message(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        first = home.call("message.send", to=TO, body="once", txn="t1")
        second = home.call("message.send", to=TO, body="once", txn="t1")
        sent = await first
        assert await second == sent
        await home.restart()
        assert await send(home, "once", txn="t1") == sent
        error = await home.refused("message.send", to=TO, body="other", txn="t1")
        assert error.name == "usage.txn"
        assert len(home.rows("SELECT id FROM message")) == 1
        peer = await alice.reconnect()
        await peer.expect("<message><body>once</body></message>")
        await pause(reactor, 0.2)
        assert sum(one.tag == "{jabber:client}message" for one in peer.received) == 1
