"""What a room's machine is made of: states, events, and what it needs of the rest of the world."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from sat.xmpp.muc import OccupantPresence
from sat.xmpp.stanza import JID, Iq, Presence

if TYPE_CHECKING:
    from sat.backend.rooms.room import Room


class State(Enum):
    """Where we stand."""

    LEFT = "left"
    WAITING = "waiting"
    JOINING = "joining"
    UNLOCKING = "unlocking"
    JOINED = "joined"
    REFUSED = "refused"
    REMOVED = "removed"


class Event(Enum):
    """What can happen."""

    WANTED = auto()
    UNWANTED = auto()
    ONLINE = auto()
    OFFLINE = auto()
    RETRY = auto()
    ENTERED = auto()
    CREATED = auto()
    UNLOCKED = auto()
    CONFLICT = auto()
    REFUSED = auto()
    DELAYED = auto()
    LOST = auto()
    REMOVED = auto()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before joining.

    :param features: what the room can do; None if it doesn't tell
    :param since: when it was last heard
    :param archived: whether all that we missed is in its archive, from where it is fetched
    """

    features: frozenset[str] | None
    since: datetime | None
    archived: bool = False


class Around(Protocol):
    """What a room needs of the rest of the world."""

    def prepare(self, room: Room) -> Awaitable[Prepared]:
        """Ask what the room can do, and look up when it was last heard."""

    def send(self, presence: Presence, joining: bool) -> None:
        """Send a presence; one to join with carries what we show of ourselves."""

    def request(self, iq: Iq, timeout: float) -> Awaitable[Iq]:
        """Send a request and return the answer."""

    def changed(self, room: Room) -> None:
        """Take note that something of the room is another than before."""

    def occupant(self, room: Room, told: OccupantPresence) -> None:
        """Take note of an occupant that came, changed, or went."""

    def caught_up(self, room: Room) -> None:
        """Take note that we are in, and know what was said before."""

    def moved(self, room: Room, venue: JID) -> None:
        """Take note that the room is no more, and where it went on."""
