"""The transport for other machines: TLS 1.3, a certificate of our own, and a token to come in.

Nobody vouches for the certificate: whoever is let in learns its SHA-256 with the invitation, and
trusts that one alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Protocol, cast

from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.ssl import Certificate, CertificateOptions, PrivateCertificate, TLSVersion
from twisted.python.failure import Failure

from sat.bridge.errors import CommandError
from sat.bridge.grant import Grant
from sat.bridge.keepalive import keep_alive
from sat.bridge.lines import LineProtocol
from sat.bridge.session import Session
from sat.bridge.wire import MAX_LINE, Doors, Line, error_line

#: Seconds in which whoever connects has to have shown a token.
PATIENCE = 20.0
#: Connections at a time of which it isn't known whose they are.
MAX_STRANGERS = 64
#: The longest line of whoever isn't known yet, in bytes.
MAX_STRANGE_LINE = 16 * 1024
#: Wrong tokens and codes from one address (or network of it) that are heard in a minute.
MAX_FAILURES = 10

_MINUTE = 60.0
_MAX_ADDRESSES = 10_000
_YEARS = 50


class Clock(Protocol):
    """What is used of Twisted's reactor."""

    def seconds(self) -> float:
        """Return the time of a clock that is never set."""

    def callLater(self, delay: float, call: Callable[[], object]) -> Timer:
        """Call later."""

    def listenSSL(
        self, port: int, factory: Factory, options: CertificateOptions, *, interface: str
    ) -> IListeningPort:
        """Accept connections."""


class Timer(Protocol):
    """A call to come."""

    def active(self) -> bool:
        """Tell whether it is still to come."""

    def cancel(self) -> None:
        """Let it not come."""


class Guard:
    """Counts who was refused, so that nobody can guess for long.

    :param clock: gives the time
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, list[float]] = {}

    def blocks(self, address: str) -> bool:
        """Tell whether an address has failed too often of late."""
        since = self._clock.seconds() - _MINUTE
        return sum(at > since for at in self._failures.get(_network(address), ())) >= MAX_FAILURES

    def failed(self, address: str) -> None:
        """Note that a token or code from an address was wrong."""
        network = _network(address)
        times = self._failures.pop(network, [])
        self._failures[network] = [*times[1 - MAX_FAILURES :], self._clock.seconds()]
        while len(self._failures) > _MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]


class GuardedDoors:
    """The doors as one address finds them: after some failures, closed for a while."""

    def __init__(self, doors: Doors, guard: Guard, address: str) -> None:
        self._doors = doors
        self._guard = guard
        self._address = address

    async def admit(self, token: str) -> Grant:
        """Return what the holder of a token may do: see :class:`sat.bridge.wire.Doors`."""
        self._check()
        try:
            return await self._doors.admit(token)
        except CommandError as error:
            raise self._failed(error) from error

    async def pair(self, code: str, name: str) -> str:
        """Turn a code into a token: see :class:`sat.bridge.wire.Doors`."""
        self._check()
        try:
            return await self._doors.pair(code, name)
        except CommandError as error:
            raise self._failed(error) from error

    def _failed(self, error: CommandError) -> CommandError:
        if error.name.startswith("denied."):
            self._guard.failed(self._address)
        return error

    def _check(self) -> None:
        if self._guard.blocks(self._address):
            raise CommandError(
                "denied.often",
                "too many wrong tokens or codes came from there: try again in a minute",
                {"retry_after": _MINUTE},
            )


class TlsLine(LineProtocol):
    """One connection of a program on another machine."""

    def __init__(self, door: Door) -> None:
        super().__init__(self._make, door.forget)
        self._door = door
        self._address = ""
        self._deadline: Timer | None = None

    def connectionMade(self) -> None:
        """Begin a session; of too many of whom nothing is known, the oldest goes."""
        wire = cast(Any, self.transport)
        self._address = getattr(wire.getPeer(), "host", "")
        keep_alive(wire.socket)
        strangers = self._door.strangers
        strangers[self] = None
        if len(strangers) > MAX_STRANGERS:
            next(iter(strangers)).turn_away("too many connect at the same time")
        self._deadline = self._door.clock.callLater(PATIENCE, self._too_late)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Cut what came into lines; whoever is known by now has more of them, and of time."""
        self._look()
        super().dataReceived(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """End the session."""
        self._known()
        super().connectionLost(reason)

    @property
    def max_line(self) -> int:
        """The longest line, in bytes, that is taken now."""
        return MAX_STRANGE_LINE if self in self._door.strangers else MAX_LINE

    def turn_away(self, sentence: str) -> None:
        """End the connection of somebody who isn't known."""
        self._known()
        self.write(error_line(None, CommandError("timeout.hello", sentence)))
        self._wire.abortConnection()

    def _make(self, line: Line) -> Session:
        return self._door.make_session(
            line, GuardedDoors(self._door.doors, self._door.guard, self._address)
        )

    def _known(self) -> None:
        self._door.strangers.pop(self, None)
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()

    def _look(self) -> None:
        if self._session is not None and self._session.grant is not None:
            self._known()

    def _too_late(self) -> None:
        self._look()
        if self in self._door.strangers:
            self.turn_away(f"no token was shown within {PATIENCE:.0f} seconds")


class Door(Factory):
    """Accepts connections of other machines.

    :param make_session: makes the session of a new frontend, who has to get past the doors
    :param forget: is told when a session has ended
    """

    noisy = False

    def __init__(
        self,
        clock: Clock,
        doors: Doors,
        make_session: Callable[[Line, Doors], Session],
        forget: Callable[[Session], None],
    ) -> None:
        self.clock = clock
        self.doors = doors
        self.guard = Guard(clock)
        self.make_session = make_session
        self.forget = forget
        #: The oldest first.
        self.strangers: dict[TlsLine, None] = {}

    def buildProtocol(self, addr: IAddress | None) -> TwistedProtocol:
        """Begin with a connection."""
        return TlsLine(self)

    def listen(self, host: str, port: int, certificate: str) -> IListeningPort:
        """Accept connections at an address, until the port that is returned is stopped.

        :param certificate: in PEM, with its key
        :raises twisted.internet.error.CannotListenError: if that can't be
        """
        own = PrivateCertificate.loadPEM(certificate)  # type: ignore[no-untyped-call]
        options = CertificateOptions(
            privateKey=own.privateKey.original,
            certificate=own.original,
            raiseMinimumTo=TLSVersion.TLSv1_3,
        )
        return self.clock.listenSSL(port, self, options, interface=host)


def load_certificate(path: str) -> str:
    """Return the certificate at a path, in PEM, with its key; it is made if there is none.

    :raises OSError: if it can't be read or written
    """
    try:
        with open(path) as opened:  # noqa: PTH123
            return opened.read()
    except FileNotFoundError:
        pem = _make_certificate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(pem)
    return pem


def pin_of(certificate: str) -> str:
    """Return the SHA-256 of a certificate in PEM, as hexadecimal digits."""
    der = cast(bytes, Certificate.loadPEM(certificate.encode()).dumpPEM())  # type: ignore[no-untyped-call]
    from ssl import PEM_cert_to_DER_cert

    return hashlib.sha256(PEM_cert_to_DER_cert(der.decode())).hexdigest()


def _make_certificate() -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "Salut a Toi")])
    now = datetime.now(UTC)
    # It is known by its hash alone: no name or date in it means anything.
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def _network(address: str) -> str:
    """Return what one holder of an address has: itself, or the /64 that a home gets in IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found)
