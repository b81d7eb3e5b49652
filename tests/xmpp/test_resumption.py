"""A session that outlives its connection (XEP-0198, section 5)."""

import pytest
from twisted.internet.defer import Deferred

from sat.xmpp.account import Resumable
from sat.xmpp.connection import Phase
from sat.xmpp.management import WRAP
from sat.xmpp.stanza import parse_jid
from tests.hostile.login import NS_SM, RESUMABLE
from tests.xmpp.support import ASKED, Pair, begin, message, question

ITEM_NOT_FOUND = "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"


def resumed(h: int, then: str = "") -> str:
    return f"<resumed xmlns='{NS_SM}' previd='one' h='{h}'/>{then}"


def bodies(pair) -> list[str]:
    return [element.child("body", "jabber:client").text for element, _ in pair.client.stanzas]


def text(body: str) -> str:
    return f"<message from='bob@server.test'><body>{body}</body></message>"


async def cut(pair, peer) -> None:
    """Cut the connection, once the client has all that was sent."""
    peer.abort()
    await pair.client.phase(Phase.WAITING)


async def back(pair, **options):
    """Let the client come back, and return the server's side."""
    peer = await pair.server.accept()
    await peer.log_in(**options)
    return peer


async def test_what_was_lost_on_the_way_is_written_again_and_nothing_else(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        for number in range(4):
            pair.connection.send(message(str(number)))
        await peer.expect("<message><body>3</body></message>")
        peer.acknowledge(1)
        await pair.client.until(lambda client: client.acks)
        await cut(pair, peer)
        peer = await back(pair, resume=resumed(3))
        again = await peer.expect("<message><body/></message>")
        assert again.findtext("{jabber:client}body") == "3"
        await pair.client.phase(Phase.ONLINE)
        pair.connection.send(message("4"))
        await peer.expect("<message><body>4</body></message>")
        peer.acknowledge(5)
        await pair.client.until(lambda client: client.acks == [1, 3, 5])
        assert peer.stanzas == 2
        assert pair.client.sessions == ["started", "suspended", "resumed"]


async def test_what_the_server_sends_again_comes_once_each(reactor, tmp_path):
    async with Pair(reactor, tmp_path, automatic=False) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        peer.send(text("1") + text("2") + text("3"))
        await pair.client.until(lambda client: len(client.stanzas) == 3)
        pair.connection.handled(1)
        await cut(pair, peer)
        # The second one is still being dealt with; the server knows of the first alone.
        peer = await back(pair, resume=resumed(0, text("2") + text("3") + text("4") + text("5")))
        await pair.client.until(lambda client: len(client.stanzas) == 5)
        assert bodies(pair) == ["1", "2", "3", "4", "5"]
        assert [number for _, number in pair.client.stanzas] == [1, 2, 3, 4, 5]
        for number in (2, 3, 4, 5):
            pair.connection.handled(number)
        peer.send(f"<r xmlns='{NS_SM}'/>")
        await peer.expect(f"<a xmlns='{NS_SM}' h='5'/>")


async def test_hundreds_of_stanzas_behind_the_answer_are_taken(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        await cut(pair, peer)
        many = "".join(text(str(number)) for number in range(500))
        await back(pair, resume=resumed(0, many))
        await pair.client.until(lambda client: len(client.stanzas) == 500)
        assert bodies(pair) == [str(number) for number in range(500)]


async def test_server_is_never_told_of_more_than_is_stored(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        stored = pair.client.keeping = Deferred()
        peer.send(text("1") + f"<r xmlns='{NS_SM}'/>")
        await peer.forbid(f"<a xmlns='{NS_SM}' h='*'/>")
        assert pair.client.handled == [1]
        await cut(pair, peer)
        peer = await pair.server.accept()
        await peer.log_in("resumed", resume="")
        asked = [one for one in peer.received if one.tag.endswith("}resume")]
        assert asked[0].get("h") == "0", "not durable, so not dealt with"
        assert asked[0].get("previd") == "one"
        peer.send(resumed(0, text("1")))
        await pair.client.phase(Phase.ONLINE)
        stored.callback(None)
        peer.send(f"<r xmlns='{NS_SM}'/>")
        await peer.expect(f"<a xmlns='{NS_SM}' h='1'/>")
        assert bodies(pair) == ["1"]


@pytest.mark.parametrize("more", ["", text("of another")])
async def test_a_server_that_acknowledges_nothing_in_what_it_took_up_is_not_asked_again(
    reactor, tmp_path, more
):
    async with Pair(reactor, tmp_path, patience=0.3) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        await cut(pair, peer)
        peer = await back(pair, resume=resumed(0, more))
        await peer.expect(f"<r xmlns='{NS_SM}'/>")
        state = await pair.client.phase(Phase.WAITING)
        assert (state.reason, "acknowledges nothing" in state.sentence) == ("network.lost", True)
        await back(pair, enabled=RESUMABLE)
        await pair.client.until(lambda client: client.sessions[-1] == "started")
        assert pair.client.sessions == ["started", "suspended", "resumed", "ended", "started"]


async def test_requests_wait_across_a_cut(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        outcome = begin(pair.connection.request(question(), 30))
        request = await peer.expect(ASKED)
        await cut(pair, peer)
        peer = await back(pair, resume=resumed(1))
        peer.jid = ""
        peer.answer(request)
        peer.send(text("sign"))
        await pair.client.stanza()
        assert outcome[0]["type"] == "result"


async def test_refused_session_begins_anew_with_the_servers_count(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        outcome = begin(pair.connection.request(question(), 30))
        pair.connection.send(message("1"))
        pair.connection.send(message("2"))
        await peer.expect("<message><body>2</body></message>")
        await cut(pair, peer)
        failed = f"<failed xmlns='{NS_SM}' h='2'>{ITEM_NOT_FOUND}</failed>"
        peer = await back(pair, resume=failed, enabled=RESUMABLE)
        await pair.client.phase(Phase.ONLINE)
        assert pair.client.sessions == ["started", "suspended", "ended", "started"]
        assert pair.client.acks == [2]
        assert outcome[0].type.__name__ == "NotConnected"
        pair.connection.send(message("3"))
        await peer.expect("<message><body>3</body></message>")
        await peer.forbid("<message><body>2</body></message>")
        peer.acknowledge(1)
        await pair.client.until(lambda client: client.acks == [2, 1])


@pytest.mark.parametrize("count", [0, 4, WRAP - 1])
async def test_impossible_count_ends_the_session(reactor, tmp_path, count):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        for number in range(3):
            pair.connection.send(message(str(number)))
        await peer.expect("<message><body>2</body></message>")
        peer.acknowledge(1)
        await pair.client.until(lambda client: client.acks)
        await cut(pair, peer)
        peer = await back(pair, resume=resumed(count))
        await peer.ends()
        peer = await back(pair)
        await pair.client.phase(Phase.ONLINE)
        assert pair.client.sessions == ["started", "suspended", "ended", "started"]


async def test_stream_error_ends_the_session(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        pair.connection.send(message("poison"))
        await peer.expect("<message><body>poison</body></message>")
        peer.stream_error("policy-violation")
        await pair.client.phase(Phase.WAITING)
        peer = await back(pair)
        await pair.client.phase(Phase.ONLINE)
        await peer.forbid("<message><body>poison</body></message>")
        assert pair.client.sessions == ["started", "ended", "started"]


async def test_server_that_fails_at_the_session_gets_a_new_one(reactor, tmp_path):
    async with Pair(reactor, tmp_path, step=0.3) as pair:
        peer = await pair.online(enabled=RESUMABLE)
        await cut(pair, peer)
        for _ in range(3):
            peer = await pair.server.accept()
            await peer.log_in("resumed", resume="")
            await peer.ends()
        await back(pair)
        await pair.client.phase(Phase.ONLINE)
        assert pair.client.sessions == ["started", "suspended", "ended", "started"]


async def test_session_is_kept_as_long_as_the_server_keeps_it(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=RESUMABLE.replace("resume=", "max='0' resume="))
        await pair.server.refuse()
        peer.abort()
        await pair.client.until(lambda client: client.sessions[-1] == "ended" or None)
        assert pair.client.sessions == ["started", "suspended", "ended"]


async def test_closing_leaves_nothing_to_go_on_with(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        await pair.online(enabled=RESUMABLE)
        await pair.connection.stop(0.2)
        assert pair.client.sessions == ["started", "ended"]
        pair.connection.start()
        await back(pair)
        await pair.client.phase(Phase.ONLINE)


@pytest.mark.parametrize("turns", [0, 1])
async def test_session_of_an_earlier_process_goes_on(reactor, tmp_path, turns):
    base = turns * WRAP
    previous = Resumable("one", parse_jid("alice@server.test/old"), 7 + base, 20 + base)
    async with Pair(reactor, tmp_path, previous=previous) as pair:
        peer = await back(pair, resume=resumed(18, text("new")))
        await pair.client.phase(Phase.ONLINE)
        assert pair.client.sessions == [f"restored at {18 + base}"]
        assert pair.connection.state.jid == previous.jid
        await pair.client.stanza()
        peer.send(f"<r xmlns='{NS_SM}'/>")
        await peer.expect(f"<a xmlns='{NS_SM}' h='8'/>")
        pair.connection.send(message("next"))
        await peer.expect("<message><body>next</body></message>")
        peer.acknowledge(19)
        await pair.client.until(lambda client: client.acks == [19 + base])


async def test_session_of_an_earlier_process_may_be_gone(reactor, tmp_path):
    previous = Resumable("one", parse_jid("alice@server.test/old"), 7, 20)
    async with Pair(reactor, tmp_path, previous=previous) as pair:
        await back(pair, resume=f"<failed xmlns='{NS_SM}' h='18'>{ITEM_NOT_FOUND}</failed>")
        await pair.client.phase(Phase.ONLINE)
        assert pair.client.sessions == ["started"]
        assert pair.client.features.refused == 18


@pytest.mark.parametrize(
    "enabled",
    [
        f"<enabled xmlns='{NS_SM}' id='one'/>",
        f"<enabled xmlns='{NS_SM}' resume='true'/>",
        f"<enabled xmlns='{NS_SM}' resume='true' id='{'x' * 4001}'/>",
    ],
)
async def test_session_that_cannot_be_resumed_is_not_kept(reactor, tmp_path, enabled):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(enabled=enabled)
        await cut(pair, peer)
        await back(pair)
        await pair.client.phase(Phase.ONLINE)
        assert pair.client.sessions == ["started", "ended", "started"]
