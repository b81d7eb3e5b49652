"""Forms, whoever asks with them: shown as text, filled in by FIELD=VALUE or on a terminal.

The kinds of fields are those of XEP-0004, section 3.3. Every label, option and value may come from
the network, and is cleaned before it is shown.
"""

import sys

from sat.bridge.errors import CommandError
from sat.frontends.core.clean import clean
from sat.frontends.jp.context import text_of
from sat.frontends.jp.show import inner, objects, table, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Record = dict[str, object]
Values = dict[str, list[str]]

_YES = ("yes", "true", "1", "y")
_NO = ("no", "false", "0", "n")
_DOTS = "••••"
_KINDS = {
    "boolean": "yes or no",
    "jid-multi": "addresses",
    "jid-single": "an address",
    "text-multi": "lines",
    "text-private": "secret",
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
    lines: list[str | None] = [*_head(form)]
    rows = []
    for field in objects(form, "fields"):
        kind = kind_of(field)
        if kind == "fixed":
            lines += [f"    {line}" for line in _fixed(field)]
        elif kind != "hidden" and word(field, "name"):
            required = "required" if field.get("required") else ""
            told = "; ".join(filter(None, (_may_be(field), required)))
            value = f"    {word(field, 'name')}={_shown(field)}"
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
            raise CommandError("usage.arguments", f"“{text}” is not of the form FIELD=VALUE.")
        if name not in fields:
            raise _wrong(f"The question has no field “{name}”{_instead(fields)}")
        if kind_of(fields[name]) == "text-private":
            raise CommandError(
                "usage.password",
                f"{name} is a secret, which every process could read on the command line: give it "
                f"with --password-file or --password-stdin, or as --secret {name}=FILE.",
            )
        given.setdefault(name, []).append(text[len(name) + 1 :])
    return {name: checked(fields[name], values) for name, values in given.items()}


def checked(field: Record, given: "Sequence[str]") -> list[str]:
    """Return a field's values as the daemon takes them.

    :raises CommandError: ``usage.answer`` if they can't be, saying why
    """
    name, kind = word(field, "name"), kind_of(field)
    values = [one for one in given if one]
    if kind in ("fixed", "hidden"):
        raise _wrong(f"{name} can't be changed: leave it out.")
    if kind == "text-multi":
        return [line for one in values for line in one.split("\n")]
    if len(values) > 1 and not kind.endswith("-multi"):
        raise _wrong(f"{name} takes one value, not {len(values)}.")
    if kind == "boolean":
        return [_boolean(name, one) for one in values]
    options = _options(field)
    for one in values:
        if options and one not in options:
            allowed = clean(", ".join(options))
            raise _wrong(f"{name} is {_how_many(kind)}{allowed}; not “{one}”.")
    return values


def ask(
    question: Record,
    read: "Callable[[str], str]",
    read_secret: "Callable[[str], str]",
    say: "Callable[[str], None]",
) -> Values:
    """Ask for the fields of a form one by one; an empty line takes what it proposes.

    :param read: shows a prompt and returns a line; raises EOFError at the end of input
    :param read_secret: the same, with nothing to be seen
    :raises CommandError: ``usage.answer`` if the input ends: that is never an answer
    """
    form = inner(question, "form")
    say("\n".join([word(question, "sentence"), *_head(form, "")]))
    answered: Values = {}
    try:
        for field in objects(form, "fields"):
            kind = kind_of(field)
            if kind == "fixed":
                say("\n".join(_fixed(field)))
            elif kind != "hidden" and field.get("name"):
                given = _ask_field(field, read_secret if kind == "text-private" else read, say)
                if given is not None:
                    answered[str(field.get("name"))] = given
    except EOFError:
        say("")
        raise _wrong("The input ended: nothing was answered.") from None
    return answered


def _ask_field(
    field: Record, read: "Callable[[str], str]", say: "Callable[[str], None]"
) -> list[str] | None:
    """Ask until the answer can be taken; None leaves the field as it is."""
    kind, options = kind_of(field), _options(field)
    label = word(field, "label") or word(field, "name")
    rows = [(f"  {number}", clean(one)) for number, one in enumerate(options, 1)]
    if rows:
        say(table(rows))
    hint = "; ".join(filter(None, (_hint(kind, options), f"now {_shown(field) or 'none'}")))
    several = kind in ("text-multi", "jid-multi")
    while True:
        lines: list[str] = []
        while line := read(f"{label} ({hint}): " if not lines else "… ").rstrip("\r\n"):
            lines.append(line)
            if not several:
                break
        if not lines:
            if field.get("required") and not _values(field):
                say(f"{label}: an answer is needed.")
                continue
            return None
        try:
            return checked(field, _chosen(kind, options, lines))
        except CommandError as error:
            say(error.sentence)


def _chosen(kind: str, options: "Sequence[str]", lines: list[str]) -> list[str]:
    """Return the options that a line names, by their numbers or themselves."""
    if not options or lines[0] in options:
        return lines
    parts = [one.strip() for one in lines[0].split(",")] if kind == "list-multi" else lines
    return [
        options[int(one) - 1]
        if one not in options and one.isdecimal() and 0 < int(one) <= len(options)
        else one
        for one in parts
    ]


def _hint(kind: str, options: "Sequence[str]") -> str:
    if options:
        return "numbers, with commas" if kind == "list-multi" else "a number"
    if kind in ("text-multi", "jid-multi"):
        return f"{_KINDS[kind]}, an empty one ends them"
    return _KINDS.get(kind, "")


def _head(form: Record, indent: str = "    ") -> list[str]:
    instructions = clean(str(form.get("instructions") or "")).splitlines()
    return [f"{indent}{one}".rstrip() for one in (word(form, "title"), *instructions) if one]


def _fixed(field: Record) -> list[str]:
    lines = [clean(one).replace("\n", " ") for one in _values(field)]
    label = word(field, "label")
    return [f"{label}: {' '.join(lines)}"] if label else lines


def _may_be(field: Record) -> str:
    kind, options = kind_of(field), _options(field)
    if options:
        return _how_many(kind) + clean(", ".join(options)).replace("\n", " ")
    return _KINDS.get(kind, "")


def _how_many(kind: str) -> str:
    return "any of " if kind == "list-multi" else "one of "


def _shown(field: Record) -> str:
    """Return what a form proposes for a field."""
    values = _values(field)
    if kind_of(field) == "text-private":
        return _DOTS if values else ""
    if kind_of(field) == "boolean":
        values = ["yes" if one in _YES else "no" for one in values]
    return clean(", ".join(values)).replace("\n", " ")


def _values(field: Record) -> list[str]:
    value = field.get("value")
    return [str(one) for one in value] if isinstance(value, list) else []


def _options(field: Record) -> list[str]:
    options = field.get("options")
    return [str(one) for one in options] if isinstance(options, list) else []


def _boolean(name: str, text: str) -> str:
    if text.lower() in (*_YES, *_NO):
        return "true" if text.lower() in _YES else "false"
    raise _wrong(f"{name} is yes or no, not “{text}”.")


def _instead(fields: dict[str, Record]) -> str:
    names = [name for name, one in fields.items() if kind_of(one) not in ("fixed", "hidden")]
    return f"; it has: {clean(', '.join(names))}." if names else ": it has none to fill in."


def _wrong(sentence: str) -> CommandError:
    return CommandError("usage.answer", sentence)


def terminal_text(text: str) -> None:
    """Say something on the terminal, beside what is printed."""
    print(text, file=sys.stderr)


def terminal_line(prompt: str) -> str:
    """Ask for a line on the terminal.

    :raises EOFError: at the end of input
    """
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.buffer.readline()
    if not line:
        raise EOFError
    return text_of(line, "The answer")
