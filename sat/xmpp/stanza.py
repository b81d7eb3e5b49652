"""Stanzas as dataclasses (RFC 6120, RFC 6121): the one module of ``sat.xmpp`` that plugins import.

An element becomes a :class:`Message`, :class:`Presence` or :class:`Iq` at the edge, and such a
stanza becomes an element again when it is sent. What isn't of the core stays an :class:`Element`
among the stanza's ``extensions``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from sat.xmpp.element import (
    NS_XML,
    AttributeName,
    Element,
    attributes_of,
    clean,
    empty_of,
    serialize,
    text_of,
    write_to,
)
from sat.xmpp.errors import NotConnected, StanzaError
from sat.xmpp.jid import JID, parse_jid
from sat.xmpp.namespaces import (
    NS_CLIENT,
    NS_DELAY,
    NS_DISCO_INFO,
    NS_DISCO_ITEMS,
    NS_HINTS,
    NS_PING,
    NS_ROSTER,
    NS_SID,
    NS_STANZAS,
)
from sat.xmpp.times import format_datetime, parse_datetime

__all__ = [
    "JID",
    "NS_CLIENT",
    "NS_DELAY",
    "NS_DISCO_INFO",
    "NS_DISCO_ITEMS",
    "NS_HINTS",
    "NS_PING",
    "NS_ROSTER",
    "NS_SID",
    "NS_STANZAS",
    "NS_XML",
    "Element",
    "Iq",
    "Message",
    "NotConnected",
    "Presence",
    "Stanza",
    "StanzaError",
    "clean",
    "format_datetime",
    "parse_datetime",
    "parse_jid",
    "serialize",
]

MESSAGE_TYPES = frozenset({"normal", "chat", "groupchat", "headline", "error"})
PRESENCE_TYPES = frozenset(
    {
        "available",
        "unavailable",
        "subscribe",
        "subscribed",
        "unsubscribe",
        "unsubscribed",
        "probe",
        "error",
    }
)
IQ_TYPES = frozenset({"get", "set", "result", "error"})
SHOWS = frozenset({"", "away", "chat", "dnd", "xa"})

_PRIORITY = re.compile("[+-]?[0-9]{1,3}")
_LANG: AttributeName = (NS_XML, "lang")


@dataclass(slots=True, kw_only=True)
class Stanza:
    """What messages, presences and requests have in common."""

    type: str
    id: str | None = None
    from_: JID | None = None
    to: JID | None = None
    #: Children that the core doesn't read.
    extensions: list[Element] = field(default_factory=list)
    error: StanzaError | None = None
    #: What the stanza was read from; None for one made here.
    element: Element | None = field(default=None, repr=False, compare=False)

    def child(self, name: str, ns: str) -> Element | None:
        """Return the extension of that name and namespace, or None."""
        for element in self.extensions:
            if element.name == name and element.uri == ns:
                return element
        return None

    def _start(self, name: str, type_: str | None) -> Element:
        element = Element((NS_CLIENT, name))
        attributes = element.attributes
        if type_ is not None:
            attributes["type"] = type_
        if self.id is not None:
            attributes["id"] = self.id
        if self.to is not None:
            attributes["to"] = self.to.full()
        if self.from_ is not None:
            attributes["from"] = self.from_.full()
        return element

    def _finish(self, element: Element) -> Element:
        element.children.extend(self.extensions)
        if self.error is not None:
            element.children.append(self.error.to_element())
        return element


_ORIGIN_ID = f"origin-id xmlns='{NS_SID}'"


@dataclass(slots=True, kw_only=True)
class Message(Stanza):
    """A message (RFC 6121, section 5), with its ids (XEP-0359) and its delay (XEP-0203).

    Nothing here is checked for authority: who may set ``stanza_ids`` and ``delay_from`` is for the
    reader to decide.
    """

    type: str = "normal"
    #: The body in the stanza's own language, else the first one; None if there is none.
    body: str | None = None
    #: All bodies by language; the one without a language is under "".
    bodies: dict[str, str] = field(default_factory=dict)
    subject: str | None = None
    thread: str | None = None
    origin_id: str | None = None
    #: Each id with the address that gave it.
    stanza_ids: list[tuple[str, JID]] = field(default_factory=list)
    #: When it was sent, in UTC, if it was kept on its way.
    delay: datetime | None = None
    delay_from: JID | None = None

    @classmethod
    def from_element(cls, element: Element) -> Message:
        """Read a message. Odd parts are left out; an unknown type is ``normal``.

        :raises ValueError: if an address isn't one
        """
        get = element.attributes.get
        type_ = get("type", "normal")
        from_, to = get("from"), get("to")
        message = cls(
            type=type_ if type_ in MESSAGE_TYPES else "normal",
            id=get("id"),
            from_=parse_jid(from_) if from_ is not None else None,
            to=parse_jid(to) if to is not None else None,
            element=element,
        )
        for child in element.children:
            if isinstance(child, str):
                continue
            if child.uri == NS_CLIENT:
                message._read_core(child, element)
                continue
            if child.uri == NS_SID:
                message._read_id(child)
            elif child.uri == NS_DELAY and child.name == "delay":
                message._read_delay(child)
            message.extensions.append(child)
        return message

    def _read_core(self, child: Element, element: Element) -> None:
        name = child.name
        if name == "body":
            text = child.text
            own = element.attributes.get(_LANG, "")
            lang = child.attributes.get(_LANG, own) if child.attributes else own
            if lang == own:
                lang = ""
            if lang not in self.bodies:
                self.bodies[lang] = text
                if self.body is None or lang == "":
                    self.body = text
        elif name == "subject":
            if self.subject is None:
                self.subject = child.text
        elif name == "thread":
            if self.thread is None:
                self.thread = child.text
        elif name == "error" and self.error is None:
            self.error = StanzaError.read(child)
        else:
            self.extensions.append(child)

    def _read_id(self, child: Element) -> None:
        id_ = child.attributes.get("id")
        if not id_:
            return
        if child.name == "origin-id":
            if self.origin_id is None:
                self.origin_id = id_
        elif child.name == "stanza-id":
            try:
                self.stanza_ids.append((id_, parse_jid(child.attributes.get("by", ""))))
            except ValueError:
                return

    def _read_delay(self, child: Element) -> None:
        if self.delay is not None:
            return
        from_ = child.attributes.get("from")
        try:
            self.delay = parse_datetime(child.attributes.get("stamp", ""))
            self.delay_from = parse_jid(from_) if from_ else None
        except ValueError:
            return

    def to_element(self) -> Element:
        """Return the message as an element."""
        element = self._start("message", None if self.type == "normal" else self.type)
        if self.subject is not None:
            element.add("subject", text=self.subject)
        bodies = {"": self.body} if self.body is not None else {}
        for lang, text in (bodies | self.bodies).items():
            body = element.add("body", text=text)
            if lang:
                body.attributes[_LANG] = lang
        if self.thread is not None:
            element.add("thread", text=self.thread)
        if self.origin_id is not None and self.child("origin-id", NS_SID) is None:
            element.add("origin-id", NS_SID, id=self.origin_id)
        return self._finish(element)

    def to_xml(self) -> str:
        """Return the message as text for a stream: that of :meth:`to_element`.

        Most have a body and little more. An element for each part, of which only the text is
        wanted, would cost three times as much.
        """
        other = self.bodies or self.subject is not None or self.thread is not None
        if other or not self.body or self.error is not None:
            return serialize(self.to_element(), NS_CLIENT)
        start = self._start("message", None if self.type == "normal" else self.type)
        parts = [f"<message{attributes_of(start)}>", text_of("body", self.body)]
        if self.origin_id is not None and self.child("origin-id", NS_SID) is None:
            parts.append(empty_of(_ORIGIN_ID, "id", self.origin_id))
        for extension in self.extensions:
            write_to(parts.append, extension, NS_CLIENT)
        parts.append("</message>")
        return clean("".join(parts))


@dataclass(slots=True, kw_only=True)
class Presence(Stanza):
    """A presence (RFC 6121, section 4)."""

    type: str = "available"
    #: "" (available), "away", "chat", "dnd" or "xa"; an unknown one is "".
    show: str = ""
    #: The first status text, whatever its language; "" if there is none.
    status: str = ""
    #: From -128 to 127; what isn't a number in that range is 0.
    priority: int = 0

    @classmethod
    def from_element(cls, element: Element) -> Presence:
        """Read a presence.

        :raises ValueError: if an address isn't one, or the type is none of the RFC's
        """
        get = element.attributes.get
        type_ = get("type", "available")
        if type_ not in PRESENCE_TYPES:
            raise ValueError(f"{type_[:40]!r} is no type of presence.")
        from_, to = get("from"), get("to")
        presence = cls(
            type=type_,
            id=get("id"),
            from_=parse_jid(from_) if from_ is not None else None,
            to=parse_jid(to) if to is not None else None,
            element=element,
        )
        for child in element.elements():
            if child.uri != NS_CLIENT:
                presence.extensions.append(child)
            elif child.name == "show":
                text = child.text.strip()
                presence.show = text if text in SHOWS else ""
            elif child.name == "status":
                presence.status = presence.status or child.text
            elif child.name == "priority":
                presence.priority = _priority(child.text)
            elif child.name == "error":
                presence.error = StanzaError.read(child)
        return presence

    def to_element(self) -> Element:
        """Return the presence as an element."""
        element = self._start("presence", None if self.type == "available" else self.type)
        if self.show:
            element.add("show", text=self.show)
        if self.status:
            element.add("status", text=self.status)
        if self.priority:
            element.add("priority", text=str(self.priority))
        return self._finish(element)


@dataclass(slots=True, kw_only=True)
class Iq(Stanza):
    """A request or its answer (RFC 6120, section 8.2.3). Its payload is its first extension."""

    @classmethod
    def from_element(cls, element: Element) -> Iq:
        """Read a request or an answer.

        :raises ValueError: if an address isn't one, or type or id is missing or unknown
        """
        get = element.attributes.get
        type_, id_ = get("type", ""), get("id")
        if type_ not in IQ_TYPES:
            raise ValueError(f"{type_[:40]!r} is no type of request.")
        if not id_:
            raise ValueError("A request needs an id.")
        from_, to = get("from"), get("to")
        error = element.child("error", NS_CLIENT)
        return cls(
            type=type_,
            id=id_,
            from_=parse_jid(from_) if from_ is not None else None,
            to=parse_jid(to) if to is not None else None,
            extensions=[child for child in element.elements() if child is not error],
            error=StanzaError.read(error) if error is not None else None,
            element=element,
        )

    @property
    def payload(self) -> Element | None:
        """What is asked or answered, or None."""
        return self.extensions[0] if self.extensions else None

    def result(self, *payload: Element) -> Iq:
        """Return the answer to this request, with or without a payload."""
        return Iq(type="result", id=self.id, to=self.from_, extensions=list(payload))

    def refuse(self, error: StanzaError) -> Iq:
        """Return the refusal of this request."""
        return Iq(type="error", id=self.id, to=self.from_, error=error)

    def to_element(self) -> Element:
        """Return the request as an element."""
        return self._finish(self._start("iq", self.type))


def _priority(text: str) -> int:
    match = _PRIORITY.fullmatch(text.strip())
    value = int(match.group()) if match else 0
    return value if -128 <= value <= 127 else 0
