"""The one writer: rows and the events that tell of them, in one transaction, numbered.

``Journal.commit(change)`` hands a function to the writer's thread. There it runs within a
transaction, together with whatever else waits (group commit); it reads what it needs, writes rows
and emits events. Once that is on disk, and in the order of the numbers, the reactor's thread
updates what is kept in memory, tells every session, and fires the Deferred.

A disk that is full loses nothing: commits of what the network brought wait until there is room,
those of a person's call are refused with a sentence.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, cast

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from sat.backend import schema
from sat.backend.commits import Change, Commit, Part, Projections, together
from sat.backend.recent import Recent
from sat.backend.schema import Prepared
from sat.backend.store import Reader, Store, connect
from sat.backend.transaction import Transaction, Unforeseen
from sat.bridge.call import Call
from sat.bridge.dispatcher import encode_result
from sat.bridge.errors import CommandError
from sat.bridge.events import Event
from sat.bridge.log import LoggedEvent, Origin
from sat.xmpp.reactor import Clock, Timer

T = TypeVar("T")

_log = Logger("sat.journal")
_GROUP = 512
_RETRY = 1.0
_QUIET = 0.3
_SOON = 0.02
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}

_ADD_TXN = Prepared(insert(schema.txn))
_FIND_TXN = Prepared(
    select(schema.txn.c.digest, schema.txn.c.result).where(
        schema.txn.c.profile == bindparam("profile"), schema.txn.c.txn == bindparam("txn")
    )
)
_RANGE = Prepared(select(func.min(schema.event.c.seq), func.max(schema.event.c.seq)))
_EPOCH = Prepared(select(schema.meta.c.value).where(schema.meta.c.key == "epoch"))
_CURSOR = Prepared(select(schema.cursor.c.seq).where(schema.cursor.c.name == bindparam("name")))
_setting = upsert(schema.cursor)
_SET_CURSOR = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["name"], set_={"seq": _setting.excluded.seq, "ts": _setting.excluded.ts}
    )
)


class Journal:
    """The log of events, and the only way to change the database.

    :param reactor: where results are delivered and sessions are told
    :param on_storage: is told with a sentence when the disk is full, with "" when it has room again
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        store: Store,
        on_storage: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._reactor = reactor
        self._store = store
        self._on_storage = on_storage
        self._now = now
        self._connection = connect(store.path)
        reader = Reader(self._connection)
        oldest, newest = reader.first(_RANGE) or (None, None)
        epoch = reader.first(_EPOCH)
        self.epoch: str = epoch[0] if epoch else ""
        self._seq: int = newest or 0
        self.head = self._seq
        self.oldest: int = oldest or self._seq + 1
        #: Is open while those are told who wait for what was committed together.
        self.answering: AbstractContextManager[None] = nullcontext()
        self._recent = Recent()
        self._projections: Projections = {}
        self._published: list[Callable[[], None]] = []
        self._queue: deque[Commit[Any]] = deque()
        self._adding: list[Part] = []  # what is about to be queued, as one
        self._condition = threading.Condition()
        self._ready = False  # whether the writer is to take what is queued
        self._waking = False
        self._late: Timer | None = None  # wakes it, if nothing else does
        self._stopping = False
        self._full = False
        self._idle: Callable[[sqlite3.Connection], bool] | None = None
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, then end; blocks for as long as that takes.

        What waits for a full disk is given up: the server was told nothing of it.
        """
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._queue_added()
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()
        self._connection.close()

    @property
    def waiting(self) -> int:
        """How many commits are queued."""
        return len(self._queue) + len(self._adding)

    def project(self, kind: type[Event], apply: Callable[[Any], None]) -> None:
        """Let ``apply(event)`` run for each committed event of a class, before sessions know."""
        self._projections.setdefault(kind, []).append(apply)

    def when_published(self, told: Callable[[], None]) -> None:
        """Let ``told()`` run when :attr:`head` has moved."""
        self._published.append(told)

    def when_idle(self, work: Callable[[sqlite3.Connection], bool]) -> None:
        """Let ``work(connection)`` run in the writer's thread when nothing waits.

        It does a bounded piece of work in a transaction of its own, and returns whether more is
        left.
        """
        self._idle = work

    def commit(
        self,
        change: Change[T],
        *,
        call: Call | None = None,
        wait: bool = False,
        before_events: Callable[[T], None] | None = None,
        failed: Callable[[None], None] | None = None,
        soon: bool = False,
    ) -> Deferred[T]:
        """Run a change in a transaction; fires once it is on disk and every session is told.

        :param call: who asked: its events name it, and its result is recorded under its ``txn``
        :param wait: wait for a full disk rather than fail
        :param before_events: runs in the reactor's thread once committed, before sessions are told
        :param failed: runs then in its place, if the change failed
        :param soon: let it be part of what is committed next, for which it waits 20 ms at most
        :raises CommandError: ``failed.storage`` if the disk is full; whatever ``change`` raises
        """
        done: Deferred[T] = Deferred()
        commit = Commit(change, call, wait, before_events, done, failed=failed)
        if soon:
            self._queue_added()
            self._queue.append(commit)
            if self._late is None:
                self._late = cast(Clock, self._reactor).callLater(_SOON, self._wake_late)
        else:
            self._enqueue(commit)
        return done

    def add(self, change: Change[T], then: Callable[[T], None]) -> None:
        """Run a change that the network brought, as :meth:`commit` does with ``wait``.

        :param then: is called with its result once it is on disk and every session is told; if it
            fails, that is logged and nothing is called
        """
        self._adding.append((change, then))
        if not self._waking:
            self._wake_soon()

    def _enqueue(self, commit: Commit[Any]) -> None:
        self._queue_added()
        self._queue.append(commit)
        if not self._waking:
            self._wake_soon()

    def _queue_added(self) -> None:
        """Queue what was added, before whatever comes after it."""
        if self._adding:
            self._queue.append(together(self._adding))
            self._adding = []

    def _wake_soon(self) -> None:
        # Once this turn of the reactor is over: all that is committed in it is one group.
        self._waking = True
        self._reactor.callFromThread(self._wake)

    def _wake(self) -> None:
        self._waking = False
        self._queue_added()
        with self._condition:
            self._ready = True
            self._condition.notify()

    def _wake_late(self) -> None:
        self._late = None
        if self._queue:
            self._wake()

    # ---- EventLog, Results

    def recent(self, after: int) -> Sequence[LoggedEvent] | None:
        """Return the next events after a number from memory, or None if they don't reach so far."""
        return self._recent.after(after)

    def lines(self, after: int) -> tuple[bytes, int] | None:
        """Return the next lines after a number, and the number of the last of them, or None."""
        return self._recent.lines(after)

    def told(self, seq: int) -> None:
        """Forget the events in memory of which everybody who is attached has been told."""
        self._recent.told(seq)

    def forget_recent(self) -> None:
        """Forget the events in memory: some of them are gone from the log."""
        self._recent.clear()

    async def find(self, profile: str, txn: str) -> tuple[bytes, bytes] | None:
        """Return the digest and the result that were recorded under a transaction."""
        row = await self._store.read(
            lambda reader: reader.first(_FIND_TXN, profile=profile, txn=txn)
        )
        return (row[0], row[1]) if row else None

    async def record(self, call: Call, result: bytes) -> None:
        """Record the result of a call that has committed nothing by itself."""
        await self.commit(lambda tx: _record(tx, call, result), wait=False)

    def cut(self, seq: int) -> None:
        """Take note that the log has nothing up to a number any more."""
        self.oldest = max(self.oldest, seq + 1)
        self._recent.cut(seq)

    async def cursor(self, name: str) -> int | None:
        """Return where a named cursor stands."""
        row = await self._store.read(lambda reader: reader.first(_CURSOR, name=name))
        return row[0] if row else None

    async def set_cursor(self, name: str, seq: int) -> None:
        """Let a named cursor stand at a number."""
        await self.commit(lambda tx: tx.run(_SET_CURSOR, name=name, seq=seq, ts=tx.now) and None)

    # ---- the writer's thread

    def _write(self) -> None:
        idle_left = self._idle is not None
        while True:
            with self._condition:
                while not self._wanted():
                    # Idle work for each commit by itself would cost twice as much as in batches.
                    self._condition.wait_for(self._wanted, _QUIET if idle_left else None)
                    while idle_left and not self._wanted():
                        idle_left = self._run_idle()
                if not self._queue:
                    self._ready = False
                    if self._stopping:
                        return
                    continue
                idle_left = self._idle is not None
                group = [self._queue.popleft() for _ in range(min(len(self._queue), _GROUP))]
                self._ready = bool(self._queue)
            left = self._write_group(group)
            if left:
                with self._condition:
                    self._queue.extendleft(reversed(left))
                    self._ready = True
                    if self._stopping:
                        return
                    self._condition.wait(_RETRY)

    def _wanted(self) -> bool:
        return self._ready or self._stopping

    def _run_idle(self) -> bool:
        """Do a piece of idle work without holding up those who want to commit."""
        assert self._idle is not None
        self._condition.release()
        try:
            return self._idle(self._connection)
        except sqlite3.Error as error:
            _log.warn("idle work failed: {error}", error=error)
            return False
        finally:
            self._condition.acquire()

    def _write_group(self, group: list[Commit[Any]]) -> list[Commit[Any]]:
        """Commit a group; return those that must wait because the disk is full."""
        try:
            try:
                self._in_transaction(group, careful=False)
            except Unforeseen:
                self._in_transaction(group)
        except BaseException:
            # One of them failed, or the disk is full: each in a transaction of its own then.
            return self._write_singly(group)
        self._deliver(group, full="")
        return []

    def _write_singly(self, group: list[Commit[Any]]) -> list[Commit[Any]]:
        done: list[Commit[Any]] = []
        left: list[Commit[Any]] = []
        full = ""
        for commit in [part for whole in group for part in whole.split()]:
            if left and commit.wait:
                left.append(commit)
                continue
            try:
                self._in_transaction([commit])
            except sqlite3.OperationalError as error:
                if (error.sqlite_errorcode & 0xFF) not in _FULL:
                    commit.error = error
                else:
                    full = (
                        f"the disk is full or can't be written ({error}): nothing is read from the "
                        "network until there is room; nothing is lost"
                    )
                    if commit.wait:
                        left.append(commit)
                        continue
                    commit.error = CommandError(
                        "failed.storage",
                        f"this could not be stored: {error}; make room on the disk and try again",
                    )
            except BaseException as error:
                commit.error = error
            done.append(commit)
        self._deliver(done, full)
        return left

    def _in_transaction(self, group: list[Commit[Any]], *, careful: bool = True) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            tx = Transaction(connection, self._seq, int(self._now() * 1000), careful=careful)
            for commit in group:
                call = commit.call
                tx.origin = Origin(call.session, call.txn) if call is not None else None
                commit.events = tx.events = []
                commit.result = commit.change(tx)
                if call is not None and call.txn is not None:
                    _record(tx, call, encode_result(commit.result))
            seq = tx.finish()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._seq = seq

    def _deliver(self, commits: list[Commit[Any]], full: str) -> None:
        changed = full if bool(full) != self._full else None
        self._full = bool(full)
        if commits or changed is not None:
            self._reactor.callFromThread(self._committed, commits, changed)

    # ---- the reactor's thread

    def _committed(self, commits: list[Commit[Any]], storage: str | None) -> None:
        if storage is not None:
            self._on_storage(storage)
        told_of: list[LoggedEvent] = []
        for commit in commits:
            told_of += commit.project(self._projections)
        if told_of:
            self._recent.add(told_of)
            self.head = told_of[-1].seq
            for told in self._published:
                told()
        with self.answering:
            for commit in commits:
                commit.tell()


def _record(tx: Transaction, call: Call, result: bytes) -> None:
    tx.run(
        _ADD_TXN,
        profile=call.profile or "",
        txn=call.txn,
        digest=call.digest,
        result=result,
        ts=tx.now,
    )
