"""The archives of rooms (XEP-0313, section 5.1.1): what was said while we were away.

A room whose archive was read once is asked for no discussion when we join: the archive has it all,
in order and with ids. Until it is read, what waits to be said there is held back: a message of ours
that the archive has is not said again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from sat.backend.history import change_message
from sat.backend.rooms.history import held_back
from sat.backend.rooms.room import Room
from sat.backend.tasks import spawn
from sat.backend.transaction import Transaction
from sat.bridge.model import MessageType
from sat.xmpp.archive import NS_MAM
from sat.xmpp.reactor import Clock
from sat.xmpp.stanza import JID, NotConnected, StanzaError, parse_jid

if TYPE_CHECKING:
    from sat.backend.rooms.service import Rooms

_log = Logger("sat.rooms")
#: Messages that are fetched when the archive of a room is read for the first time.
_FIRST_MESSAGES = 500
#: Seconds before each try to read it.
_DELAYS = (0.0, 3.0, 15.0)


class RoomArchives:
    """Reads the archives of the rooms of one profile."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._locks: dict[JID, DeferredLock] = {}
        #: Rooms whose archive is announced, but could not be read.
        self._unreadable: set[JID] = set()
        #: Rooms of which, since we joined, all is known that they had got before.
        self._read: set[str] = set()
        self._sleeping: set[Deferred[None]] = set()

    async def covers(self, jid: JID, features: frozenset[str]) -> bool:
        """Note that a room is about to be joined; tell whether its archive has what we missed.

        :param features: what the room can do
        """
        self._read.discard(jid.full())
        if NS_MAM not in features:
            return False
        archive = self._rooms.live.archive
        await archive.fall_behind(jid)
        return jid not in self._unreadable and await archive.is_begun(jid)

    def tells(self, room: str) -> bool:
        """Tell whether what a room had got before we joined is known from its archive."""
        known = self._rooms.find(parse_jid(room))
        return room in self._read and known is not None and known.is_caught_up

    def end(self) -> None:
        """Try no more: we are in no room."""
        for over in list(self._sleeping):
            over.cancel()

    def joined(self, room: Room) -> None:
        """Read what a room has archived, and then let out what waits for the room."""
        if NS_MAM in room.features:
            spawn(self._joined(room), f"reading the archive of {room.jid.full()}")
        else:
            self._rooms.talk.release(room)

    def clear_doubts(self, tx: Transaction, room: JID) -> None:
        """Note that what the last session left in doubt never came to a room: it has no copy."""
        if not self.tells(room.full()):
            return
        for stored in held_back(tx, self._rooms.live.id, room.full()):
            if stored.message.type is MessageType.GROUPCHAT and stored.extra.maybe_duplicate:
                extra = msgspec.structs.replace(stored.extra, maybe_duplicate=False)
                change_message(tx, stored, state=stored.message.state, extra=extra)

    async def _joined(self, room: Room) -> None:
        lock = self._locks.setdefault(room.jid, DeferredLock())
        await lock.acquire()
        try:
            if await self._try(room):
                self._read.add(room.jid.full())
                self._unreadable.discard(room.jid)
            else:
                self._unreadable.add(room.jid)
        except NotConnected:
            return  # the next session reads it
        finally:
            lock.release()
        self._rooms.talk.release(room)

    async def _sleep(self, seconds: float) -> None:
        over: Deferred[None] = Deferred(lambda _: timer.cancel())
        clock = cast(Clock, self._rooms.live.core.reactor)
        timer = clock.callLater(seconds, over.callback, None)
        self._sleeping.add(over)
        try:
            await over
        finally:
            self._sleeping.discard(over)

    async def _try(self, room: Room) -> bool:
        """Catch up, or give up after some tries; tell whether it did.

        :raises NotConnected: if the stream ends, or we are out of the room meanwhile
        """
        for delay in _DELAYS:
            if delay:
                await self._sleep(delay)
            if not room.is_caught_up:
                raise NotConnected
            try:
                await self._rooms.live.archive.catch_up(room.jid, first=_FIRST_MESSAGES)
            except (StanzaError, TimeoutError) as error:
                _log.warn(
                    "{room}: the archive can't be read: {error}", room=room.jid.full(), error=error
                )
                if isinstance(error, TimeoutError):
                    return False  # what waits has waited long enough
            else:
                if not room.is_caught_up:
                    raise NotConnected
                return True
        return False
