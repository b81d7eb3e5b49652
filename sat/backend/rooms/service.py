"""The rooms of one profile: kept over restarts, joined when it is online, told to frontends."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from sat.backend.arrival import Arrival
from sat.backend.rooms.archive import RoomArchives
from sat.backend.rooms.bookmarks import Bookmarks
from sat.backend.rooms.history import last_heard
from sat.backend.rooms.invitations import Invitations
from sat.backend.rooms.refusals import Why
from sat.backend.rooms.room import Room
from sat.backend.rooms.states import Event, Prepared, State
from sat.backend.rooms.store import drop_room, set_room, stored_rooms
from sat.backend.rooms.talk import Talk
from sat.backend.transaction import Transaction
from sat.bridge.events import OccupantChanged
from sat.bridge.model import Occupant
from sat.bridge.model import Room as RoomModel
from sat.bridge.secret import SecretText
from sat.xmpp.disco import DiscoInfo, info_query
from sat.xmpp.muc import OccupantPresence
from sat.xmpp.reactor import Clock
from sat.xmpp.stanza import JID, Element, Iq, NotConnected, Presence, StanzaError, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_log = Logger("sat.rooms")
_DISCO_TIMEOUT = 15.0
#: As far as our clock and a room's may differ: what is asked for twice is kept once.
_OVERLAP = timedelta(seconds=60)


@dataclass(slots=True)
class Entry:
    """A room that is known, joined or not.

    :param shown: what frontends have been told of it
    :param released: whether messages to it may be written: we are in, and know what was said
    """

    room: Room
    name: str = ""
    autojoin: bool = False
    bookmarked: bool = False
    shown: RoomModel | None = None
    released: bool = False


class Rooms:
    """The rooms of one profile."""

    def __init__(self, live: LiveProfile) -> None:
        self.live = live
        self.entries: dict[JID, Entry] = {}
        self.talk = Talk(self)
        self.invitations = Invitations(self)
        self.bookmarks = Bookmarks(self)
        self.archives = RoomArchives(self)
        #: Whether rooms may know that we are there: we are online, and visible.
        self._visible = False
        for stored, bookmarked in live.core.store.read_now(lambda r: stored_rooms(r, live.id)):
            self._restore(stored, bookmarked)

    def find(self, jid: JID) -> Room | None:
        """Return a room that is known, whatever state it is in, or None."""
        entry = self.entries.get(jid.bare) if self.entries else None
        return entry.room if entry is not None else None

    def add(self, jid: JID, nick: str | None = None) -> Entry:
        """Return a room's entry, made if there is none; nothing is joined by that."""
        entry = self.entries.get(jid)
        if entry is None:
            entry = Entry(self._make(jid, nick or self.live.jid.user or "me"))
            self.entries[jid] = entry
        return entry

    def want(self, jid: JID, nick: str | None = None, password: str | None = None) -> Room:
        """Join a room as soon as that is possible, and stay in it."""
        entry = self.add(jid, nick)
        room = entry.room
        if nick is not None:
            room.wanted_nick = nick
        if password is not None:
            room.password = password
        room.happen(Event.WANTED)
        if self._visible:
            room.happen(Event.ONLINE)
        return room

    def drop(self, jid: JID) -> None:
        """Forget a room that is neither joined nor bookmarked."""
        entry = self.entries.pop(jid, None)
        if entry is None:
            return
        entry.room.happen(Event.UNWANTED)
        live = self.live
        done = live.core.journal.commit(
            lambda tx: drop_room(tx, live.id, live.name, jid.full()), wait=True
        )
        done.addErrback(lambda failure: _log.failure("forgetting a room failed", failure=failure))

    async def forget_passwords(self) -> None:
        """Delete the passwords of all rooms: the profile is deleted."""
        for jid in self.entries:
            await self.live.core.passwords.delete(self.password_name(jid))

    def password_name(self, jid: JID) -> str:
        """Return what the password of a room is kept under: no profile's name has a space."""
        return f"{self.live.name} {jid.full()}"

    # ---- what happens to the profile

    def begin(self) -> None:
        """Tell what the last run of the daemon left."""
        for entry in self.entries.values():
            self.changed(entry.room)

    def announce(self, presence: Presence) -> None:
        """Show rooms what everybody is shown: we join, stay, or go."""
        if presence.type == "unavailable":
            for entry in self.entries.values():
                if entry.room.present:
                    to = entry.room.jid.with_resource(entry.room.nick)
                    self._write(Presence(type="unavailable", to=to))
            self._hide(Why("room.hidden", "you show yourself as unavailable"))
            return
        was_visible, self._visible = self._visible, True
        for entry in list(self.entries.values()):
            room = entry.room
            if room.joined:
                to = room.jid.with_resource(room.nick)
                self._write(self._shown(Presence(to=to), presence))
            elif not was_visible:
                room.happen(Event.ONLINE)
        if not was_visible:
            self.bookmarks.begin()

    def stream_ended(self) -> None:
        """Take note that we are in no room any more."""
        self._hide(Why())

    def resumed(self) -> None:
        """Ask every room whether we are in: the stream was gone for a while, and is back."""
        for entry in self.entries.values():
            entry.room.watch.doubt()

    def presence(self, element: Element, arrival: Arrival) -> bool:
        """Take a presence that is a room's; returns whether it is.

        :raises ValueError: if it has an address that isn't one, or an unknown type
        """
        sender = element.get("from")
        if not sender or not self.entries:
            return False
        entry = self.entries.get(parse_jid(sender).bare)
        if entry is None or element.get("type") not in (None, "unavailable", "error"):
            return False
        stanza = Presence.from_element(element)
        self.live.handled(arrival)
        entry.room.received(stanza)
        nick = stanza.from_.resource if stanza.from_ is not None else None
        if stanza.type == "available" and nick in entry.room.occupants:
            self.live.capabilities.shown(sender, stanza.extensions)
        self.live.plugins.presence(stanza)
        return True

    def _hide(self, why: Why) -> None:
        self._visible = False
        self.bookmarks.end()
        self.archives.end()
        for entry in list(self.entries.values()):
            entry.room.happen(Event.OFFLINE, why)

    # ---- what a room needs (sat.backend.rooms.states.Around)

    async def prepare(self, room: Room) -> Prepared:
        """Ask what the room can do, and look up when it was last heard."""
        features = None
        request = Iq(type="get", to=room.jid, extensions=[info_query()])
        with suppress(StanzaError, TimeoutError):
            answer = await self.live.request(request, _DISCO_TIMEOUT)
            if answer.payload is not None:
                features = DiscoInfo.from_element(answer.payload).features
        since = await self.live.core.store.read(
            lambda reader: last_heard(reader, self.live.id, room.jid.full())
        )
        if room.password is None:
            kept = await self.live.core.passwords.get(self.password_name(room.jid))
            bookmark = self.bookmarks.known.get(room.jid)
            room.password = (
                kept.reveal() if kept else bookmark.password if bookmark is not None else None
            )
        covered = await self.archives.covers(room.jid, features or room.features)
        return Prepared(features, since - _OVERLAP if since is not None else None, covered)

    def send(self, presence: Presence, joining: bool) -> None:
        """Send a presence; one to join with carries what we show of ourselves."""
        self._write(self._shown(presence, self.live.presences.own()) if joining else presence)

    async def request(self, iq: Iq, timeout: float) -> Iq:
        """Send a request and return the answer."""
        return await self.live.request(iq, timeout)

    def changed(self, room: Room) -> None:
        """Store what a room is now, and tell of it."""
        entry = self.entries.get(room.jid)
        if entry is None:
            return
        if not room.joined:
            entry.released = False
        if not room.wanted or room.state is State.REFUSED:
            self.talk.give_up(room)
        if room.why.reason == "room.password" and room.state is State.REFUSED:
            self.invitations.ask_for_password(room)
        self.save(entry)

    def save(self, entry: Entry, *, anew: bool = False) -> Deferred[None]:
        """Store a room as it is now, unless nothing has changed; fires when it is on disk.

        :param anew: store it even so: something has changed that isn't shown
        """
        room = entry.room
        shown = RoomModel(
            profile=self.live.name,
            jid=room.jid.full(),
            nick=room.nick,
            state="joining" if room.state is State.UNLOCKING else room.state.value,
            reason=room.why.reason,
            sentence=room.why.sentence,
            name=entry.name,
            subject=room.subject,
            autojoin=entry.autojoin,
        )
        known, bookmarked = entry.shown, entry.bookmarked
        if not anew and known is not None and msgspec.structs.replace(known, rev=0) == shown:
            return succeed(None)
        entry.shown = shown

        def change(tx: Transaction) -> None:
            set_room(tx, self.live.id, shown, bookmarked)

        done = self.live.core.journal.commit(change, wait=True)
        return done.addErrback(
            lambda failure: _log.failure("noting a room's state failed", failure=failure)
        )

    def occupant(self, room: Room, told: OccupantPresence) -> None:
        """Tell of an occupant that came, changed, or went."""
        occupant = self.show_occupant(room, told)
        if not told.here:
            self.live.capabilities.gone(f"{room.jid.full()}/{told.nick}")
        self.live.core.hub.tell(self.live.name, OccupantChanged(occupant), keep=told.here)

    def show_occupant(self, room: Room, told: OccupantPresence) -> Occupant:
        """Return an occupant as the bridge shows it."""
        return Occupant(
            profile=self.live.name,
            room=room.jid.full(),
            nick=told.nick,
            role=told.role,  # type: ignore[arg-type]
            affiliation=told.affiliation,  # type: ignore[arg-type]
            jid=told.jid.full() if told.jid is not None else None,
            occupant_id=told.occupant_id,
            show=told.show,  # type: ignore[arg-type]
            status=told.status,
        )

    def caught_up(self, room: Room) -> None:
        """Read what the room has archived, and let the messages go out that waited for that."""
        self.archives.joined(room)

    def moved(self, room: Room, venue: JID) -> None:
        """Ask whether to go where a room went on, and take it out of what is joined by itself."""
        self.invitations.ask_to_follow(room, venue)
        self.bookmarks.set(room.jid, autojoin=False)

    # ----

    def _make(self, jid: JID, nick: str) -> Room:
        core = self.live.core
        return Room(jid, nick, self, cast(Clock, core.reactor), core.random)

    def _restore(self, stored: RoomModel, bookmarked: bool) -> None:
        room = self._make(parse_jid(stored.jid), stored.nick)
        room.subject = stored.subject
        room.state = State(stored.state)
        if room.wanted:
            room.state = State.WAITING
        else:
            room.why = Why(stored.reason, stored.sentence)
        entry = Entry(room, stored.name, stored.autojoin, bookmarked, stored)
        self.entries[room.jid] = entry

    def _shown(self, presence: Presence, own: Presence) -> Presence:
        presence.show, presence.status = own.show, own.status
        presence.extensions = [*presence.extensions, *own.extensions]
        return presence

    def _write(self, presence: Presence) -> None:
        def failed(failure: object) -> None:
            _log.debug("presence not written: {failure}", failure=failure)

        with suppress(NotConnected):
            self.live.write(presence.to_element()).addErrback(failed)

    async def keep_password(self, jid: JID, password: str) -> None:
        """Keep a room's password for when it is joined again."""
        await self.live.core.passwords.set(self.password_name(jid), SecretText(password))
