"""Ways to the daemon, each as a program of another language would go it."""

import contextlib
import itertools
import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from sat.bridge.errors import CommandError
from tests.e2e.conformance.bus import BusSession, wait_until_served
from tests.e2e.conformance.inside import InsideDaemon
from tests.testbed import Daemon
from tests.testbed.bus import Bus
from tests.testbed.processes import end_process

#: Seconds in which what must come has come, on a loaded machine too.
PATIENCE = 30.0
_CHUNK = 1 << 16


class Ended(Exception):
    """The daemon has ended the session."""


class Session(Protocol):
    """A session of any transport, greeted already.

    ``events`` holds every event that came, as the ``params`` of the wire, in order: those that
    came before an answer are there when the call returns.
    """

    hello: dict
    events: list[dict]

    def call(self, method: str, /, **params: object):
        """Call a method and return its result; ``from_`` and the like stand for ``from``.

        :raises CommandError: what the daemon answers
        """

    def start(self, method: str, /, **params: object) -> Callable[[], object]:
        """Call a method, and return what waits for its result."""

    def wait_for(self, found: Callable[[list[dict]], object]):
        """Take in what comes until a function of all events gives something true; return it."""

    def close(self) -> None:
        """End as a program does that is killed: without a word."""


class Pipe(Protocol):
    """What carries bytes both ways."""

    def send(self, data: bytes) -> None:
        """Send all of it.

        :raises OSError: if nobody takes it
        """

    def receive(self, seconds: float) -> bytes:
        """Return what has come; nothing at the end.

        :raises TimeoutError: if nothing comes
        """

    def end_input(self) -> None:
        """Send no more, but go on receiving."""

    def close(self) -> None:
        """Hang up."""


class UnixPipe:
    """The socket of the daemon."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def send(self, data: bytes) -> None:
        self._line.settimeout(PATIENCE)
        self._line.sendall(data)

    def receive(self, seconds: float) -> bytes:
        self._line.settimeout(seconds)
        try:
            return self._line.recv(_CHUNK)
        except ConnectionError:
            return b""

    def end_input(self) -> None:
        self._line.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._line.close()


class TlsPipe:
    """TLS has one state for both directions: whoever sends and whoever receives take turns."""

    def __init__(self, line: ssl.SSLSocket) -> None:
        line.setblocking(False)
        self._line = line
        self._turn = threading.Lock()

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            with self._turn, contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                view = view[self._line.send(view[:_CHUNK]) :]
                continue
            if not select.select([], [self._line], [], PATIENCE)[1]:
                raise TimeoutError

    def receive(self, seconds: float) -> bytes:
        until = time.monotonic() + seconds
        while True:
            with self._turn, contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                try:
                    return self._line.recv(_CHUNK)
                except ConnectionError:
                    return b""
            if not select.select([self._line], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError

    def end_input(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._line.close()


class StdioPipe:
    """``sat bridge-stdio``, as ssh starts it."""

    def __init__(self, daemon: Daemon) -> None:
        self._process = subprocess.Popen(
            daemon.command("sat", "bridge-stdio"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=daemon.environment | {"SAT_NO_START": "1"},
            cwd=daemon.home,
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._input.fileno(), view) :]

    def receive(self, seconds: float) -> bytes:
        if not select.select([self._output], [], [], seconds)[0]:
            raise TimeoutError
        return os.read(self._output.fileno(), _CHUNK)

    def end_input(self) -> None:
        self._input.close()

    def close(self) -> None:
        self._input.close()
        self._output.close()
        end_process(self._process)


class LineSession:
    """A session of lines: :class:`Session`, and what else a line can be made to carry."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.hello: dict = {}
        self.events: list[dict] = []
        #: What came without being asked for: errors of no call, and ``resync``.
        self.words: list[dict] = []
        self._numbers = itertools.count(1)
        self._answers: dict[object, dict] = {}
        self._parts: list[bytes] = []

    def say(self, line: dict | bytes) -> None:
        """Send a line."""
        self.pipe.send(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

    def call(self, method: str, /, **params: object):
        return self.start(method, **params)()

    def start(self, method: str, /, **params: object) -> Callable[[], object]:
        number = next(self._numbers)
        given = {name.removesuffix("_"): value for name, value in params.items()}
        self.say({"jsonrpc": "2.0", "id": number, "method": method, "params": given})
        return lambda: self.result(number)

    def result(self, number: object):
        """Wait for the answer to a call, and return what is in it."""
        self.take(lambda: number in self._answers, f"the answer to {number}")
        answer = self._answers.pop(number)
        if "error" not in answer:
            return answer["result"]
        error = answer["error"]
        assert isinstance(error["code"], int) and "Traceback" not in error["message"], error
        more = dict(error["data"])
        raise CommandError(more.pop("name"), error["message"], more)

    def wait_for(self, found: Callable[[list[dict]], object]):
        self.take(lambda: found(self.events), "the event")
        return found(self.events)

    def take(self, enough: Callable[[], object], what: str) -> None:
        """Take lines in until it is enough."""
        until = time.monotonic() + PATIENCE
        while not enough():
            try:
                data = self.pipe.receive(max(0.001, until - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"{what} did not come; words: {self.words}") from None
            if not data:
                raise Ended
            *ends, rest = data.split(b"\n")
            for end in ends:
                self._took(json.loads(b"".join((*self._parts, end))))
                self._parts.clear()
            self._parts.append(rest)

    def _took(self, message: dict) -> None:
        if message.get("method") == "event":
            self.events.append(message["params"])
        elif message.get("id") is not None:
            self._answers[message["id"]] = message
        else:
            self.words.append(message)

    def ended(self) -> None:
        """Wait for the end of the session."""
        try:
            self.take(lambda: False, "the end")
        except Ended:
            return

    def close(self) -> None:
        self.pipe.close()


class Ways:
    """A running daemon, and how to get to it."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.url = ""
        self._token = ""
        self._bus: Bus | None = None

    def unix(self) -> LineSession:
        """Open a session over the daemon's socket."""
        return self._greet(LineSession(self.strange_unix()))

    def inside(self) -> LineSession:
        """Open a session as a frontend does that has the daemon in its own process."""
        assert isinstance(self.daemon, InsideDaemon)
        return self._greet(LineSession(UnixPipe(self.daemon.line())))

    def dbus(self) -> BusSession:
        """Open a session over the bus, which is there from the first one on."""
        if self._bus is None:
            self._bus = Bus(self.daemon)
            wait_until_served(self._bus)
        return BusSession(self._bus)

    def stdio(self) -> LineSession:
        """Open a session over standard input and output."""
        return self._greet(LineSession(StdioPipe(self.daemon)))

    def tls(self) -> LineSession:
        """Open a session over TLS, with a token."""
        if not self._token:
            url = self.daemon.sat("pair", "--level", "admin", "--listen", "127.0.0.1:0").stdout
            self.url = url.strip()
            stranger = LineSession(self.strange_tls())
            code = parse_qs(urlsplit(self.url).query)["code"][0]
            self._token = stranger.call("session.pair", code=code, name="conformance")["token"]
            stranger.close()
        return self._greet(LineSession(self.strange_tls()), token=self._token)

    def strange_unix(self) -> UnixPipe:
        """Connect to the socket, and say nothing yet."""
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(PATIENCE)
        line.connect(str(self.daemon.socket))
        return UnixPipe(line)

    def strange_tls(self) -> TlsPipe:
        """Connect to the port for other machines, and say nothing yet."""
        where = urlsplit(self.url)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection((where.hostname, where.port), PATIENCE)
        return TlsPipe(context.wrap_socket(plain))

    def restarted(self) -> None:
        """Restart the daemon; the address for other machines may be another one then."""
        self.daemon.stop()
        self.daemon.start()
        if self.url:
            where = urlsplit(self.daemon.sat("pair").stdout.strip())
            self.url = where.geturl()
        if self._bus is not None:
            wait_until_served(self._bus)

    def close(self) -> None:
        """End what was begun for the ways; the daemon goes on."""
        if self._bus is not None:
            self._bus.stop()

    @staticmethod
    def _greet(session: LineSession, **more: str) -> LineSession:
        session.hello = session.call("session.hello", api="1", client="conformance 1", **more)
        return session


#: All transports: how each opens a session that may do everything.
SESSIONS: dict[str, Callable[[Ways], Session]] = {
    "unix": Ways.unix,
    "stdio": Ways.stdio,
    "tls": Ways.tls,
    "inside": Ways.inside,
    "dbus": Ways.dbus,
}
#: Those that carry lines.
LINES: dict[str, Callable[[Ways], LineSession]] = {
    "unix": Ways.unix,
    "stdio": Ways.stdio,
    "tls": Ways.tls,
    "inside": Ways.inside,
}
