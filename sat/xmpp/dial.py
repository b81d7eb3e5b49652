"""One attempt to connect: the servers of a domain in turn, until one has logged the account in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, cast

from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from sat.xmpp.account import Account, Features, Resumable
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault
from sat.xmpp.login import Login
from sat.xmpp.namespaces import NS_STREAM_ERROR
from sat.xmpp.reactor import Clock
from sat.xmpp.resolve import (
    Located,
    Resolver,
    Target,
    ascii_name,
    fixed_target,
    literal,
    locate,
    read_target,
)
from sat.xmpp.socks import Proxy, ProxyError, SocksEndpoint
from sat.xmpp.stream import Stream
from sat.xmpp.tls import Verifier

#: Seconds that a whole attempt may take.
WHOLE = 120.0
#: Seconds that a server has for each answer before authentication while others are left to try.
SOON = 5.0
#: Servers that a sentence tells of.
_MAX_TOLD = 4


class SeeOtherHost(Fault):
    """The server, known by its certificate, sends its clients elsewhere.

    :param target: where to
    """

    def __init__(self, fault: Fault, target: Target) -> None:
        super().__init__(fault.reason, fault.sentence)
        self.target = target


class _Unreached(Fault):
    """No connection.

    :param clause: what goes on after the target's name in a sentence
    """

    def __init__(self, reason: str, sentence: str, clause: str) -> None:
        super().__init__(reason, sentence)
        self.clause = clause


class DialledStream(Stream):
    """A stream that knows where its server sends it (RFC 6120, section 4.9.3.19).

    Only what comes within TLS counts: anybody can write into a stream that isn't encrypted.
    """

    #: Where the server has sent the client to.
    elsewhere: Target | None = None

    def _on_error(self, error: Element) -> None:
        if self._verifier is not None:
            other = error.child("see-other-host", NS_STREAM_ERROR)
            if other is not None:
                self.elsewhere = read_target(other.text, self._verifier.direct)
        super()._on_error(error)


class Talk(Protocol):
    """What is done over a stream that has just been connected."""

    @property
    def early(self) -> list[Element]:
        """Stanzas that came before the stream was ready for them."""

    @property
    def authenticating(self) -> bool:
        """Whether what goes wrong now isn't this one host's fault."""

    async def run(self, verifier: Verifier, previous: Resumable | None = None) -> Features:
        """Do it: see :meth:`sat.xmpp.login.Login.run`."""


@dataclass(frozen=True, slots=True)
class Link:
    """A stream that is logged in.

    :param early: stanzas that came before the stream was ready for them
    :param ended: gives the reason when the connection is gone
    """

    stream: DialledStream
    features: Features
    early: list[Element]
    ended: Deferred[Fault]


class Dial:
    """One attempt.

    :param random: for nonces, ids and the choice of a server
    :param step: seconds that a server has for each answer
    :param talk: what is done over each stream: a login by default
    """

    def __init__(
        self,
        account: Account,
        reactor: Clock,
        random: Random,
        resolver: Resolver,
        step: float,
        talk: Callable[[Stream, Account, Random, float, float], Talk] = Login,
    ) -> None:
        self._account = account
        self._reactor = reactor
        self._random = random
        self._resolver = resolver
        self._step = step
        self._talk = talk
        self._stream: DialledStream | None = None
        self._connecting: Deferred[DialledStream] | None = None
        self._previous: Resumable | None = None
        self._expired = False
        #: Whether what went wrong would go wrong at any other server as well.
        self.decided = False

    async def run(self, elsewhere: Target | None = None, previous: Resumable | None = None) -> Link:
        """Connect and log in.

        :param previous: the session to go on with, if the server still has it
        :param elsewhere: the one server to try, where the last one sent us
        :raises SeeOtherHost: if a server sends us on
        :raises Fault: why it failed
        """
        self._previous = previous
        limit = self._reactor.callLater(WHOLE, self._expire)
        try:
            located = Located((elsewhere,)) if elsewhere is not None else await self._locate()
            return await self._in_turn(located)
        finally:
            if limit.active():
                limit.cancel()

    async def _locate(self) -> Located:
        account = self._account
        domain = account.jid.host
        address = literal(domain)
        try:
            if address is None:
                ascii_name(domain)
            if account.host or account.port or account.proxy or address is not None:
                # A proxy resolves names itself: to ask DNS would tell others where it connects.
                target = fixed_target(account.host or domain, account.port, account.direct_tls)
                return Located((target,))
            return await locate(
                domain, self._resolver, self._random, self._reactor, account.direct_tls
            )
        except ValueError as raised:
            raise Fault("network.unknown-host", f"{raised} Check the account's address.") from None

    async def _in_turn(self, located: Located) -> Link:
        tried: list[tuple[Target, Fault]] = []
        for left, target in zip(
            reversed(range(len(located.targets))), located.targets, strict=True
        ):
            try:
                return await self._one(target, min(self._step, SOON) if left else self._step)
            except Fault as fault:
                if fault.final or self.decided:
                    raise
                tried.append((target, fault))
            if self._expired:
                break
        raise _all_failed(self._account.jid.host, tried, located)

    async def _one(self, target: Target, soon: float) -> Link:
        account = self._account
        try:
            verifier = Verifier(
                account.jid.host,
                account.ca,
                target.direct_tls,
                account.pin,
                account.certificate,
            )
        except ValueError as raised:
            raise Fault("tls.ca", str(raised), final=True) from None
        stream = await self._connect(target, verifier, soon)
        ended = stream.when_ended()
        login = self._talk(stream, account, self._random, self._step, soon)
        self._stream = stream
        try:
            features = await login.run(verifier, self._previous)
        except BaseException as raised:
            stream.end(raised if isinstance(raised, Fault) else Fault("", ""))
            if isinstance(raised, Fault) and stream.elsewhere is not None:
                self.decided = True
                raise SeeOtherHost(raised, stream.elsewhere) from None
            raise
        finally:
            self.decided = self.decided or login.authenticating
            self._stream = None
        return Link(stream, features, login.early, ended)

    async def _connect(self, target: Target, verifier: Verifier, seconds: float) -> DialledStream:
        proxy = self._account.proxy
        if proxy is None:
            endpoint: Any = HostnameEndpoint(
                self._reactor, target.host, target.port, timeout=seconds
            )
        else:
            way = HostnameEndpoint(self._reactor, proxy.host, proxy.port, timeout=seconds)
            endpoint = SocksEndpoint(proxy, way, target.host, target.port)
        if target.direct_tls:
            endpoint = wrapClientTLS(verifier, endpoint)  # type: ignore[arg-type]
        connecting = cast(
            "Deferred[DialledStream]",
            endpoint.connect(_OneStream(self._reactor)),
        )
        connecting.addTimeout(seconds, self._reactor, _timed_out)  # type: ignore[arg-type]
        self._connecting = connecting
        # Twisted takes a cancelled search for the host's addresses for a host that isn't known.
        cancelled = False

        def cancel(_: object) -> None:
            nonlocal cancelled
            cancelled = True
            connecting.cancel()

        waiting: Deferred[DialledStream] = Deferred(cancel)
        connecting.chainDeferred(waiting)
        try:
            stream = await waiting
        except Exception as raised:
            if cancelled:
                raise CancelledError from None
            why = TimeoutError() if self._expired else raised
            raise _unreached(why, target, self._account.proxy) from None
        finally:
            self._connecting = None
        if target.direct_tls:
            stream.secured_by(verifier)
        return stream

    def _expire(self) -> None:
        self._expired = True
        if self._connecting is not None:
            self._connecting.cancel()
        elif self._stream is not None:
            self._stream.end(Fault("timeout.login", f"The login took over {WHOLE:.0f} s."))


class _OneStream(Factory):
    noisy = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def buildProtocol(self, addr: object) -> Stream:
        return DialledStream(self._clock)


def _timed_out(result: object, seconds: float) -> object:
    if isinstance(result, Failure):
        raise TimeoutError
    return result


def _unreached(raised: Exception, target: Target, proxy: Proxy | None) -> _Unreached:
    host, port = target.host, target.port
    if isinstance(raised, ProxyError):
        return _Unreached(
            "network.proxy",
            f"The proxy {proxy}, asked for {host} at port {port}, {raised}",
            f"isn't reached by the proxy, which {str(raised).removesuffix('.')}",
        )
    if proxy is not None:
        return _Unreached(
            "network.proxy",
            f"The proxy {proxy} can't be reached: is it running? ({_plain(raised)})",
            "isn't tried, since the proxy can't be reached",
        )
    if isinstance(raised, error.DNSLookupError):
        return _Unreached(
            "network.unknown-host",
            f"The server {host} isn't known. Check the account's address, or whether this machine "
            "is on line.",
            "isn't known",
        )
    if isinstance(raised, error.ConnectionRefusedError):
        return _Unreached(
            "network.refused",
            f"{host} refuses connections at port {port}. The server may be down, or the port "
            "another.",
            "refuses connections",
        )
    if isinstance(raised, (error.TimeoutError, TimeoutError)):
        return _Unreached(
            "timeout.connect", f"{host} doesn't answer at port {port}.", "doesn't answer"
        )
    return _Unreached(
        "network.unreachable",
        f"{host} can't be reached at port {port}: {raised}",
        f"can't be reached ({raised})",
    )


def _plain(raised: Exception) -> str:
    if isinstance(raised, (error.TimeoutError, TimeoutError)):
        return "no answer"
    return "connection refused" if isinstance(raised, error.ConnectionRefusedError) else str(raised)


def _all_failed(domain: str, tried: Sequence[tuple[Target, Fault]], located: Located) -> Fault:
    """Put together what happened at each server.

    A server that answered tells more than those that didn't: its reason is the whole one's.
    """
    faults = [fault for _, fault in tried]
    first = next((f for f in faults if not isinstance(f, _Unreached)), faults[0])
    reason, about = first.reason, first.about
    if len(located.targets) == 1:
        sentence = f"{located.complaint} {first.sentence}".strip()
        return Fault(reason, sentence, about=about)
    clauses: dict[str, list[str]] = {}
    for target, fault in tried[:_MAX_TOLD]:
        if isinstance(fault, _Unreached):
            clauses[f"{target} {fault.clause}"] = []
        else:
            clauses.setdefault(f": {fault.sentence.removesuffix('.')}", []).append(str(target))
    told = "; ".join(", ".join(targets) + clause for clause, targets in clauses.items())
    more = len(located.targets) - min(len(tried), _MAX_TOLD)
    others = f"; and {more} more" if more else ""
    return Fault(reason, f"No server of {domain} could be used: {told}{others}.", about=about)
