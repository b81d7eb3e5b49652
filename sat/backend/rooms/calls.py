"""The calls ``room.*``."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferTimeoutError

from sat.backend.messages import check_text
from sat.backend.rooms.room import Room
from sat.backend.rooms.states import Event
from sat.backend.rooms.store import rooms
from sat.backend.rooms.talk import refused
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.model import Level, Occupant
from sat.bridge.model import Room as RoomModel
from sat.bridge.secret import SecretText
from sat.xmpp import muc
from sat.xmpp.stanza import JID, Message, Presence, StanzaError

if TYPE_CHECKING:
    from sat.backend.rooms.service import Rooms

_ANSWER_TIMEOUT = 30.0
#: The roots of errors, by why a room isn't joined.
_ROOTS = {
    "room.password": "denied",
    "room.banned": "denied",
    "room.members": "denied",
    "room.creation": "denied",
    "room.timeout": "timeout",
    "room.server": "unknown",
}


class RoomCalls:
    """What frontends do with rooms."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    @command("room.join", level=Level.SEND)
    async def join(
        self,
        room: JID,
        nick: str | None = None,
        password: SecretText | None = None,
        timeout: float = 40.0,
    ) -> RoomModel:
        """Join a room, and stay in it: it is bookmarked, and joined again by itself.

        A room that does not exist is made, open to everybody who knows its address. Where the nick
        is taken, a similar one is used: ``sentence`` tells.

        :param room: its address
        :param nick: what to be called there; by default as last time, or the account's own name
        :param password: for rooms that ask for one
        :param timeout: how many seconds to wait at most; the daemon goes on trying
        :raises offline.profile: if the profile is not online
        :raises usage.room: if it is no room's address
        :raises usage.nick: if an address can't hold that nick
        :raises denied.room: if it doesn't let us in
        :raises failed.room: if it can't at the moment; it is tried again
        :raises timeout.room: if it does not answer; it is tried again
        """
        self._rooms.live.require_online()
        bare = _check_room(room)
        given = nick or room.resource
        if given is not None:
            _check_nick(bare, given)
        self._require_visible()
        known = self._rooms.find(bare)
        if known is not None and known.joined and given not in (None, known.nick):
            return await self.nick(bare, given or "")
        secret = password.reveal() if password is not None else None
        wanted = self._rooms.want(bare, given, secret)
        try:
            await self._wait(wanted.settled(), timeout, f"{bare.full()} does not answer")
        finally:
            # Not before: another program that follows the bookmark could make the room first, and
            # lock us out of it meanwhile.
            if wanted.wanted:
                self._rooms.bookmarks.set(bare, autojoin=True)
        if not wanted.joined:
            self._rooms.live.require_online()
            reason = wanted.why.reason
            name = f"{_ROOTS.get(reason, 'failed')}.room"
            sentence = wanted.why.sentence or f"{bare.full()} was not joined"
            raise CommandError(name, sentence, {"reason": reason})
        if secret is not None:
            await self._rooms.keep_password(bare, secret)
        await self._rooms.live.core.journal.commit(
            lambda tx: self._rooms.invitations.withdraw(tx, bare), wait=True
        )
        return self._show(bare)

    @command("room.leave", level=Level.SEND)
    async def leave(self, room: JID) -> RoomModel:
        """Leave a room; its bookmark stays, but no program joins it by itself any more.

        :param room: its address
        :raises offline.profile: if the profile is not online
        :raises unknown.room: if it is neither joined nor bookmarked
        """
        self._rooms.live.require_online()
        found = self._find(room)
        found.happen(Event.UNWANTED)
        self._rooms.bookmarks.set(found.jid, autojoin=False)
        await self._rooms.live.core.journal.commit(lambda tx: None, wait=True)
        return self._show(found.jid)

    @command("room.list", level=Level.READ)
    async def all(self) -> list[RoomModel]:
        """Return all rooms that are joined, wanted or bookmarked, by address."""
        return await self._rooms.live.core.store.read(
            lambda reader: rooms(reader, self._rooms.live.id)
        )

    @command("room.occupants", level=Level.READ)
    async def occupants(self, room: JID) -> list[Occupant]:
        """Return who is in a room, by nick.

        :param room: its address
        :raises unknown.room: if it is neither joined nor bookmarked
        :raises offline.room: if it isn't joined
        """
        found = self._find_joined(room)
        show = self._rooms.show_occupant
        return [show(found, found.occupants[nick]) for nick in sorted(found.occupants)]

    @command("room.nick", level=Level.SEND)
    async def nick(self, room: JID, nick: str) -> RoomModel:
        """Change what we are called in a room.

        :param room: its address
        :param nick: the new name
        :raises offline.room: if it isn't joined
        :raises usage.nick: if an address can't hold that nick
        :raises failed.room: if it is taken, or the room doesn't allow it
        """
        found = self._find_joined(room)
        to = _check_nick(found.jid, nick)
        if to.resource != found.nick:
            asked = found.asked.ask("nick")
            self._rooms.send(Presence(to=to), joining=True)
            await self._granted(found, asked)
            self._rooms.bookmarks.set(found.jid, autojoin=True)
        return self._show(found.jid)

    @command("room.subject", level=Level.SEND)
    async def subject(self, room: JID, subject: str) -> RoomModel:
        """Change a room's subject (XEP-0045, section 8.1).

        :param room: its address
        :param subject: the new one; empty for none
        :raises offline.room: if it isn't joined
        :raises denied.room: if our role doesn't allow it
        """
        found = self._find_joined(room)
        check_text(subject)
        stanza = muc.set_subject(found.jid, subject, f"subject-{uuid.uuid4()}")
        asked = found.asked.ask("subject")
        await self._write(stanza)
        await self._granted(found, asked)
        return self._show(found.jid)

    @command("room.invite", level=Level.SEND)
    async def invite(self, room: JID, jid: JID, reason: str = "") -> None:
        """Invite somebody to a room; where it is for members alone, the room makes them one.

        :param room: its address
        :param jid: whom
        :param reason: a few words for them
        :raises offline.room: if it isn't joined
        """
        found = self._find_joined(room)
        check_text(reason)
        by_room = "muc_membersonly" in found.features
        make = muc.invite_by_room if by_room else muc.invite_directly
        await self._write(make(jid.bare, found.jid, reason))

    # ----

    def _find(self, room: JID) -> Room:
        found = self._rooms.find(room)
        if found is None:
            raise CommandError(
                "unknown.room",
                f"{room.userhost()} is neither joined nor bookmarked; see: jp room list",
            )
        return found

    def _find_joined(self, room: JID) -> Room:
        found = self._find(room)
        if not found.joined:
            told = f" ({found.why.sentence})" if found.why.sentence else ""
            raise CommandError("offline.room", f"{found.jid.full()} is not joined{told}")
        return found

    def _require_visible(self) -> None:
        if self._rooms.live.profile.show == "unavailable":
            raise CommandError(
                "failed.hidden",
                "you show yourself as unavailable, and rooms show who is in them: first say "
                "jp presence set available",
            )

    def _show(self, jid: JID) -> RoomModel:
        shown = self._rooms.entries[jid].shown
        assert shown is not None, "a room that is known has been told"
        return shown

    async def _write(self, stanza: Message) -> None:
        await self._rooms.live.write(stanza.to_element())

    async def _granted(self, room: Room, asked: Deferred[None]) -> None:
        try:
            await self._wait(asked, _ANSWER_TIMEOUT, f"{room.jid.full()} does not answer")
        except StanzaError as error:
            raise refused(room, error) from None
        await self._rooms.live.core.journal.commit(lambda tx: None, wait=True)

    async def _wait(self, done: Deferred[None], timeout: float, sentence: str) -> None:
        done.addTimeout(timeout, cast(Any, self._rooms.live.core.reactor))
        try:
            await done
        except DeferTimeoutError:
            raise CommandError("timeout.room", f"{sentence}; it is tried again") from None


def _check_room(room: JID) -> JID:
    if not room.user:
        raise CommandError("usage.room", f"{room.full()} is no room: it needs NAME@SERVICE")
    return room.bare


def _check_nick(room: JID, nick: str) -> JID:
    try:
        return room.with_resource(nick)
    except ValueError:
        raise CommandError("usage.nick", f"{nick!r} can't be a nick: take another one") from None
