"""A raw-XML server in a process of its own, which sends messages as fast as they are taken.

``python -m tests.bench.blaster FOLDER`` prints a JSON object with its port, the CA's file, the
account and its password. Then it takes commands, a line each: ``blast N`` sends N chat messages to
the client that logged in last, asks it for a sign of life behind them, and prints a line when that
has come; ``wait`` prints a line once a client has sent its presence.
"""

import json
import sys
import tempfile
from pathlib import Path

from twisted.internet import asyncioreactor

asyncioreactor.install()

from twisted.internet import reactor  # noqa: E402
from twisted.internet.defer import Deferred  # noqa: E402
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
PING = "<iq type='get' id='p{n}' from='server.test' to='alice@server.test/x'>"
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
        work = self.blast(int(number)) if word == "blast" else self.wait()
        Deferred.fromCoroutine(work).addErrback(lambda failure: print(failure, file=sys.stderr))

    def connectionLost(self, reason=None) -> None:
        reactor.stop()

    async def wait(self) -> None:
        self.peer = await self.server.accept(60)
        await self.peer.log_in()
        self.peer.serve()
        await self.peer.expect("<presence/>", 60)
        self.say()

    async def blast(self, count: int) -> None:
        first, self.sent = self.sent, self.sent + count
        text = "".join(MESSAGE.format(n=n, body=body(n)) for n in range(first, self.sent))
        self.peer.send(text)
        self.peer.send(PING.format(n=self.sent))
        await self.peer.expect(f"<iq id='p{self.sent}'/>", 300)
        self.say()

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
