"""Commands that put a call together from more than one word: answers to questions, any method."""

import json

from sat.bridge.errors import CommandError
from sat.frontends.jp.account import password_of
from sat.frontends.jp.context import Context, pairs, read_stdin, text_of


def answer(context: Context, params: dict[str, object]) -> int:
    """Answer a question with the fields of its form."""
    words = params.pop("_pairs")
    assert isinstance(words, list)
    values: dict[str, list[str]] = {}
    for name, value in pairs(words):
        if name == "password":
            raise CommandError(
                "usage.password",
                "A password on the command line could be read by every process: give it with "
                "--password-file or --password-stdin.",
            )
        values.setdefault(name, []).append(value)
    password = password_of(params)
    if password is not None:
        values["password"] = [password]
    result = context.call("question.answer", **params, values=values)
    if context.json:
        context.result(result)
    return 0


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
