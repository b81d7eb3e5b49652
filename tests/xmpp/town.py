"""Several servers of one domain, and a client who has to find them."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

from sat.xmpp.connection import Phase
from sat.xmpp.stanza import parse_jid
from tests.hostile.server import HostileServer
from tests.xmpp.names import Hosts, Table, service
from tests.xmpp.support import Client


@asynccontextmanager
async def town(
    reactor, folder, *servers, records=None, names=None, domain="server.test", **options
):
    """Start servers of one domain at h1.test, h2.test …, in the order of priority, and a client.

    :param servers: options of each; ``dead`` if nobody listens there
    :param names: addresses of other hosts
    :param records: makes the resolver, given the servers; by default all are listed
    """
    made: list[HostileServer] = []
    starttls, direct = [], []
    with Hosts(reactor) as hosts:
        hosts.names.update(names or {})
        for number, given in enumerate(servers, 1):
            wanted = {"domain": domain} | given
            dead = wanted.pop("dead", False)
            server = HostileServer(reactor, folder / str(number), **wanted)
            server.listen()
            if dead:
                await server.refuse()
            hosts.names[f"h{number}.test"] = [wanted.get("interface", "127.0.0.1")]
            listed = service(f"h{number}.test", server.port, priority=number)
            (direct if server.direct_tls else starttls).append(listed)
            made.append(server)
        ascii_name = domain.encode("idna").decode()
        table = records(made) if records else Table(starttls, direct, ascii_name)
        options.setdefault("ca", "".join(server.ca for server in made))
        options.setdefault("jid", parse_jid(f"alice@{domain}"))
        client = Client(
            reactor,
            made[0],
            **({"host": None, "port": None, "direct_tls": False, "resolver": table} | options),
        )
        client.connection.start()
        try:
            yield SimpleNamespace(
                servers=made, client=client, hosts=hosts, table=table, connection=client.connection
            )
        finally:
            await client.connection.stop(0.2)
            for server in made:
                await server.stop()


async def online(place, number):
    """Log the client in at a server, by its place in the list."""
    peer = await place.servers[number - 1].accept()
    await peer.log_in()
    await place.client.phase(Phase.ONLINE)
    return peer


def nobody_came(server):
    return server.peers == []
