"""What is said in rooms, and to their occupants in private: whose it is, and when it may go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from sat.backend.adding import NewMessage
from sat.backend.arrival import Arrival
from sat.backend.rooms.history import Author, add_room_message, fail, held_back
from sat.backend.rooms.room import Room
from sat.backend.rooms.states import State
from sat.backend.transaction import Transaction
from sat.bridge.errors import CommandError
from sat.bridge.model import Direction, MessageType
from sat.bridge.model import Message as MessageModel
from sat.plugin import Incoming
from sat.xmpp import muc
from sat.xmpp.bookmarks import NS_EVENT, read_notice
from sat.xmpp.stanza import JID, NS_SID, Message, StanzaError, parse_jid

if TYPE_CHECKING:
    from sat.backend.rooms.service import Rooms

_log = Logger("sat.rooms")
_NS_MAM = "urn:xmpp:mam:2"


class Talk:
    """The messages of one profile's rooms."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    # ---- whose conversation

    def conversation(self, jid: JID) -> JID:
        """Return the address whose conversation a JID means: an occupant has one of its own."""
        return jid if jid.resource and self._rooms.find(jid) is not None else jid.bare

    def peer_of(self, stanza: Message, other: JID) -> JID:
        """Return the address whose conversation a received or copied message belongs to."""
        if stanza.type == "groupchat" or not other.resource:
            return other.bare
        if self._rooms.find(other) is not None:
            return other
        if not muc.is_of_a_room(stanza):
            return other.bare
        # A room that is forgotten may still pass something on.
        roster = self._rooms.live.roster
        is_contact = roster.sees_us(other) or roster.we_asked(other)
        return other.bare if is_contact else other

    def address(self, to: JID, kind: MessageType) -> tuple[JID, MessageType, JID]:
        """Return the conversation, type and author of a message that is to be sent.

        :raises CommandError: ``offline.room`` if it goes to a room that isn't joined
        """
        live = self._rooms.live
        room = self._rooms.find(to)
        if room is None:
            if kind is MessageType.GROUPCHAT:
                raise _not_joined(to.bare, "")
            return to.bare, kind, live.bound_jid
        if not room.joined:
            raise _not_joined(room.jid, room.why.sentence)
        if to.resource:
            return to, MessageType.CHAT, live.bound_jid
        return room.jid, MessageType.GROUPCHAT, room.jid.with_resource(room.nick)

    # ---- what comes

    def takes(self, incoming: Incoming, arrival: Arrival | None) -> bool:
        """Deal with a message that is a room's own, or about rooms; returns whether it is.

        What somebody said in a room goes on to the history.
        """
        stanza = incoming.stanza
        if incoming.copied:
            copied = stanza.from_ if incoming.direction is Direction.IN else stanza.to
            if copied is not None:
                incoming.peer = self.peer_of(stanza, copied)
        if stanza.type == "groupchat":
            return not incoming.archived and self._said(incoming, arrival)
        is_live = not incoming.copied and not incoming.archived
        if is_live and stanza.child("event", NS_EVENT) is not None:
            notice = read_notice(stanza, self._rooms.live.jid)
            if notice is None:
                return False
            self._rooms.bookmarks.follow(notice)
            self._handled(arrival)
            return True
        invitation = muc.read_invitation(stanza)
        if invitation is None or incoming.direction is not Direction.IN:
            return False
        self._rooms.invitations.ask(invitation, arrival)
        return True

    def _said(self, incoming: Incoming, arrival: Arrival | None) -> bool:
        stanza = incoming.stanza
        room = self._rooms.find(stanza.from_) if stanza.from_ is not None else None
        if room is None or not room.present or incoming.copied:
            _log.debug("a message of a room that isn't joined was left out")
            self._handled(arrival)
            return True
        room.watch.heard()
        if muc.is_subject(stanza):
            room.set_subject(stanza.subject or "")
            self._handled(arrival)
            return True
        incoming.archive_id = self._archive_id(room, stanza)
        return False

    def _handled(self, arrival: Arrival | None) -> None:
        if arrival is not None:
            self._rooms.live.handled(arrival)

    def said_at(self, stanza: Message) -> float | None:
        """Return when something was said in a room, in seconds since 1970, if the room says so.

        It does before its subject. Later, anyone in it could have written the stamp.
        """
        room = self._rooms.find(stanza.from_) if stanza.from_ is not None else None
        if room is None or stanza.delay is None or not self._is_history(room, stanza):
            return None
        return stanza.delay.timestamp()

    def keep(self, tx: Transaction, new: NewMessage, author: Author) -> MessageModel | None:
        """Add what was said in a room to the history, once."""
        return add_room_message(tx, new, author)

    def author(self, incoming: Incoming) -> Author:
        """Tell whether we are who said something in a room, as far as the room's word goes."""
        stanza = incoming.stanza
        room = self._rooms.find(stanza.from_) if stanza.from_ is not None else None
        if room is None or stanza.from_ is None or not stanza.from_.resource:
            return Author(ours=False)
        told = muc.occupant_id(stanza)
        if told is not None and room.occupant_id is not None:
            # The room strips what others write there (XEP-0421, section 6).
            return Author(ours=told == room.occupant_id)
        if incoming.archived or self._is_history(room, stanza):
            return Author(ours=None)
        return Author(ours=stanza.from_.resource == room.nick)

    def _is_history(self, room: Room, stanza: Message) -> bool:
        if room.is_caught_up or stanza.delay is None:
            return False
        # Some rooms name who spoke as who delayed it (XEP-0045, section 7.2.14).
        return stanza.delay_from is None or stanza.delay_from.bare == room.jid

    def _archive_id(self, room: Room, stanza: Message) -> str | None:
        """Return the id that the room gave, if it is one that gives some (XEP-0359, section 6)."""
        if not room.features & {NS_SID, _NS_MAM}:
            return None
        return next((id_ for id_, by in stanza.stanza_ids if by == room.jid), None)

    def bounced(self, incoming: Incoming) -> None:
        """Learn from what came back: that we are not in a room, or may not change its subject."""
        stanza = incoming.stanza
        room = self._rooms.find(stanza.from_) if stanza.from_ is not None else None
        if room is None or stanza.error is None:
            return
        if stanza.id is not None and stanza.id.startswith("subject-"):
            room.subject_refused(stanza.error)
        elif stanza.error.condition == "not-acceptable" and not incoming.peer.resource:
            room.watch.doubt()

    # ---- what goes

    def holds(self, message: MessageModel) -> bool:
        """Tell whether a message has to wait: its room isn't joined, or not caught up with.

        It isn't written before: it might be among what the room says of the time before.
        """
        entry = self._rooms.entries.get(parse_jid(message.to).bare)
        if entry is None:
            if message.type is MessageType.GROUPCHAT:
                self._give_up(message.to.partition("/")[0], "it is not known any more")
                return True
            return False
        if entry.released:
            return False
        if not entry.room.wanted or entry.room.state is State.REFUSED:
            self.give_up(entry.room)
        return True

    def release(self, room: Room) -> None:
        """Write what waited for a room; from then on all goes out at once."""
        rooms = self._rooms

        def find(tx: Transaction) -> list[MessageModel]:
            rooms.archives.clear_doubts(tx, room.jid)
            return [one.message for one in held_back(tx, rooms.live.id, room.jid.full())]

        def released() -> None:
            entry = rooms.entries.get(room.jid)
            if entry is not None and entry.room.is_caught_up:
                entry.released = True

        rooms.live.outbox.release(find, released)

    def give_up(self, room: Room) -> None:
        """Fail what waits for a room that isn't to be joined."""
        self._give_up(room.jid.full(), room.why.sentence or "you left it")

    def _give_up(self, room: str, why: str) -> None:
        live = self._rooms.live

        def change(tx: Transaction) -> None:
            for stored in held_back(tx, live.id, room):
                fail(tx, stored, f"{room} is not joined: {why}")

        done = live.core.journal.commit(change, wait=True)
        done.addErrback(lambda failure: _log.failure("giving up messages failed", failure=failure))

    def dress(self, stanza: Message) -> None:
        """Add what rooms want of a message to one of their occupants."""
        to = stanza.to
        if to is not None and to.resource and self._rooms.find(to) is not None:
            muc.mark_private(stanza)


def _not_joined(room: JID, why: str) -> CommandError:
    told = f" ({why})" if why else ""
    return CommandError(
        "offline.room",
        f"{room.full()} is not joined{told}: join it with: jp room join {room.full()}",
    )


def refused(room: Room, error: StanzaError) -> CommandError:
    """Return what a person is told when a room refuses them something."""
    words = {
        "forbidden": "your role there doesn't allow it",
        "not-acceptable": "the room doesn't allow it",
        "conflict": "the nick is taken",
    }
    meaning = error.text or words.get(error.condition, error.condition.replace("-", " "))
    root = "denied" if error.condition in ("forbidden", "not-allowed") else "failed"
    return CommandError(
        f"{root}.room", f"{room.jid.full()}: {meaning}", {"condition": error.condition}
    )
