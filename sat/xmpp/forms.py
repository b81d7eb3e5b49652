"""Data forms (XEP-0004): read into what any frontend can show, and filled in."""

from __future__ import annotations

from typing import cast, get_args, get_type_hints

from sat.bridge.model import Field, Form
from sat.xmpp.element import Element
from sat.xmpp.namespaces import NS_FORM

_KINDS = frozenset(get_args(get_type_hints(Field)["kind"]))
#: A longer form is cut.
_MAX_FIELDS = 100


def read_form(x: Element) -> Form:
    """Read a form; a field of a kind that nobody knows is a line of text (section 3.3)."""
    return Form(
        title=_text(x, "title"),
        instructions="\n".join(child.text for child in x.elements(NS_FORM, "instructions")),
        fields=tuple(_field(one) for one in list(x.elements(NS_FORM, "field"))[:_MAX_FIELDS]),
    )


def submission(form: Form, values: dict[str, list[str]]) -> Element:
    """Return a form filled in: what isn't given is as the form has it.

    :param values: by the names of the form's fields
    """
    x = Element((NS_FORM, "x"), {"type": "submit"})
    for field in form.fields:
        chosen = values.get(field.name, list(field.value))
        if not field.name or field.kind == "fixed" or not chosen:
            continue
        element = x.add("field", var=field.name)
        for value in chosen:
            element.add("value", text=value)
    return x


def _field(element: Element) -> Field:
    kind = element.get("type") or "text-single"
    options = (_text(option, "value") for option in element.elements(NS_FORM, "option"))
    return Field(
        name=element.get("var") or "",
        kind=cast("object", kind if kind in _KINDS else "text-single"),  # type: ignore[arg-type]
        label=" ".join([element.get("label") or "", *(uri for uri in _addresses(element))]).strip(),
        value=tuple(child.text for child in element.elements(NS_FORM, "value")),
        options=tuple(options),
        required=element.child("required", NS_FORM) is not None,
    )


def _addresses(element: Element) -> list[str]:
    """Return where a picture to look at is (XEP-0221)."""
    media = element.child("media", "urn:xmpp:media-element")
    uris = media.elements(name="uri") if media is not None else ()
    return [uri.text.strip() for uri in uris if uri.text.strip().startswith("https://")][:3]


def _text(element: Element, name: str) -> str:
    child = element.child(name, NS_FORM)
    return child.text if child is not None else ""
