"""What the wire needs to know of an account, and what it tells of its connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sat.bridge.model import Phase
from sat.xmpp.element import Element
from sat.xmpp.jid import JID


@dataclass(frozen=True, slots=True)
class Account:
    """An account, and how to reach its server.

    :param jid: bare, or full to ask for a resource
    :param host: where to connect, rather than where DNS says (RFC 6120, section 3.2); the
        certificate must be the domain's all the same
    :param port: where to connect, at the domain itself if there is no ``host``; 5222 by default,
        5223 with ``direct_tls``
    :param direct_tls: start with TLS (XEP-0368), never by STARTTLS, wherever it connects. Without
        it, a fixed ``host`` or ``port`` is for STARTTLS; of the servers that DNS knows, either kind
        is tried
    :param ca: certificates in PEM that are trusted *instead of* the system's
    :param allow_plain: whether the password may be sent to a server that offers nothing better
    :param resource: the one to ask for; without one, the server chooses
    """

    jid: JID
    password: str = field(repr=False)
    host: str | None = None
    port: int | None = None
    direct_tls: bool = False
    ca: str | None = field(default=None, repr=False)
    allow_plain: bool = False
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """A phase, and how it came to it.

    :param reason: a dotted name, "" if all is well. Roots: ``denied`` (authentication), ``tls``,
        ``network``, ``timeout``, ``stream`` (the server's stream errors), ``xml``
    :param sentence: for people: what failed, why, and what to do or what happens next
    :param retry_in: seconds until the next try while waiting
    :param jid: the full address that the server gave, while online
    """

    phase: Phase = Phase.OFFLINE
    reason: str = ""
    sentence: str = ""
    retry_in: float | None = None
    jid: JID | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """What the server offers on a new stream.

    :param jid: the full address that the stream is bound to
    :param names: (namespace, name) of each stream feature after authentication
    :param management: whether stanzas are acknowledged (XEP-0198); if not, ``acknowledged`` is
        never called
    :param mechanism: by which the password was proved
    """

    jid: JID
    names: frozenset[tuple[str, str]]
    management: bool
    mechanism: str


class Listener(Protocol):
    """Who is told of what happens on a connection. Nothing here may raise or block."""

    def state_changed(self, state: ConnectionState) -> None:
        """Take the new state."""

    def stream_started(self, features: Features) -> None:
        """Take a new stream: numbers start again at 1, and ``send`` works from now on.

        It comes just before the state is online, and before any stanza of that stream.
        """

    def stream_ended(self, last_acknowledged: int) -> None:
        """Take the end of a stream, of which the server had stanzas up to that number."""

    def stanza_received(self, element: Element, number: int) -> None:
        """Take a message, a presence or a request of type get or set.

        When it is dealt with for good, ``connection.handled(number)`` must be called, in any
        order: only then is the server told that it has arrived.
        """

    def acknowledged(self, count: int) -> None:
        """Learn that the server has all stanzas up to that number."""
