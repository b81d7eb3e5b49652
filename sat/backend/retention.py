"""How long the log of events is kept: by age and by count, longer for whoever still reads it.

Ages are told by the time of day, which outlives the daemon. Where that is put forward while the
daemon runs, what was said a minute ago seems to be of last year: such a time counts only once it
has lasted for a day.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from sat.backend.journal import Journal
from sat.backend.schema import Prepared
from sat.backend.tasks import start
from sat.backend.transaction import Transaction
from sat.xmpp.reactor import Clock

DAY = 86_400_000
#: Milliseconds for which an event is kept, and so many events at most.
KEEP, MAX_EVENTS = 30 * DAY, 500_000
#: What a named cursor has not passed is kept for it, up to so many events; and the cursor itself
#: for so long after it was last moved.
MAX_FOR_CURSORS, CURSOR_LIVES = 2_000_000, 30 * DAY
#: Milliseconds for which the result of a transaction is kept.
KEEP_TXN = 7 * DAY

_log = Logger("sat.retention")
#: Seconds between two looks, and events that are cut at a time: nobody is to wait for it.
_PERIOD, _PIECE = 3600.0, 2000
#: Milliseconds by which the time of day may be put forward and be believed at once.
_BELIEVED = 3_600_000

_NEWEST = Prepared("SELECT max(seq) FROM event")
_FIRST = Prepared("SELECT seq, ts FROM event ORDER BY seq LIMIT :limit")
_CURSOR = Prepared("SELECT min(seq) FROM cursor")
_DROP_CURSORS = Prepared("DELETE FROM cursor WHERE ts < :before")
_DROP_EVENTS = Prepared("DELETE FROM event WHERE seq <= :seq")
_DROP_TXNS = Prepared("DELETE FROM txn WHERE ts < :before")


class Retention:
    """Cuts what the log needs no more, at the daemon's start and then once an hour.

    :param clock: Twisted's reactor
    """

    def __init__(self, journal: Journal, clock: object) -> None:
        self._journal = journal
        self._clock = cast(Clock, clock)
        #: What the time of day was ahead of the clock when it was last believed, and when that was.
        self._ahead: float | None = None
        self._believed = 0.0
        self._looking = LoopingCall(lambda: start(self._look()))
        self._looking.clock = cast(Any, clock)

    def begin(self) -> None:
        """Look at once, and every hour."""
        self._looking.start(_PERIOD)

    def end(self) -> None:
        """Look no more."""
        if self._looking.running:
            self._looking.stop()

    async def _look(self) -> None:
        try:
            await self.cut()
        except Exception as error:  # a full disk, most likely: there is another hour
            _log.warn("the log of events was not cut: {error}", error=error)

    async def cut(self) -> None:
        """Cut all that is kept no longer.

        :raises CommandError: ``failed.storage`` if the disk is full
        """
        now = self._reckon(await self._journal.commit(lambda tx: tx.now))
        await self._journal.commit(partial(_forget, now))
        while (cut := await self._journal.commit(partial(_cut, now))) is not None:
            self._journal.cut(cut)

    def _reckon(self, now: int) -> int:
        """Return the time by which ages are told, in milliseconds since 1970.

        :param now: the time of day
        """
        passed = self._clock.seconds() * 1000
        ahead = now - passed
        if (
            self._ahead is None
            or ahead <= self._ahead + _BELIEVED
            or passed - self._believed >= DAY
        ):
            self._ahead, self._believed = ahead, passed
        return int(passed + self._ahead)


def _forget(now: int, tx: Transaction) -> None:
    tx.run(_DROP_TXNS, before=now - KEEP_TXN)
    tx.run(_DROP_CURSORS, before=now - CURSOR_LIVES)


def _cut(now: int, tx: Transaction) -> int | None:
    """Cut a piece; return up to which event, or None if all that is there is to stay."""
    newest = _number(tx.first(_NEWEST))
    cursor = _number(tx.first(_CURSOR), newest)
    last = None
    for seq, ts in tx.all(_FIRST, limit=_PIECE):
        wanted = seq > cursor and seq > newest - MAX_FOR_CURSORS  # somebody hasn't seen it yet
        outlived = ts < now - KEEP or seq <= newest - MAX_EVENTS
        # The last one stays: the next gets its number from it.
        if wanted or not outlived or seq == newest:
            break
        last = seq
    if last is not None:
        tx.run(_DROP_EVENTS, seq=last)
    return last


def _number(row: Any, default: int = 0) -> int:
    return default if row is None or row[0] is None else int(row[0])
