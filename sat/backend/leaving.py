"""Leaving a stream so that nothing of it comes a second time, or out of order."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from twisted.internet.defer import TimeoutError as DeferTimeoutError
from twisted.internet.interfaces import IReactorTime

from sat.xmpp.stanza import NS_PING, Element, Iq, NotConnected, StanzaError, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: Seconds that the server, and then the disk, have at the end of a stream.
_DRAIN = 1.5


async def drain(live: LiveProfile) -> None:
    """Take in all that the server has sent us, so that it keeps nothing to deliver again.

    Once we are unavailable it sends no more messages, and it answers in order (RFC 6120, section
    10.1): behind the answer to a ping there is nothing left. What stayed unacknowledged, a server
    may deliver later out of order.
    """
    live.presences.say_goodbye()
    ping = Iq(type="get", to=parse_jid(live.jid.host), extensions=[Element((NS_PING, "ping"))])
    with suppress(StanzaError, TimeoutError, NotConnected):
        await live.request(ping, _DRAIN)
    # All that came is queued to be written by now; a full disk must not keep us.
    written = live.core.journal.commit(lambda tx: None, wait=True)
    written.addTimeout(_DRAIN, cast(IReactorTime, live.core.reactor))
    with suppress(DeferTimeoutError):
        await written
