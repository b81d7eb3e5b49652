"""Whether anybody is at the other end: links die silently, and servers lose what they took up."""

from __future__ import annotations

from collections.abc import Callable

from sat.xmpp.errors import Fault
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.stream import Stream

#: So many times its patience a server has to acknowledge what it is sent in a session that it took
#: up again, as long as it says anything at all: much may stand before it on a slow link.
_TURNS = 4


class Watch:
    """Looks after one stream, and ends it where nobody answers any more.

    :param ask: asks the server for a sign of life
    :param silence: seconds without one after which it is asked for
    :param patience: seconds that it then has
    """

    def __init__(
        self, stream: Stream, clock: Clock, ask: Callable[[], None], silence: float, patience: float
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._ask = ask
        self._silence = silence
        self._patience = patience
        self._heard = stream.heard
        self._probed = False
        self._timer: Timer | None = clock.callLater(silence, self._look)
        self._proof: Timer | None = None
        #: While nothing is read there are no signs.
        self.paused = False

    def stop(self) -> None:
        """Look no more."""
        for timer in (self._timer, self._proof):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._proof = None

    def read_on(self) -> None:
        """Expect signs again, after a pause."""
        self.paused = self._probed = False

    def probe(self, seconds: float) -> None:
        """Ask the server for a sign of life now, and give the stream up if none comes in time."""
        timer = self._timer
        if self.paused or timer is None or not timer.active():
            return
        timer.cancel()
        self._heard = self._stream.heard
        self._probed = True
        self._timer = self._clock.callLater(seconds, self._look)
        self._ask()

    def _look(self) -> None:
        heard = self._stream.heard
        wait = self._silence
        if heard != self._heard or self.paused:
            self._probed = False
        elif not self._probed:
            self._probed = True
            self._ask()
            wait = self._patience
        else:
            self._stream.end(
                Fault("network.lost", "The server gives no sign of life, so it was given up.")
            )
            return
        self._heard = heard
        self._timer = self._clock.callLater(wait, self._look)

    # ---- a session that was taken up again

    def expect_proof(self, lost: Callable[[], None]) -> None:
        """End the stream unless :meth:`prove` is called in time.

        A server that got the beginning of a stanza before the link was cut may take all that
        follows in the session for the rest of it (Prosody 0.12 does), and never acknowledge any.

        :param lost: is called before, so that the session isn't taken up once more
        """
        self._proof = self._clock.callLater(self._patience, self._miss, lost, self._stream.heard, 1)

    def prove(self) -> None:
        """Note that the server acknowledges."""
        timer, self._proof = self._proof, None
        if timer is not None and timer.active():
            timer.cancel()

    def _miss(self, lost: Callable[[], None], before: int, turn: int) -> None:
        heard = self._stream.heard
        if self.paused or (heard != before and turn < _TURNS):
            turn += not self.paused
            self._proof = self._clock.callLater(self._patience, self._miss, lost, heard, turn)
            return
        lost()
        self._stream.end(
            Fault(
                "network.lost",
                "The server took the session up again, and acknowledges nothing in it. "
                "A new one is begun.",
            )
        )
