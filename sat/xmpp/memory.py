"""What an account's logins leave for the next ones, and what they are stopped by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sat.xmpp.choice import Floor


@dataclass(frozen=True, slots=True)
class Token:
    """A secret that the server gave to this client, to log in with at once (XEP-0484).

    :param mechanism: the one mechanism that it is good for
    :param secret: empty if the server can't take tokens by that mechanism, whatever it says
    """

    mechanism: str
    secret: str = field(repr=False)


class Memory:
    """What one login leaves for the next; its owner makes it last.

    :param agent: names this client to the server: a random UUID that stays the same for an account
        (XEP-0388); without it, no token is asked for
    :param floor: a weaker login is refused
    :param keep_floor: is told of each new floor
    :param keep_token: is told of each new token, and of None when it is dropped
    """

    def __init__(
        self,
        agent: str = "",
        floor: Floor | None = None,
        token: Token | None = None,
        keep_floor: Callable[[Floor], object] = lambda floor: None,
        keep_token: Callable[[Token | None], object] = lambda token: None,
    ) -> None:
        self.agent = agent
        self.floor = floor
        self.token = token
        #: How often in a row a login by SASL2 came to no end: after some, it isn't used.
        self.sasl2_failures = 0
        self._keep_floor = keep_floor
        self._keep_token = keep_token

    def logged_in(self, strength: Floor) -> None:
        """Note how strong a login was that has met the floor: it is the new one."""
        if strength != self.floor:
            self.floor = strength
            self._keep_floor(strength)

    def set_token(self, token: Token | None) -> None:
        """Take a new token, or drop the present one."""
        if token != self.token:
            self.token = token
            self._keep_token(token)


@dataclass(frozen=True, slots=True)
class Downgrade:
    """A server offers less than it did: what a fault may be about.

    :param offered: the strongest that it offers now
    """

    floor: Floor
    offered: Floor


@dataclass(frozen=True, slots=True)
class Untrusted:
    """A certificate that can't be verified: what a fault may be about.

    :param domain: whose certificate it should be
    :param names: those that it is for
    :param sha256: of the whole certificate, in lower-case hexadecimal digits
    """

    domain: str
    names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime
    sha256: str
