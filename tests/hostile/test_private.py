"""Rule 10: what the account keeps for itself is told by itself alone, and stays with itself.

Each attack leaves no trace in anything that a frontend can see; its harmless twin does.
"""

import pytest

from tests.backend.rooms.test_bookmarks import ERROR, Pep, item, notice
from tests.backend.rooms.venue import ROOM, Venue
from tests.backend.support import house, until
from tests.hostile.patterns import matches, parse
from tests.hostile.test_forged import ALICE, BOB, EVE, carbon
from tests.hostile.traces import Trace
from tests.plugins.test_xep_0490_displayed import (
    NS,
    PUBLISH,
    PUBSUB,
    able,
    displayed,
    event,
    two_unread,
)

OPTIONS = f"{PUBSUB}#publish-options"
TOLD = {
    "what was read": event(displayed(BOB, "a2")),
    "a bookmark": notice(item("evil@muc.test", "false")),
}
#: Who may not speak for the account.
OTHERS = (BOB, f"{BOB}/x", EVE, "server.test", f"{ALICE}/phone", f"{ALICE}.evil.test", ROOM)
PRIVATE = "<iq type='set'><query xmlns='jabber:iq:private'/></iq>"


def client(stanza: str) -> str:
    """Return a stanza that can be put into another one."""
    return stanza.replace("<message ", "<message xmlns='jabber:client' ", 1)


@pytest.mark.parametrize("what", TOLD)
async def test_a_notice_counts_from_the_own_account_alone(reactor, tmp_path, what):
    genuine = TOLD[what]
    forged = [genuine.replace(f"from='{ALICE}'", f"from='{one}'") for one in OTHERS]
    # Anybody can send what our server then copies to our other programs.
    to_another = genuine.replace(" type=", f" to='{ALICE}/phone' type=")
    forged.append(carbon(ALICE, client(to_another)))
    assert genuine not in forged
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, OPTIONS)
        async with Trace(home, alice, len(forged)) as trace:
            alice.peer.send("".join(forged))
        assert not trace.changed, trace.events
        async with Trace(home, alice) as trace:
            alice.peer.send(genuine)
        assert trace.changed


@pytest.mark.parametrize("features", [(), (OPTIONS,)], ids=["attack", "twin"])
async def test_what_is_read_is_published_only_where_it_stays_private(reactor, tmp_path, features):
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, *features)
        await home.call("conversation.read", peer=BOB)
        if not features:
            await alice.peer.forbid(PUBLISH)
            return
        wanted, came = parse(PUBLISH), alice.peer.received
        request = await until(
            reactor, lambda: next((one for one in came if matches(wanted, one)), None)
        )
        fields = {one.get("var"): one[0].text for one in request.iter("{jabber:x:data}field")}
        assert fields["pubsub#access_model"] == "whitelist"


@pytest.mark.parametrize("closes", [False, True], ids=["attack", "twin"])
async def test_nothing_is_published_in_a_node_that_stays_open(reactor, tmp_path, closes):
    """A node that others can read, and that the server closes, or doesn't."""
    refused = ERROR.format("conflict", f"<precondition-not-met xmlns='{PUBSUB}#errors'/>")
    async with house(reactor, tmp_path) as home:
        alice = await two_unread(home, OPTIONS)
        peer, tries, configured = alice.peer, [], []

        def publish(request) -> None:
            tries.append(request)
            given = {} if configured and closes else {"type_": "error"}
            peer.answer(request, refused if given else "", **given)

        def configure(request) -> None:
            configured.append(request)
            given = {} if closes else {"type_": "error"}
            peer.answer(request, "" if closes else ERROR.format("forbidden", ""), **given)

        peer.on(PUBLISH, publish)
        peer.on(
            f"<iq type='set'><pubsub xmlns='{PUBSUB}#owner'><configure node='{NS}'/></pubsub></iq>",
            configure,
        )
        await home.call("conversation.read", peer=BOB)
        await until(reactor, lambda: configured)
        async with Trace(home, alice, 1) as trace:
            peer.send(f"<message from='{BOB}/x' type='chat'><body>after</body></message>")
        assert [one["type"] for one in trace.events].count("message.added") == 1
        assert len(tries) == 1 + closes
        for one in tries:
            options = {
                field.get("var"): field[0].text for field in one.iter("{jabber:x:data}field")
            }
            assert options["pubsub#access_model"] == "whitelist"


@pytest.mark.parametrize("features", [(), (OPTIONS,)], ids=["attack", "twin"])
async def test_a_bookmark_is_published_only_where_it_stays_private(reactor, tmp_path, features):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        connecting = home.call("profile.connect", name="alice")
        peer = await alice.online(serve=False)
        peer.serve(alice.roster)
        Venue(peer)
        pep = Pep(peer)
        able(peer, *features)
        stored = []
        storage = "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>"
        peer.on(
            "<iq type='get'><query xmlns='jabber:iq:private'/></iq>",
            lambda request: peer.answer(request, storage),
        )
        peer.on(PRIVATE, lambda request: stored.append(request) or peer.answer(request))
        await connecting
        await home.call("room.join", room=ROOM)
        await until(reactor, lambda: stored or pep.published)
        await peer.forbid("<iq type='error'/>")
        assert (bool(stored), bool(pep.published)) == ((False, True) if features else (True, False))
