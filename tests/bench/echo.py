"""``python -m tests.bench.echo PATH``: a bare JSON-lines echo server on the daemon's reactor."""

import sys

import msgspec
from twisted.internet import asyncioreactor

asyncioreactor.install()

from twisted.internet import reactor  # noqa: E402
from twisted.internet.protocol import Factory, Protocol  # noqa: E402


class Params(msgspec.Struct):
    """What the call is given."""

    text: str


class Call(msgspec.Struct):
    """A call, as the daemon reads it."""

    id: int
    method: str
    params: Params


class Echo(Protocol):
    """Answers each line with its text."""

    _rest = b""
    _decoder = msgspec.json.Decoder(Call)

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            call = self._decoder.decode(line)
            answer = {"jsonrpc": "2.0", "id": call.id, "result": call.params.text}
            self.transport.write(msgspec.json.encode(answer) + b"\n")


if __name__ == "__main__":
    reactor.listenUNIX(sys.argv[1], Factory.forProtocol(Echo))
    reactor.run()
