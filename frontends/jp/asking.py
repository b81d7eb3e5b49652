"""Commands that put a call together from more than one word: answers to questions, any method."""

import json
import sys

from sat.bridge.errors import CommandError
from sat.frontends.core.commands.forms import is_to_be_asked, read_words, secret_names
from sat.frontends.core.commands.show import inner
from sat.frontends.jp import forms
from sat.frontends.jp.account import password_of, secret_in
from sat.frontends.jp.context import Context, pairs, read_stdin, text_of


def answer(context: Context, params: dict[str, object]) -> int:
    """Answer a question with the fields of its form; on a terminal they are asked for."""
    question = _question(context, str(params["id"]))
    form = inner(question, "form")
    words, files = params.pop("_pairs", []), params.pop("_secrets", [])
    assert isinstance(words, list)
    assert isinstance(files, list)
    values = read_words(form, words)
    values |= _secrets(form, password_of(params), pairs(files))
    if not values and not words and is_to_be_asked(form) and _somebody_is_there(context):
        from getpass import getpass

        values = forms.ask(question, forms.terminal_line, getpass, forms.terminal_text)
    result = context.call("question.answer", **params, values=values)
    if context.json:
        context.result(result)
    return 0


def _question(context: Context, id_: str) -> dict[str, object]:
    """Return the question that is meant: its form tells how words are to be read."""
    found = context.client.call("question.list", **_whose(context))
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and one.get("id") == id_:
            return one
    raise CommandError(
        "unknown.question",
        f"The question {id_} is answered, or there is none: see “jp question list”.",
    )


def _whose(context: Context) -> dict[str, object]:
    return {} if context.profile is None else {"profile": context.profile}


def _secrets(
    form: dict[str, object], password: str | None, files: list[tuple[str, str]]
) -> dict[str, list[str]]:
    """Return the values of the fields that nobody may look at."""
    names = secret_names(form)
    values = {}
    for name, path in files:
        if name not in names:
            raise CommandError("usage.answer", f"The question has no secret field “{name}”.")
        values[name] = [secret_in(path)]
    if password is None:
        return values
    if len(names) != 1:
        why = "asks for no secret" if not names else f"asks for several: {', '.join(names)}"
        hint = "" if not names else "; give each with --secret FIELD=FILE"
        raise CommandError("usage.answer", f"The question {why}{hint}.")
    return {names[0]: [password]} | values


def _somebody_is_there(context: Context) -> bool:
    streams = (sys.stdin, sys.stderr)
    return not context.json and all(one is not None and one.isatty() for one in streams)


def call(context: Context, params: dict[str, object]) -> int:
    """Call any method; the result is printed as JSON whether that was asked for or not."""
    text = params.pop("_json", "{}")
    if text == "-":
        text = text_of(read_stdin("The parameters"), "Standard input")
    try:
        given = json.loads(str(text))
    except (ValueError, RecursionError) as error:
        raise CommandError("usage.json", f"The parameters are not JSON: {error}.") from None
    if not isinstance(given, dict):
        raise CommandError("usage.json", 'The parameters are an object, as in {"name": "alice"}.')
    # What the call says itself comes before what the options say.
    result = context.client.call(str(params.pop("_method")), **(context.complete({}) | given))
    context.json = True
    context.result(result)
    return 0
