"""Forms, whoever asks with them: shown as text, and filled in by FIELD=VALUE.

The kinds of fields are those of XEP-0004, section 3.3. Every label, option and value may come from
the network, and is cleaned before it is shown.
"""

from sat.bridge.errors import CommandError
from sat.frontends.core.clean import clean
from sat.frontends.core.commands.show import inner, objects, table, word
from sat.frontends.core.texts import _, mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

Record = dict[str, object]
Values = dict[str, list[str]]

_YES = ("yes", "true", "1", "y")
_NO = ("no", "false", "0", "n")
_DOTS = "••••"
KINDS = {
    "boolean": mark("yes or no"),
    "jid-multi": mark("addresses"),
    "jid-single": mark("an address"),
    "text-multi": mark("lines"),
    "text-private": mark("secret"),
}


def questions(found: "Sequence[Record]") -> str:
    """Write what waits for a decision, with its form."""
    blocks = []
    for one in found:
        block = f"{word(one, 'id')}  {word(one, 'profile')}: {word(one, 'sentence')}"
        told = form_text(inner(one, "form"))
        blocks.append(f"{block}\n{told}" if told else block)
    return "\n".join(blocks)


def form_text(form: Record) -> str:
    """Write a form: its instructions, and FIELD=VALUE for each field with what it may be."""
    lines: list[str | None] = [*head_lines(form)]
    rows = []
    for field in objects(form, "fields"):
        kind = kind_of(field)
        if kind == "fixed":
            lines += [f"    {line}" for line in fixed_lines(field)]
        elif kind != "hidden" and word(field, "name"):
            required = _("required") if field.get("required") else ""
            told = "; ".join(filter(None, (_may_be(field), required)))
            value = f"    {word(field, 'name')}={shown_value(field)}"
            rows.append((value, f"({told})" if told else "", word(field, "label")))
            lines.append(None)
    aligned = iter(table(rows).splitlines())
    return "\n".join(next(aligned) if line is None else line for line in lines)


def is_to_be_asked(form: Record) -> bool:
    """Tell whether there is anything to fill in."""
    return any(kind_of(one) not in ("fixed", "hidden") for one in objects(form, "fields"))


def kind_of(field: Record) -> str:
    """Return what a field is; one that nobody knows is a line of text."""
    return word(field, "kind") or "text-single"


def secret_names(form: Record) -> list[str]:
    """Return the names of a form's fields that nobody may look at."""
    fields = objects(form, "fields")
    return [str(one.get("name")) for one in fields if kind_of(one) == "text-private"]


def read_words(form: Record, words: "Sequence[str]") -> Values:
    """Read FIELD=VALUE words; a field that takes several values is given several times.

    ``FIELD=`` takes away what the form proposes. What isn't given is as the form has it.

    :raises CommandError: ``usage.answer``, ``usage.arguments``, ``usage.password``
    """
    fields = {str(one.get("name")): one for one in objects(form, "fields") if one.get("name")}
    given: Values = {}
    for text in words:
        # A name may hold the sign itself.
        names = [name for name in fields if text.startswith(f"{name}=")]
        name = max(names, key=len, default=text.partition("=")[0])
        if not name or "=" not in text:
            told = _("“{word}” is not of the form FIELD=VALUE.").format(word=text)
            raise CommandError("usage.arguments", told)
        if name not in fields:
            raise _unknown(name, fields)
        if kind_of(fields[name]) == "text-private":
            told = _(
                "{name} is a secret, which every process could read on the command line: give it "
                "with --password-file or --password-stdin, or as --secret {name}=FILE."
            )
            raise CommandError("usage.password", told.format(name=name))
        given.setdefault(name, []).append(text[len(name) + 1 :])
    return {name: checked(fields[name], values) for name, values in given.items()}


def checked(field: Record, given: "Sequence[str]") -> list[str]:
    """Return a field's values as the daemon takes them.

    :raises CommandError: ``usage.answer`` if they can't be, saying why
    """
    name, kind = word(field, "name"), kind_of(field)
    values = [one for one in given if one]
    if kind in ("fixed", "hidden"):
        raise wrong_answer(_("{name} can't be changed: leave it out.").format(name=name))
    if kind == "text-multi":
        return [line for one in values for line in one.split("\n")]
    if len(values) > 1 and not kind.endswith("-multi"):
        told = _("{name} takes one value, not {number}.")
        raise wrong_answer(told.format(name=name, number=len(values)))
    if kind == "boolean":
        return [_boolean(name, one) for one in values]
    options = options_of(field)
    for one in values:
        if options and one not in options:
            allowed = _how_many(kind).format(choices=clean(", ".join(options)))
            told = _("{name} is {allowed}; not “{value}”.")
            raise wrong_answer(told.format(name=name, allowed=allowed, value=one))
    return values


def head_lines(form: Record, indent: str = "    ") -> list[str]:
    """Return what stands above the fields: the title and the instructions."""
    instructions = clean(str(form.get("instructions") or "")).splitlines()
    return [f"{indent}{one}".rstrip() for one in (word(form, "title"), *instructions) if one]


def fixed_lines(field: Record) -> list[str]:
    """Return a field that only says something."""
    lines = [clean(one).replace("\n", " ") for one in values_of(field)]
    label = word(field, "label")
    return [f"{label}: {' '.join(lines)}"] if label else lines


def _may_be(field: Record) -> str:
    kind, options = kind_of(field), options_of(field)
    if options:
        return _how_many(kind).format(choices=clean(", ".join(options)).replace("\n", " "))
    return _(KINDS.get(kind, ""))


def _how_many(kind: str) -> str:
    return _("any of {choices}") if kind == "list-multi" else _("one of {choices}")


def shown_value(field: Record) -> str:
    """Return what a form proposes for a field."""
    values = values_of(field)
    if kind_of(field) == "text-private":
        return _DOTS if values else ""
    if kind_of(field) == "boolean":
        values = [_("yes") if one in _YES else _("no") for one in values]
    return clean(", ".join(values)).replace("\n", " ")


def values_of(field: Record) -> list[str]:
    """Return what a form proposes for a field, as it is."""
    value = field.get("value")
    return [str(one) for one in value] if isinstance(value, list) else []


def options_of(field: Record) -> list[str]:
    """Return what a field may be, where it is not free."""
    options = field.get("options")
    return [str(one) for one in options] if isinstance(options, list) else []


def _boolean(name: str, text: str) -> str:
    said = text.lower()
    if said in (*_YES, _("yes")):
        return "true"
    if said in (*_NO, _("no")):
        return "false"
    raise wrong_answer(_("{name} is yes or no, not “{value}”.").format(name=name, value=text))


def _unknown(name: str, fields: dict[str, Record]) -> CommandError:
    names = [name for name, one in fields.items() if kind_of(one) not in ("fixed", "hidden")]
    if not names:
        told = _("The question has no field “{name}”: it has none to fill in.")
        return wrong_answer(told.format(name=name))
    told = _("The question has no field “{name}”; it has: {names}.")
    return wrong_answer(told.format(name=name, names=clean(", ".join(names))))


def wrong_answer(sentence: str) -> CommandError:
    """Return a refusal of an answer."""
    return CommandError("usage.answer", sentence)
