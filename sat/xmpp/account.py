"""What the wire needs to know of an account, and what it tells of its connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from twisted.internet.defer import Deferred

from sat.bridge.model import Phase
from sat.xmpp.element import Element
from sat.xmpp.jid import JID
from sat.xmpp.memory import Memory
from sat.xmpp.socks import Proxy


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
    :param pin: the SHA-256 of the one certificate that is trusted, in hexadecimal digits
    :param certificate: the client's own, with its key, in PEM (XEP-0178)
    :param proxy: through which to connect
    :param memory: what earlier logins have left
    """

    jid: JID
    password: str = field(repr=False)
    host: str | None = None
    port: int | None = None
    direct_tls: bool = False
    ca: str | None = field(default=None, repr=False)
    allow_plain: bool = False
    resource: str | None = None
    pin: str | None = None
    certificate: str | None = field(default=None, repr=False)
    proxy: Proxy | None = None
    memory: Memory = field(default_factory=Memory, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """A phase, and how it came to it.

    :param reason: a dotted name, "" if all is well. Roots: ``denied`` (authentication), ``tls``,
        ``network``, ``timeout``, ``stream`` (the server's stream errors), ``xml``
    :param sentence: for people: what failed, why, and what to do or what happens next
    :param retry_in: seconds until the next try while waiting
    :param jid: the full address that the server gave, while online
    :param about: what a person has to decide before it can go on: see :class:`Fault`
    """

    phase: Phase = Phase.OFFLINE
    reason: str = ""
    sentence: str = ""
    retry_in: float | None = None
    jid: JID | None = None
    about: object = None


@dataclass(frozen=True, slots=True)
class Resumable:
    """A session that the server may still hold for us (XEP-0198, section 5).

    :param id: what the server calls it
    :param jid: the full address that it is bound to
    :param handled: how many of the server's stanzas are dealt with, for good
    :param sent: the number of a stanza of ours, near the last one that was written
    :param location: ``host:port`` where the server wants to be asked for it
    """

    id: str
    jid: JID
    handled: int = 0
    sent: int = 0
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Resumption:
    """What the server promises of a new session.

    :param id: what it calls the session
    :param location: ``host:port`` where it wants to be asked for it
    :param seconds: how long it keeps the session without a connection; None if it doesn't say
    """

    id: str
    location: str | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """What the server offers on a stream.

    :param jid: the full address that the stream is bound to
    :param names: (namespace, name) of each stream feature after authentication
    :param management: whether stanzas are acknowledged (XEP-0198); if not, ``acknowledged`` is
        never called
    :param mechanism: by which the password was proved
    :param resumption: how this session can be resumed; None if it can't, and where it just was
    :param resumed: the server's count of our stanzas if the earlier session goes on; None if this
        is a new one
    :param refused: its count of the earlier session's, where that one can't go on and it knows
    """

    jid: JID
    names: frozenset[tuple[str, str]]
    management: bool
    mechanism: str
    resumption: Resumption | None = None
    resumed: int | None = None
    refused: int | None = None


class Listener(Protocol):
    """Who is told of what happens on a connection. Nothing here may raise or block."""

    def state_changed(self, state: ConnectionState) -> None:
        """Take the new state."""

    def session_started(self, features: Features) -> None:
        """Take a new session: numbers start again at 1, and ``send`` works from now on.

        It comes just before the state is online, and before any stanza of that session.
        """

    def session_restored(self, features: Features, acknowledged: int) -> None:
        """Take the session that an earlier process left, which goes on.

        The server has our stanzas up to ``acknowledged``, and nothing behind: what comes next gets
        the number after it.
        """

    def session_suspended(self) -> None:
        """Learn that the connection is lost; the session may still be resumed."""

    def session_resumed(self) -> None:
        """Learn that the session goes on: what was on its way is sent again, ``send`` works."""

    def session_ended(self) -> None:
        """Take the end of a session: nothing more is acknowledged of what it carried."""

    def stanza_received(self, element: Element, number: int) -> None:
        """Take a message, a presence or a request of type get or set.

        When it is dealt with for good, ``connection.handled(number)`` must be called, in any
        order: only then is the server told that it has arrived.
        """

    def acknowledged(self, count: int) -> None:
        """Learn that the server has all stanzas up to that number."""

    def keep_handled(self, number: int) -> Deferred[None]:
        """Store that all stanzas up to that number are dealt with; the server is told after it.

        It must never be told of more than is known after a crash, or a resumed session would have
        a hole.
        """
