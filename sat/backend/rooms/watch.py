"""Whether we are still in a room: asked after a silence (XEP-0410)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

from sat.backend.tasks import spawn
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.stanza import Iq, NotConnected, StanzaError

#: After so many seconds without a word from the room it is asked whether we are still there.
SILENCE = 600.0
_TIMEOUT = 30.0
#: We are in, under a nick that has just changed, or with a room that doesn't answer for others.
_STILL_IN = frozenset({"", "item-not-found", "service-unavailable", "feature-not-implemented"})
_UNDECIDED = frozenset({"remote-server-not-found", "remote-server-timeout"})


class Watch:
    """Looks after our being in one room.

    :param ask: sends the ping and returns its answer
    :param lost: is called once the room says that we are not in
    """

    def __init__(
        self,
        clock: Clock,
        random: Random,
        ask: Callable[[float], Awaitable[Iq]],
        lost: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._random = random
        self._ask = ask
        self._lost = lost
        self._timer: Timer | None = None
        self._heard = 0.0
        self._round = 0
        self._checking = False

    def start(self) -> None:
        """Begin: we are in."""
        self.stop()
        self.heard()
        self._timer = self._clock.callLater(self._patience(), self._look)

    def stop(self) -> None:
        """End: we are not in any more; an answer that is under way counts for nothing."""
        self._round += 1
        self._checking = False
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def heard(self) -> None:
        """Note a sign of life."""
        self._heard = self._clock.seconds()

    def doubt(self) -> None:
        """Ask the room now, unless that is under way or we are not in."""
        if self._timer is not None and not self._checking:
            self._checking = True
            spawn(self._check(self._round), "asking a room whether we are in it")

    def _patience(self) -> float:
        # Not all rooms in one moment.
        return SILENCE * (0.9 + self._random.random() / 5)

    def _look(self) -> None:
        quiet = self._clock.seconds() - self._heard
        patience = self._patience()
        if quiet >= SILENCE * 0.9:
            self.doubt()
        else:
            patience = max(patience - quiet, 1.0)
        self._timer = self._clock.callLater(patience, self._look)

    async def _check(self, number: int) -> None:
        """Learn it from the four answers of XEP-0410, section 3.3."""
        condition = ""
        try:
            await self._ask(_TIMEOUT)
        except StanzaError as error:
            condition = error.condition
        except (NotConnected, TimeoutError):
            condition = "remote-server-timeout"
        if number != self._round:
            return
        self._checking = False
        if condition in _STILL_IN:
            self.heard()
        elif condition not in _UNDECIDED:
            self._lost()
