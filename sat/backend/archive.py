"""What the server has archived (XEP-0313): caught up after an absence, and fetched to look back.

The history lacks nothing of an archive up to a message of it, which is stored: there catching up
begins. Live messages don't move it, for some never come live (what another program sent while
copies were off); the archive alone says what there is, and is read again now and then.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.sqlite import insert as upsert
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sat.backend import schema
from sat.backend.adding import Archived
from sat.backend.holding import Holding
from sat.backend.schema import Prepared
from sat.backend.store import Row
from sat.backend.tasks import spawn, start
from sat.backend.transaction import Transaction
from sat.xmpp.archive import (
    NS_MAM,
    Page,
    Prefs,
    Query,
    Result,
    prefs_query,
    read_page,
    read_prefs,
    read_result,
)
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.stanza import JID, Element, Iq, NotConnected, StanzaError, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: Days of an archive that are fetched at first; what is older comes when it is looked at.
FIRST_DAYS = 30

_log = Logger("sat.archive")
#: Messages a page; servers give fewer if that is too many for them.
PAGE = 250
#: What is said now waits for so many messages of an archive, or for all, if there are fewer.
WALK_FIRST = 2000
#: Seconds that a server has for a page.
_TIMEOUT = 60.0
#: Seconds before each new try to catch up.
_DELAYS = (0.0, 3.0, 15.0)
#: Seconds after which it is begun again if the stream has ended, and another is there.
_SOON = 0.5
#: Seconds after which the archive is read again.
_AGAIN = 3600.0
#: How much earlier to begin where the archive has forgotten the message at which we were.
_MARGIN = timedelta(minutes=5)

_setting = upsert(schema.archive)
_SET_POINT = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["profile_id", "jid"],
        set_={"last_id": _setting.excluded.last_id, "ts": _setting.excluded.ts},
    )
)
_which = (
    schema.archive.c.profile_id == bindparam("profile_id"),
    schema.archive.c.jid == bindparam("jid"),
)
_POINT = Prepared(
    select(schema.archive.c.last_id, schema.archive.c.ts, schema.archive.c.since).where(*_which)
)
_IS_BEHIND = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["profile_id", "jid"],
        set_={"since": func.coalesce(schema.archive.c.since, _setting.excluded.since)},
    )
)
_IS_CAUGHT_UP = Prepared(
    "UPDATE archive SET since = NULL WHERE profile_id = :profile_id AND jid = :jid"
)


class Archive:
    """The archives that hold messages of one profile: the account's, and those of rooms."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._queries: dict[str, tuple[JID, list[Result]]] = {}
        self._running = False
        self._settled = False
        self._turn = 0
        self.holding = Holding(live)
        self._timer: Timer | None = None

    # ---- the account's archive, at the beginning of a session

    def session_began(self) -> None:
        """Hold what comes live, and note that something may have been missed before it."""
        self.holding.begin()
        spawn(self.fall_behind(self._live.jid), "noting that the archive is to be read")

    async def fall_behind(self, owner: JID) -> None:
        """Note that an archive may have what never came, as long as it isn't caught up."""
        live = self._live

        def note(tx: Transaction) -> None:
            tx.run(
                _IS_BEHIND,
                profile_id=live.id,
                jid=owner.full(),
                last_id=None,
                ts=None,
                since=tx.now,
            )

        await live.core.journal.commit(note, wait=True)

    def begin(self) -> None:
        """Catch up, and resolve what the last session left in doubt; harmless while it does."""
        if not self._running and not self._settled:
            self._running = True
            spawn(self._settle(), f"catching up with the archive of {self._live.name}")

    def end(self, managed: bool) -> None:
        """Stop: the session is over.

        :param managed: whether the server keeps what was not acknowledged, in its order
        """
        self._settled = False
        self._turn += 1
        if managed:
            self.holding.drop()
        self.holding.release()
        self._forget_plan()

    async def _settle(self) -> None:
        try:
            await self._settle_now(self._turn)
        except NotConnected:
            pass
        finally:
            self._running = False
        if not self._settled and self._live.online:
            # The session ended meanwhile; another one may have begun, and nobody else begins this.
            self._plan(_SOON)

    async def _settle_now(self, turn: int) -> None:
        live = self._live
        caught_up = await self._try()
        prefs = Prefs(default="never")
        if live.outbox.doubtful and caught_up:
            prefs = await self._prefs()
        if self._turn != turn:
            return  # what was in doubt then is not what is now
        self.holding.release()
        live.outbox.resolve(lambda peer: prefs.archives(peer, live.roster.lists(peer)))
        self._settled = True
        if caught_up is not None:
            self._plan(_AGAIN)

    async def _try(self) -> bool | None:
        """Catch up, or give up after some tries; tell whether it did: None if there is none."""
        for delay in _DELAYS:
            if delay:
                await self._sleep(delay)
            try:
                if not await self.available(self._live.jid):
                    return None
                await self.catch_up(self._live.jid)
            except (StanzaError, TimeoutError) as error:
                _log.warn(
                    "{name}: the archive can't be read: {error}", name=self._live.name, error=error
                )
            else:
                return True
        return False

    def _plan(self, seconds: float) -> None:
        self._forget_plan()
        self._timer = cast(Clock, self._live.core.reactor).callLater(seconds, self._again)

    def _forget_plan(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _again(self) -> None:
        self._timer = None
        self._settled = False
        if self._live.online:
            self.begin()

    async def _sleep(self, seconds: float) -> None:
        over: Deferred[None] = Deferred()
        cast(Clock, self._live.core.reactor).callLater(seconds, over.callback, None)
        await over

    async def _prefs(self) -> Prefs:
        """Return what is archived; nothing, if the server doesn't tell."""
        try:
            return read_prefs(
                await self._live.request(Iq(type="get", extensions=[prefs_query()]), _TIMEOUT)
            )
        except (StanzaError, TimeoutError):
            return Prefs(default="never")

    # ---- any archive

    async def available(self, owner: JID) -> bool:
        """Tell whether an address keeps an archive that we can read.

        :raises TimeoutError: if it doesn't say so in time
        :raises NotConnected: if there is no stream
        """
        return NS_MAM in (await self._live.disco.answer_of(owner)).features

    async def is_begun(self, owner: JID) -> bool:
        """Tell whether an archive was read before: then catching up goes on from there."""
        point = await self._point(owner)
        return point is not None and point[1] is not None

    async def catch_up(self, owner: JID, first: int | None = None) -> None:
        """Fetch all that an archive has got since the last time.

        While a page is dealt with, the next one is on its way. Interrupted anywhere, it goes on
        from the last page that is stored whole.

        :param owner: whose archive: the account's bare JID, or a room's
        :param first: how many messages the first time, the last ones; then they are no news
        :raises StanzaError: if the archive refuses
        :raises TimeoutError: if it doesn't answer in time
        :raises NotConnected: if the stream ends
        """
        live = self._live
        now = live.core.now()
        after, stamp, since = await self._point(owner) or (None, None, None)
        begin = datetime.fromtimestamp(now, UTC) - timedelta(FIRST_DAYS)
        if first is not None and stamp is None:
            results = await self._last(owner, first, begin)
            place = Archived(since or int(now * 1000), news=False)
            last = results[-1].id if results else None
            await self._store(owner, results, place, last, True, begin)
            return
        place = Archived(since or int(now * 1000), news=True)
        if after is None and stamp is not None:
            begin = datetime.fromtimestamp(stamp / 1000, UTC) - _MARGIN
        storing: Deferred[None] | None = None
        asked = self._ask(owner, after, begin)
        read = 0
        try:
            while True:
                try:
                    results, page = await asked
                except StanzaError as error:
                    if error.condition != "item-not-found" or after is None or stamp is None:
                        raise
                    # It has forgotten the message at which we were (XEP-0313, section 4.3).
                    after, begin = None, datetime.fromtimestamp(stamp / 1000, UTC) - _MARGIN
                    stamp = None
                    asked = self._ask(owner, after, begin)
                    continue
                last = page.last or (results[-1].id if results else None)
                over = page.complete or not results or last is None or last == after
                after = last
                if not over:
                    asked = self._ask(owner, after, begin)
                    # TLS encrypts it in the next turn, and it is written in the one after that:
                    # dealing with the page first would hold it up.
                    await self._sleep(0.0)
                    await self._sleep(0.0)
                if storing is not None:
                    await storing
                storing = start(self._store(owner, results, place, last, over, begin))
                if over:
                    return
                read += len(results)
                if read >= WALK_FIRST and owner == live.jid:
                    self.holding.let_pass()
        finally:
            asked.addErrback(lambda _: None).cancel()
            if storing is not None:
                await storing

    def _ask(
        self, owner: JID, after: str | None, begin: datetime
    ) -> Deferred[tuple[list[Result], Page]]:
        """Ask for the page behind a message, or from a time on, where there is none."""
        query = Query(after=after, start=None if after else begin, most=PAGE)
        return start(self.page(owner, query, _TIMEOUT))

    async def _point(self, owner: JID) -> Row | None:
        """Return the id and time of the message up to which an archive is known, and since when."""
        live = self._live
        return await live.core.store.read(
            lambda reader: reader.first(_POINT, profile_id=live.id, jid=owner.full())
        )

    async def _last(self, owner: JID, count: int, begin: datetime) -> list[Result]:
        """Return the last messages of an archive, from a time on, oldest first."""
        found: list[Result] = []
        before = ""
        while len(found) < count:
            most = min(PAGE, count - len(found))
            query = Query(before=before, start=begin, most=most)
            results, page = await self.page(owner, query, _TIMEOUT)
            found[:0] = results
            if page.complete or not results or results[0].id == before:
                break
            before = results[0].id
        return found[-count:]

    async def _store(
        self,
        owner: JID,
        results: list[Result],
        place: Archived,
        last: str | None,
        over: bool,
        begin: datetime,
    ) -> None:
        """Store a page, and then that nothing lacks up to its end."""
        live = self._live
        now = live.core.now()
        live.inbox.from_archive(owner, results, place)
        await live.inbox.processed()
        stamps = [result.stamp for result in results if result.stamp is not None]
        at = stamps[-1].timestamp() if stamps else begin.timestamp() if not place.news else now

        def note(tx: Transaction) -> None:
            which = {"profile_id": live.id, "jid": owner.full()}
            if last is not None or not place.news:
                ts = int(min(at, tx.now / 1000) * 1000)
                tx.run(_SET_POINT, **which, last_id=last, ts=ts, since=None)
                place.keep(tx)
            if over:
                tx.run(_IS_CAUGHT_UP, **which)

        await live.core.journal.commit(note, wait=True)

    # ---- pages

    async def page(self, owner: JID, query: Query, timeout: float) -> tuple[list[Result], Page]:
        """Ask for a page of an archive.

        :param timeout: in seconds
        :raises StanzaError: if the archive refuses
        :raises TimeoutError: if it doesn't answer in time
        :raises NotConnected: if the stream ends
        """
        live = self._live
        id_ = f"{live.core.random.getrandbits(64):016x}"
        results: list[Result] = []
        self._queries[id_] = owner, results
        to = None if owner == live.jid else owner
        try:
            answer = await live.request(
                Iq(type="set", to=to, extensions=[query.to_element(id_)]), timeout
            )
        finally:
            del self._queries[id_]
        return results, read_page(answer)

    def takes(self, element: Element) -> bool:
        """Take a message that carries something archived; False if it is any other message.

        What nobody asked for, or comes from someone else than was asked, is forged, or late.
        """
        if element.child("result", NS_MAM) is None:
            return False
        result = read_result(element)
        asked = self._queries.get(result.query) if result is not None else None
        if result is None or asked is None or not self._is_from(element.get("from"), asked[0]):
            _log.debug("a message from an archive that was not asked for is left out")
        elif len(asked[1]) < 2 * PAGE:
            asked[1].append(result)
        return True

    def _is_from(self, sender: str | None, owner: JID) -> bool:
        if sender is None:
            return owner == self._live.jid
        try:
            return parse_jid(sender) == owner
        except ValueError:
            return False
