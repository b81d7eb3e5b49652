"""Looking back: what an archive holds from before the history (XEP-0313)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from sat.backend import schema
from sat.backend.adding import Archived
from sat.backend.archive import PAGE
from sat.backend.history import FIND_CONVERSATION
from sat.backend.schema import ORDER_BITS, Prepared
from sat.backend.store import Reader
from sat.backend.transaction import Transaction
from sat.xmpp.archive import NS_MAM, Query
from sat.xmpp.stanza import JID, NotConnected, StanzaError

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_log = Logger("sat.archive")
#: Seconds that a server has for a page: somebody waits for it.
_TIMEOUT = 10.0

_message = schema.message
_OLDEST = Prepared(
    select(_message.c.id)
    .where(_message.c.conversation_id == bindparam("conversation_id"))
    .order_by(_message.c.id)
    .limit(1)
)
_OLDEST_ARCHIVED = Prepared(
    select(_message.c.archive_id)
    .where(
        _message.c.conversation_id == bindparam("conversation_id"),
        _message.c.archive_id.is_not(None),
    )
    .order_by(_message.c.id)
    .limit(1)
)
_IS_COMPLETE = Prepared("SELECT complete FROM conversation WHERE id = :key")
_SET_COMPLETE = Prepared(
    "UPDATE conversation SET complete = 1 WHERE profile_id = :profile_id AND peer = :peer"
)


class LookBack:
    """Fetches what is older than the history of one profile, when somebody looks at it."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._looking = DeferredLock()

    async def earlier(self, peer: JID, count: int) -> None:
        """Fetch messages of a conversation from before its history, if there are any.

        Those of a room are in the room's archive, which is there for who is in the room.

        What fails is left for the next time: somebody waits to see what there is.

        :param peer: whose conversation: a contact's bare JID, or a room's
        :param count: about so many
        """
        live = self._live
        await self._looking.acquire()
        try:
            room = live.rooms.find(peer) if not peer.resource else None
            if room is not None:
                if room.joined and NS_MAM in room.features:
                    await self._earlier(peer, count, room.jid)
            elif live.online and await live.archive.available(live.jid):
                await self._earlier(peer, count, live.jid)
        except (StanzaError, TimeoutError, NotConnected) as error:
            _log.info("{name}: no earlier messages: {error}", name=live.name, error=error)
        finally:
            self._looking.release()

    async def _earlier(self, peer: JID, count: int, owner: JID) -> None:
        live = self._live
        with_ = peer if owner == live.jid else None
        state = await live.core.store.read(lambda reader: self._beginning(reader, peer))
        if state is None:
            return
        oldest, id_ = state
        place = Archived((oldest >> ORDER_BITS) - 1, news=False)
        end = datetime.fromtimestamp((oldest >> ORDER_BITS) / 1000 + 1, UTC)
        most = min(max(count, 50), PAGE)
        query = Query(before=id_ or "", with_=with_, end=None if id_ else end, most=most)
        try:
            results, page = await live.archive.page(owner, query, _TIMEOUT)
        except StanzaError as error:
            if error.condition != "item-not-found" or id_ is None:
                raise
            query = Query(before="", with_=with_, end=end, most=most)
            results, page = await live.archive.page(owner, query, _TIMEOUT)
        live.inbox.from_archive(owner, results, place)
        await live.inbox.processed()

        def note(tx: Transaction) -> None:
            if page.complete or not results:
                tx.run(_SET_COMPLETE, profile_id=live.id, peer=peer.full())

        await live.core.journal.commit(note, wait=True)

    def _beginning(self, reader: Reader, peer: JID) -> tuple[int, str | None] | None:
        """Return the first row of a conversation and the first archive id in it; None if whole."""
        live = self._live
        now = int(live.core.now() * 1000) << ORDER_BITS
        found = reader.first(FIND_CONVERSATION, profile_id=live.id, peer=peer.full())
        if found is None:
            return now, None
        complete = reader.first(_IS_COMPLETE, key=found[0])
        if complete is not None and complete[0]:
            return None
        oldest = reader.first(_OLDEST, conversation_id=found[0])
        archived = reader.first(_OLDEST_ARCHIVED, conversation_id=found[0])
        return (oldest[0] if oldest else now), (archived[0] if archived else None)
