"""A network that does what the test says: a TCP proxy before a server on loopback.

It runs in a thread of its own, so that tests of any kind may use it::

    with Proxy(server.ports["c2s"], Random(seed)) as proxy:
        daemon.profile("alice", server, at=proxy.address)
        proxy.down.cut_after(700, reset=True)      # in the middle of whatever comes then
        proxy.up.stall()                           # a black hole: open, and nothing arrives
        proxy.delay(0.2)
        proxy.cut()

What is set holds for all connections, those of now and those to come, until it is set anew; what is
to happen once (`cut_after` …) happens to the first connection that comes
so far.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from random import Random
from typing import Self, TypeVar

from tests.testbed.processes import LOOPBACK, free_ports

CHUNK = 65536
#: Bytes that wait in the kernel at most, on the way here.
_BUFFER = 1 << 20
#: Seconds which a side has to answer a FIN with its own, and which a piece waits for the next one.
FAREWELL, TOGETHER = 5.0, 0.05
#: With this a close is a RST: no FIN, and nothing more is sent.
_AT_ONCE = struct.pack("ii", 1, 0)

T = TypeVar("T")


class Flow:
    """One direction through a proxy: `proxy.up` to the server, `proxy.down` to the client."""

    def __init__(self, proxy: "Proxy") -> None:
        self._proxy = proxy
        #: Bytes that were let through, of all connections.
        self.passed = 0
        self.latency = 0.0
        self.reordered = 0.0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.cut_at: tuple[int, bool] | None = None
        self.corrupt_at: int | None = None
        self.stall_at: int | None = None

    def stall(self) -> None:
        """Let nothing through, and keep the connections open: a black hole."""
        self._proxy.do(self.flowing.clear)

    def stall_after(self, count: int) -> None:
        """Let `count` more bytes through, with the rest of the piece which they end in; stall."""
        self._proxy.do(lambda: setattr(self, "stall_at", self.passed + count))

    def go_on(self) -> None:
        """End `stall` and `stall_after`: what waited goes on."""
        self._proxy.do(self.flowing.set)

    def cut_after(self, count: int, *, reset: bool = False) -> None:
        """Let `count` more bytes through, and then cut the connection which they are of.

        :param reset: as a RST; else as a FIN
        """
        self._proxy.do(lambda: setattr(self, "cut_at", (self.passed + count, reset)))

    def corrupt_after(self, count: int) -> None:
        """Let `count` more bytes through, and flip the bits of the next one."""
        self._proxy.do(lambda: setattr(self, "corrupt_at", self.passed + count))

    def reorder(self, chance: float) -> None:
        """Exchange each piece with the next one, with a chance of 0 (never) to 1.

        A piece is what is read at once. TCP never does this: it is what a broken middlebox does.
        """
        self._proxy.do(lambda: setattr(self, "reordered", chance))

    def shape(self, data: bytes) -> tuple[bytes, bool | None]:
        """Return what of some bytes goes through, and how to cut then (None: not at all)."""
        if self.corrupt_at is not None and self.corrupt_at < self.passed + len(data):
            place = self.corrupt_at - self.passed
            data = data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]
            self.corrupt_at = None
        how = None
        if self.cut_at is not None and self.cut_at[0] <= self.passed + len(data):
            place, how = self.cut_at[0] - self.passed, self.cut_at[1]
            data = data[:place]
            self.cut_at = None
        self.passed += len(data)
        if self.stall_at is not None and self.stall_at <= self.passed:
            self.stall_at = None
            self.flowing.clear()
        return data, how


class Proxy:
    """Stands before a port of loopback; as a context manager it is started and ended.

    :param target: the port of the server
    :param random: from which chances are drawn
    """

    def __init__(self, target: int, random: Random) -> None:
        self.target = target
        self.random = random
        (self.port,) = free_ports(1)
        self.up, self.down = Flow(self), Flow(self)
        #: How many connections were made so far.
        self.accepted = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._accepting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[_Connection] = set()

    @property
    def address(self) -> str:
        """What `jp profile create --server` takes."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def open(self) -> int:
        """How many connections go through it now."""
        return len(self._connections)

    def __enter__(self) -> Self:
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def listen(self) -> None:
        """Take connections, at the same port as before."""
        self._run(self._listen())

    def refuse(self) -> None:
        """Refuse connections from now on; those that are open stay."""
        self._run(self._refuse())

    def cut(self, *, reset: bool = False) -> int:
        """Cut all connections at once, and return how many there were.

        :param reset: as a RST; else as a FIN
        """
        return self._run(self._cut(reset))

    def delay(self, seconds: float) -> None:
        """Let each piece take so long, in both directions, however many there are at a time."""
        for flow in (self.up, self.down):
            self.do(lambda flow=flow: setattr(flow, "latency", seconds))  # type: ignore[misc]

    def do(self, action: Callable[[], T]) -> T:
        """Run something in the proxy's thread, and return its result."""

        async def run() -> T:
            return action()

        return self._run(run())

    def _run(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        if self._accepting is None:
            listener = socket.create_server((LOOPBACK, self.port))
            listener.setblocking(False)
            # What stalls here is not to go on into a buffer that Linux lets grow to 32 MiB.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._accepting = asyncio.ensure_future(self._accept(listener))

    async def _refuse(self) -> None:
        accepting, self._accepting = self._accepting, None
        if accepting is not None:
            accepting.cancel()
            await asyncio.wait((accepting,))

    async def _cut(self, reset: bool) -> int:
        return sum([one.cut(reset) for one in tuple(self._connections)])

    async def _end(self) -> None:
        await self._refuse()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                near, _ = await self._loop.sock_accept(listener)
                self.accepted += 1
                task = asyncio.ensure_future(self._serve(near))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, near: socket.socket) -> None:
        with near, socket.socket() as far:
            for side in (near, far):
                side.setblocking(False)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(self, near, far)
            try:
                await self._loop.sock_connect(far, (LOOPBACK, self.target))
                self._connections.add(connection)
                await connection.run()
            except (OSError, asyncio.CancelledError):
                for side in (near, far):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            finally:
                self._connections.discard(connection)


class _Connection:
    """Two sockets, which who calls `run` closes afterwards."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket) -> None:
        self._proxy = proxy
        self._near, self._far = near, far
        self._clock = asyncio.get_running_loop()
        #: Whether it is cut by a RST.
        self._over: asyncio.Future[bool] = self._clock.create_future()

    def cut(self, reset: bool) -> bool:
        """End both sides, and tell whether it hadn't been done already."""
        if self._over.done():
            return False
        self._over.set_result(reset)
        return True

    async def run(self) -> None:
        """Carry bytes until both sides have ended.

        :raises OSError: if it ends as a RST
        """
        pumps = (
            asyncio.ensure_future(self._pump(self._proxy.up, self._near, self._far)),
            asyncio.ensure_future(self._pump(self._proxy.down, self._far, self._near)),
        )
        both = asyncio.ensure_future(asyncio.wait(pumps))
        try:
            await asyncio.wait((both, self._over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*pumps, both):
                task.cancel()
            await asyncio.wait((*pumps, both))
        if not self._over.done():
            return
        if self._over.result():
            raise ConnectionResetError
        # Not a close: that is a RST where bytes were not read yet.
        for side in (self._near, self._far):
            _end(side)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                for side in (self._near, self._far):
                    with contextlib.suppress(OSError):
                        while await self._clock.sock_recv(side, CHUNK):
                            pass

    async def _pump(self, flow: Flow, source: socket.socket, sink: socket.socket) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        writing = asyncio.ensure_future(self._write(flow, queue, sink))
        held, data = b"", b"-"
        try:
            while data:
                await flow.flowing.wait()
                try:
                    async with asyncio.timeout(TOGETHER if held else None):
                        data = await self._clock.sock_recv(source, CHUNK)
                except TimeoutError:
                    pieces, held = [held], b""
                except OSError:
                    self.cut(reset=True)
                    return
                else:
                    if data and not held and self._proxy.random.random() < flow.reordered:
                        held = data
                        continue
                    pieces, held = [data, held] if data else [held, data], b""
                for piece in filter(None, pieces):
                    await queue.put((self._clock.time() + flow.latency, piece))
            await queue.put((self._clock.time() + flow.latency, b""))
            await asyncio.wait((writing,))
        finally:
            writing.cancel()
            await asyncio.wait((writing,))

    async def _write(
        self, flow: Flow, queue: asyncio.Queue[tuple[float, bytes]], sink: socket.socket
    ) -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - self._clock.time())
            await flow.flowing.wait()
            if self._over.done():
                return
            if not data:
                _end(sink)
                return
            kept, how = flow.shape(data)
            try:
                await self._clock.sock_sendall(sink, kept)
            except OSError:
                how = True
            if how is not None:
                self.cut(how)
                return


def _end(side: socket.socket) -> None:
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_WR)
