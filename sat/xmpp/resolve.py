"""Where the servers of a domain are (RFC 6120, section 3.2; XEP-0368; RFC 2782)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path
from random import Random
from typing import Protocol

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred

from sat.xmpp.errors import Fault
from sat.xmpp.reactor import Clock

#: Seconds that DNS has for its answers.
PATIENCE = 5.0
#: Of a longer list of servers, so many are tried.
MAX_TARGETS = 8

_MAX_RECORDS = 100
_PORT, _DIRECT_PORT = 5222, 5223
_STARTTLS, _DIRECT = "_xmpp-client._tcp", "_xmpps-client._tcp"
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\Z")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[^\s:\[\]]{1,253})(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect.

    :param host: a name in A-labels (RFC 5890), or an address
    :param direct_tls: whether TLS starts with the connection (XEP-0368), not by STARTTLS
    """

    host: str
    port: int
    direct_tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Service:
    """An SRV record. ``host`` is empty where the service is declared absent (target ``.``)."""

    priority: int
    weight: int
    port: int
    host: str


@dataclass(frozen=True, slots=True)
class Located:
    """Where to connect, in the order in which to try.

    :param complaint: a sentence if DNS failed, so that the domain itself is tried
    """

    targets: tuple[Target, ...]
    complaint: str = ""


class LookupFailed(Exception):
    """DNS gave no answer; the text goes on after "DNS ..."."""


class Resolver(Protocol):
    """Who knows SRV records."""

    async def services(self, name: str) -> Sequence[Service]:
        """Return the SRV records of a name in A-labels; none if there is no such name.

        :raises LookupFailed: if that can't be told
        """


class SystemResolver:
    """Asks the DNS servers of this machine, those that it has at the time of the question.

    :param servers: addresses and ports, instead of those in the file
    :param path: a file as resolv.conf(5) describes it
    """

    def __init__(
        self,
        reactor: Clock,
        servers: Sequence[tuple[str, int]] = (),
        path: Path = Path("/etc/resolv.conf"),
    ) -> None:
        self._reactor = reactor
        self._servers = servers
        self._path = path

    async def services(self, name: str) -> Sequence[Service]:
        """Return the SRV records of a name: see :class:`Resolver`."""
        from sat.xmpp import dns

        servers = self._servers
        if not servers:
            try:
                text = self._path.read_text(errors="replace")
            except OSError:
                text = ""
            servers = dns.name_servers(text)
        return await dns.ask_services(name, servers, self._reactor)


def literal(domain: str) -> str | None:
    """Return the IP address that a domain is, without brackets; None if it is a name."""
    bare = domain[1:-1] if domain.startswith("[") and domain.endswith("]") else domain
    return bare if isIPAddress(bare) or isIPv6Address(bare) else None


def ascii_name(domain: str) -> str:
    """Return a domain in A-labels (RFC 5890), as DNS and certificates have it.

    :raises ValueError: if it can't be one
    """
    try:
        return domain.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError(f"{domain!r} can't be the name of a server.") from None


def read_target(text: str, direct_tls: bool) -> Target | None:
    """Return the target of a ``see-other-host`` (RFC 6120, section 4.9.3.19); None if it is none.

    :param direct_tls: how TLS is to start there
    """
    found = re.fullmatch(
        r"\s*(\[[0-9A-Fa-f:.]{2,45}\]|[^\s:\[\]]{1,253})(?::([0-9]{1,5}))?\s*", text
    )
    if found is None:
        return None
    host = literal(found[1])
    if host is None:
        try:
            host = ascii_name(found[1])
        except ValueError:
            return None
        if not _HOST.match(host):
            return None
    port = int(found[2]) if found[2] else _default_port(direct_tls)
    return Target(host, port, direct_tls) if 0 < port < 65536 else None


def fixed_target(host: str, port: int | None, direct_tls: bool) -> Target:
    """Return the target that needs no DNS records; the port is the usual one by default."""
    with suppress(ValueError):  # the connection will say that there is no such host
        host = literal(host) or ascii_name(host)
    return Target(host, port or _default_port(direct_tls), direct_tls)


async def locate(
    domain: str, resolver: Resolver, random: Random, clock: Clock, direct_tls: bool = False
) -> Located:
    """Return where the servers of a domain are.

    The records of both services count as one list: by priority, and by chance according to weight
    among those of one priority. TXT records are never asked for (CVE-2022-26491).

    :param direct_tls: leave out all servers where TLS starts by STARTTLS
    :raises Fault: ``network.no-service`` if the domain declares that it has no server,
        ``network.dns`` if that can't be told for certain
    :raises ValueError: if the domain can't be one
    """
    name = ascii_name(domain)
    wanted = {_DIRECT: True} if direct_tls else {_DIRECT: True, _STARTTLS: False}
    found = await _ask([f"{service}.{name}" for service in wanted], resolver, clock)
    services: list[tuple[Service, bool]] = []
    denied: list[bool] = []
    failures: list[str] = []
    for answer, direct in zip(found, wanted.values(), strict=True):
        if isinstance(answer, LookupFailed):
            failures.append(str(answer))
            continue
        usable = [(_normal(service), direct) for service in answer if service.port]
        services += [(service, direct) for service, direct in usable if _HOST.match(service.host)]
        if answer and all(service.host in ("", ".") for service in answer):
            denied.append(direct)
    if services:
        return Located(tuple(_targets(services, random)))
    complaint = _complaint(domain, failures)
    if direct_tls in denied:  # what is tried without records is declared absent
        if complaint:
            raise Fault("network.dns", f"{complaint} Check this machine's network.")
        raise Fault(
            "network.no-service",
            f"{domain} declares in DNS that it has no XMPP server"
            f"{' with direct TLS' if direct_tls else ''}. Check the account's address.",
        )
    if complaint:
        complaint += " So the domain itself was tried."
    return Located((Target(name, _default_port(direct_tls), direct_tls),), complaint)


async def _ask(
    names: Sequence[str], resolver: Resolver, clock: Clock
) -> list[Sequence[Service] | LookupFailed]:
    """Ask for all names at the same time."""
    asked = [Deferred.fromCoroutine(_answer(name, resolver, clock)) for name in names]
    try:
        return [await answer for answer in asked]
    finally:
        for answer in asked:
            answer.addErrback(lambda _: None)
            answer.cancel()


async def _answer(name: str, resolver: Resolver, clock: Clock) -> Sequence[Service] | LookupFailed:
    asking = Deferred.fromCoroutine(resolver.services(name))
    asking.addTimeout(PATIENCE, clock, _silent)  # type: ignore[arg-type]
    try:
        return await asking
    except LookupFailed as failed:
        return failed


def _silent(_: object, seconds: float) -> Sequence[Service]:
    raise LookupFailed("doesn't answer")


def _normal(service: Service) -> Service:
    host = service.host.removesuffix(".").lower()
    return Service(service.priority, service.weight, service.port, host)


def _targets(services: Iterable[tuple[Service, bool]], random: Random) -> list[Target]:
    found: dict[Target, None] = {}
    by_priority = sorted(services, key=lambda pair: pair[0].priority)[:_MAX_RECORDS]
    for _, group in groupby(by_priority, key=lambda pair: pair[0].priority):
        for service, direct in _by_weight(list(group), random):
            found[Target(service.host, service.port, direct)] = None
    return list(found)[:MAX_TARGETS]


def _by_weight(left: list[tuple[Service, bool]], random: Random) -> Iterable[tuple[Service, bool]]:
    """Draw one after the other, each as likely as its weight says (RFC 2782, "Weight")."""
    random.shuffle(left)
    left.sort(key=lambda pair: pair[0].weight > 0)
    while left:
        drawn = random.randint(0, sum(service.weight for service, _ in left))
        sums = accumulate(service.weight for service, _ in left)
        yield left.pop(next(at for at, running in enumerate(sums) if running >= drawn))


def _complaint(domain: str, failures: Sequence[str]) -> str:
    if not failures:
        return ""
    return f"DNS {failures[0]} when asked for the servers of {domain}."


def _default_port(direct_tls: bool) -> int:
    return _DIRECT_PORT if direct_tls else _PORT
