"""What a person is asked about rooms: to follow an invitation, to give a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from sat.backend.arrival import Arrival
from sat.backend.rooms.room import Room
from sat.backend.schema import Prepared
from sat.backend.transaction import Transaction
from sat.bridge.model import Field, Form
from sat.xmpp.muc import Invitation
from sat.xmpp.stanza import JID, parse_jid

if TYPE_CHECKING:
    from sat.backend.rooms.service import Rooms

INVITATION = "room.invitation"
PASSWORD = "room.password"  # noqa: S105 - the kind of a question
#: So many invitations wait for an answer at most: anyone may send them.
MAX_INVITATIONS = 50
_COUNT = Prepared("SELECT count(*) FROM question WHERE profile_id = :profile_id AND kind = :kind")
_log = Logger("sat.rooms")


class Invitations:
    """The questions about rooms of one profile."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        # Passwords that came with invitations: not stored, and asked for where they are missing.
        self._passwords: dict[JID, str] = {}
        rooms.live.questions.handle(INVITATION, self._answered)
        rooms.live.questions.handle(PASSWORD, self._password_given)

    def ask(self, invitation: Invitation, arrival: Arrival | None) -> None:
        """Ask whether to follow an invitation, once for each room, and not for one we are in."""
        known = self._rooms.find(invitation.room)
        wanted = known is None or not known.present
        room_for_more = len(self._passwords) < MAX_INVITATIONS
        if wanted and invitation.password is not None and room_for_more:
            self._passwords[invitation.room] = invitation.password
        room = invitation.room.full()
        who = self._called(invitation.inviter, invitation.room)
        sentence = f"{who} invites {self._rooms.live.name} to the room {room}"
        self._ask(room, sentence, invitation.reason, wanted, arrival)

    def _called(self, inviter: JID | None, room: JID) -> str:
        """Return who invites, as people say it: without a device, but with the nick in a room."""
        if inviter is None:
            return "somebody"
        in_room = inviter.bare == room or self._rooms.find(inviter.bare) is not None
        return (inviter if in_room else inviter.bare).full()

    def ask_to_follow(self, room: Room, venue: JID) -> None:
        """Ask whether to go where a destroyed room says that it goes on."""
        if venue.user:
            sentence = f"the room {room.jid.full()} was destroyed, and goes on in {venue.full()}"
            self._ask(venue.bare.full(), sentence, "", True, None)

    def _ask(
        self, room: str, sentence: str, reason: str, wanted: bool, arrival: Arrival | None
    ) -> None:
        live = self._rooms.live
        join = Field(
            name="join",
            kind="list-single",
            label=f"Join {room}?",
            options=("yes", "no"),
            required=True,
        )
        form = Form(title="Invitation", instructions=reason, fields=(join,))

        def change(tx: Transaction) -> None:
            if arrival is not None:
                live.note_handled(tx, arrival)
            row = tx.first(_COUNT, profile_id=live.id, kind=INVITATION)
            if wanted and (row is None or row[0] < MAX_INVITATIONS):
                live.questions.ask(tx, INVITATION, room, sentence, form)

        done = live.core.journal.commit(change, wait=True)
        if arrival is not None:
            done.addCallback(lambda _: live.handled(arrival))
        done.addErrback(lambda failure: _log.failure("asking about a room failed", failure=failure))

    async def _answered(self, peer: str | None, values: dict[str, list[str]]) -> None:
        jid = parse_jid(peer or "")
        password = self._passwords.pop(jid, None)
        if values.get("join") == ["yes"]:
            self._rooms.want(jid, password=password)
            self._rooms.bookmarks.set(jid, autojoin=True)
            if password is not None:
                await self._rooms.keep_password(jid, password)

    def ask_for_password(self, room: Room) -> None:
        """Ask for the password of a room that wants one."""
        live = self._rooms.live
        name = room.jid.full()
        field = Field(name="password", kind="text-private", label="Password", required=True)
        form = Form(title="Password", fields=(field,))

        def change(tx: Transaction) -> None:
            live.questions.ask(tx, PASSWORD, name, f"the room {name} asks for a password", form)

        done = live.core.journal.commit(change, wait=True)
        done.addErrback(lambda failure: _log.failure("asking about a room failed", failure=failure))

    def withdraw(self, tx: Transaction, jid: JID) -> None:
        """Take back what is asked about a room: the person has decided otherwise."""
        for kind in (INVITATION, PASSWORD):
            self._rooms.live.questions.withdraw(tx, kind, jid.full())

    async def _password_given(self, peer: str | None, values: dict[str, list[str]]) -> None:
        jid = parse_jid(peer or "")
        password = values["password"][0]
        await self._rooms.keep_password(jid, password)
        self._rooms.want(jid, password=password)
