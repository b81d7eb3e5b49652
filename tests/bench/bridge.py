"""What the bridge costs: calls, events to many, attaching, and a frontend that reads nothing."""

import json
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sat.bridge import blocking
from tests.bench.measure import Blaster, Helper, cpu, pss
from tests.bench.report import Figure
from tests.bench.startup import connect
from tests.bench.words import body
from tests.testbed import Daemon
from tests.testbed.processes import end_process, wait_until

ROUNDS = 5
CALLS = 20_000
WINDOW = 50
TEXT = "x" * 500
FRONTENDS = 100
EVENTS = 150
#: What telling costs is the difference of two that vary by more: many rounds.
FAN_ROUNDS = 15
CONTACTS = 10_000
CONVERSATIONS = 500
STUCK = 20_000

ECHO = '''
from sat.plugin import Level, Plugin, command

class Echo(Plugin):
    """Say the same again."""

    name = "echo"

    @command(level=Level.READ)
    async def say(self, text: str) -> str:
        """Return a text."""
        return text
'''


_ROWS = (
    "SELECT * FROM contact",
    "SELECT m.*, c.* FROM conversation c JOIN message m ON m.id = c.last_id",
)


class Line:
    """A connection that counts the lines which come, and looks no further."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))

    def ask(self, calls: bytes, answers: int) -> None:
        """Send calls, and wait for so many lines."""
        self._socket.sendall(calls)
        while answers > 0:
            data = self._socket.recv(1 << 18)
            assert data
            answers -= data.count(b"\n")

    def close(self) -> None:
        self._socket.close()


def _call(number: int) -> bytes:
    params = {"text": TEXT, "profile": "alice"}
    line = {"jsonrpc": "2.0", "id": number, "method": "echo.say", "params": params}
    return json.dumps(line).encode() + b"\n"


def _cpu_of_a_call(line: Line, pid: int, window: int) -> float:
    """Return the CPU time that a server takes for a call, in seconds."""
    batch = b"".join(_call(number) for number in range(window))
    before = cpu(pid)
    for _ in range(CALLS // window):
        line.ask(batch, window)
    return (cpu(pid) - before) / CALLS


def echo() -> list[Figure]:
    """Call something that only returns what it is given; a bare server does the same."""
    with tempfile.TemporaryDirectory() as name, Daemon() as daemon:
        (daemon.home / "plugins" / "echo.py").write_text(ECHO)
        daemon.jp(
            *("profile", "create", "alice", "--jid", "alice@server.test", "--password-stdin"),
            input="secret",
        )
        daemon.jp("profile", "set", "alice", "autoconnect=no")
        assert wait_until(lambda: daemon.jp("echo", "say", "x", check=False).returncode == 0, 30)
        path = Path(name) / "echo.sock"
        bare = subprocess.Popen([sys.executable, "-m", "tests.bench.echo", path])
        try:
            assert wait_until(path.exists, 30)
            ours, theirs = Line(daemon.socket), Line(path)
            hello = {"jsonrpc": "2.0", "id": 0, "method": "session.hello", "params": {"api": "1"}}
            ours.ask(json.dumps(hello).encode() + b"\n", 1)
            assert daemon.pid
            pids = (daemon.pid, bare.pid)
            figures = []
            for label, window in (("one at a time", 1), ("pipelined", WINDOW)):
                taken: tuple[list[float], list[float]] = ([], [])
                for _ in range(ROUNDS):
                    for line, pid, found in zip((ours, theirs), pids, taken, strict=True):
                        found.append(_cpu_of_a_call(line, pid, window))
                own, base = (statistics.median(each) * 1e6 for each in taken)
                figures.append(
                    Figure(
                        f"echo of {len(TEXT)} bytes, {label}",
                        f"{own:.0f} µs CPU",
                        base / own,
                        f"the rate of a bare JSON-lines server ({base:.0f} µs)",
                        "≥ 0.8",
                        base / own >= 0.8,
                    )
                )
            ours.close()
            theirs.close()
        finally:
            end_process(bare)
    return figures


def _attached(daemon: Daemon, count: int) -> list[socket.socket]:
    """Attach raw lines; nothing is decoded of what comes."""
    lines = []
    for _ in range(count):
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(daemon.socket))
        calls = (
            ("session.hello", {"api": "1"}),
            ("state.attach", {"mode": "events"}),
        )
        for number, (method, params) in enumerate(calls):
            one = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            line.sendall(json.dumps(one).encode() + b"\n")
        seen = b""
        while seen.count(b"\n") < len(calls):
            seen += line.recv(1 << 16)
        lines.append(line)
    return lines


def _drain(lines: list[socket.socket]) -> Callable[[], None]:
    """Read what comes on sockets in the background, until the function returned is called."""
    import selectors

    chosen = selectors.DefaultSelector()
    for line in lines:
        chosen.register(line, selectors.EVENT_READ)
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            for key, _ in chosen.select(0.1):
                key.fileobj.recv(1 << 18)  # type: ignore[union-attr]

    reader = threading.Thread(target=read)
    reader.start()

    def stop() -> None:
        over.set()
        reader.join()
        chosen.close()

    return stop


def _offline(daemon: Daemon) -> None:
    daemon.jp(
        *("profile", "create", "alice", "--jid", "alice@server.test", "--password-stdin"),
        input="secret",
    )
    daemon.jp("profile", "set", "alice", "autoconnect=no")


def fan_out() -> list[Figure]:
    """Tell a hundred frontends of messages, each by itself; a loop writes a line to as many.

    The loop writes as often as the daemon does: what is done in a row, with all at hand in the
    processor's caches, costs half as much.
    """
    with (
        tempfile.TemporaryDirectory() as name,
        Daemon() as daemon,
        blocking.Client(str(daemon.socket)) as author,
    ):
        _offline(daemon)
        pid = daemon.pid
        assert pid
        peer = "bob@server.test"

        def send() -> tuple[float, float]:
            before, begun = cpu(pid), time.perf_counter()
            for number in range(EVENTS):
                author.call("message.send", to=peer, body=body(number))
            return (cpu(pid) - before) / EVENTS, (time.perf_counter() - begun) / EVENTS

        alone, told, bare = [], [], []
        for _ in range(FAN_ROUNDS):
            alone.append(send()[0])
            lines = _attached(daemon, FRONTENDS)
            stop = _drain(lines)
            taken, pace = send()
            told.append(taken)
            stop()
            for line in lines:
                line.close()
            bare.append(_write_to_all(Path(name), pace))
    own = (statistics.median(told) - statistics.median(alone)) * 1e6
    base = statistics.median(bare) * 1e6
    return [
        Figure(
            f"an event to {FRONTENDS} frontends",
            f"{own:.0f} µs CPU",
            own / base,
            f"a loop that writes it to as many sockets ({base:.0f} µs)",
            "≤ 1.5",
            own / base <= 1.5,
        )
    ]


def _write_to_all(folder: Path, pace: float) -> float:
    """Return the CPU time that it takes to write a line to so many sockets, in seconds.

    :param pace: the time from one line to the next, in seconds
    """
    data = {"id": "x" * 36, "body": body(1), "peer": "bob@server.test", "state": "pending"}
    line = json.dumps({"jsonrpc": "2.0", "method": "event", "params": {"data": data}}).ljust(760)
    path = folder / "fan.sock"
    with Helper("fan", path, FRONTENDS) as loop:
        loop.done()
        lines = []
        for _ in range(FRONTENDS):
            connected = socket.socket(socket.AF_UNIX)
            connected.connect(str(path))
            lines.append(connected)
        stop = _drain(lines)
        before, begun = cpu(loop.pid), time.perf_counter()
        for number in range(EVENTS):
            time.sleep(max(0.0, begun + number * pace - time.perf_counter()))
            loop.ask(line)
            loop.done()
        took = cpu(loop.pid) - before
        stop()
        for connected in lines:
            connected.close()
    path.unlink()
    return took / EVENTS


def attaching() -> list[Figure]:
    """Attach to many contacts and conversations; sqlite3 reads the same rows, and no more."""
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as blaster,
        Daemon() as daemon,
    ):
        connect(daemon, blaster, Path(name), CONTACTS)
        daemon.jp("profile", "disconnect", "alice")
        with blocking.Client(str(daemon.socket), timeout=600) as author:
            for number in range(CONVERSATIONS):
                author.call("message.send", to=f"peer{number}@server.test", body=body(number))
        taken, page, bare = [], [], []
        for _ in range(ROUNDS):
            with blocking.Client(str(daemon.socket)) as one:
                begun = time.perf_counter()
                first = one.call("state.attach", scopes=["profiles", "conversations"])
                page.append(time.perf_counter() - begun)
                assert len(first["state"]["conversations"]) >= 50  # type: ignore[index,call-overload]
            with blocking.Client(str(daemon.socket)) as one:
                begun = time.perf_counter()
                whole = one.call("state.attach")
                taken.append(time.perf_counter() - begun)
                assert len(whole["state"]["roster"]) >= CONTACTS  # type: ignore[index,call-overload]
            bare.append(_read_rows(daemon))
    first_page, own, base = (statistics.median(times) * 1000 for times in (page, taken, bare))
    return [
        Figure(
            f"attach to {CONVERSATIONS} conversations: the first page",
            f"{first_page:.0f} ms",
            first_page / base,
            f"sqlite3 reading the rows of all ({base:.0f} ms)",
            "≤ 150 ms",
            first_page <= 150,
        ),
        Figure(
            f"attach to all, {CONTACTS} contacts too",
            f"{own:.0f} ms",
            own / base,
            f"sqlite3 reading the rows of all ({base:.0f} ms)",
            "≤ 150 ms",
            own <= 150,
        ),
    ]


def _read_rows(daemon: Daemon) -> float:
    begun = time.perf_counter()
    connection = sqlite3.connect(f"file:{daemon.home}/sat.db?mode=ro", uri=True)
    for statement in _ROWS:
        connection.execute(statement).fetchall()
    connection.close()
    return time.perf_counter() - begun


def stuck() -> list[Figure]:
    """Let a frontend that is attached read nothing, while much happens."""
    grown = []
    for attached in (0, 1):
        with Daemon() as daemon, blocking.Client(str(daemon.socket), timeout=600) as author:
            _offline(daemon)
            pid = daemon.pid
            assert pid
            lines = _attached(daemon, attached)
            for number in range(2_000):
                author.call("message.send", to="bob@server.test", body=body(number))
            before = pss(pid)
            for number in range(STUCK):
                author.call("message.send", to="bob@server.test", body=body(number))
            time.sleep(2)
            grown.append(pss(pid) - before)
            for line in lines:
                line.close()
    without, with_one = grown
    cost = with_one - without
    return [
        Figure(
            f"a frontend that reads none of {STUCK} events",
            f"{cost:.1f} MB",
            cost / 3,
            f"3 MB (the daemon without it grew by {without:.1f} MB)",
            "≤ 3 MB",
            cost <= 3,
        )
    ]
