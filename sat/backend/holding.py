"""Messages that come live while the archive is read: told behind what was missed before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sat.backend.arrival import Arrival
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.stanza import NS_DELAY, Element

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: Seconds that what is said now waits at most; most gaps are filled sooner.
GRACE = 10.0
_MAX_HELD = 5000


class Holding:
    """Holds messages of one profile's server until its archive is caught up.

    What was delayed on its way waits as long as that takes, for the archive knows in which order it
    belongs. What is said now waits for the first messages of the archive, so that after a short
    absence the events are in the order of the history as well; it is told before long, however long
    the archive takes.

    The server is not told that what is held is dealt with, so that a crash loses none.
    """

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._open = True
        self._grace: Timer | None = None
        self._held: list[tuple[Element, Arrival]] = []
        self._delayed_from: set[str] = set()

    @property
    def is_holding(self) -> bool:
        """Whether anything is held: then what comes after it is not dealt with without a gap."""
        return bool(self._held)

    def begin(self) -> None:
        """Hold what comes from now on."""
        self._open = False
        self._end_grace()
        self._grace = cast(Clock, self._live.core.reactor).callLater(GRACE, self.let_pass)

    def takes(self, element: Element, arrival: Arrival) -> bool:
        """Keep a message for later, or False if it may be dealt with now."""
        if self._open or len(self._held) >= _MAX_HELD or element.get("type") == "groupchat":
            return False
        if not self._is_delayed(element) and self._grace is None:
            return False
        self._held.append((element, arrival))
        return True

    def release(self) -> None:
        """Deal with all that is held, and hold no more."""
        self._open = True
        self._end_grace()
        self._delayed_from.clear()
        held, self._held = self._held, []
        for element, arrival in held:
            self._live.inbox.received(element, arrival)

    def drop(self) -> None:
        """Forget what is held: the server has not been told that it came, and keeps it."""
        self._held.clear()

    def let_pass(self) -> None:
        """Wait no longer with what is said now: there is much to read, or the archive is slow."""
        self._end_grace()
        held, self._held = self._held, []
        self._delayed_from.clear()
        for element, arrival in held:
            if self._is_delayed(element):
                self._held.append((element, arrival))
            else:
                self._live.inbox.received(element, arrival)

    def _is_delayed(self, element: Element) -> bool:
        sender = (element.get("from") or "").partition("/")[0]
        # What follows a delayed one of the same sender must not overtake it.
        if sender not in self._delayed_from and element.child("delay", NS_DELAY) is None:
            return False
        self._delayed_from.add(sender)
        return True

    def _end_grace(self) -> None:
        grace, self._grace = self._grace, None
        if grace is not None and grace.active():
            grace.cancel()
