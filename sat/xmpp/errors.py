"""What goes wrong on the wire."""

from __future__ import annotations

from sat.xmpp.element import Element
from sat.xmpp.namespaces import NS_CLIENT, NS_STANZAS

#: The type that goes with each condition (RFC 6120, section 8.3.3).
CONDITIONS = {
    "bad-request": "modify",
    "conflict": "cancel",
    "feature-not-implemented": "cancel",
    "forbidden": "auth",
    "gone": "cancel",
    "internal-server-error": "cancel",
    "item-not-found": "cancel",
    "jid-malformed": "modify",
    "not-acceptable": "modify",
    "not-allowed": "cancel",
    "not-authorized": "auth",
    "policy-violation": "modify",
    "recipient-unavailable": "wait",
    "redirect": "modify",
    "registration-required": "auth",
    "remote-server-not-found": "cancel",
    "remote-server-timeout": "wait",
    "resource-constraint": "wait",
    "service-unavailable": "cancel",
    "subscription-required": "auth",
    "undefined-condition": "cancel",
    "unexpected-request": "wait",
}
_TYPES = frozenset({"auth", "cancel", "continue", "modify", "wait"})


class NotConnected(Exception):
    """There is no stream, or it ended before the thing was done."""


class StanzaError(Exception):
    """A refusal by whom a stanza was sent to, or by a server on the way (RFC 6120, section 8.3).

    :param condition: one of the RFC's; any other becomes ``undefined-condition``
    :param type: what may help: ``auth``, ``cancel``, ``continue``, ``modify`` or ``wait``
    :param text: for people; not always there
    :param application: an element that tells more, in a namespace of its own
    """

    def __init__(
        self,
        condition: str,
        type: str | None = None,
        text: str | None = None,
        application: Element | None = None,
    ) -> None:
        super().__init__(condition, text)
        self.condition = condition if condition in CONDITIONS else "undefined-condition"
        self.type = type if type in _TYPES else CONDITIONS[self.condition]
        self.text = text
        self.application = application

    def __str__(self) -> str:
        return f"{self.condition}: {self.text}" if self.text else self.condition

    @classmethod
    def from_element(cls, stanza: Element) -> StanzaError:
        """Read the error out of a stanza of type ``error``; a missing one is undefined."""
        error = stanza.child("error", NS_CLIENT)
        return cls.read(error) if error is not None else cls("undefined-condition")

    @classmethod
    def read(cls, error: Element) -> StanzaError:
        """Read an ``<error/>``."""
        condition, text, application = "undefined-condition", None, None
        for child in error.elements():
            if child.uri != NS_STANZAS:
                application = application or child
            elif child.name == "text":
                text = text or child.text or None
            elif child.name in CONDITIONS:
                condition = child.name
        return cls(condition, error.get("type"), text, application)

    def to_element(self) -> Element:
        """Return the error as an ``<error/>``."""
        element = Element((NS_CLIENT, "error"), {"type": self.type})
        element.add(self.condition, NS_STANZAS)
        if self.text:
            element.add("text", NS_STANZAS, self.text)
        if self.application is not None:
            element.children.append(self.application)
        return element


class Fault(Exception):
    """Why a connection failed or ended.

    :param reason: a dotted name, for programs (``tls.expired``)
    :param sentence: for people: what failed, why, what to do
    :param final: whether trying again can't help until the user has changed something
    :param about: what a person has to decide before it can go on
        (:class:`sat.xmpp.memory.Untrusted`, :class:`sat.xmpp.memory.Downgrade`)
    """

    def __init__(
        self, reason: str, sentence: str, final: bool = False, about: object = None
    ) -> None:
        super().__init__(sentence)
        self.about = about
        self.reason = reason
        self.sentence = sentence
        self.final = final


def quoted(text: str) -> str:
    """Return what a server says for people, on one line, not too long, and ending as a sentence."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
    return line if line.endswith((".", "!", "?")) else f"{line}."
