import random
from itertools import pairwise

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sat.xmpp.connection import Backoff, Phase
from sat.xmpp.stanza import Message, NotConnected
from tests.hostile.login import NS_SM
from tests.hostile.server import HostileServer
from tests.xmpp.support import BOB, Client, Pair, begin, message, question


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
    assert pair.client.sessions == ["started", "ended"]


async def test_nothing_can_be_sent_without_a_stream(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        connection = Client(reactor, server).connection
        with pytest.raises(NotConnected):
            connection.send(message("hi"))
        with pytest.raises(NotConnected):
            await connection.request(question())
        connection.handled(1)
        await connection.stop()


# The end, and what comes after it


@pytest.mark.parametrize("condition", ["system-shutdown", "reset", "host-unknown", "odd"])
async def test_stream_errors_are_told_and_it_is_tried_again(reactor, tmp_path, condition):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.stream_error(condition)
        assert (await pair.client.been(Phase.WAITING)).reason == f"stream.{condition}"
        await pair.online()


async def test_what_the_server_says_is_shown_on_one_line(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        ns = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
        peer.send(
            f"<stream:error><reset {ns}/><text {ns}>so\n\u202elong\u009b</text></stream:error>"
        )
        sentence = (await pair.client.been(Phase.WAITING)).sentence
        assert "It says: so long. The next try is in" in sentence


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
        await deferLater(reactor, 0.05, lambda: None)
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


async def test_what_looks_like_a_stanza_of_another_namespace_is_none(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send("<message xmlns='urn:x'/><x:iq xmlns:x='jabber:client2' type='get' id='1'/>")
        peer.send("<e:message xmlns:e='jabber:client' id='right'/><r xmlns='urn:xmpp:sm:3'/>")
        assert (await pair.client.stanza())["id"] == "right"
        await peer.expect(f"<a xmlns='{NS_SM}' h='1'/>")


async def test_stanza_nested_in_a_message_is_not_taken_for_one(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        inner = "<message xmlns='jabber:client' from='boss@server.test'><body>pay</body></message>"
        peer.send(
            f"<message id='outer'><body>hi</body>{inner}<x xmlns='urn:x'>{inner}</x></message>"
        )
        stanza = Message.from_element(await pair.client.stanza())
        assert (stanza.id, stanza.body, stanza.from_) == ("outer", "hi", None)
        peer.send("<presence/>")
        assert (await pair.client.stanza()).name == "presence"


async def test_stanza_of_a_byte_at_a_time(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        for byte in "<message><body>é</body></message>".encode():
            peer.send(bytes([byte]))
            await deferLater(reactor, 0.002, lambda: None)
        assert Message.from_element(await pair.client.stanza()).body == "é"


@pytest.mark.parametrize(
    "head", ["<message><body>", "<message a='", "<message>" + "<x/>" * 99_000, "<message><!--"]
)
async def test_endless_stanza_is_cut_off(reactor, tmp_path, head):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.send(head)
        tail = "<x/>" * 1000 if head.endswith("/>") else "x" * 65536
        for _ in range(200):  # 12.5 MiB
            peer.send(tail)
            await deferLater(reactor, 0, lambda: None)
            if peer.lost:
                break
        state = await pair.client.been(Phase.WAITING)
        assert state.reason.startswith("xml.")
        assert pair.client.stanzas == []
