import pytest
from twisted.internet.defer import Deferred

from sat.xmpp.connection import Phase
from sat.xmpp.stanza import NotConnected, StanzaError
from tests.hostile.login import NS_SM
from tests.xmpp.support import ASKED, Pair, begin, message, question, wait

# Requests


@pytest.mark.parametrize(
    ("to", "right", "wrong"),
    [
        (None, None, "bob@server.test"),
        (None, "alice@server.test", "alice@server.test/other"),
        ("alice@server.test", None, "mallory@server.test"),
        ("server.test", "server.test", "evil.test"),
        ("bob@server.test/x", "bob@server.test/x", "bob@server.test/y"),
        ("bob@server.test/x", "bob@server.test/x", None),
        ("bob@server.test", "bob@server.test", "server.test"),
    ],
)
async def test_answer_counts_only_from_whom_was_asked(reactor, tmp_path, to, right, wrong):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        outcome = begin(pair.connection.request(question(to)))
        asked = await peer.expect(ASKED)
        peer.answer(asked, "<query xmlns='urn:q' forged='1'/>", from_=wrong)
        peer.send("<presence/>")
        await pair.client.stanza()
        assert outcome == []
        peer.answer(asked, "<query xmlns='urn:q' forged='0'/>", from_=right)
        peer.send("<presence/>")
        await pair.client.stanza()
        assert outcome[0].firstChildElement()["forged"] == "0"


async def test_refusal_timeout_and_end_of_a_request(reactor, tmp_path, logged):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        refused = begin(pair.connection.request(question()))
        peer.answer(
            await peer.expect(ASKED),
            "<error type='wait'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            type="error",
        )
        with pytest.raises(TimeoutError, match=r"bob@server.test didn't answer"):
            await pair.connection.request(question("bob@server.test"), timeout=0.2)
        unanswered = begin(pair.connection.request(question()))
        await peer.expect(ASKED)
        peer.abort()
        await pair.client.been(Phase.WAITING)
        assert refused[0].check(StanzaError)
        assert (refused[0].value.condition, refused[0].value.type) == ("forbidden", "wait")
        assert unanswered[0].check(NotConnected)


async def test_late_and_unasked_answers_harm_nothing(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send("<iq type='result' id='never'/><iq type='error' id='x'/><iq/><iq type='odd'/>")
        peer.send(f"<r xmlns='{NS_SM}'/>")
        await peer.expect(f"<a xmlns='{NS_SM}' h='4'/>")
        assert pair.client.stanzas == []


async def test_requests_of_others_reach_the_listener(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send(
            "<iq type='get' id='1' from='bob@server.test/x'><ping xmlns='urn:xmpp:ping'/></iq>"
        )
        assert (await pair.client.stanza())["id"] == "1"


# Acknowledgement


async def test_only_what_is_handled_without_a_gap_is_acknowledged(reactor, tmp_path):
    async with Pair(reactor, tmp_path, automatic=False) as pair:
        peer = await pair.online()
        for number in range(3):
            peer.send(f"<message id='{number}'/>")
        await pair.client.until(lambda client: len(client.stanzas) == 3)
        pair.connection.handled(3)
        pair.connection.handled(1)
        peer.send(f"<r xmlns='{NS_SM}'/>")
        await peer.expect(f"<a xmlns='{NS_SM}' h='1'/>")
        pair.connection.handled(2)
        await peer.expect(f"<a xmlns='{NS_SM}' h='3'/>")
        assert [number for _, number in pair.client.stanzas] == [1, 2, 3]


async def test_all_that_is_handled_is_acknowledged_before_the_end(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send("<message/><message/>")
        await pair.client.until(lambda client: len(client.stanzas) == 2)
        await pair.connection.stop(0.2)
        await peer.ends()
        assert peer.acks == [2]


async def test_storm_is_acknowledged_now_and_then(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send("<message/>" * 1050)
        await pair.client.until(lambda client: len(client.stanzas) == 1050)
        await peer.expect(f"<a xmlns='{NS_SM}' h='1000'/>")
        assert len(peer.acks) <= 11


async def test_server_is_asked_once_for_many_and_its_counts_are_told(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        for number in range(5):
            pair.connection.send(message(str(number)))
        await peer.expect(f"<r xmlns='{NS_SM}'/>")
        await peer.forbid(f"<r xmlns='{NS_SM}' never='1'/>", 0.05)
        assert not [element for element in peer.unread if element.tag.endswith("}r")]
        peer.acknowledge(3)
        await peer.expect(f"<r xmlns='{NS_SM}'/>")
        peer.acknowledge(5)
        await pair.client.until(lambda client: client.acks == [3, 5])
        peer.abort()
        await pair.client.been(Phase.WAITING)
        assert pair.client.sessions == ["started", "ended"]


@pytest.mark.parametrize("h", ["6", "4294967295", "4294967296", "-1", "x", "", "٣", "9" * 5000])
async def test_impossible_counts_end_the_stream(reactor, tmp_path, h):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        pair.connection.send(message("1"))
        peer.send(f"<a xmlns='{NS_SM}' h='{h}'/>")
        state = await pair.client.been(Phase.WAITING)
        assert state.reason == "stream.handled-count-too-high"
        assert pair.client.acks == []


async def test_server_without_management(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online(features="")
        assert not pair.client.features.management
        await pair.connection.send(message("1"))
        peer.send(f"<message/><r xmlns='{NS_SM}'/><a xmlns='{NS_SM}' h='1'/>")
        await pair.client.stanza()
        await peer.forbid(f"<r xmlns='{NS_SM}'/>")
        await peer.forbid(f"<a xmlns='{NS_SM}'/>", 0)
        assert pair.client.acks == []


# The lane


async def test_stanzas_wait_until_they_are_durable(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        stored: Deferred[bool] = Deferred()
        numbers = []

        def durable(number):
            numbers.append(number)
            return stored

        pair.connection.send(message("0"))
        sent = pair.connection.send(message("1"), durable)
        pair.connection.send(message("2"))
        await peer.expect("<message><body>0</body></message>")
        await peer.forbid("<message><body>1</body></message>")
        assert (numbers, sent.called) == ([2], False)
        stored.callback(True)
        await sent
        await peer.expect("<message><body>1</body></message>")
        await peer.expect("<message><body>2</body></message>")


async def test_stanza_that_cannot_be_stored_gives_the_stream_up(reactor, tmp_path, logged):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        stored: Deferred[bool] = Deferred()
        sent = begin(wait(pair.connection.send(message("1"), lambda _: stored)))
        stored.errback(OSError("no space left"))
        state = await pair.client.been(Phase.WAITING)
        assert state.reason == "stream.store"
        assert sent[0].check(NotConnected)
        await peer.forbid("<message/>", 0)
        assert len(logged) == 1
        logged.clear()
