import socket
from contextlib import ExitStack, contextmanager

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sat.xmpp import dial, resolve
from sat.xmpp.connection import Phase
from sat.xmpp.resolve import LookupFailed
from sat.xmpp.stanza import parse_jid
from tests.hostile.login import NS_SASL
from tests.hostile.server import HostileServer
from tests.xmpp.names import Table, service
from tests.xmpp.support import Client
from tests.xmpp.town import nobody_came, online, town

# In turn


@pytest.mark.parametrize("direct", [False, True])
async def test_first_server_is_used_alone(reactor, tmp_path, direct):
    async with town(reactor, tmp_path, {"direct_tls": direct}, {}) as place:
        await online(place, 1)
        assert nobody_came(place.servers[1])
        assert place.hosts.asked == ["h1.test"]


@pytest.mark.parametrize("direct", [False, True])
async def test_second_server_is_used_if_the_first_is_dead(reactor, tmp_path, direct):
    async with town(reactor, tmp_path, {"dead": True}, {"direct_tls": direct}) as place:
        await online(place, 2)
        assert [state.phase for state in place.client.states] == [Phase.CONNECTING, Phase.ONLINE]


async def test_host_that_is_not_known_is_passed_over(reactor, tmp_path):
    def records(servers):
        return Table([service("gone.test", 1, 1), service("h1.test", servers[0].port, 2)])

    async with town(reactor, tmp_path, {}, records=records) as place:
        await online(place, 1)


@pytest.mark.parametrize("direct", [False, True])
async def test_silent_server_costs_little(reactor, tmp_path, monkeypatch, direct):
    monkeypatch.setattr(dial, "SOON", 0.3)
    async with town(reactor, tmp_path, {"direct_tls": direct}, {}) as place:
        silent = await place.servers[0].accept()
        if not direct:
            await silent.log_in(before="proceed")
        await online(place, 2)
        await silent.ends()


async def test_search_for_an_address_that_never_ends_costs_little(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(dial, "SOON", 0.3)

    def records(servers):
        return Table([service("lost.test", 1, 1), service("h1.test", servers[0].port, 2)])

    async with town(reactor, tmp_path, {}, records=records, names={"lost.test": None}) as place:
        await online(place, 1)
        assert place.hosts.asked == ["lost.test", "h1.test"]


@contextmanager
def black_hole(address, port=0):
    """Give the port at an address of loopback where no connection is refused, and none made."""
    with ExitStack() as stack:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = stack.enter_context(socket.socket(family))
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(8):  # the few that wait to be accepted keep all others out
            waiting = stack.enter_context(socket.socket(family))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_black_hole_costs_little(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(dial, "SOON", 0.3)
    with black_hole("127.0.0.1") as port:

        def records(servers):
            return Table([service("hole.test", port, 1), service("h1.test", servers[0].port, 2)])

        names = {"hole.test": ["127.0.0.1"]}
        async with town(reactor, tmp_path, {}, records=records, names=names) as place:
            await online(place, 1)


async def test_black_hole_alone_is_told(reactor, tmp_path):
    with black_hole("127.0.0.1") as port:
        names = {"hole.test": ["127.0.0.1"]}

        def records(_):
            return Table([service("hole.test", port)])

        async with town(reactor, tmp_path, {}, records=records, names=names, step=0.3) as place:
            state = await place.client.been(Phase.WAITING)
            assert state.reason == "timeout.connect"
            assert f"hole.test doesn't answer at port {port}." in state.sentence


async def test_only_server_has_its_time(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(dial, "SOON", 0.1)
    async with town(reactor, tmp_path, {}) as place:
        peer = await place.servers[0].accept()
        await deferLater(reactor, 0.4, lambda: None)
        await peer.log_in()
        await place.client.phase(Phase.ONLINE)


async def test_slow_authentication_is_no_silence(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(dial, "SOON", 0.2)
    async with town(reactor, tmp_path, {}, {}) as place:
        peer = await place.servers[0].accept()
        await peer.log_in(before="challenge")
        await deferLater(reactor, 0.5, lambda: None)
        assert not peer.lost
        assert nobody_came(place.servers[1])


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("certificate", ["name", "self", "expired"])
async def test_wrong_certificate_at_the_first_server(reactor, tmp_path, certificate, direct):
    bad = {"certificate": certificate, "direct_tls": direct}
    async with town(reactor, tmp_path, bad, {}) as place:
        peer = await place.servers[0].accept()
        if not direct:
            await peer.log_in(before="tls")
            peer.start_tls()
        await online(place, 2)
        await peer.forbid(f"<auth xmlns='{NS_SASL}'/>", 0)
        assert b"alice" not in peer.clear


async def test_certificate_of_the_servers_own_name_is_not_enough(reactor, tmp_path):
    async with town(reactor, tmp_path, {"domain": "h1.test", "direct_tls": True}) as place:
        state = await place.client.been(Phase.WAITING)
        assert state.reason == "tls.name"
        assert "is for h1.test, not for server.test" in state.sentence


async def test_stream_error_before_authentication_leads_on(reactor, tmp_path):
    async with town(reactor, tmp_path, {"direct_tls": True}, {}) as place:
        peer = await place.servers[0].accept()
        await peer.header()
        peer.open()
        peer.stream_error("host-unknown")
        await online(place, 2)


async def test_server_without_encryption_is_passed_over(reactor, tmp_path):
    async with town(reactor, tmp_path, {}, {"direct_tls": True}) as place:
        peer = await place.servers[0].accept()
        await peer.header()
        peer.open("")
        await online(place, 2)
        assert b"alice" not in peer.clear


async def test_direct_record_for_a_port_of_starttls_is_passed_over(reactor, tmp_path):
    def records(servers):
        first, second = servers
        return Table([service("h2.test", second.port, 2)], [service("h1.test", first.port, 1)])

    async with town(reactor, tmp_path, {}, {}, records=records, step=0.5) as place:
        await online(place, 2)


async def test_wrong_password_is_asked_of_one_server_alone(reactor, tmp_path):
    async with town(reactor, tmp_path, {}, {}, password="wrong") as place:
        peer = await place.servers[0].accept()
        await peer.log_in()
        assert (await place.client.been(Phase.FAILED)).reason == "denied.password"
        assert nobody_came(place.servers[1])


async def test_end_in_the_middle_of_authentication_is_told(reactor, tmp_path):
    async with town(reactor, tmp_path, {}, {}) as place:
        peer = await place.servers[0].accept()
        await peer.log_in(before="success")
        peer.abort()
        assert (await place.client.been(Phase.WAITING)).reason == "network.lost"
        assert nobody_came(place.servers[1])
        await online(place, 1)


async def test_fixed_server_is_the_only_one(reactor, tmp_path):
    table = Table([service("h2.test")])
    async with HostileServer(reactor, tmp_path) as server:
        client = Client(reactor, server, resolver=table)
        client.connection.start()
        peer = await server.accept()
        await peer.log_in()
        await client.phase(Phase.ONLINE)
        assert table.asked == []
        await client.connection.stop(0.2)


async def test_address_needs_no_dns(reactor, tmp_path, monkeypatch):
    async with HostileServer(reactor, tmp_path, domain="127.0.0.1") as server:
        monkeypatch.setattr(resolve, "_PORT", server.port)
        table = Table()
        client = Client(reactor, server, host=None, port=None, resolver=table)
        client.connection.start()
        peer = await server.accept()
        await peer.log_in()
        await client.phase(Phase.ONLINE)
        assert table.asked == []
        await client.connection.stop(0.2)


@pytest.mark.parametrize("direct", [False, True])
async def test_domain_of_other_letters(reactor, tmp_path, direct):
    options = {"direct_tls": direct}
    async with town(reactor, tmp_path, options, domain="bücher.test") as place:
        peer = await online(place, 1)
        assert peer.headers[-1].get("to") == "bücher.test"
        assert place.table.asked[0].endswith("._tcp.xn--bcher-kva.test")
        if direct:
            assert peer.transport.getHandle().get_servername() == b"xn--bcher-kva.test"


@pytest.mark.parametrize("host", [None, "h1.test"])
async def test_domain_that_can_be_none(reactor, tmp_path, host):
    jid = parse_jid(f"alice@{'x' * 64}.test")
    async with town(reactor, tmp_path, {}, jid=jid, host=host) as place:
        state = await place.client.been(Phase.WAITING)
        assert state.reason == "network.unknown-host"
        assert "xxx.test' can't be the name of a server" in state.sentence


async def test_wrong_certificate_for_a_domain_of_other_letters(reactor, tmp_path):
    options = {"direct_tls": True, "certificate": "name"}
    async with town(reactor, tmp_path, options, domain="bücher.test") as place:
        assert (await place.client.been(Phase.WAITING)).reason == "tls.name"


async def test_server_at_ipv6(reactor, tmp_path):
    async with town(reactor, tmp_path, {"interface": "::1"}) as place:
        await online(place, 1)


async def test_dead_ipv6_address_beside_one_that_lives(reactor, tmp_path):
    def records(servers):
        return Table([service("both.test", servers[0].port)])

    names = {"both.test": ["::1", "127.0.0.1"]}
    async with town(reactor, tmp_path, {}, records=records, names=names) as place:
        await online(place, 1)


async def test_ipv6_that_is_a_black_hole_beside_ipv4(reactor, tmp_path):
    with ExitStack() as stack:

        def records(servers):
            stack.enter_context(black_hole("::1", servers[0].port))
            return Table([service("both.test", servers[0].port)])

        names = {"both.test": ["::1", "127.0.0.1"]}
        async with town(reactor, tmp_path, {}, records=records, names=names) as place:
            began = reactor.seconds()
            await online(place, 1)
            assert 0.2 < reactor.seconds() - began < 2


# What is said


async def test_sentence_names_all_that_was_tried(reactor, tmp_path):
    bad = {"certificate": "name", "direct_tls": True}
    async with town(reactor, tmp_path, {"dead": True}, bad, bad) as place:
        state = await place.client.been(Phase.WAITING)
        one, two, three = (f"h{n}.test:{s.port}" for n, s in enumerate(place.servers, 1))
        assert state.reason == "tls.name"
        assert state.sentence.startswith(
            f"No server of server.test could be used: {one} refuses connections; "
            f"{two}, {three}: The server's certificate is for other.test, not for server.test"
        )


async def test_sentence_about_many_servers_is_short(reactor, tmp_path):
    async with town(reactor, tmp_path, *[{"dead": True}] * 7) as place:
        state = await place.client.been(Phase.WAITING)
        assert state.reason == "network.refused"
        assert state.sentence.count("refuses connections") == 4
        assert "; and 3 more." in state.sentence


async def test_failing_dns_is_part_of_the_sentence(reactor, tmp_path):
    failed = LookupFailed("fails with SERVFAIL")
    async with town(reactor, tmp_path, {}, records=lambda _: Table(failed, failed)) as place:
        state = await place.client.been(Phase.WAITING)
        assert state.reason == "network.unknown-host"
        assert state.sentence.startswith(
            "DNS fails with SERVFAIL when asked for the servers of server.test. So the domain "
            "itself was tried. The server server.test isn't known."
        )


@pytest.mark.parametrize("answer", [(), LookupFailed("doesn't answer")])
async def test_domain_itself_serves(reactor, tmp_path, monkeypatch, answer):
    def records(servers):
        monkeypatch.setattr(resolve, "_PORT", servers[0].port)
        return Table(answer, answer)

    async with town(reactor, tmp_path, {}, records=records) as place:
        place.hosts.names["server.test"] = ["127.0.0.1"]
        await online(place, 1)


async def test_domain_without_a_service(reactor, tmp_path):
    absent = [service(".", 0)]
    async with town(reactor, tmp_path, {}, records=lambda _: Table(absent, absent)) as place:
        place.hosts.names["server.test"] = ["127.0.0.1"]
        state = await place.client.been(Phase.WAITING)
        assert state.reason == "network.no-service"
        assert place.hosts.asked == []


# Limits


async def test_whole_attempt_is_bounded(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(dial, "WHOLE", 0.6)
    monkeypatch.setattr(dial, "SOON", 0.25)
    async with town(reactor, tmp_path, {}, {}, {}, {}, {}) as place:
        began = reactor.seconds()
        state = await place.client.been(Phase.WAITING)
        assert 0.5 < reactor.seconds() - began < 1
        assert state.reason == "timeout.login"
        assert "; and 2 more." in state.sentence
        assert nobody_came(place.servers[3])


async def test_whole_attempt_is_bounded_while_it_connects(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(dial, "WHOLE", 0.3)
    async with town(reactor, tmp_path, {}) as place:
        place.hosts.names["h1.test"] = None
        await place.connection.stop()
        place.connection.start()
        state = await place.client.been(Phase.WAITING)
        assert state.reason == "timeout.connect"


async def test_stop_while_dns_is_asked(reactor, tmp_path):
    waiting = Deferred()
    async with town(reactor, tmp_path, {}, records=lambda _: Table(waiting)) as place:
        await deferLater(reactor, 0.05, lambda: None)
        await place.connection.stop()
        assert place.connection.state.phase is Phase.OFFLINE
        assert waiting.called


async def test_stop_while_it_connects_leads_nowhere(reactor, tmp_path):
    async with town(reactor, tmp_path, {}, {}) as place:
        place.hosts.names["h1.test"] = None
        await place.connection.stop()
        place.connection.start()
        await deferLater(reactor, 0.05, lambda: None)
        place.hosts.asked.clear()
        await place.connection.stop()
        await deferLater(reactor, 0.1, lambda: None)
        assert place.hosts.asked == []
        assert place.connection.state.phase is Phase.OFFLINE
        assert Phase.WAITING not in [state.phase for state in place.client.states]
