"""What an entity is and can do (XEP-0030), and the hashes of that (XEP-0115, XEP-0390)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sat.xmpp.element import NS_XML
from sat.xmpp.namespaces import NS_FORM
from sat.xmpp.stanza import JID, NS_DISCO_INFO, NS_DISCO_ITEMS, Element, parse_jid

#: The hash functions that stand for a description, by their names (XEP-0115, XEP-0300).
_HASHES: dict[str, Callable[[bytes], bytes]] = {
    "sha-1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha-256": lambda data: hashlib.sha256(data).digest(),
    "sha-512": lambda data: hashlib.sha512(data).digest(),
    "sha3-256": lambda data: hashlib.sha3_256(data).digest(),
    "sha3-512": lambda data: hashlib.sha3_512(data).digest(),
    "blake2b-256": lambda data: hashlib.blake2b(data, digest_size=32).digest(),
    "blake2b-512": lambda data: hashlib.blake2b(data, digest_size=64).digest(),
}
ALGORITHMS = frozenset(_HASHES)


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What an entity is: a category and a type of the registrar's, a language and a name."""

    category: str
    type: str
    lang: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class InfoForm:
    """An extended description (XEP-0128): values by the name of their field."""

    form_type: str
    fields: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DiscoItem:
    """Something that an entity has, with an address and perhaps a node of its own."""

    jid: JID
    node: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class DiscoInfo:
    """What an entity says of itself."""

    identities: tuple[Identity, ...] = ()
    features: frozenset[str] = frozenset()
    forms: tuple[InfoForm, ...] = ()
    node: str = ""

    @classmethod
    def from_element(cls, query: Element, lang: str = "") -> DiscoInfo:
        """Read a ``<query/>``; what makes one unfit for hashing is :mod:`sat.xmpp.caps`'s.

        :param lang: the language of what it stands in
        """
        identities = tuple(
            Identity(
                child.get("category") or "",
                child.get("type") or "",
                child.get((NS_XML, "lang")) or query.get((NS_XML, "lang")) or lang,
                child.get("name") or "",
            )
            for child in query.elements(NS_DISCO_INFO, "identity")
        )
        features = frozenset(
            child.get("var") or "" for child in query.elements(NS_DISCO_INFO, "feature")
        )
        forms = (_read_form(child) for child in query.elements(NS_FORM, "x"))
        return cls(
            identities,
            features - {""},
            tuple(form for form in forms if form is not None),
            query.get("node") or "",
        )

    def to_element(self) -> Element:
        """Return the ``<query/>`` of an answer."""
        query = Element((NS_DISCO_INFO, "query"), {"node": self.node} if self.node else {})
        for identity in self.identities:
            child = query.add(
                "identity",
                category=identity.category,
                type=identity.type,
                name=identity.name or None,
            )
            if identity.lang:
                child[(NS_XML, "lang")] = identity.lang
        for feature in sorted(self.features):
            query.add("feature", var=feature)
        for form in self.forms:
            query.children.append(_write_form(form))
        return query

    def caps_hash(self, algorithm: str = "sha-1") -> str:
        """Return the verification string (XEP-0115, section 5.1), in base64.

        :param algorithm: one of :data:`ALGORITHMS`
        """
        parts = [
            f"{identity.category}/{identity.type}/{identity.lang}/{identity.name}"
            for identity in sorted(self.identities, key=_octets_of_identity)
        ]
        parts += sorted(self.features, key=_octets)
        for form in sorted(self.forms, key=lambda form: _octets(form.form_type)):
            parts.append(form.form_type)
            for name in sorted(form.fields, key=_octets):
                if name != "FORM_TYPE":
                    parts.append(name)
                    parts += sorted(form.fields[name], key=_octets)
        text = "".join(f"{part.replace('<', '&lt;')}<" for part in parts)
        return b64encode(_HASHES[algorithm](text.encode())).decode()

    def caps2_hash(self, algorithm: str = "sha-256") -> str:
        """Return the capability hash (XEP-0390, section 4.1), in base64.

        :param algorithm: one of :data:`ALGORITHMS`
        """
        features = _joined((_unit(feature) for feature in self.features), b"\x1c")
        identities = _joined(
            (
                b"".join(map(_unit, (one.category, one.type, one.lang, one.name))) + b"\x1e"
                for one in self.identities
            ),
            b"\x1c",
        )
        forms = _joined(map(_octets_of_form, self.forms), b"\x1c")
        return b64encode(_HASHES[algorithm](features + identities + forms)).decode()


def info_query(node: str = "") -> Element:
    """Return the payload that asks for an entity's description."""
    return Element((NS_DISCO_INFO, "query"), {"node": node} if node else {})


def items_query(node: str = "") -> Element:
    """Return the payload that asks for what an entity has."""
    return Element((NS_DISCO_ITEMS, "query"), {"node": node} if node else {})


def read_items(query: Element) -> list[DiscoItem]:
    """Read what an entity has; items without a proper address are left out."""
    items = []
    for child in query.elements(NS_DISCO_ITEMS, "item"):
        try:
            jid = parse_jid(child.get("jid") or "")
        except ValueError:
            continue
        items.append(DiscoItem(jid, child.get("node") or "", child.get("name") or ""))
    return items


def _octets(text: str) -> bytes:
    return text.encode()


def _unit(text: str) -> bytes:
    return text.encode() + b"\x1f"


def _joined(parts: Iterable[bytes], end: bytes) -> bytes:
    return b"".join(sorted(parts)) + end


def _octets_of_form(form: InfoForm) -> bytes:
    fields = {"FORM_TYPE": (form.form_type,), **form.fields}
    return _joined(
        (_unit(name) + _joined(map(_unit, values), b"\x1e") for name, values in fields.items()),
        b"\x1d",
    )


def _octets_of_identity(identity: Identity) -> tuple[bytes, ...]:
    return tuple(map(_octets, (identity.category, identity.type, identity.lang, identity.name)))


def _read_form(element: Element) -> InfoForm | None:
    """Read a form; one without a hidden FORM_TYPE counts for nothing (XEP-0115, section 5.4)."""
    form_type = ""
    fields: dict[str, tuple[str, ...]] = {}
    for field in element.elements(NS_FORM, "field"):
        values = tuple(value.text for value in field.elements(NS_FORM, "value"))
        name = field.get("var") or ""
        if name == "FORM_TYPE":
            if field.get("type") == "hidden" and values:
                form_type = values[0]
        elif name:
            fields[name] = values
    return InfoForm(form_type, fields) if form_type else None


def _write_form(form: InfoForm) -> Element:
    element = Element((NS_FORM, "x"), {"type": "result"})
    element.add("field", var="FORM_TYPE", type="hidden").add("value", text=form.form_type)
    for name, values in form.fields.items():
        field = element.add("field", var=name)
        for value in values:
            field.add("value", text=value)
    return element
