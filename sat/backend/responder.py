"""Answering what others ask of a profile."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from sat.backend.arrival import Arrival
from sat.backend.tasks import spawn
from sat.xmpp.stanza import Element, Iq, NotConnected, StanzaError

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile


class Responder:
    """Gives each request to who can answer it, or refuses it (RFC 6120, section 8.2.3)."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live

    def received(self, element: Element, arrival: Arrival) -> None:
        """Take a request of type get or set.

        :raises ValueError: if it is none
        """
        live = self._live
        iq = Iq.from_element(element)
        if live.roster.takes(iq):
            spawn(live.roster.pushed(iq, element, arrival), "noting a roster push")
            return
        live.handled(arrival)
        answer = None
        if live.presences.visibility.may_ask(iq.from_):
            answer = live.disco.answer(iq) or live.plugins.answer(iq)
        spawn(self._answer(iq, answer), "answering a request")

    async def _answer(self, iq: Iq, answer: Awaitable[Element | None] | None) -> None:
        try:
            if answer is None:
                raise StanzaError("service-unavailable")
            payload = await answer
        except StanzaError as error:
            reply = iq.refuse(error)
        except NotConnected:
            return  # who asked has to ask again on the next stream
        else:
            reply = iq.result(*([payload] if payload is not None else []))
        try:
            await self._live.write(reply.to_element())
        except NotConnected:
            return  # who asked has to ask again on the next stream
