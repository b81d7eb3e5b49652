"""``see-other-host`` (RFC 6120, section 4.9.3.19)."""

import pytest

from sat.xmpp.connection import MAX_REDIRECTS, Phase
from tests.xmpp.names import Table, service
from tests.xmpp.town import nobody_came, online, town

NS_ERROR = "urn:ietf:params:xml:ns:xmpp-streams"


def send_to(peer, where):
    """Send the client to another host."""
    other = f"<see-other-host xmlns='{NS_ERROR}'>{where}</see-other-host>"
    peer.send(f"<stream:error>{other}</stream:error></stream:stream>")


async def reach(server):
    """Let a client begin within TLS."""
    peer = await server.accept()
    if not server.direct_tls:
        await peer.log_in(before="tls")
        peer.start_tls()
    await peer.header()
    peer.open()
    return peer


def first_alone(servers):
    port = servers[0].port
    listed = [service("h1.test", port)]
    return Table((), listed) if servers[0].direct_tls else Table(listed)


@pytest.mark.parametrize("direct", [False, True])
async def test_server_sends_elsewhere(reactor, tmp_path, direct):
    kind = {"direct_tls": direct}
    async with town(reactor, tmp_path, kind, kind, records=first_alone) as place:
        peer = await reach(place.servers[0])
        send_to(peer, f"h2.test:{place.servers[1].port}")
        await online(place, 2)
        assert [state.phase for state in place.client.states] == [Phase.CONNECTING, Phase.ONLINE]


@pytest.mark.parametrize("certificate", ["good", "name"])
async def test_certificate_elsewhere_is_still_the_domains(reactor, tmp_path, certificate):
    kind = {"direct_tls": True}
    bad = {"direct_tls": True, "certificate": certificate}
    async with town(reactor, tmp_path, kind, bad, records=first_alone) as place:
        peer = await reach(place.servers[0])
        send_to(peer, f"h2.test:{place.servers[1].port}")
        if certificate == "good":
            await online(place, 2)
        else:
            assert (await place.client.been(Phase.WAITING)).reason == "tls.name"


async def test_nobody_is_sent_elsewhere_without_tls(reactor, tmp_path):
    async with town(reactor, tmp_path, {}, {}, records=first_alone) as place:
        peer = await place.servers[0].accept()
        await peer.header()
        peer.open()
        send_to(peer, f"h2.test:{place.servers[1].port}")
        assert (await place.client.been(Phase.WAITING)).reason == "stream.see-other-host"
        await online(place, 1)
        assert nobody_came(place.servers[1])


@pytest.mark.parametrize("where", ["", "h2.test:0", "a b", "[h2.test]"])
async def test_nobody_is_sent_nowhere(reactor, tmp_path, where):
    async with town(reactor, tmp_path, {"direct_tls": True}) as place:
        peer = await reach(place.servers[0])
        send_to(peer, where)
        assert (await place.client.been(Phase.WAITING)).reason == "stream.see-other-host"
        await online(place, 1)


async def test_circle_of_servers_ends(reactor, tmp_path):
    kind = {"direct_tls": True}
    async with town(reactor, tmp_path, kind, kind, records=first_alone) as place:
        one, two = place.servers
        for number in range(MAX_REDIRECTS + 1):
            here, other, name = (one, two, "h2") if number % 2 == 0 else (two, one, "h1")
            peer = await reach(here)
            assert place.connection.state.phase is Phase.CONNECTING
            send_to(peer, f"{name}.test:{other.port}")
        state = await place.client.been(Phase.WAITING)
        assert state.reason == "stream.see-other-host"
        assert len(one.peers) + len(two.peers) == MAX_REDIRECTS + 1
        await online(place, 1)


async def test_sent_elsewhere_while_online(reactor, tmp_path):
    kind = {"direct_tls": True}
    async with town(reactor, tmp_path, kind, kind, records=first_alone) as place:
        peer = await online(place, 1)
        send_to(peer, f"h2.test:{place.servers[1].port}")
        await online(place, 2)
        assert [state.phase for state in place.client.states] == [
            Phase.CONNECTING,
            Phase.ONLINE,
            Phase.CONNECTING,
            Phase.ONLINE,
        ]
        assert place.client.sessions == ["started", "ended", "started"]


async def test_circle_of_logins_ends(reactor, tmp_path):
    async with town(reactor, tmp_path, {"direct_tls": True}) as place:
        for _ in range(MAX_REDIRECTS + 1):
            peer = await online(place, 1)
            send_to(peer, f"h1.test:{place.servers[0].port}")
            await peer.ends()
        assert (await place.client.been(Phase.WAITING)).reason == "stream.see-other-host"


async def test_place_elsewhere_that_is_dead_is_forgotten(reactor, tmp_path):
    kind = {"direct_tls": True}
    async with town(reactor, tmp_path, kind, kind | {"dead": True}, records=first_alone) as place:
        peer = await reach(place.servers[0])
        send_to(peer, f"h2.test:{place.servers[1].port}")
        assert (await place.client.been(Phase.WAITING)).reason == "network.refused"
        await online(place, 1)
