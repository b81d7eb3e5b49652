"""Which of the mechanisms that a server offers is used, and which would be too weak."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sat.xmpp.element import Element
from sat.xmpp.namespaces import NS_CHANNEL_BINDING, NS_FAST, NS_SASL2
from sat.xmpp.sasl import HASHES, PLUS, Binding

#: What is known of a TLS channel, by the type of the binding; None if it has no such thing.
Channel = Callable[[str], "bytes | None"]

EXPORTER, END_POINT = "tls-exporter", "tls-server-end-point"
#: The types that are used, the better first.
BINDINGS = (EXPORTER, END_POINT)

#: The strongest first; each can be bound to the channel but PLAIN.
_RANKS = ("EXTERNAL", *HASHES, "PLAIN")

#: How a token is bound to the channel, by the mechanism that proves it, the better first.
_TOKENS = {"HT-SHA-256-EXPR": EXPORTER, "HT-SHA-256-ENDP": END_POINT, "HT-SHA-256-NONE": ""}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers for the login.

    :param mechanisms: in the server's order
    :param bindings: types of channel binding (XEP-0440); None where the server doesn't say
    :param tokens: mechanisms for tokens (XEP-0484)
    """

    mechanisms: tuple[str, ...]
    bindings: tuple[str, ...] | None = None
    tokens: tuple[str, ...] = ()

    @classmethod
    def read(cls, features: Element, listed: Element | None) -> Offer:
        """Read stream features.

        :param listed: the ``<mechanisms/>`` or ``<authentication/>`` that counts (XEP-0388)
        """
        bindings = features.child("sasl-channel-binding", NS_CHANNEL_BINDING)
        inline = listed.child("inline", NS_SASL2) if listed is not None else None
        fast = inline.child("fast", NS_FAST) if inline is not None else None
        return cls(
            _mechanisms(listed),
            tuple(child.get("type") or "" for child in bindings.elements() if child.get("type"))
            if bindings is not None
            else None,
            _mechanisms(fast),
        )

    def text(self) -> str:
        """Return what XEP-0474, section 5.1 hashes."""
        text = "\x1e".join(_sorted(self.mechanisms))
        if self.bindings is not None:
            text += "\x1f" + "\x1e".join(_sorted(self.bindings))
        return text


@dataclass(frozen=True, slots=True)
class Floor:
    """How strong a login must be at least: as strong as the strongest before it.

    :param mechanism: without ``-PLUS``
    :param bound: whether it is bound to the TLS channel
    """

    mechanism: str
    bound: bool

    def __str__(self) -> str:
        return (
            f"{self.mechanism}{PLUS}"
            if self.bound and "SCRAM" in self.mechanism
            else (self.mechanism)
        )

    @classmethod
    def parse(cls, text: str) -> Floor | None:
        """Read what ``str`` wrote; None if it is none."""
        name = text.removesuffix(PLUS)
        if name not in _RANKS:
            return None
        return cls(name, text.endswith(PLUS) or name == "EXTERNAL")

    def met_by(self, other: Floor) -> bool:
        """Tell whether another login is at least as strong."""
        return _RANKS.index(other.mechanism) <= _RANKS.index(self.mechanism) and (
            other.bound or not self.bound
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """A mechanism that can be tried.

    :param name: with ``-PLUS``
    :param certain: whether a refusal is about the account, rather than about what was assumed of
        the server
    """

    name: str
    binding: Binding
    strength: Floor
    certain: bool = True


def choices(
    offer: Offer, channel: Channel, *, password: bool, certificate: bool, plain: bool
) -> list[Choice]:
    """Return what can be tried, the strongest first: bound to the channel before all others.

    :param password: whether there is one
    :param certificate: whether the client has one
    :param plain: whether PLAIN is allowed
    """
    found = []
    if certificate and "EXTERNAL" in offer.mechanisms:
        found.append(Choice("EXTERNAL", Binding(), Floor("EXTERNAL", bound=True), certain=False))
    if not password:
        return found
    kind = _binding(offer.bindings, channel)
    data = channel(kind) if kind else None
    bound = Binding(f"p={kind}", data or b"")
    offers_plus = any(name.endswith(PLUS) for name in offer.mechanisms)
    can_bind = any(channel(one) is not None for one in BINDINGS)
    # "y" makes a server that does offer binding break off (RFC 5802, section 6).
    unbound = Binding("y" if can_bind and not offers_plus else "n")
    if kind:
        found += [
            Choice(name + PLUS, bound, Floor(name, bound=True), certain=offer.bindings is not None)
            for name in HASHES
            if name + PLUS in offer.mechanisms
        ]
    found += [
        Choice(name, unbound, Floor(name, bound=False))
        for name in HASHES
        if name in offer.mechanisms
    ]
    if plain and "PLAIN" in offer.mechanisms:
        found.append(Choice("PLAIN", Binding(), Floor("PLAIN", bound=False)))
    return found


def token_binding(name: str, channel: Channel) -> bytes | None:
    """Return what a token's proof is bound to; None if this channel or we can't do that."""
    kind = _TOKENS.get(name)
    return b"" if kind == "" else channel(kind) if kind else None


def token_mechanism(
    offer: Offer, channel: Channel, floor: Floor, without: str | None = None
) -> str | None:
    """Return the mechanism for which to ask for a token, one no weaker than the login itself.

    :param without: one that doesn't work with this server
    """
    for name, kind in _TOKENS.items():
        if name != without and name in offer.tokens and token_binding(name, channel) is not None:
            return name if kind or not floor.bound else None
    return None


def token_allowed(name: str, floor: Floor | None) -> bool:
    """Tell whether a token by a mechanism isn't weaker than logins before."""
    return bool(_TOKENS.get(name)) or floor is None or not floor.bound


def _binding(named: Iterable[str] | None, channel: Channel) -> str | None:
    # Where the server doesn't say, it is the default one of TLS 1.3 (RFC 9266, section 3).
    known = BINDINGS if named is not None else (EXPORTER,)
    for kind in known:
        if channel(kind) is not None and (named is None or kind in named):
            return kind
    return None


def _mechanisms(listed: Element | None) -> tuple[str, ...]:
    if listed is None:
        return ()
    found = (child.text.strip() for child in listed.elements() if child.name == "mechanism")
    return tuple(name for name in found if name)


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: name.encode())
