"""The console: what its start costs, how soon a key is seen, what scrolling without end takes."""

import contextlib
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import insert

from sat.backend import schema, store
from sat.backend.schema import ORDER_BITS, Prepared
from tests.bench.history import _row as history_row
from tests.bench.measure import Blaster, cpu, paired, pss
from tests.bench.report import Figure
from tests.bench.startup import connect
from tests.testbed import Daemon

CONTACTS = 2_000
CONVERSATIONS = 200
LONG = 100_000
#: The conversation which is long, and to which messages are sent.
PEER = "bob@server.test"
SIZE = (120, 40)
IMPORTS = "import asyncio, urwid, msgspec"
KEYS = 60
PER_SECOND = 200
#: Bytes of the text of a message, at least.
LEAST = 60


class Screen:
    """The console in a terminal that keeps what it is sent, as bytes."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.written = bytearray()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment | {"TERM": "xterm-256color"})
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def read(self, seconds: float) -> bytes:
        """Return what comes within so many seconds; it may be nothing."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return b""
        try:
            part = os.read(self._fd, 1 << 16)
        except OSError:
            return b""
        self.written += part
        return part

    def wait_for(self, text: str, seconds: float = 60) -> float:
        """Return how long it took until a text was drawn, from now on."""
        seen = b""
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            seen += self.read(0.5)
            if text.encode() in seen:
                return time.perf_counter() - begun
        raise AssertionError(f"{text!r} was not drawn: {bytes(self.written[-3000:])!r}")

    def settle(self) -> None:
        """Read until nothing more comes."""
        while self.read(0.5):
            continue

    def close(self) -> float:
        """End it, and return the CPU time that it has used, in seconds."""
        self.press("\x18")
        ended: list[float] = []

        def reap() -> None:
            used = os.wait4(self.pid, 0)[2]
            ended.append(used.ru_utime + used.ru_stime)

        reaper = threading.Thread(target=reap)
        reaper.start()
        while reaper.is_alive():
            self.read(0.1)
        os.close(self._fd)
        return ended[0]


def _old(row: int, conversation: int, number: int) -> dict[str, object]:
    """Return a message that is none of those which come: these are known by what archives say."""
    known = {"stanza_id": f"h{number}", "archive_id": f"h{number}"}
    return history_row(row, conversation, number) | known


def _fill(database: Path) -> None:
    """Put conversations into a database whose first profile is there already."""
    connection = store.connect(database)
    connection.execute("PRAGMA synchronous=OFF")
    begun = (int(time.time()) - LONG - CONVERSATIONS) * 1000
    add = Prepared(insert(schema.message)).text
    connection.execute("BEGIN")
    last = {}
    for conversation in range(1, CONVERSATIONS + 1):
        row = (begun + conversation * 1000) << ORDER_BITS
        last[conversation] = row
        connection.execute(add, _old(row, conversation, conversation))
    begun += CONVERSATIONS * 1000
    rows = [
        _old((begun + number * 1000 + 1) << ORDER_BITS, 1, CONVERSATIONS + 1 + number)
        for number in range(LONG)
    ]
    connection.executemany(add, rows)
    last[1] = rows[-1]["id"]
    peers = [PEER, *(f"contact{number}@server.test" for number in range(CONVERSATIONS - 1))]
    connection.executemany(
        "INSERT INTO conversation (id, profile_id, peer, last_id, rev) VALUES (?, 1, ?, ?, 1)",
        [(at, peer, last[at]) for at, peer in enumerate(peers, 1)],
    )
    connection.execute("COMMIT")
    connection.close()


@contextlib.contextmanager
def _house() -> Iterator[tuple[Daemon, Blaster]]:
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as blaster,
        Daemon() as daemon,
    ):
        connect(daemon, blaster, Path(name), CONTACTS)
        daemon.stop()
        _fill(daemon.home / "sat.db")
        blaster.ask(f"wait {CONTACTS}")
        daemon.start()
        blaster.done()
        yield daemon, blaster


def console() -> list[Figure]:
    """Measure the console in a real terminal's place, before a daemon with all of that."""
    with _house() as (daemon, blaster):
        environment = daemon.environment | {"LC_ALL": "C.UTF-8"}
        command = daemon.command("primitivus", PEER)
        found = [_start(command, environment)]
        screen = Screen(command, environment)
        screen.wait_for("alice")
        screen.settle()
        try:
            found.append(_echo(screen, blaster))
            found.append(_new_line(screen, blaster))
            found.append(_scroll(screen))
        finally:
            screen.close()
    return found


def _start(command: list[str], environment: dict[str, str]) -> Figure:
    taken, bare = [], []
    for _ in range(15):
        screen = Screen(command, environment)
        screen.wait_for("Contact 1")
        screen.settle()
        taken.append(screen.close())
        before = os.times()
        os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", IMPORTS], os.environ), 0)
        after = os.times()
        bare.append(
            after.children_user + after.children_system
            - before.children_user - before.children_system
        )  # fmt: skip
    ratio = paired(taken, bare)
    return Figure(
        f"console: start, {CONTACTS} contacts, and end, CPU",
        f"{statistics.median(taken):.2f} s",
        ratio,
        f"{IMPORTS} ({statistics.median(bare):.2f} s)",
        "≤ 1.6",
        ratio <= 1.6,
    )


def _echo(screen: Screen, blaster: Blaster) -> Figure:
    """Type while messages arrive in view."""
    ends = threading.Event()

    def send() -> None:
        while not ends.is_set():
            begun = time.perf_counter()
            blaster.ask(f"blast {PER_SECOND // 10}")
            blaster.done()
            ends.wait(max(0.0, 0.1 - (time.perf_counter() - begun)))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        end = time.perf_counter() + 1
        while time.perf_counter() < end:
            screen.read(0.1)
        taken = []
        for number in range(KEYS):
            pause = time.perf_counter() + 0.03 + number % 7 * 0.01
            while time.perf_counter() < pause:
                screen.read(max(0.0, pause - time.perf_counter()))
            char = chr(0x3B1 + number % 17)
            screen.press(char)
            taken.append(screen.wait_for(char))
    finally:
        ends.set()
        sender.join()
    screen.press("\x15")
    screen.settle()
    median = statistics.median(taken) * 1000
    worst = statistics.quantiles(taken, n=20)[-1] * 1000
    return Figure(
        f"console: a key is seen while {PER_SECOND} messages/s come",
        f"{median:.1f} ms (95 %: {worst:.0f} ms)",
        median / 10,
        "10 ms",
        "≤ 10 ms",
        median <= 10,
    )


def _new_line(screen: Screen, blaster: Blaster) -> Figure:
    """Count the bytes that go to the terminal when one message comes."""
    screen.settle()
    before = len(screen.written)
    blaster.ask("blast 1")
    blaster.done()
    text = b""
    end = time.perf_counter() + 30
    while len(text) < LEAST and time.perf_counter() < end:
        screen.read(0.5)
        text = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", screen.written[before:])
    screen.settle()
    written = bytes(screen.written[before:])
    assert len(text) >= LEAST, f"no message was drawn: {written!r}"
    whole = SIZE[0] * SIZE[1]
    return Figure(
        "console: bytes for one new message, at the end",
        f"{len(written)} bytes, {len(text)} of them text",
        len(written) / whole,
        f"the whole screen ({whole} cells)",
        "≤ 0.3",
        len(written) <= 0.3 * whole,
    )


def _scroll(screen: Screen) -> Figure:
    """Go back to the first message of a long conversation."""
    at_begin = pss(screen.pid)
    highest = at_begin
    begun = time.perf_counter()
    used = cpu(screen.pid)
    screen.press("\x1b")
    pages = 0
    quiet = 0
    while quiet < 3 and time.perf_counter() - begun < 240:
        screen.press("\x1b[5~" * 5)
        pages += 5
        before = len(screen.written)
        end = time.perf_counter() + 0.12
        while time.perf_counter() < end:
            screen.read(0.02)
        screen.written.clear() if len(screen.written) > 1 << 20 else None
        quiet = quiet + 1 if len(screen.written) == before else 0
        if pages % 100 == 0:
            highest = max(highest, pss(screen.pid))
    rows = pages * (SIZE[1] - 5)
    used = cpu(screen.pid) - used
    return Figure(
        f"console: PSS after scrolling {min(rows, LONG):,} messages",
        f"{highest:.0f} MB ({used:.1f} s CPU)",
        highest / at_begin,
        f"at the start ({at_begin:.0f} MB)",
        "≤ 60 MB",
        highest <= 60,
    )
