"""Entity capabilities: what a presence says of its sender's features, and whether it is true.

A presence carries a hash, and the description that it stands for is asked once, from anyone who
shows it (XEP-0115, XEP-0390). Only a description that was verified may count for all of them:
anyone can show a hash and answer with something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sat.xmpp.disco import ALGORITHMS, DiscoInfo
from sat.xmpp.element import NS_XML
from sat.xmpp.namespaces import NS_FORM
from sat.xmpp.stanza import NS_DISCO_INFO, Element

NS_CAPS = "http://jabber.org/protocol/caps"
NS_CAPS2 = "urn:xmpp:caps"
NS_HASHES = "urn:xmpp:hashes:2"
#: What XEP-0390 forbids as too weak, XEP-0115 is made of.
_STRONG = ("sha3-512", "blake2b-512", "sha-512", "sha3-256", "blake2b-256", "sha-256")
#: A longer value is no hash, and a longer node nothing that a program sends.
_MAX_VALUE = 128
_MAX_NODE = 512
_LANGUAGE = re.compile("(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)?")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a presence claims: the hash of a description, which is to be had under ``node``."""

    protocol: str
    algorithm: str
    value: str
    node: str

    @property
    def verifiable(self) -> bool:
        """Whether the hash is one that can be computed here."""
        return self.algorithm in (ALGORITHMS if self.protocol == NS_CAPS else _STRONG)

    @property
    def key(self) -> str:
        """Names the description, whichever program it is of."""
        return f"{self.protocol} {self.algorithm} {self.value}"


def read_claim(extensions: Iterable[Element]) -> Claim | None:
    """Read what a presence claims; of several hashes the strongest, of both protocols the newer."""
    older = newer = None
    for element in extensions:
        if element.name != "c":
            continue
        if element.uri == NS_CAPS and older is None:
            older = _read_older(element)
        elif element.uri == NS_CAPS2 and newer is None:
            newer = _read_newer(element)
    return newer or older


def _read_older(element: Element) -> Claim | None:
    node, value = element.get("node") or "", element.get("ver") or ""
    if not node or not value or len(node) > _MAX_NODE or len(value) > _MAX_VALUE:
        return None
    # Without an algorithm it is the format of before 2007, which holds no hash.
    return Claim(NS_CAPS, (element.get("hash") or "")[:_MAX_VALUE], value, f"{node}#{value}")


def _read_newer(element: Element) -> Claim | None:
    found = {one.get("algo") or "": one.text.strip() for one in element.elements(NS_HASHES, "hash")}
    for algorithm in _STRONG:
        value = found.get(algorithm, "")
        if value and len(value) <= _MAX_VALUE:
            return Claim(NS_CAPS2, algorithm, value, hash_node(algorithm, value))
    return None


def hash_node(algorithm: str, value: str) -> str:
    """Return the node under which a hash's description is asked for (XEP-0390, section 4.3)."""
    return f"{NS_CAPS2}#{algorithm}.{value}"


def verify(query: Element, claim: Claim, lang: str = "") -> DiscoInfo | None:
    """Return the description in an answer if it is what a hash stands for, else None.

    An answer that another one could be disguised as is never (XEP-0115, section 5.4; XEP-0390,
    section 4.1).

    :param lang: of the answer's stanza; who made the hash may have counted it or not
    """
    if not claim.verifiable:
        return None
    for inherited in dict.fromkeys((lang, "")):
        info = DiscoInfo.from_element(query, inherited)
        if claim.protocol == NS_CAPS2:
            fits = _is_plain(query, info) and info.caps2_hash(claim.algorithm) == claim.value
        else:
            fits = _is_unambiguous(query, info) and info.caps_hash(claim.algorithm) == claim.value
        if fits:
            return info
    return None


def _is_plain(query: Element, info: DiscoInfo) -> bool:
    """Tell whether a description holds nothing but what its hash covers, and nothing twice."""
    known = {(NS_DISCO_INFO, "identity"), (NS_DISCO_INFO, "feature"), (NS_FORM, "x")}
    forms = list(query.elements(NS_FORM, "x"))
    return (
        all((child.uri, child.name) in known for child in query.elements())
        and len(info.forms) == len(forms)
        and all(_is_plain_form(form) for form in forms)
        and not _repeats(query, info)
    )


def _is_plain_form(form: Element) -> bool:
    return all(child.name == "field" and child.get("var") for child in form.elements())


def _is_unambiguous(query: Element, info: DiscoInfo) -> bool:
    """Tell whether a description can't be that of another one with its parts called otherwise.

    The hash of XEP-0115 doesn't tell a feature from an identity or from what stands in a form:
    a feature could be hidden by calling it a form's. So what looks like one is refused there.
    """
    return (
        bool(info.identities)
        and all(_is_identity(one.category, one.type, one.lang) for one in info.identities)
        and all("<" not in feature for feature in info.features)
        and all(
            "<" not in form.form_type and form.fields and not any(map(_is_odd, form.fields.items()))
            for form in info.forms
        )
        and not _repeats(query, info)
    )


def _is_identity(category: str, type_: str, lang: str) -> bool:
    named = all(text and not set(text) & set("/:<") for text in (category, type_))
    return named and _LANGUAGE.fullmatch(lang) is not None


def _is_odd(field: tuple[str, tuple[str, ...]]) -> bool:
    name, values = field
    return not values or bool(set(name) & set(":/<"))


def _repeats(query: Element, info: DiscoInfo) -> bool:
    features = [child.get("var") for child in query.elements(NS_DISCO_INFO, "feature")]
    types = [form.form_type for form in info.forms]
    if any(len(set(one)) != len(one) for one in (info.identities, features, types)):
        return True
    return any(_form_repeats(form) for form in query.elements(NS_FORM, "x"))


def _form_repeats(form: Element) -> bool:
    fields = list(form.elements(NS_FORM, "field"))
    names = [field.get("var") for field in fields]
    types = [
        value
        for field in fields
        if field.get("var") == "FORM_TYPE"
        for value in field.elements(NS_FORM, "value")
    ]
    return len(set(names)) != len(names) or len(types) > 1


def inherited_lang(element: Element | None) -> str:
    """Return the language that a stanza says it is in; "" if it says none."""
    return (element.get((NS_XML, "lang")) or "") if element is not None else ""
