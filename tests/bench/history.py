"""Storing messages as they arrive, and finding them among a million."""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert
from twisted.internet import reactor

from sat.backend import history, schema, search, store
from sat.backend.schema import ORDER_BITS, Prepared
from sat.backend.store import Reader
from tests.bench.measure import Blaster, cpu, thread_cpu
from tests.bench.report import Figure
from tests.bench.startup import connect
from tests.bench.words import body
from tests.testbed import Daemon

STORM = 20_000
GROUP = 500
CONVERSATIONS = 500
#: So many messages of the oldest conversation stand before all others.
OLD = 2_000


def storm() -> list[Figure]:
    """Blast messages at a daemon until all are stored, with their events."""
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as blaster,
        Daemon() as daemon,
    ):
        connect(daemon, blaster, Path(name))
        time.sleep(1)
        pid = daemon.pid
        assert pid
        head = _head(daemon)
        before = cpu(pid)
        begun = time.perf_counter()
        blaster.ask(f"blast {STORM}")
        blaster.done()
        while _head(daemon) < head + STORM:
            time.sleep(0.05)
        took = time.perf_counter() - begun
        stored = cpu(pid) - before
        writer = max(thread_cpu(pid).items(), key=lambda thread: thread[0] != str(pid))[0]
        written = thread_cpu(pid)[writer]
        database = daemon.home / "sat.db"
        while indexed(database) < STORM:
            time.sleep(0.2)
        indexing = thread_cpu(pid)[writer] - written
        bare = _bare_sqlite(Path(name))
    rate = STORM / took
    return [
        Figure(
            "history: stored through the pipeline",
            f"{rate:.0f} msg/s, {stored / STORM * 1e6:.0f} µs CPU",
            rate / bare,
            f"bare SQLite inserts, {GROUP} a transaction ({bare:.0f}/s)",
            "≥ 5000 msg/s",
            rate >= 5000,
        ),
        Figure(
            "history: indexing, apart",
            f"{indexing / STORM * 1e6:.0f} µs CPU",
            indexing / stored,
            "storing them",
        ),
    ]


def million(count: int = 1_000_000) -> list[Figure]:
    """Search and page in a history of a million messages."""
    with tempfile.TemporaryDirectory() as name:
        database = Path(name) / "sat.db"
        store.prepare(database)
        _fill(database, count)
        opened = store.Store(reactor, database)
        try:
            return opened.read_now(_measure)
        finally:
            opened.close()


def _measure(reader: Reader) -> list[Figure]:
    old, busy = "peer0@example.org", f"peer{CONVERSATIONS - 1}@example.org"
    word = body(0).split()[0]
    scan = Prepared("SELECT id FROM message WHERE body LIKE :like ORDER BY id DESC LIMIT 20")
    like = _median(lambda: reader.all(scan, like="%no such words here%"), 3)
    baseline = f"a LIKE scan ({like * 1000:.0f} ms)"
    found = []
    for name, ask, limit in (
        ("search: top 20", lambda: search.search(reader, 1, word, None, 20), 5),
        ("search: two words", lambda: search.search(reader, 1, body(7)[:20], None, 20), 5),
        ("search: in one old conversation", lambda: search.search(reader, 1, word, old, 20), 5),
        ("history: last page", lambda: history.page(reader, 1, busy, 20), 1),
    ):
        assert ask(), f"{name}: nothing found"
        took = _median(ask, 50)
        found.append(
            Figure(
                f"{name}, among a million",
                f"{took * 1000:.2f} ms",
                took / like,
                baseline,
                f"≤ {limit} ms",
                took * 1000 <= limit,
            )
        )
    return found


def _fill(database: Path, count: int) -> None:
    connection = store.connect(database)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("INSERT INTO profile (id, name, data) VALUES (1, 'alice', '{}')")
    begun = (int(time.time()) - count) * 1000
    peers = [(n + 1, f"peer{n}@example.org") for n in range(CONVERSATIONS)]
    last = dict.fromkeys(range(1, CONVERSATIONS + 1), 0)
    add = Prepared(insert(schema.message)).text
    for first in range(0, count, 10_000):
        rows = []
        for number in range(first, min(first + 10_000, count)):
            conversation = 1 if number < OLD else 2 + number % (CONVERSATIONS - 1)
            row = (begun + number * 1000) << ORDER_BITS
            last[conversation] = row
            rows.append(_row(row, conversation, number))
        connection.execute("BEGIN")
        connection.executemany(add, rows)
        connection.executemany(
            "INSERT INTO message_fts (rowid, body, scope) VALUES (:id, :body, :scope)", rows
        )
        connection.execute("COMMIT")
    connection.executemany(
        "INSERT INTO conversation (id, profile_id, peer, last_id, rev) VALUES (?, 1, ?, ?, 1)",
        [(id_, peer, last[id_]) for id_, peer in peers],
    )
    connection.execute("INSERT INTO message_fts (message_fts) VALUES ('optimize')")
    connection.close()


def _row(row: int, conversation: int, number: int) -> dict[str, object]:
    values: dict[str, object] = dict.fromkeys(schema.message.c.keys())
    return values | {
        "id": row,
        "conversation_id": conversation,
        "profile_id": 1,
        "type": "chat",
        "direction": "in",
        "sender": f"peer{conversation - 1}@example.org/x",
        "recipient": "alice@example.org",
        "body": body(number),
        "ts": row >> ORDER_BITS,
        "state": "received",
        "stanza_id": f"m{number}",
        "archive_id": f"a{number}",
        "rev": number,
        "scope": f"p1 c{conversation}",
    }


def _bare_sqlite(folder: Path) -> float:
    """Return how many rows a second SQLite takes with nothing of ours around it."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE m (id INTEGER PRIMARY KEY, c INTEGER, body TEXT, a TEXT)")
    connection.execute("CREATE INDEX mc ON m (c, id)")
    connection.execute("CREATE UNIQUE INDEX ma ON m (a)")
    rows = [(n, n % 50, body(n), f"a{n}") for n in range(STORM)]
    begun = time.perf_counter()
    for first in range(0, STORM, GROUP):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO m VALUES (?, ?, ?, ?)", rows[first : first + GROUP])
        connection.execute("COMMIT")
    took = time.perf_counter() - begun
    connection.close()
    return STORM / took


def _head(daemon: Daemon) -> int:
    head = daemon.json("daemon", "status")[0]["head"]
    assert isinstance(head, int)
    return head


def indexed(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM message_fts_docsize").fetchone()[0])
    finally:
        connection.close()


def _median(ask: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)
