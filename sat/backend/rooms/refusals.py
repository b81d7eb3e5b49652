"""Why a room doesn't let us in, or has put us out: what follows, and in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from sat.xmpp import muc
from sat.xmpp.errors import quoted
from sat.xmpp.muc import OccupantPresence
from sat.xmpp.stanza import JID, StanzaError


@dataclass(frozen=True, slots=True)
class Why:
    """Why a room isn't joined: a dotted name, and a sentence."""

    reason: str = ""
    sentence: str = ""


#: What an error means when we asked to be let in (XEP-0045, section 7.2): event, reason, words.
_REFUSALS = {
    "not-authorized": (
        "REFUSED",
        "room.password",
        "{room} asks for a password: join with --password-file",
    ),
    "forbidden": ("REFUSED", "room.banned", "you are banned from {room}: ask those who run it"),
    "registration-required": (
        "REFUSED",
        "room.members",
        "{room} is for its members alone: ask one to invite you",
    ),
    "not-allowed": ("REFUSED", "room.creation", "there is no {room}, and you may not make it"),
    "not-acceptable": (
        "REFUSED",
        "room.nick",
        "{room} wants you to use the nick that you registered there",
    ),
    "jid-malformed": ("REFUSED", "room.nick", "{room} does not allow this nick: take another one"),
    "gone": ("REMOVED", "room.destroyed", "{room} is no more"),
    "conflict": ("CONFLICT", "room.nick", "the nick is taken in {room}"),
    "item-not-found": (
        "DELAYED",
        "room.locked",
        "{room} is not open yet; it is tried again",
    ),
    "service-unavailable": (
        "DELAYED",
        "room.full",
        "{room} is full, or not there; it is tried again",
    ),
    "resource-constraint": ("DELAYED", "room.full", "{room} is full; it is tried again"),
    "recipient-unavailable": ("DELAYED", "room.service", "{room} is away; it is tried again"),
    "remote-server-not-found": (
        "DELAYED",
        "room.server",
        "the server of {room} can't be found; it is tried again",
    ),
    "remote-server-timeout": (
        "DELAYED",
        "room.server",
        "the server of {room} does not answer; it is tried again",
    ),
    "internal-server-error": (
        "DELAYED",
        "room.service",
        "the service of {room} has a fault; it is tried again",
    ),
}


def after_refusal(room: JID, condition: str, error: StanzaError | None) -> tuple[str, Why]:
    """Return what follows on an error in place of being let in: an event's name, and why."""
    event, reason, words = _REFUSALS.get(
        condition, ("REFUSED", "room.refused", "{room} refused to let you in")
    )
    told = f" ({quoted(error.text)})" if error is not None and error.text else ""
    return event, Why(reason, words.format(room=room.full()) + told)


def after_leaving(room: JID, told: OccupantPresence) -> tuple[str, Why]:
    """Return what follows when the room says that we are no longer in it."""
    name, codes = room.full(), told.codes
    by = f" by {told.actor}" if told.actor else ""
    because = f": {quoted(told.reason)}" if told.reason else ""
    if told.destroyed:
        venue = f"; it goes on in {told.venue.full()}" if told.venue is not None else ""
        return "REMOVED", Why("room.destroyed", f"{name} was destroyed{venue}{because}")
    if muc.BANNED in codes:
        return "REFUSED", Why("room.banned", f"you were banned from {name}{by}{because}")
    if codes & {muc.SHUTDOWN, muc.TECHNICAL}:
        return "LOST", Why("room.service", f"the service of {name} went away; joining again")
    if muc.KICKED in codes:
        return "REMOVED", Why("room.kicked", f"you were put out of {name}{by}{because}")
    if codes & {muc.AFFILIATION_LOST, muc.MEMBERS_ONLY}:
        sentence = f"{name} is for its members alone now, and you are none{by}{because}"
        return "REFUSED", Why("room.members", sentence)
    return "LOST", Why("room.lost", f"{name} let us go without a reason; joining again")
