"""What an entity is and can do (XEP-0030), and the hash that stands for it (XEP-0115)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from sat.xmpp.element import NS_XML
from sat.xmpp.namespaces import NS_FORM
from sat.xmpp.stanza import JID, NS_DISCO_INFO, NS_DISCO_ITEMS, Element, parse_jid


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
    def from_element(cls, query: Element) -> DiscoInfo:
        """Read a ``<query/>``: see :func:`caps_hash` for what makes one unfit for hashing."""
        identities = tuple(
            Identity(
                child.get("category") or "",
                child.get("type") or "",
                child.get((NS_XML, "lang")) or query.get((NS_XML, "lang")) or "",
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

    def caps_hash(self, algorithm: str = "sha1") -> str:
        """Return the verification string (XEP-0115, section 5.1), in base64.

        :param algorithm: a name of hashlib's
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
        return b64encode(hashlib.new(algorithm, text.encode()).digest()).decode()


def verify_caps(query: Element, ver: str, algorithm: str = "sha1") -> bool:
    """Tell whether an answer is what its hash stands for (XEP-0115, section 5.4).

    An answer with a doubled identity, feature or form is never: it could have the hash of another.
    """
    identities = [
        (
            child.get("category"),
            child.get("type"),
            child.get((NS_XML, "lang")),
            child.get("name"),
        )
        for child in query.elements(NS_DISCO_INFO, "identity")
    ]
    features = [child.get("var") for child in query.elements(NS_DISCO_INFO, "feature")]
    info = DiscoInfo.from_element(query)
    forms = [form.form_type for form in info.forms]
    if any(len(set(listed)) != len(listed) for listed in (identities, features, forms)):
        return False
    if any("<" in part for part in (*info.features, *forms)):
        return False
    return info.caps_hash(algorithm) == ver


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
