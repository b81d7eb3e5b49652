"""A raw-XML server in a process of its own, which sends messages as fast as they are taken.

``python -m tests.bench.blaster FOLDER`` prints a JSON object with its port, the CA's file, the
account and its password. Then it takes commands, a line each: ``blast N`` sends N chat messages to
the client that logged in last, asks it for a sign of life behind them, and prints a line when that
has come; ``wait N`` prints one once a client with N contacts has sent its presence, and has taken
theirs; ``take N`` once N messages of the client have come; ``crowd N`` once N clients are there.
"""

import json
import sys
import tempfile
from pathlib import Path

from twisted.internet import asyncioreactor

asyncioreactor.install()

from twisted.internet import reactor  # noqa: E402
from twisted.internet.defer import Deferred, gatherResults  # noqa: E402
from twisted.internet.stdio import StandardIO  # noqa: E402
from twisted.protocols.basic import LineOnlyReceiver  # noqa: E402

from tests.bench.words import body  # noqa: E402
from tests.hostile.server import HostileServer  # noqa: E402

MESSAGE = (
    "<message from='bob@server.test/laptop' to='alice@server.test' type='chat' id='m{n}'>"
    "<body>{body}</body>"
    "<origin-id xmlns='urn:xmpp:sid:0' id='o{n}'/>"
    "<stanza-id xmlns='urn:xmpp:sid:0' id='a{n}' by='alice@server.test'/></message>"
)
ITEM = "<item jid='contact{n}@server.test' name='Contact {n}' subscription='both'/>"
PRESENCE = (
    "<presence from='contact{n}@server.test/laptop' to='alice@server.test'><show>away</show>"
    "<status>at work</status></presence>"
)
PING = "<iq type='get' id='{id}' from='server.test' to='alice@server.test/x'>"
PING += "<ping xmlns='urn:xmpp:ping'/></iq>"


class Commands(LineOnlyReceiver):
    """Reads the commands from standard input."""

    delimiter = b"\n"

    def __init__(self, server: HostileServer) -> None:
        self.server = server
        self.sent = 0
        self.peer = None

    def lineReceived(self, line: bytes) -> None:
        word, _, number = line.decode().partition(" ")
        work = getattr(self, word)(int(number or 0))
        Deferred.fromCoroutine(work).addErrback(lambda failure: print(failure, file=sys.stderr))

    def connectionLost(self, reason=None) -> None:
        if reactor.running:
            reactor.stop()

    async def wait(self, contacts: int) -> None:
        self.peer = await self.server.accept(60)
        await self.peer.log_in()
        self.peer.serve("".join(ITEM.format(n=n) for n in range(contacts)))
        await self.peer.expect("<presence/>", 60)
        self.peer.send("".join(PRESENCE.format(n=n) for n in range(contacts)))
        if contacts:
            await self.ping("r")
        self.say()

    async def blast(self, count: int) -> None:
        first, self.sent = self.sent, self.sent + count
        text = "".join(MESSAGE.format(n=n, body=body(n)) for n in range(first, self.sent))
        self.peer.send(text)
        await self.ping(f"p{self.sent}")
        self.say()

    async def take(self, count: int) -> None:
        taken = 0
        while taken < count:
            await self.peer.expect("<message/>", 300)
            taken += 1
        self.say()

    async def crowd(self, count: int) -> None:
        await gatherResults([Deferred.fromCoroutine(self.one()) for _ in range(count)])
        self.say()

    async def one(self) -> None:
        peer = await self.server.accept(300)
        await peer.log_in()
        peer.serve()
        await peer.expect("<presence/>", 60)

    async def ping(self, id_: str) -> None:
        self.peer.send(PING.format(id=id_))
        await self.peer.expect(f"<iq id='{id_}'/>", 300)

    def say(self) -> None:
        self.sendLine(b"done")


def main(folder: Path) -> None:
    server = HostileServer(reactor, folder)
    server.listen()
    ca = folder / "blaster-ca.pem"
    ca.write_text(server.ca)
    told = {
        "port": server.port,
        "ca": str(ca),
        "jid": f"{server.user}@{server.domain}",
        "password": server.password,
    }
    print(json.dumps(told), flush=True)
    StandardIO(Commands(server))
    reactor.run()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as made:
        main(Path(made))
