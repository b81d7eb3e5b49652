"""The socket: real connections, cut and misused in every way."""

import array
import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sat.bridge.command import commands_of
from sat.bridge.dispatcher import Dispatcher
from sat.bridge.grant import EVERYTHING
from sat.bridge.session import Session
from sat.bridge.unix import listen, peer_uid
from sat.bridge.wire import MAX_LINE, Line
from tests.bridge.support import HELLO, MemoryLog, MemoryResults, Service, name_of


def wait(awaitable: Any) -> Deferred:
    """Await something of asyncio in a test that is a Deferred's coroutine."""
    return Deferred.fromFuture(asyncio.ensure_future(asyncio.wait_for(awaitable, 10)))


class Client:
    """A program at the other end: it writes bytes and reads lines."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self._data = b""

    async def send(self, data: bytes | dict[str, Any]) -> None:
        text = data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n"
        await wait(asyncio.get_running_loop().sock_sendall(self.socket, text))

    async def line(self) -> dict[str, Any] | None:
        """Return the next line, or None at the end."""
        while b"\n" not in self._data:
            try:
                data = await wait(asyncio.get_running_loop().sock_recv(self.socket, 1 << 20))
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._data += data
        line, _, self._data = self._data.partition(b"\n")
        return json.loads(line)

    async def hello(self) -> None:
        await self.send(HELLO)
        assert "result" in await self.line()

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        await self.send({"id": 5, "method": method, "params": params})
        while (line := await self.line()).get("id") != 5:
            pass
        return line


class House:
    """A listening daemon in small."""

    def __init__(self, reactor: Any, path: Path) -> None:
        self.path = str(path)
        self.log = MemoryLog()
        self.service = Service(self.log)
        self.sessions: set[Session] = set()
        self.clients: list[Client] = []
        self.failures: list[BaseException] = []
        self.dispatcher = Dispatcher(lambda _: "alice", MemoryResults(), lambda error: None)
        for spec in commands_of(Service):
            self.dispatcher.add(spec, lambda _: self.service)
        self.port = listen(reactor, self.path, self._make, self._forget)

    def client(self) -> Client:
        client = Client(self.path)
        self.clients.append(client)
        return client

    async def end(self) -> None:
        for client in self.clients:
            client.socket.close()
        await until(lambda: not self.sessions)
        await self.port.stopListening()

    def _make(self, line: Line) -> Session:
        session = Session(line, self.dispatcher, self.log, EVERYTHING, dict, self._spawn)
        self.sessions.add(session)
        self.log.sessions.append(session)
        return session

    def _forget(self, session: Session) -> None:
        self.sessions.discard(session)
        self.log.sessions.remove(session)

    def _spawn(self, work: Any, what: str) -> Deferred:
        return Deferred.fromCoroutine(work).addErrback(
            lambda failure: self.failures.append(failure.value)
        )


async def until(condition: Any) -> None:
    end = asyncio.get_running_loop().time() + 10
    while not condition():
        assert asyncio.get_running_loop().time() < end
        await wait(asyncio.sleep(0.01))


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def house(reactor, tmp_path):
    made = House(reactor, tmp_path / "s")
    yield made
    loop = reactor._asyncioEventloop

    async def end() -> None:
        await Deferred.fromCoroutine(made.end()).asFuture(loop)

    loop.run_until_complete(end())
    assert made.failures == []


async def test_the_socket_is_its_owners_alone(house):
    assert os.stat(house.path).st_mode & 0o777 == 0o600
    client = house.client()
    await client.hello()
    assert peer_uid(client.socket) == os.getuid()
    assert (await client.ask("test.echo", text="é\n"))["result"] == "é\n"


async def test_nobody_else_is_let_in(house, monkeypatch):
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    client = house.client()
    refused = await client.line()
    assert refused["error"]["data"]["name"] == "denied.user"
    assert await client.line() is None
    assert not house.sessions
    # The twin: the same program, of the daemon's own user.
    monkeypatch.setattr(os, "getuid", lambda: mine)
    await house.client().hello()


async def test_lines_in_any_pieces(house):
    client = house.client()
    await client.hello()
    call = b'{"id":5,"method":"test.echo","params":{"text":"\xc3\xa9"}}'
    for at in (1, 40, len(call) - 5, len(call) - 4):
        await client.send(call[:at])
        await wait(asyncio.sleep(0.01))
        await client.send(call[at:] + b"\r\n\n  \n")
        assert (await client.line())["result"] == "é"
    await client.send((call + b"\n") * 1000)
    for _ in range(1000):
        assert (await client.line())["result"] == "é"


async def test_garbage_ends_nothing(house):
    client = house.client()
    await client.send(
        os.urandom(5000).replace(b"\n", b"") + b"\n" + b"\x00\n" + b"[" * 90000 + b"\n"
    )
    for _ in range(3):
        assert name_of(await client.line()) in ("usage.json", "usage.request")
    await client.hello()


@pytest.mark.parametrize("ended", [True, False])
async def test_a_line_over_the_limit_ends_the_session_with_a_sentence(house, ended):
    client, other = house.client(), house.client()
    await client.hello()
    await other.hello()
    sending = asyncio.ensure_future(
        asyncio.get_running_loop().sock_sendall(
            client.socket, b"x" * (MAX_LINE + 1) + (b"\n" if ended else b"x")
        )
    )
    answer = await client.line()
    assert name_of(answer) == "usage.line" and str(MAX_LINE) in answer["error"]["message"]
    assert await client.line() is None
    await wait(asyncio.wait([sending]))
    sending.exception()
    assert (await other.ask("test.echo", text="x"))["result"] == "x"
    await until(lambda: len(house.sessions) == 1)


@pytest.mark.seconds(60)
async def test_a_line_of_just_the_limit_is_taken(house):
    client = house.client()
    await client.hello()
    head, tail = b'{"id":5,"method":"test.change","params":{"x":"', b'"}}'
    await client.send(head + b"x" * (MAX_LINE - len(head) - len(tail)) + tail + b"\n")
    assert (await client.line())["result"] == 1


async def test_who_closes_its_side_still_gets_the_answers(house):
    client = house.client()
    await client.send(
        json.dumps(HELLO).encode()
        + b'\n{"id":5,"method":"test.wait"}\n{"id":6,"method":"test.echo"}\n'
    )
    client.socket.shutdown(socket.SHUT_WR)
    assert [(await client.line())["id"] for _ in range(2)] == [0, 6]
    house.service.waiting[0].callback("late")
    assert (await client.line())["result"] == "late"
    assert await client.line() is None


async def test_a_frontend_that_goes_ends_its_session_and_not_its_calls(house):
    client = house.client()
    await client.hello()
    await client.send({"id": 5, "method": "test.wait"})
    await client.send({"id": 6, "method": "state.attach"})
    assert (await client.line())["id"] == 6
    client.socket.close()
    await until(lambda: not house.sessions)
    house.log.add()
    house.service.waiting[0].callback("late")


async def test_an_open_file_comes_along_and_none_stays_open(house, tmp_path):
    (tmp_path / "f").write_text("content")
    client = house.client()
    await client.hello()
    before = open_descriptors()
    with (tmp_path / "f").open() as file:
        rights = array.array("i", [file.fileno()])
        call = json.dumps({"id": 5, "method": "test.take", "descriptors": 1}).encode() + b"\n"
        for _ in range(2):
            client.socket.sendmsg([call], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            taken = (await client.line())["result"]
            assert os.pread(taken, 100, 0) == b"content"
            os.close(taken)
        # Sent, and named by no call.
        client.socket.sendmsg([b" "], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        assert (await client.ask("test.echo", text="x"))["result"] == "x"
        assert open_descriptors() == before + 2
    client.socket.close()
    await until(lambda: not house.sessions)
    assert open_descriptors() < before


@pytest.mark.seconds(60)
async def test_a_frontend_that_reads_nothing_holds_up_nobody(house):
    slow, quick = house.client(), house.client()
    for client in (slow, quick):
        await client.hello()
        await client.ask("state.attach", mode="events")
    count = 20_000
    for number in range(count):
        house.log.add()
        if number % 500 == 499:
            await wait(asyncio.sleep(0))
    house.log.window = count
    assert (await quick.ask("test.echo", text="x"))["result"] == "x"

    assert [(await slow.line())["params"]["seq"] for _ in range(count)] == [*range(1, count + 1)]


@pytest.mark.seconds(60)
async def test_a_thousand_connections_leave_nothing(house):
    first = house.client()
    await first.hello()
    before = open_descriptors()
    for number in range(1000):
        client = Client(house.path)
        if number % 3 == 0:
            await client.send(HELLO)
        if number % 3 == 1:
            await client.hello()
        if number % 7 == 0:
            client.socket.shutdown(socket.SHUT_RDWR)
        client.socket.close()
    await until(lambda: len(house.sessions) == 1)
    assert open_descriptors() == before
    assert (await first.ask("test.echo", text="x"))["result"] == "x"


async def test_what_is_in_the_way_is_replaced(reactor, tmp_path):
    (tmp_path / "s").symlink_to(tmp_path / "elsewhere")
    house = House(reactor, tmp_path / "s")
    await house.client().hello()
    await house.end()
    assert not (tmp_path / "elsewhere").exists()
