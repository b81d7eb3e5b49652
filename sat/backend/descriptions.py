"""What verified hashes stand for (XEP-0115, XEP-0390): kept for all profiles, and bounded."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import msgspec
from twisted.logger import Logger

from sat.backend.journal import Journal
from sat.backend.schema import Prepared
from sat.backend.store import Store
from sat.backend.transaction import Transaction
from sat.xmpp.disco import DiscoInfo

_log = Logger("sat.descriptions")

_GET = Prepared("SELECT data, used FROM capability WHERE key = :key")
_ADD = Prepared(
    "INSERT OR REPLACE INTO capability (key, data, size, used) VALUES (:key, :data, :size, :used)"
)
_USE = Prepared("UPDATE capability SET used = :used WHERE key = :key")
_TOTAL = Prepared("SELECT count(*), coalesce(sum(size), 0) FROM capability")
_OLDEST = Prepared("SELECT key, size FROM capability ORDER BY used, key LIMIT 50")
_DROP = Prepared("DELETE FROM capability WHERE key = :key")

#: How many are kept on disk, and how many bytes; a person's contacts have some dozens.
MAX_KEPT = 2000
MAX_BYTES = 8 * 1024 * 1024
#: A longer description is asked for again each time.
MAX_SIZE = 32 * 1024
#: How many are kept in memory.
_AT_HAND = 100
#: How old the note of the last use may be, in milliseconds, before it is written anew.
_USED_AGAIN = 24 * 3600 * 1000


class Descriptions:
    """The verified descriptions, by the keys of the claims that they belong to."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._at_hand: OrderedDict[str, DiscoInfo] = OrderedDict()

    async def get(self, key: str) -> DiscoInfo | None:
        """Return a description, or None if none is kept."""
        info = self._at_hand.get(key)
        if info is not None:
            self._at_hand.move_to_end(key)
            return info
        row = await self._store.read(lambda reader: reader.first(_GET, key=key))
        if row is None:
            # It may have been verified while the disk was looked at.
            return self._at_hand.get(key)
        data, used = row
        info = msgspec.json.decode(data, type=DiscoInfo)
        self._keep_at_hand(key, info)

        def note(tx: Transaction) -> None:
            if tx.now - used > _USED_AGAIN:
                tx.run(_USE, key=key, used=tx.now)

        self._commit(note)
        return info

    def keep(self, key: str, info: DiscoInfo) -> None:
        """Keep a description that was verified; those not wanted for longest make room for it."""
        data = msgspec.json.encode(info)
        if len(data) > MAX_SIZE:
            return
        self._keep_at_hand(key, info)

        def add(tx: Transaction) -> None:
            tx.run(_ADD, key=key, data=data, size=len(data), used=tx.now)
            count, size = tx.all(_TOTAL)[0]
            while count > MAX_KEPT or size > MAX_BYTES:
                for oldest, its_size in tx.all(_OLDEST):
                    if count <= MAX_KEPT and size <= MAX_BYTES:
                        break
                    tx.run(_DROP, key=oldest)
                    count, size = count - 1, size - its_size

        self._commit(add)

    def _keep_at_hand(self, key: str, info: DiscoInfo) -> None:
        # Most programs have most features in common: each name is kept once.
        features = frozenset(map(sys.intern, info.features))
        self._at_hand[key] = replace(info, features=features)
        self._at_hand.move_to_end(key)
        while len(self._at_hand) > _AT_HAND:
            self._at_hand.popitem(last=False)

    def _commit(self, change: Callable[[Transaction], None]) -> None:
        # On a full disk it is asked for again by the next daemon: nothing is lost.
        self._journal.commit(change).addErrback(
            lambda failure: _log.debug("not kept: {failure}", failure=failure.value)
        )
