"""XEP-0199: XMPP Ping."""

from __future__ import annotations

import time

from sat.plugin import JID, Element, Iq, Level, Plugin, Seconds, command, iq_get, option

NS_PING = "urn:xmpp:ping"


class Ping(Plugin):
    """Answer pings, and measure round trips."""

    name = "ping"
    features = (NS_PING,)
    timeout = option(10.0, minimum=1.0, maximum=300.0, help="seconds to wait for an answer")

    @iq_get(NS_PING, "ping")
    async def answer(self, request: Iq) -> None:
        """Answer with an empty result (XEP-0199, section 4)."""

    @command(level=Level.READ, cli="ping")
    async def send(self, peer: JID) -> Seconds:
        """Ping a peer and return how many seconds the answer took.

        :param peer: whom; a bare JID is answered by its server
        :raises StanzaError: if the peer refuses or can't be reached
        """
        begun = time.monotonic()
        ping = Element((NS_PING, "ping"))
        await self.request(Iq(type="get", to=peer, extensions=[ping]), self.timeout)
        return time.monotonic() - begun
