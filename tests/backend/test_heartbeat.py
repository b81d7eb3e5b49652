"""Frontends that are gone without a word, and those that only look like it."""

import json

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from sat.bridge import heartbeat
from tests.backend.support import house, pause, until


class Program(Protocol):
    """Says hello as it is told to; ``answer`` returns what it answers to a call of the daemon."""

    def __init__(self, features: list[str], answer) -> None:
        self._hello = {"api": "1", "features": features}
        self._answer = answer
        self._rest = b""
        self.lines: list[dict] = []
        self.lost = False

    def connectionMade(self) -> None:
        self.say({"id": 1, "method": "session.hello", "params": self._hello})

    def say(self, line: dict) -> None:
        self.transport.write(json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n")

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in map(json.loads, lines):
            self.lines.append(line)
            if "method" in line and (answer := self._answer(line)) is not None:
                self.say(answer)

    def connectionLost(self, reason) -> None:
        self.lost = True

    @property
    def pings(self) -> int:
        return sum(line.get("method") == "session.ping" for line in self.lines)


async def connected(home, features: list[str], answer=lambda call: None) -> Program:
    endpoint = UNIXClientEndpoint(home.reactor, home.paths.socket)
    program: Deferred[Program] = connectProtocol(endpoint, Program(features, answer))
    return await program


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(heartbeat, "PERIOD", 0.05)


async def test_who_said_it_answers_and_does_not_is_cut_off(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        dead = await connected(home, ["heartbeat"])
        alive = [
            await connected(home, ["heartbeat"], lambda call: {"id": call["id"], "result": {}}),
            await connected(
                home,
                ["heartbeat"],
                lambda call: {"id": call["id"], "error": {"code": -32601, "message": "no calls"}},
            ),
        ]
        silent = await connected(home, [])
        await until(reactor, lambda: dead.lost)
        await until(reactor, lambda: all(one.pings > 2 * heartbeat.MAX_SILENT for one in alive))
        for one in (*alive, silent):
            one.say({"id": 2, "method": "profile.list"})
        await until(reactor, lambda: all(one.lines[-1].get("id") == 2 for one in (*alive, silent)))
        assert not any(one.lost for one in alive)
        assert silent.pings == 0
        for one in alive:
            assert [line for line in one.lines if "error" in line] == []
            one.transport.loseConnection()
        silent.transport.loseConnection()
        await until(reactor, lambda: silent.lost and all(one.lost for one in alive))


@pytest.mark.parametrize(
    "line", [{"id": "heartbeat"}, {"id": "other", "result": {}}, {"id": None, "result": {}}]
)
async def test_what_is_no_answer_is_refused(reactor, tmp_path, line):
    async with house(reactor, tmp_path) as home:
        program = await connected(home, ["heartbeat"])
        program.say(line)
        await until(reactor, lambda: len(program.lines) > 1)
        assert program.lines[1]["error"]["data"]["name"] == "usage.request"
        program.transport.loseConnection()
        await pause(reactor, 0.01)


async def test_who_talks_is_not_asked(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "PERIOD", 0.5)
    async with house(reactor, tmp_path) as home:
        program = await connected(home, ["heartbeat"])
        end = reactor.seconds() + 1.4
        while reactor.seconds() < end:
            program.say({"id": 3, "method": "profile.list"})
            await pause(reactor, 0.02)
        assert program.pings == 0 and not program.lost
        program.transport.loseConnection()
        await until(reactor, lambda: program.lost)
