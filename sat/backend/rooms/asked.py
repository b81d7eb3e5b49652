"""What was asked of a room, and who waits for it: one request of each kind at a time."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from sat.xmpp.stanza import StanzaError


class Asked:
    """Requests that a room answers by what it tells everybody, such as a new nick."""

    def __init__(self) -> None:
        self._waiting: dict[str, Deferred[None]] = {}

    def __contains__(self, what: str) -> bool:
        return what in self._waiting

    def ask(self, what: str) -> Deferred[None]:
        """Return a Deferred that fires once it is granted; an earlier request for it fails."""
        self.fail(what, StanzaError("conflict", text="another request came before"))
        done: Deferred[None] = Deferred(lambda _: self._forget(what))
        self._waiting[what] = done
        return done

    def grant(self, what: str) -> None:
        """Tell who asked for it that the room agreed."""
        waiting = self._waiting.pop(what, None)
        if waiting is not None:
            waiting.callback(None)

    def fail(self, what: str, error: StanzaError) -> None:
        """Tell who asked for it that the room refused."""
        waiting = self._waiting.pop(what, None)
        if waiting is not None:
            waiting.errback(error)

    def fail_all(self, error: StanzaError) -> None:
        """Tell everyone who waits that nothing will come of it."""
        for what in list(self._waiting):
            self.fail(what, error)

    def _forget(self, what: str) -> None:
        self._waiting.pop(what, None)
