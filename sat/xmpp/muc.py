"""Rooms on the wire (XEP-0045), and what came with them: invitations, self-ping, occupant ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from sys import intern

from sat.xmpp.namespaces import NS_FORM, NS_PING
from sat.xmpp.stanza import (
    JID,
    Element,
    Iq,
    Message,
    Presence,
    format_datetime,
    parse_jid,
)

NS_MUC = "http://jabber.org/protocol/muc"
NS_MUC_USER = "http://jabber.org/protocol/muc#user"
NS_MUC_OWNER = "http://jabber.org/protocol/muc#owner"
NS_CONFERENCE = "jabber:x:conference"
NS_OCCUPANT_ID = "urn:xmpp:occupant-id:0"

ROLES = frozenset({"none", "visitor", "participant", "moderator"})
AFFILIATIONS = frozenset({"none", "outcast", "member", "admin", "owner"})

# Status codes (XEP-0045, section 15.6.2).
SELF = 110
CREATED = 201
BANNED = 301
RENAMED = 303
KICKED = 307
AFFILIATION_LOST = 321
MEMBERS_ONLY = 322
SHUTDOWN = 332
TECHNICAL = 333

#: A text for people is cut off here: a room may hold thousands.
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class OccupantPresence:
    """What a room says of one of its occupants, by a presence.

    :param here: whether it is in the room after that
    :param jid: its own address, if the room shows it to us
    :param codes: the status codes
    :param new_nick: what it is called from now on, with code 303
    :param reason: why it had to go, as whoever decided it says
    :param actor: the nick or address of whoever decided it
    :param destroyed: whether the room is no more
    :param venue: where to go instead of a destroyed room
    """

    nick: str
    here: bool
    role: str = "none"
    affiliation: str = "none"
    jid: JID | None = None
    occupant_id: str | None = None
    show: str = "available"
    status: str = ""
    codes: frozenset[int] = frozenset()
    new_nick: str | None = None
    reason: str = ""
    actor: str = ""
    destroyed: bool = False
    venue: JID | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a room.

    :param inviter: who invites, as the room says in a mediated one; None if it doesn't say
    :param password: what the room asks for, None if it isn't told
    """

    room: JID
    inviter: JID | None
    reason: str = ""
    password: str | None = None


def join(
    room: JID,
    nick: str,
    *,
    password: str | None = None,
    since: datetime | None = None,
    most: int | None = None,
) -> Presence:
    """Return the presence that asks to be let in (XEP-0045, section 7.2).

    :param since: from when on the room's discussion is wanted
    :param most: how many messages of it at most
    :raises ValueError: if the nick isn't allowed in an address
    """
    x = Element((NS_MUC, "x"))
    if since is not None or most is not None:
        x.add(
            "history",
            since=format_datetime(since) if since is not None else None,
            maxstanzas=str(most) if most is not None else None,
        )
    if password is not None:
        x.add("password", text=password)
    return Presence(to=room.with_resource(nick), extensions=[x])


def read_presence(presence: Presence) -> OccupantPresence | None:
    """Read what a room says of an occupant; None if it is about none (an error, no nick)."""
    sender = presence.from_
    if sender is None or not sender.resource or presence.type not in ("available", "unavailable"):
        return None
    here = presence.type == "available"
    x = presence.child("x", NS_MUC_USER) or Element((NS_MUC_USER, "x"))
    item = x.child("item", NS_MUC_USER) or Element((NS_MUC_USER, "item"))
    role, affiliation = item.get("role") or "", item.get("affiliation") or ""
    actor = item.child("actor", NS_MUC_USER)
    destroy = x.child("destroy", NS_MUC_USER)
    told = item if destroy is None else destroy
    reason = told.child("reason", NS_MUC_USER)
    if not here:
        role = "none"
    elif role not in ROLES or role == "none":
        role = "participant"  # it is there, whatever the room calls that
    return OccupantPresence(
        nick=sender.resource,
        here=here,
        role=intern(role),
        affiliation=intern(affiliation) if affiliation in AFFILIATIONS else "none",
        jid=_address(item.get("jid")),
        occupant_id=occupant_id(presence),
        show=intern(presence.show or "available") if here else "unavailable",
        status=presence.status[:MAX_TEXT],
        codes=_codes(x),
        new_nick=item.get("nick"),
        reason=reason.text[:MAX_TEXT] if reason is not None else "",
        actor=(actor.get("nick") or actor.get("jid") or "")[:MAX_TEXT] if actor is not None else "",
        destroyed=destroy is not None,
        venue=_address(destroy.get("jid")) if destroy is not None else None,
    )


def occupant_id(stanza: Presence | Message) -> str | None:
    """Return the id that the room gave the author (XEP-0421); worth nothing if it gives none."""
    element = stanza.child("occupant-id", NS_OCCUPANT_ID)
    return (element.get("id") or None) if element is not None else None


def read_invitation(message: Message) -> Invitation | None:
    """Read an invitation, be it mediated by the room or direct (XEP-0249), or return None."""
    sender = message.from_
    if sender is None or message.type in ("error", "groupchat"):
        return None
    x = message.child("x", NS_MUC_USER)
    invite = x.child("invite", NS_MUC_USER) if x is not None else None
    if x is not None and invite is not None:
        if not sender.user or sender.resource:
            return None  # only the room itself may say so
        reason = invite.child("reason", NS_MUC_USER)
        password = x.child("password", NS_MUC_USER)
        return Invitation(
            sender,
            _address(invite.get("from")),
            reason.text[:MAX_TEXT] if reason is not None else "",
            password.text if password is not None else None,
        )
    direct = message.child("x", NS_CONFERENCE)
    room = _address(direct.get("jid")) if direct is not None else None
    if direct is None or room is None or not room.user:
        return None
    return Invitation(
        room.bare, sender, (direct.get("reason") or "")[:MAX_TEXT], direct.get("password")
    )


def invite_directly(to: JID, room: JID, reason: str, password: str | None = None) -> Message:
    """Return the invitation that goes straight to somebody (XEP-0249)."""
    attributes = {"jid": room.full()}
    if reason:
        attributes["reason"] = reason
    if password is not None:
        attributes["password"] = password
    return Message(to=to, extensions=[Element((NS_CONFERENCE, "x"), attributes)])


def invite_by_room(to: JID, room: JID, reason: str) -> Message:
    """Return the invitation that the room passes on (XEP-0045, section 7.8.2)."""
    x = Element((NS_MUC_USER, "x"))
    invite = x.add("invite", to=to.full())
    if reason:
        invite.add("reason", text=reason)
    return Message(to=room, extensions=[x])


def unlock(room: JID) -> Iq:
    """Return the request that opens a new room as it is (XEP-0045, section 10.1.2)."""
    query = Element((NS_MUC_OWNER, "query"))
    query.add("x", NS_FORM, type="submit")
    return Iq(type="set", to=room, extensions=[query])


def self_ping(room: JID, nick: str) -> Iq:
    """Return the request whose answer tells whether we are still in a room (XEP-0410).

    :raises ValueError: if the nick isn't allowed in an address
    """
    return Iq(type="get", to=room.with_resource(nick), extensions=[Element((NS_PING, "ping"))])


def set_subject(room: JID, subject: str, id: str) -> Message:
    """Return the message that changes a room's subject (XEP-0045, section 8.1)."""
    return Message(type="groupchat", id=id, to=room, subject=subject)


def is_subject(message: Message) -> bool:
    """Tell whether a message sets the subject: it has one, and nothing else to say (§8.1)."""
    if message.type != "groupchat" or message.subject is None or message.body is not None:
        return False
    return message.thread is None


def mark_private(message: Message) -> None:
    """Mark a message as one to an occupant in private (XEP-0045, section 7.5)."""
    if message.child("x", NS_MUC_USER) is None:
        message.extensions.append(Element((NS_MUC_USER, "x")))


def is_of_a_room(stanza: Message | Presence) -> bool:
    """Tell whether a stanza says of itself that a room made it."""
    return stanza.child("x", NS_MUC_USER) is not None


def _codes(x: Element) -> frozenset[int]:
    found = set()
    for status in x.elements(NS_MUC_USER, "status"):
        code = status.get("code") or ""
        if len(code) == 3 and code.isascii() and code.isdigit():
            found.add(int(code))
    return frozenset(found)


def _address(text: str | None) -> JID | None:
    try:
        return parse_jid(text) if text else None
    except ValueError:
        return None


def error_of(presence: Presence) -> str:
    """Return the condition of a presence of type ``error``."""
    return presence.error.condition if presence.error is not None else "undefined-condition"
