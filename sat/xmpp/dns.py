"""Questions to the DNS servers of this machine.

To be imported when there is a question, not before: ``twisted.names`` takes 0.8 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, cast

from twisted.internet import defer
from twisted.internet.abstract import isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.protocol import Factory
from twisted.names import client, dns, error
from twisted.python.failure import Failure

from sat.xmpp.reactor import Clock
from sat.xmpp.resolve import LookupFailed, Service

#: Seconds that each server has, in the first round and in the second.
_ROUNDS = (1, 2)
#: As many servers of the file as the C library asks (resolv.conf(5)).
_MAX_SERVERS = 3
#: Names that a name may stand for in turn.
_MAX_ALIASES = 8


def name_servers(text: str) -> list[tuple[str, int]]:
    """Return the addresses and ports of the servers in a file as resolv.conf(5) describes it."""
    servers = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            servers.append((str(ip_address(words[1])), dns.PORT))
        except ValueError:
            continue
    return servers[:_MAX_SERVERS] or [("127.0.0.1", dns.PORT)]


async def ask_services(
    name: str, servers: Sequence[tuple[str, int]], reactor: Clock
) -> list[Service]:
    """Return the SRV records of a name; none if there is no such name.

    :param servers: addresses and ports
    :raises LookupFailed: if the servers don't answer, or with something else
    """
    asker = _Asker(name, servers, reactor)
    try:
        looking = cast("Deferred[_Records]", asker.lookupService(name, _ROUNDS))  # type: ignore[no-untyped-call]
        answers, _, _ = await looking
    except error.DNSNameError:
        return []
    except error.DomainError as raised:
        raise LookupFailed(f"fails with {_CODES.get(type(raised), 'an error')}") from None
    except _SILENCE:
        raise LookupFailed("doesn't answer") from None
    except (CancelledError, ConnectingCancelledError):
        raise CancelledError from None
    except Exception as raised:  # sockets and decoders have each their own
        raise LookupFailed(f"can't be asked ({raised or type(raised).__name__})") from None
    return _services(name, answers)


_Records = tuple[list[Any], list[Any], list[Any]]
_CODES = {
    error.DNSFormatError: "FORMERR",
    error.DNSServerError: "SERVFAIL",
    error.DNSNotImplementedError: "NOTIMP",
    error.DNSQueryRefusedError: "REFUSED",
}


_SILENCE = (TimeoutError, defer.TimeoutError, dns.DNSQueryTimeoutError, ConnectTimeout)


def _services(name: str, answers: Sequence[Any]) -> list[Service]:
    """Pick what stands for the name, or for what that is an alias of (RFC 1034, 3.6.2)."""
    aliases = {
        bytes(answer.name.name).lower(): bytes(answer.payload.name.name).lower()
        for answer in answers
        if answer.type == dns.CNAME
    }
    meant = {name.encode("ascii").lower()}
    step = next(iter(meant))
    for _ in range(_MAX_ALIASES):
        if step not in aliases:
            break
        step = aliases[step]
        meant.add(step)
    return [
        Service(
            answer.payload.priority,
            answer.payload.weight,
            answer.payload.port,
            bytes(answer.payload.target.name).decode("ascii", "replace"),
        )
        for answer in answers
        if answer.type == dns.SRV and bytes(answer.name.name).lower() in meant
    ]


class _Asker(client.Resolver):
    """Twisted's, which asks by TCP once at most, and leaves nothing open."""

    def __init__(self, name: str, servers: Sequence[tuple[str, int]], reactor: Clock) -> None:
        super().__init__(servers=list(servers), reactor=reactor)  # type: ignore[no-untyped-call]
        self._name = name

    def _connectedProtocol(self, interface: str = "") -> dns.DNSDatagramProtocol:
        # The kernel's choice of a port can't be foreseen either; Twisted's own may be taken, and it
        # then forgets a socket.
        protocol = dns.DNSDatagramProtocol(self, self._reactor)  # type: ignore[no-untyped-call]
        self._reactor.listenUDP(0, protocol, interface=interface)
        return protocol

    def filterAnswers(self, message: dns.Message) -> object:
        """Return the records, asked for again by TCP where they didn't fit."""
        if message.trunc:
            return Deferred.fromCoroutine(self._by_tcp())
        return cast(object, super().filterAnswers(message))  # type: ignore[no-untyped-call]

    async def _by_tcp(self) -> object:
        host, port = self.servers[0]
        kind = TCP6ClientEndpoint if isIPv6Address(host) else TCP4ClientEndpoint
        endpoint = kind(self._reactor, host, port, timeout=_ROUNDS[-1])
        factory = _ByTcp(self, self._reactor)
        protocol: Any = await endpoint.connect(factory)  # type: ignore[arg-type]
        try:
            message = await protocol.query([dns.Query(self._name, dns.SRV, dns.IN)], _ROUNDS[-1])
        finally:
            protocol.transport.abortConnection()
        if message.trunc:
            raise error.DNSFormatError(message)
        result = super().filterAnswers(message)  # type: ignore[no-untyped-call]
        if isinstance(result, Failure):
            result.raiseException()
        return cast(object, result)


class _ByTcp(Factory):
    noisy = False

    def __init__(self, asker: _Asker, reactor: object) -> None:
        self._asker = asker
        self._reactor = reactor

    def buildProtocol(self, addr: object) -> dns.DNSProtocol:
        return dns.DNSProtocol(self._asker, self._reactor)  # type: ignore[no-untyped-call]
