"""Forms on a terminal: their fields are asked for one by one."""

import sys

from sat.bridge.errors import CommandError
from sat.frontends.core.clean import clean
from sat.frontends.core.commands.forms import (
    KINDS,
    Record,
    Values,
    checked,
    fixed_lines,
    head_lines,
    kind_of,
    options_of,
    shown_value,
    values_of,
    wrong_answer,
)
from sat.frontends.core.commands.show import inner, objects, table, word
from sat.frontends.jp.context import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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
    say("\n".join([word(question, "sentence"), *head_lines(form, "")]))
    answered: Values = {}
    try:
        for field in objects(form, "fields"):
            kind = kind_of(field)
            if kind == "fixed":
                say("\n".join(fixed_lines(field)))
            elif kind != "hidden" and field.get("name"):
                given = _ask_field(field, read_secret if kind == "text-private" else read, say)
                if given is not None:
                    answered[str(field.get("name"))] = given
    except EOFError:
        say("")
        raise wrong_answer("The input ended: nothing was answered.") from None
    return answered


def _ask_field(
    field: Record, read: "Callable[[str], str]", say: "Callable[[str], None]"
) -> list[str] | None:
    """Ask until the answer can be taken; None leaves the field as it is."""
    kind, options = kind_of(field), options_of(field)
    label = word(field, "label") or word(field, "name")
    rows = [(f"  {number}", clean(one)) for number, one in enumerate(options, 1)]
    if rows:
        say(table(rows))
    hint = "; ".join(filter(None, (_hint(kind, options), f"now {shown_value(field) or 'none'}")))
    several = kind in ("text-multi", "jid-multi")
    while True:
        lines: list[str] = []
        while line := read(f"{label} ({hint}): " if not lines else "… ").rstrip("\r\n"):
            lines.append(line)
            if not several:
                break
        if not lines:
            if field.get("required") and not values_of(field):
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
        return f"{KINDS[kind]}, an empty one ends them"
    return KINDS.get(kind, "")


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
