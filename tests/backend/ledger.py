"""A journal and its database alone, with a clock of the test's own."""

from pathlib import Path

from sat.backend.adding import NewMessage, add_message
from sat.backend.history import Extra
from sat.backend.journal import Journal
from sat.backend.schema import Prepared
from sat.backend.search import index_some, search
from sat.backend.store import Store, prepare
from sat.bridge.events import ApiChanged
from sat.bridge.model import Changed, Direction, MessageState, MessageType

NOW = 1_700_000_000.0
_META = Prepared("INSERT INTO meta (key, value) VALUES (:key, :value)")


def news(text: str) -> ApiChanged:
    """Return an event that says something."""
    return ApiChanged(Changed(api=text))


class Ledger:
    """A journal over an empty database; ``async with`` starts and ends it.

    :param indexing: whether messages are indexed when nothing is to be written
    """

    def __init__(self, reactor, folder: Path, *, indexing: bool = False) -> None:
        self.path = folder / "sat.db"
        self.now = NOW
        self.storage: list[str] = []
        prepare(self.path)
        self.store = Store(reactor, self.path)
        self.journal = Journal(reactor, self.store, self.storage.append, lambda: self.now)
        if indexing:
            self.journal.when_idle(index_some)

    async def __aenter__(self) -> "Ledger":
        self.journal.start()
        return self

    async def __aexit__(self, *_) -> None:
        self.journal.stop()
        self.store.close()

    def note(self, key: str, value: str = "", **how):
        """Commit a row and an event of the same name."""

        def change(tx) -> int:
            tx.run(_META, key=key, value=value)
            tx.emit("alice", news(key))
            return tx.rev - 1

        return self.journal.commit(change, **how)

    async def rows(self, statement: str, **values) -> list[tuple]:
        """Read the database."""
        return await self.store.read(lambda reader: reader.all(Prepared(statement), **values))

    async def notes(self) -> list[str]:
        """Return what was noted, in order."""
        found = await self.rows(
            "SELECT key FROM meta WHERE key NOT IN ('epoch', 'indexed') ORDER BY rowid"
        )
        return [key for (key,) in found]

    async def events(self) -> list[tuple]:
        """Return the numbers of all events."""
        return [seq for (seq,) in await self.rows("SELECT seq FROM event ORDER BY seq")]

    async def limit(self, pages: int) -> None:
        """Let the database have no more than so many pages beyond those that it has."""

        def change(tx) -> None:
            present = tx.connection.execute("PRAGMA page_count").fetchone()[0]
            tx.connection.execute(f"PRAGMA max_page_count={present + pages}")

        await self.journal.commit(change)

    async def people(self, *names: str) -> None:
        """Make profiles, numbered from 1."""

        def change(tx) -> None:
            for name in names:
                tx.connection.execute("INSERT INTO profile (name, data) VALUES (?, '')", (name,))

        await self.journal.commit(change)

    def message(self, body: str, **fields) -> NewMessage:
        """Return a message from bob to the first profile, now."""
        given = {
            "profile": "alice",
            "profile_id": 1,
            "peer": "bob@server.test",
            "type": MessageType.CHAT,
            "direction": Direction.IN,
            "sender": "bob@server.test/x",
            "recipient": "alice@server.test",
            "body": body,
            "state": MessageState.RECEIVED,
            "ts": int(self.now * 1000),
        }
        if fields.pop("delayed", False):
            fields["extra"] = Extra(delayed=True)
        return NewMessage(**{**given, **fields})

    async def add(self, body: str, **fields):
        """Store a message; returns it as told, or None if it was there."""
        new = self.message(body, **fields)
        return await self.journal.commit(lambda tx: add_message(tx, new))

    async def find(self, text: str, peer: str | None = None, profile_id: int = 1, limit: int = 20):
        """Return the bodies that a search finds."""
        found = await self.store.read(lambda reader: search(reader, profile_id, text, peer, limit))
        return [message.body for message in found]
