import random
from itertools import pairwise

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sat.xmpp.connection import Backoff, Phase
from sat.xmpp.stanza import NS_CLIENT, Element, Message, NotConnected, StanzaError, parse_jid
from tests.hostile.login import NS_SM
from tests.hostile.server import HostileServer
from tests.xmpp.support import Client, Pair

BOB = parse_jid("bob@server.test/x")
ASKED = "<iq type='get'><query xmlns='urn:q'/></iq>"


def message(body):
    return Message(to=BOB, body=body).to_element()


def question(to=None):
    iq = Element((NS_CLIENT, "iq"), {"type": "get"})
    if to is not None:
        iq["to"] = to
    iq.add("query", "urn:q")
    return iq


def begin(coroutine):
    """Start a coroutine, and note how it ends."""
    outcome = []
    Deferred.fromCoroutine(coroutine).addBoth(outcome.append)
    return outcome


async def test_logs_in_and_carries_stanzas_both_ways(reactor, tmp_path):
    async with Pair(reactor, tmp_path, resource="desk") as pair:
        peer = await pair.online()
        assert pair.connection.state.jid.full() == "alice@server.test/desk"
        assert pair.client.features.mechanism == "SCRAM-SHA-256"
        assert peer.headers[0].get("from") is None
        peer.send("<message from='bob@server.test/x' id='1'><body>hi</body></message>")
        received = Message.from_element(await pair.client.stanza())
        assert (received.body, received.from_) == ("hi", BOB)
        await pair.connection.send(message("hé <&>\0"))
        await peer.expect("<message to='bob@server.test/x'><body>hé &lt;&amp;&gt;</body></message>")
    assert pair.connection.state.phase is Phase.OFFLINE
    assert pair.client.ended == [0]


async def test_nothing_can_be_sent_without_a_stream(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        connection = Client(reactor, server).connection
        with pytest.raises(NotConnected):
            connection.send(message("hi"))
        with pytest.raises(NotConnected):
            await connection.request(question())
        connection.handled(1)
        await connection.stop()


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
        assert pair.client.ended == [5]


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
        stored: Deferred[None] = Deferred()
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
        stored.callback(None)
        await sent
        await peer.expect("<message><body>1</body></message>")
        await peer.expect("<message><body>2</body></message>")


async def test_stanza_that_cannot_be_stored_gives_the_stream_up(reactor, tmp_path, logged):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        stored: Deferred[None] = Deferred()
        sent = begin(_wait(pair.connection.send(message("1"), lambda _: stored)))
        stored.errback(OSError("no space left"))
        state = await pair.client.been(Phase.WAITING)
        assert state.reason == "stream.store"
        assert sent[0].check(NotConnected)
        await peer.forbid("<message/>", 0)
        assert len(logged) == 1
        logged.clear()


async def _wait(deferred):
    return await deferred


# The end, and what comes after it


@pytest.mark.parametrize("condition", ["system-shutdown", "reset", "host-unknown", "odd"])
async def test_stream_errors_are_told_and_it_is_tried_again(reactor, tmp_path, condition):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.stream_error(condition)
        assert (await pair.client.been(Phase.WAITING)).reason == f"stream.{condition}"
        await pair.online()


async def test_conflict_is_final(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.stream_error("conflict")
        state = await pair.client.been(Phase.FAILED)
        assert (state.reason, state.retry_in) == ("stream.conflict", None)
        with pytest.raises(AssertionError, match="No client"):
            await pair.server.accept(0.5)
        pair.connection.start()
        await pair.online()


async def test_closed_and_cut_streams_are_made_again(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send("</stream:stream>")
        await peer.ends()
        peer = await pair.online()
        peer.send("<message><bo")
        peer.abort()
        await pair.online()
        assert pair.client.stanzas == []


@pytest.mark.parametrize(
    ("data", "reason", "condition"),
    [
        ("<!DOCTYPE x [<!ENTITY a 'b'>]>", "xml.invalid", "not-well-formed"),
        ("<!-- hi -->", "xml.forbidden", "restricted-xml"),
        ("<?pi hi?>", "xml.forbidden", "restricted-xml"),
        ("<message><body>&lol;</body></message>", "xml.invalid", "not-well-formed"),
        ("<a>" * 1000, "xml.invalid", "policy-violation"),
    ],
)
async def test_forbidden_xml_ends_the_stream(reactor, tmp_path, data, reason, condition):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send(data)
        assert (await pair.client.been(Phase.WAITING)).reason == reason
        said = f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        await peer.expect(f"<stream:error>{said}</stream:error>")


async def test_document_type_before_the_stream_is_refused(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        peer.send(
            "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'>]>"
            "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        assert (await pair.client.been(Phase.WAITING)).reason == "xml.forbidden"


async def test_refused_port_is_tried_again_until_it_opens(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        port = pair.server.port
        await pair.server.refuse()
        peer.abort()
        await pair.client.until(
            lambda client: [state for state in client.states if state.reason == "network.refused"]
        )
        pair.server.listen(port)
        await pair.online()


async def test_unknown_host(reactor, tmp_path):
    async with Pair(reactor, tmp_path, host="no-such-host.invalid") as pair:
        state = await pair.client.been(Phase.WAITING)
        assert state.reason == "network.unknown-host"
        assert "no-such-host.invalid" in state.sentence


async def test_retry_does_not_wait(reactor, tmp_path):
    backoff = Backoff(random.Random(1), 1000, 1000)
    async with Pair(reactor, tmp_path, backoff=backoff) as pair:
        peer = await pair.online()
        peer.abort()
        state = await pair.client.been(Phase.WAITING)
        assert 750 <= state.retry_in <= 1000
        pair.connection.retry()
        await pair.online()


def test_delays_grow_with_jitter_to_a_cap():
    delays = Backoff(random.Random(3), 1, 300)
    first = [delays.next() for _ in range(100)]
    assert all(after > before for before, after in pairwise(first[:9]))
    assert max(first) <= 300
    assert min(first[10:]) >= 225
    assert len(set(first)) == 100
    delays.reset()
    assert delays.next() <= 1


@pytest.mark.parametrize("features", ["", f"<sm xmlns='{NS_SM}'/>"])
async def test_dead_link_is_noticed(reactor, tmp_path, features):
    async with Pair(reactor, tmp_path, silence=0.2, patience=0.2) as pair:
        peer = await pair.online(features=features)
        peer.transport.pauseProducing()
        state = await pair.client.been(Phase.WAITING)
        assert state.reason == "network.lost"
        assert "sign of life" in state.sentence


@pytest.mark.parametrize("features", ["", f"<sm xmlns='{NS_SM}'/>"])
async def test_quiet_link_that_answers_is_kept(reactor, tmp_path, features):
    async with Pair(reactor, tmp_path, silence=0.05, patience=0.3) as pair:
        peer = await pair.online(features=features)
        peer.serve()
        await deferLater(reactor, 1.0, lambda: None)
        assert pair.connection.state.phase is Phase.ONLINE
        assert len(peer.received) >= 4


async def test_paused_connection_reads_nothing_and_is_not_taken_for_dead(reactor, tmp_path):
    async with Pair(reactor, tmp_path, silence=0.1, patience=0.1) as pair:
        peer = await pair.online()
        pair.connection.pause()
        peer.send("<message/>")
        await deferLater(reactor, 0.5, lambda: None)
        assert (pair.client.stanzas, pair.connection.state.phase) == ([], Phase.ONLINE)
        pair.connection.resume()
        await pair.client.stanza()


async def test_pause_outlives_the_stream(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        pair.connection.pause()
        peer.abort()
        # A paused connection doesn't read its own end; the server's abort is an error all the same.
        pair.connection.resume()
        await pair.client.been(Phase.WAITING)
        pair.connection.pause()
        peer = await pair.online()
        peer.send("<message/>")
        await deferLater(reactor, 0.2, lambda: None)
        assert pair.client.stanzas == []
        pair.connection.resume()
        await pair.client.stanza()


async def test_paused_connection_stops_at_once(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        pair.connection.pause()
        peer.send("<message/>")
        began = reactor.seconds()
        await pair.connection.stop(2)
        assert reactor.seconds() - began < 1
        assert pair.client.stanzas == []
        assert peer.acks == []


async def test_stop_waits_only_so_long_for_a_stuck_server(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.transport.pauseProducing()
        began = reactor.seconds()
        await pair.connection.stop(0.3)
        assert 0.2 < reactor.seconds() - began < 1
        assert pair.connection.state.phase is Phase.OFFLINE


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.WAITING, Phase.ONLINE])
async def test_stop_from_within_a_notice(reactor, tmp_path, phase):
    async with HostileServer(reactor, tmp_path) as server:
        client = Client(reactor, server)
        stopped: Deferred[None] = Deferred()
        changed = client.state_changed

        def stop_at_once(state):
            changed(state)
            if state.phase is phase:
                Deferred.fromCoroutine(client.connection.stop(0.2)).chainDeferred(stopped)

        client.state_changed = stop_at_once
        client.connection.start()
        if phase is not Phase.CONNECTING:
            peer = await server.accept()
            if phase is Phase.WAITING:
                peer.abort()
            else:
                await peer.log_in()
        await stopped
        assert client.connection.state.phase is Phase.OFFLINE
        count = len(client.states)
        await deferLater(reactor, 0.3, lambda: None)
        assert len(client.states) == count, client.states


async def test_start_while_it_stops(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        await pair.online()
        stopping = begin(pair.connection.stop(0.2))
        pair.connection.start()
        peer = await pair.server.accept()
        await peer.log_in()
        await pair.client.until(lambda client: len(client.states) >= 5)
        assert stopping == [None]
        assert [state.phase for state in pair.client.states] == [
            Phase.CONNECTING,
            Phase.ONLINE,
            Phase.OFFLINE,
            Phase.CONNECTING,
            Phase.ONLINE,
        ]


async def test_stop_in_the_middle_of_each_step(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        for step in ("stream", "proceed", "tls", "challenge", "bind", "enabled", None):
            client = Client(reactor, server)
            client.connection.start()
            peer = await server.accept()
            await peer.log_in(before=step)
            await client.connection.stop(0.2)
            await peer.ends()
            assert client.connection.state.phase is Phase.OFFLINE


async def test_listener_that_fails_does_not_end_the_stream(reactor, tmp_path, logged):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        received = pair.client.stanza_received

        def stumble(element, number):
            if element.name == "presence":
                raise RuntimeError("a bug")
            received(element, number)

        pair.client.stanza_received = stumble
        peer.send("<presence/><message/>")
        assert (await pair.client.stanza()).name == "message"
        assert len(logged) == 1
        logged.clear()
