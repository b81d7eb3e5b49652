"""Requests under way, and who may answer them."""

from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sat.xmpp.element import Element
from sat.xmpp.errors import NotConnected, StanzaError
from sat.xmpp.jid import JID
from sat.xmpp.reactor import Clock

_log = Logger()


class Requests:
    """The requests of one session that wait for an answer.

    :param own: the full address of the session
    :param random: for ids; it must be one that can't be foreseen
    """

    def __init__(self, own: JID, clock: Clock, random: Random) -> None:
        self._own = own
        self._clock = clock
        self._random = random
        self._pending: dict[str, tuple[frozenset[str | None], Deferred[Element]]] = {}

    def add(self, element: Element, timeout: float) -> Deferred[Element]:
        """Wait for the answer to an element, which is given an id if it has none.

        :param timeout: in seconds
        :return: gives the answer; fails with :class:`StanzaError`, TimeoutError, or
            :class:`NotConnected` at the end of the session
        :raises ValueError: if it is no request, or one with its id is under way
        """
        if element.name != "iq" or element.get("type") not in ("get", "set"):
            raise ValueError("A request is an <iq/> of type get or set.")
        id_ = element.get("id")
        if id_ is None:
            id_ = element["id"] = f"{self._random.getrandbits(64):016x}"
        if id_ in self._pending:
            raise ValueError(f"A request with the id {id_!r} is under way.")
        to = element.get("to")
        answer: Deferred[Element] = Deferred()
        timer = self._clock.callLater(timeout, self._expire, id_, to, timeout)

        def over(result: object) -> object:
            self._pending.pop(id_, None)
            if timer.active():
                timer.cancel()
            return result

        self._pending[id_] = (self._answerers(to), answer)
        answer.addBoth(over)
        return answer

    def under_way(self) -> bool:
        """Tell whether any waits for its answer."""
        return bool(self._pending)

    def answer(self, element: Element) -> bool:
        """Take an answer, or an <iq/> that isn't one; tell whether it was."""
        if element.name != "iq":
            return False
        type_, id_ = element.get("type"), element.get("id")
        if type_ in ("get", "set"):
            return False
        pending = self._pending.get(id_ or "")
        if pending is None or type_ not in ("result", "error"):
            return True
        allowed, answer = pending
        if element.get("from") not in allowed:
            _log.warn(
                "An answer from {jid} to a request that it never got.", jid=element.get("from")
            )
            return True
        if type_ == "result":
            answer.callback(element)
        else:
            answer.errback(StanzaError.from_element(element))
        return True

    def end(self) -> None:
        """Fail all that wait."""
        pending, self._pending = self._pending, {}
        for _, answer in pending.values():
            answer.errback(NotConnected("The stream ended before the answer came."))

    def _answerers(self, to: str | None) -> frozenset[str | None]:
        """Return the addresses that an answer may come from (RFC 6120, section 8.1.2.1)."""
        own = self._own
        if to is None or to == own.userhost():
            return frozenset({None, own.userhost(), own.full(), own.host})
        if to == own.host:
            return frozenset({None, own.host})
        return frozenset({to})

    def _expire(self, id_: str, to: str | None, timeout: float) -> None:
        _, answer = self._pending[id_]
        answer.errback(TimeoutError(f"{to or 'The server'} didn't answer within {timeout:.0f} s."))
