"""Catching up, large rosters, and many accounts."""

import asyncio
import contextlib
import socket
import sqlite3
import ssl
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from sat.bridge import blocking, client
from tests.bench.history import indexed
from tests.bench.measure import Blaster, Slixmpp, cpu, paired, pss, run_and_measure
from tests.bench.report import Figure
from tests.bench.startup import connect
from tests.bench.words import body
from tests.testbed import Daemon, Prosody

ARCHIVED = 20_000
ROUNDS = 3
CONTACTS = 10_000
PROFILES = 200
IDLE = 20.0
NS_MAM = "urn:xmpp:mam:2"


class Raw:
    """A client that looks for a few bytes in what comes, and for nothing else."""

    def __init__(self, server: Prosody, name: str) -> None:
        self._data = b""
        plain = socket.create_connection(("127.0.0.1", server.ports["c2s"]))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        header = (
            f"<?xml version='1.0'?><stream:stream to='{server.host}' version='1.0' "
            "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        self._socket: socket.socket = plain
        self.ask(header, b"</stream:features>")
        self.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", b"<proceed")
        context = ssl.create_default_context(cafile=str(server.ca))
        self._socket = context.wrap_socket(plain, server_hostname=server.host)
        self.ask(header, b"</stream:features>")
        plainly = b64encode(f"\0{name}\0{server.passwords[name]}".encode()).decode()
        auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
        self.ask(f"{auth}{plainly}</auth>", b"<success")
        self.ask(header, b"</stream:features>")
        bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
        self.ask(f"<iq type='set' id='bind'>{bind}</iq>", b"</iq>")

    def ask(self, text: str, until: bytes) -> bytes:
        """Send, and return what comes up to some bytes and a little further."""
        self._socket.sendall(text.encode())
        data = bytearray()
        while until not in data[-70_000:]:
            # Else the server waits at the end of each page: acknowledgements are delayed.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self._socket.recv(65536)
            assert part, bytes(data[-500:])
            data += part
        return bytes(data)

    def close(self) -> None:
        self._socket.close()


def _fill(server: Prosody) -> None:
    raw = Raw(server, "bob")
    for first in range(0, ARCHIVED, 500):
        text = "".join(
            f"<message to='{server.jid('alice')}' type='chat' id='m{n}'>"
            f"<body>{escape(body(n))}</body></message>"
            for n in range(first, first + 500)
        )
        raw.ask(f"{text}<iq type='get' id='p{first}'><ping xmlns='urn:xmpp:ping'/></iq>", b"<iq ")
    raw.close()


def _page_through(server: Prosody) -> float:
    """Fetch the whole archive and throw it away; return how long it took, in seconds."""
    raw = Raw(server, "alice")
    begun = time.perf_counter()
    last, got = "", 0
    while got < ARCHIVED:
        after = f"<after>{last}</after>" if last else ""
        page = raw.ask(
            f"<iq type='set' id='q{got}'><query xmlns='{NS_MAM}' queryid='q'>"
            f"<set xmlns='http://jabber.org/protocol/rsm'><max>250</max>{after}</set></query></iq>",
            b"</fin></iq>",
        )
        came = page.count(b"<result ")
        assert came, page[-500:]
        got += came
        last = page.rpartition(b"<last>")[2].partition(b"</last>")[0].decode()
    took = time.perf_counter() - begun
    raw.close()
    return took


def catch_up() -> list[Figure]:
    """Catch up with a real archive; a raw client fetches the same and throws it away."""
    users = {"alice": "secret", "bob": "secret"}
    # Else the server has all of it in its offline storage as well, of which the raw client, which
    # sends no presence, gets nothing.
    made = Prosody(users, archive="memory", without=["offline"])
    own = []
    with made as server:
        _fill(server)
        bare = [_page_through(server)]
        for _ in range(ROUNDS):
            own.append(_catch_up_once(server))
            bare.append(_page_through(server))
    beside = [sum(pair) / 2 for pair in pairwise(bare)]
    ratio = paired(beside, own)
    return [
        Figure(
            f"catching up with {ARCHIVED} messages",
            f"{ARCHIVED / statistics.median(own):.0f} msg/s",
            ratio,
            f"a client that throws them away ({ARCHIVED / statistics.median(beside):.0f}/s)",
            "≥ 0.6",
            ratio >= 0.6,
        )
    ]


def _catch_up_once(server: Prosody) -> float:
    """Let a new daemon fetch and store the whole archive; return how long it took, in seconds."""
    with Daemon() as daemon:
        daemon.profile("alice", server, connect=False)
        with (
            blocking.Client(str(daemon.socket), name="bench") as session,
            _counting(daemon) as stored,
        ):
            begun = time.perf_counter()
            session.call("profile.connect", name="alice")
            while stored() < ARCHIVED:
                time.sleep(0.05)
            took = time.perf_counter() - begun
        while indexed(daemon.home / "sat.db") < ARCHIVED:
            time.sleep(0.2)
    return took


@contextlib.contextmanager
def _counting(daemon: Daemon) -> Iterator[Callable[[], int]]:
    """Give a function that tells how many messages are stored, all unread; it takes no time."""
    with contextlib.closing(
        sqlite3.connect(f"file:{daemon.home}/sat.db?mode=ro", uri=True)
    ) as connection:

        def stored() -> int:
            row = connection.execute("SELECT coalesce(sum(unread), 0) FROM conversation").fetchone()
            return int(row[0])

        yield stored
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (ARCHIVED,)


def roster() -> list[Figure]:
    """Connect with many contacts who are all there, and attach."""
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as ours,
        Blaster(Path(name)) as theirs,
        Daemon() as daemon,
    ):
        told = theirs.told
        with Slixmpp(told["jid"], told["password"], told["port"], told["ca"]) as slixmpp:
            theirs.ask(f"wait {CONTACTS}")
            begun = time.perf_counter()
            slixmpp.ask("connect")
            theirs.done()
            bare = time.perf_counter() - begun
        connect(daemon, ours, Path(name))
        assert daemon.pid
        time.sleep(1)
        before = pss(daemon.pid)
        daemon.jp("profile", "disconnect", "alice")
        with blocking.Client(str(daemon.socket), name="bench") as session:
            ours.ask(f"wait {CONTACTS}")
            begun = time.perf_counter()
            session.call("profile.connect", name="alice")
            ours.done()
            asyncio.run(_attach(daemon))
            own = time.perf_counter() - begun
        time.sleep(2)
        memory = (pss(daemon.pid) - before) * 1024 / CONTACTS
    return [
        Figure(
            f"{CONTACTS} contacts: connected and attached",
            f"{own:.2f} s",
            own / bare,
            f"slixmpp, connected ({bare:.2f} s)",
            "≤ 3",
            own / bare <= 3,
        ),
        Figure(
            "memory for each contact",
            f"{memory:.2f} kB",
            memory / 2,
            "2 kB",
            "≤ 2 kB",
            memory <= 2,
        ),
    ]


async def _attach(daemon: Daemon) -> None:
    session = await client.connect(str(daemon.socket), name="bench")
    attached = await session.attach("state")
    assert len(msgspec.json.decode(attached.state)["roster"]) == CONTACTS
    await session.close()


def profiles() -> list[Figure]:
    """Connect many profiles in one daemon, and let them be."""
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as blaster,
        Daemon() as daemon,
    ):
        pid = daemon.pid
        assert pid
        with blocking.Client(str(daemon.socket), name="bench") as session:
            _connect_profiles(session, blaster, 0, 1)
            time.sleep(2)
            first = pss(pid)
            _connect_profiles(session, blaster, 1, PROFILES)
        time.sleep(5)
        each = (pss(pid) - first) / (PROFILES - 1)
        with _bare_loop() as bare:
            used, bare_used = cpu(pid), cpu(bare)
            time.sleep(IDLE)
            idle, bare_idle = (cpu(pid) - used) / IDLE, (cpu(bare) - bare_used) / IDLE
    return [
        Figure(
            f"each of {PROFILES} profiles, PSS",
            f"{each:.2f} MB",
            each / 1.2,
            "slixmpp's (1.2 MB)",
            "≤ 0.5 MB",
            each <= 0.5,
        ),
        Figure(
            f"{PROFILES} profiles, idle",
            f"{idle:.2%} CPU",
            idle / max(bare_idle, 0.01 / IDLE),
            f"a process with one timer ({bare_idle:.2%})",
            "< 1 %",
            idle < 0.01,
        ),
    ]


def _connect_profiles(session: blocking.Client, blaster: Blaster, first: int, last: int) -> None:
    told = blaster.told
    ca = Path(told["ca"]).read_text()
    server = f"127.0.0.1:{told['port']}"
    for number in range(first, last):
        session.call(
            "profile.create",
            name=f"p{number}",
            jid=told["jid"],
            password=told["password"],
            server=server,
            ca=ca,
        )
    blaster.ask(f"crowd {last - first}")
    for number in range(first, last):
        session.call("profile.connect", name=f"p{number}")
    blaster.done()


@contextlib.contextmanager
def _bare_loop() -> Iterator[int]:
    """Run a process with nothing but one timer a second; gives its pid."""
    code = "import time; print(1, flush=True)\nwhile True: time.sleep(1)"
    with run_and_measure([sys.executable, "-c", code]) as pid:
        yield pid
