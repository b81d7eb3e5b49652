"""Bookmarks: which rooms all the person's programs join (XEP-0402, or XEP-0048 on old servers)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from sat.backend.rooms.states import Event, State
from sat.backend.tasks import spawn
from sat.xmpp import bookmarks as wire
from sat.xmpp.bookmarks import Bookmark, Notice
from sat.xmpp.stanza import JID, Element, Iq, NotConnected, StanzaError

if TYPE_CHECKING:
    from sat.backend.rooms.service import Rooms

_log = Logger("sat.bookmarks")
_TIMEOUT = 30.0


class Bookmarks:
    """The bookmarks of one profile, kept in step with those on its server."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        #: What the server has, by room.
        self.known: dict[JID, Bookmark] = {}
        self._place: Literal["pep", "private", "none", "unknown"] = "unknown"
        self._others: list[Element] = []
        # One change after another: private storage is written as a whole.
        self._lock = DeferredLock()
        #: Rooms whose bookmark we are just changing: what comes of them meanwhile is older.
        self._changing: dict[JID, int] = {}
        self._round = 0

    def begin(self) -> None:
        """Fetch what the server has, and do as it says."""
        self._round += 1
        self._place = "unknown"
        spawn(self._begin(self._round), "fetching bookmarks")

    def end(self) -> None:
        """Take note that the stream is gone."""
        self._round += 1

    def set(self, room: JID, *, autojoin: bool) -> None:
        """Change a room's bookmark, on the server as well."""
        entry = self._rooms.entries.get(room)
        if entry is not None:
            entry.autojoin = autojoin
            self._rooms.save(entry)
            spawn(self._change(room), "changing a bookmark")

    def follow(self, notice: Notice) -> None:
        """Do as another program of the person did."""
        gone = list(self.known) if notice.everything else notice.removed
        for room in gone:
            if room not in self._changing:
                self._remove(room)
        for bookmark in notice.changed:
            if bookmark.room not in self._changing:
                self._note(bookmark)

    # ---- what the server has

    async def _begin(self, number: int) -> None:
        await self._lock.run(self._fetch, number)

    async def _fetch(self, number: int) -> None:
        try:
            found = await self._read()
        except NotConnected:
            return
        if number != self._round or found is None:
            return
        told = {bookmark.room for bookmark in found}
        for jid, entry in list(self._rooms.entries.items()):
            if jid in told or jid in self._changing:
                continue
            if entry.bookmarked:
                self._remove(jid)
            elif entry.room.wanted:
                self.set(jid, autojoin=True)
        for bookmark in found:
            if bookmark.room not in self._changing:
                self._note(bookmark)

    async def _read(self) -> list[Bookmark] | None:
        """Return what the server has; None if that can't be known, or it has no place for them."""
        live = self._rooms.live
        if wire.NS_OPTIONS in (await live.disco.info(live.jid)).features:
            # Without these a node could be readable by others, and nothing would tell.
            self._place = "pep"
            return await self._read_items()
        storage = await self._ask(wire.fetch_storage())
        self._place = "private" if storage is not None else "none"
        if storage is None:
            return None
        found, self._others = wire.read_storage(storage)
        return found

    async def _read_items(self) -> list[Bookmark] | None:
        try:
            answer = await self._rooms.live.request(wire.fetch_items(), _TIMEOUT)
        except StanzaError as error:
            # No node is no bookmark; any other refusal doesn't say that there is none.
            return [] if error.condition == "item-not-found" else None
        except TimeoutError:
            return None
        return wire.read_items(answer.payload)

    async def _ask(self, iq: Iq) -> Element | None:
        try:
            return (await self._rooms.live.request(iq, _TIMEOUT)).payload
        except (StanzaError, TimeoutError) as error:
            _log.debug("bookmarks: {error}", error=error)
            return None

    def _note(self, bookmark: Bookmark) -> None:
        jid = bookmark.room
        if jid not in self._rooms.entries and len(self._rooms.entries) >= wire.MAX_BOOKMARKS:
            return
        self.known[jid] = bookmark
        entry = self._rooms.add(jid, bookmark.nick)
        room = entry.room
        had_autojoin = entry.autojoin
        entry.name, entry.autojoin, entry.bookmarked = bookmark.name, bookmark.autojoin, True
        if bookmark.nick and not room.wanted:
            room.wanted_nick = room.nick = bookmark.nick
        if bookmark.autojoin and not room.wanted and room.state is not State.REMOVED:
            self._rooms.want(jid)
        elif had_autojoin and not bookmark.autojoin:
            room.happen(Event.UNWANTED)
        self._rooms.save(entry)

    def _remove(self, jid: JID) -> None:
        self.known.pop(jid, None)
        self._rooms.drop(jid)

    # ---- what we change

    async def _change(self, jid: JID) -> None:
        self._changing[jid] = self._changing.get(jid, 0) + 1
        try:
            await self._lock.run(self._write, jid)
        except (NotConnected, TimeoutError):
            return  # the next connection compares again
        except StanzaError as error:
            _log.warn("the bookmark of {jid} was refused: {error}", jid=jid.full(), error=error)
        finally:
            left = self._changing.pop(jid) - 1
            if left:
                self._changing[jid] = left

    async def _write(self, jid: JID) -> None:
        entry = self._rooms.entries.get(jid)
        if entry is None:
            return
        if self._place == "unknown":
            await self._read()
        old = self.known.get(jid) or Bookmark(jid)
        new = replace(
            old,
            name=entry.name or old.name,
            nick=entry.room.wanted_nick,
            autojoin=entry.autojoin,
        )
        if self._place == "pep":
            await self._publish(new)
        elif self._place == "private":
            await self._store(new)
        else:
            return
        self.known[jid] = new
        if not entry.bookmarked:
            entry.bookmarked = True
            self._rooms.save(entry, anew=True)

    async def _publish(self, bookmark: Bookmark) -> None:
        live = self._rooms.live
        try:
            await live.request(wire.publish(bookmark), _TIMEOUT)
        except StanzaError as error:
            told = error.application.name if error.application is not None else ""
            if told == "precondition-not-met":
                # Somebody made the node with other settings: it becomes private before it is used.
                await live.request(wire.configure(), _TIMEOUT)
                await live.request(wire.publish(bookmark), _TIMEOUT)
                return
            # Some servers know few publish options; the node keeps one bookmark until it is told.
            await live.request(wire.publish(bookmark, few=True), _TIMEOUT)
            await live.request(wire.configure(), _TIMEOUT)

    async def _store(self, bookmark: Bookmark) -> None:
        live = self._rooms.live
        answer = await live.request(wire.fetch_storage(), _TIMEOUT)
        found, self._others = wire.read_storage(answer.payload)
        kept = [one for one in found if one.room != bookmark.room]
        await live.request(wire.store([*kept, bookmark], self._others), _TIMEOUT)
