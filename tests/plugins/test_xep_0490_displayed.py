"""XEP-0490: what is read in one program is read in all, and nobody else learns of it."""

import pytest

from tests.backend.support import house
from tests.hostile.patterns import matches, parse

NS = "urn:xmpp:mds:displayed:0"
PUBSUB = "http://jabber.org/protocol/pubsub"
INFO = "http://jabber.org/protocol/disco#info"
TO = "bob@server.test"
OWN = "alice@server.test"
PUBLISH = f"<iq type='set'><pubsub xmlns='{PUBSUB}'><publish node='{NS}'/></pubsub></iq>"


def able(peer, *features: str) -> None:
    """Let the account's own service have features."""
    told = "".join(f"<feature var='{one}'/>" for one in features)
    peer.on(
        f"<iq type='get' to='{OWN}'><query xmlns='{INFO}'/></iq>",
        lambda request: peer.answer(request, f"<query xmlns='{INFO}'>{told}</query>"),
    )


def displayed(peer: str, id: str, by: str = OWN) -> str:
    """Return an item: up to which message a conversation was read."""
    return (
        f"<item id='{peer}'><displayed xmlns='{NS}'>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{by}' id='{id}'/></displayed></item>"
    )


def event(item: str, sender: str = OWN, node: str = NS) -> str:
    """Return a notification."""
    return (
        f"<message from='{sender}' type='headline'><event xmlns='{PUBSUB}#event'>"
        f"<items node='{node}'>{item}</items></event></message>"
    )


def archived(text: str, id: str) -> str:
    """Return a message that the own archive has."""
    return (
        f"<message from='{TO}/x' type='chat' id='{text}'><body>{text}</body>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{OWN}' id='{id}'/></message>"
    )


async def two_unread(home, *features: str):
    """Let a profile have two unread messages."""
    await home.call("option.set", name="displayed.delay", value="0")
    server = home.profile(connect=False)
    alice = await server
    connecting = home.call("profile.connect", name="alice")
    peer = await alice.online(serve=False)
    peer.serve(alice.roster)
    able(peer, *features)
    await peer.expect("<presence/>")
    await connecting
    peer.send(archived("one", "a1") + archived("two", "a2"))
    await home.expect("message.added", body="two")
    return alice


async def test_what_is_read_here_is_told_to_the_own_programs(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, f"{PUBSUB}#publish-options")
        await home.call("conversation.read", peer=TO)
        wanted, came = parse(PUBLISH), alice.peer.received
        request = await alice.peer.until(
            lambda: next((one for one in came if matches(wanted, one)), None),
            "Nothing was published.",
        )
        [item] = request.iter(f"{{{PUBSUB}}}item")
        assert item.get("id") == TO
        assert item[0][0].attrib == {"id": "a2", "by": OWN}
        fields = {field.get("var"): field[0].text for field in request.iter("{jabber:x:data}field")}
        assert fields["pubsub#access_model"] == "whitelist"
        assert fields["pubsub#persist_items"] == "true"
        assert fields["FORM_TYPE"] == f"{PUBSUB}#publish-options"


async def test_nothing_private_is_published_where_it_would_not_stay_so(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home)
        read = await home.call("conversation.read", peer=TO)
        assert read["unread"] == 0, "it is read here all the same"
        await alice.peer.forbid(PUBLISH)
        assert not any(matches(parse(PUBLISH), one) for one in alice.peer.received)


async def test_a_node_that_others_can_read_is_closed_first(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, f"{PUBSUB}#publish-options")
        peer = alice.peer
        refused = (
            "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            f"<precondition-not-met xmlns='{PUBSUB}#errors'/></error>"
        )
        configure = (
            f"<iq type='set'><pubsub xmlns='{PUBSUB}#owner'><configure node='{NS}'/></pubsub></iq>"
        )
        peer.on(PUBLISH, lambda request: peer.answer(request, refused, type="error"))
        closed = []

        def close(request) -> None:
            closed.append(request)
            peer.on(PUBLISH, lambda request: closed.append(request) or peer.answer(request))
            peer.answer(request)

        peer.on(configure, close)
        await home.call("conversation.read", peer=TO)
        await peer.until(lambda: len(closed) == 2 or None, "It was not published again.")
        first, then = closed
        assert matches(parse(configure), first) and matches(parse(PUBLISH), then)


async def test_a_server_that_knows_few_options_keeps_all_of_it_private(reactor, tmp_path):
    """ejabberd 23.01 refuses to be told how many items a node has while one is published."""
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, f"{PUBSUB}#publish-options")
        peer, taken = alice.peer, []

        def take(request) -> None:
            options = {one.get("var") for one in request.iter("{jabber:x:data}field")}
            if "pubsub#max_items" in options:
                why = "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                peer.answer(request, f"<error type='modify'>{why}</error>", type="error")
                return
            assert "pubsub#access_model" in options
            taken.append(request)
            peer.answer(request)

        def configure(request) -> None:
            taken.append({one.get("var") for one in request.iter("{jabber:x:data}field")})
            peer.answer(request)

        peer.on(PUBLISH, take)
        peer.on(f"<iq type='set'><pubsub xmlns='{PUBSUB}#owner'/></iq>", configure)
        await home.call("conversation.read", peer=TO)
        await peer.until(lambda: len(taken) == 2 or None, "It was not published and kept.")
        assert {"pubsub#max_items", "pubsub#access_model"} <= taken[1]


async def test_what_is_read_elsewhere_is_read_here(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, f"{PUBSUB}#publish-options")
        alice.peer.send(event(displayed(TO, "a1")))
        await home.expect("conversation.changed", peer=TO, unread=1)
        alice.peer.send(event(displayed(TO, "a2")))
        await home.expect("conversation.changed", peer=TO, unread=0)
        # What was read stays read, and what came from there is not told there.
        alice.peer.send(event(displayed(TO, "a1")))
        await alice.peer.forbid(PUBLISH)
        assert (await home.call("conversation.get", peer=TO))["unread"] == 0


@pytest.mark.parametrize(
    "told",
    [
        event(displayed(TO, "a2"), "bob@server.test"),
        event(displayed(TO, "a2"), "bob@server.test/x"),
        event(displayed(TO, "a2"), "server.test"),
        event(displayed(TO, "a2"), f"{OWN}/other"),
        event(displayed(TO, "a2"), node="urn:xmpp:something:else"),
        event(displayed(TO, "a2", by="eve@evil.test")),
        event(displayed(TO, "unknown")),
        event(displayed("eve@evil.test", "a2")),
        event(displayed("@@", "a2")),
        event(displayed(TO, "a2", by="@@")),
        event(f"<item id='{TO}'/>"),
        event("<item/><retract/>"),
    ],
)
async def test_what_anyone_else_tells_or_makes_no_sense_changes_nothing(reactor, tmp_path, told):
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, f"{PUBSUB}#publish-options")
        alice.peer.send(told + archived("three", "a3"))
        await home.expect("message.added", body="three")
        await home.forbid("conversation.changed")
        await home.forbid("plugin.failed", 0)
        assert (await home.call("conversation.get", peer=TO))["unread"] == 3
