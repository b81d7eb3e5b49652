"""Whether an account can be used: names, connections, certificates, login, features."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferTimeout
from twisted.internet.interfaces import (
    IAddress,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorTime,
    IResolutionReceiver,
)
from zope.interface import implementer  # type: ignore[import-untyped, unused-ignore]

from sat.backend.doctor import clock
from sat.backend.doctor.features import judge
from sat.backend.doctor.finding import Finding, Severity
from sat.backend.doctor.home import parted
from sat.backend.doctor.talk import Interview, Knock
from sat.xmpp.account import Account
from sat.xmpp.dial import Dial, Link, SeeOtherHost, Talk
from sat.xmpp.errors import Fault
from sat.xmpp.memory import Untrusted
from sat.xmpp.reactor import Clock
from sat.xmpp.resolve import (
    MAX_TARGETS,
    Resolver,
    Target,
    ascii_name,
    fixed_target,
    literal,
    locate,
)

#: Seconds that a server has for each answer.
STEP = 15.0
#: A certificate that ends sooner is worth a word.
_SOON = timedelta(days=7)
#: Seconds that a server has to close a stream.
_GOODBYE = 3.0

_NETWORK = "Check this machine's network, and whether a firewall lets port {port} through."
_REMEDIES = {
    "network.unknown-host": "Check the account's address and server, and this machine's network.",
    "network.no-service": "Check the account's address.",
    "network.dns": "Check this machine's network, and the name servers in /etc/resolv.conf.",
    "network.refused": "Check the port: jp profile set {profile} server=HOST:PORT",
    "network.proxy": "Check the proxy: jp profile set {profile} proxy=URL",
    "tls.untrusted": "If the server is yours, give its CA: jp profile set {profile} --ca FILE",
    "tls.name": "Check the account's address and server: the server's name must be in it.",
    "tls.expired": "Check this machine's clock; else the server's administrator must renew it.",
    "tls.pin": "If the administrator confirms the change: jp profile set {profile} pin=",
    "tls.ca": "Give another CA file: jp profile set {profile} --ca FILE",
    "tls.missing": "If the server has direct TLS: jp profile set {profile} direct_tls=yes",
    "denied.password": "Set the right one: jp profile set {profile} --password-stdin",
    "denied.mechanism": "Allow PLAIN if you trust it: jp profile set {profile} allow_plain=yes",
}
_OTHERWISE = {
    "timeout": _NETWORK,
    "network": _NETWORK,
    "tls": "Ask the server's administrator.",
    "denied": "Ask the server's administrator; the account may be locked.",
}


class Examination:
    """Examines one account, from name to login, as the daemon does.

    :param name: the profile's
    :param now: this machine's clock, in UTC
    :param random: for nonces and ids; it must be one that can't be foreseen
    """

    def __init__(
        self,
        name: str,
        account: Account,
        reactor: Clock,
        resolver: Resolver,
        random: Random,
        now: Callable[[], datetime],
        step: float = STEP,
    ) -> None:
        self._name = name
        # The daemon's own session goes on beside the doctor's.
        self._account = dataclasses.replace(account, resource=None)
        self._reactor = reactor
        self._resolver = resolver
        self._random = random
        self._now = now
        self._step = step
        self.findings: list[Finding] = []

    async def run(self) -> list[Finding]:
        """Return what is found; nothing is raised."""
        targets = await self._locate()
        good = [target for target in targets if await self._knock(target, targets)]
        if good:
            # A server of several that doesn't work is no great harm.
            self.findings = [_milder(one) for one in self.findings]
            await self._log_in(good[0])
        return self.findings

    async def _locate(self) -> list[Target]:
        account, domain = self._account, self._account.jid.host
        address = literal(domain)
        try:
            if account.host or account.port or account.proxy or address is not None:
                host = account.host or domain
                return [fixed_target(host, account.port, account.direct_tls)]
            ascii_name(domain)
            found = await locate(
                domain, self._resolver, self._random, self._reactor, account.direct_tls
            )
        except ValueError as error:
            self._fault("dns", Fault("network.unknown-host", str(error)))
            return []
        except Fault as fault:
            self._fault("dns", fault)
            return []
        targets = list(found.targets)
        if found.complaint:
            self._fault("dns", Fault("network.dns", found.complaint))
        else:
            told = ", ".join(str(target) for target in targets)
            self._add("dns", f"The servers of {domain} are: {told}.")
        return targets

    async def _knock(self, target: Target, targets: list[Target]) -> bool:
        """Tell whether a server can be reached, and is the right one."""
        if self._account.proxy is None and not await self._resolve(target.host):
            return False
        knocks: list[Knock] = []

        def talk(*arguments: Any) -> Talk:
            knocks.append(Knock(*arguments))
            return knocks[-1]

        try:
            await self._hang_up(await self._dial(target, talk))
        except SeeOtherHost as sent:
            self._add("connect", f"{target} sends its clients to {sent.target}.")
            if sent.target not in targets and len(targets) < MAX_TARGETS:
                targets.append(sent.target)
            return False
        except Fault as fault:
            self._fault("certificate" if fault.reason.startswith("tls.") else "connect", fault)
            if isinstance(fault.about, Untrusted) and fault.reason == "tls.expired":
                told = clock.by_certificate(fault.about, self._now())
                if told is not None:
                    self.findings.append(told)
            return False
        self._add("connect", f"{target} accepts connections, and encrypts them.")
        ends = knocks[0].ends
        if ends is None:
            return True
        until = f"The certificate at {target} is right, until {ends:%Y-%m-%d}."
        if ends - self._now() < _SOON:
            remedy = "The server's administrator should renew it before that."
            self._add("certificate", until, remedy, Severity.WARNING)
        else:
            self._add("certificate", until)
        return True

    async def _resolve(self, host: str) -> bool:
        if literal(host) is not None:
            return True
        addresses = _Addresses()
        # The same that a connection asks.
        resolver = cast(IReactorPluggableNameResolver, self._reactor).nameResolver
        resolver.resolveHostName(addresses, host)  # type: ignore[arg-type]
        found = await addresses.all
        if not found:
            why = f"The server {host} isn't known: DNS has no address for it, or doesn't answer."
            self._fault("dns", Fault("network.unknown-host", why))
            return False
        self._add("dns", f"{host} has the addresses {', '.join(found)}.")
        return True

    async def _log_in(self, target: Target) -> None:
        interviews: list[Interview] = []

        def talk(*arguments: Any) -> Talk:
            interviews.append(Interview(*arguments))
            return interviews[-1]

        try:
            link = await self._dial(target, talk)
        except Fault as fault:
            self._fault("login", fault)
            return
        now = self._now()
        await self._hang_up(link)
        told = interviews[0].told
        if told is None:
            return
        jid = self._account.jid.userhost()
        self._add("login", f"{jid} is logged in, by {told.features.mechanism}.")
        if told.time is not None:
            self.findings.append(clock.by_server(told.time, now, self._account.jid.host))
        for check, severity, cause, remedy in judge(told):
            self._add(check, cause, remedy, severity)

    async def _dial(self, target: Target, talk: Callable[..., Talk]) -> Link:
        dial = Dial(self._account, self._reactor, self._random, self._resolver, self._step, talk)
        return await dial.run(target)

    async def _hang_up(self, link: Link) -> None:
        """Close the stream, so that the server keeps nothing of it."""
        link.stream.close()
        link.ended.addTimeout(_GOODBYE, cast(IReactorTime, self._reactor))
        with suppress(DeferTimeout):
            await link.ended
        link.stream.end(Fault("", ""))

    def _fault(self, check: str, fault: Fault) -> None:
        cause, further = parted(fault.sentence)
        remedy = _REMEDIES.get(fault.reason) or _OTHERWISE.get(fault.reason.partition(".")[0])
        remedy = remedy or further or "Ask the server's administrator."
        port = self._account.port or (5223 if self._account.direct_tls else 5222)
        self._add(check, cause, remedy.format(profile=self._name, port=port), Severity.ERROR)

    def _add(
        self, check: str, cause: str, remedy: str = "", severity: Severity = Severity.OK
    ) -> None:
        one = Finding(
            check=check, severity=severity, cause=cause, remedy=remedy, profile=self._name
        )
        self.findings.append(one)


def _milder(finding: Finding) -> Finding:
    if finding.severity is not Severity.ERROR:
        return finding
    return Finding(
        check=finding.check,
        severity=Severity.WARNING,
        cause=finding.cause,
        remedy=finding.remedy,
        profile=finding.profile,
    )


@implementer(IResolutionReceiver)
class _Addresses:
    """Gathers the addresses of a host."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self.all: Deferred[list[str]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Take note of the question, which isn't withdrawn."""

    def addressResolved(self, address: IAddress) -> None:
        """Take an address."""
        self._found[str(getattr(address, "host", address))] = None

    def resolutionComplete(self) -> None:
        """Tell all that came."""
        self.all.callback(list(self._found))
