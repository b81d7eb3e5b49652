"""Commands that need a look at something before they ask: questions, settings, any method."""

import json

from sat.bridge.errors import CommandError
from sat.frontends.jp.context import Context, pairs, read_stdin, text_of


def answer(context: Context, params: dict[str, object]) -> int:
    """Answer a question with the fields of its form."""
    words = params.pop("_pairs")
    assert isinstance(words, list)
    values: dict[str, list[str]] = {}
    for name, value in pairs(words):
        values.setdefault(name, []).append(value)
    result = context.call("question.answer", **params, values=values)
    if context.json:
        context.result(result)
    return 0


def set_option(context: Context, params: dict[str, object]) -> int:
    """Change a setting: what kind of value it takes, the daemon knows."""
    option = context.client.call("option.get", name=params["name"])
    kind = option.get("kind") if isinstance(option, dict) else "text"
    value = str(params["value"])
    result = context.call("option.set", name=params["name"], value=_value(value, kind, params))
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


def _value(text: str, kind: object, params: dict[str, object]) -> object:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    try:
        if kind == "boolean":
            return words[text.lower()]
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    except (KeyError, ValueError):
        wanted = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}
        raise CommandError(
            "usage.option", f"{params['name']} is {wanted[str(kind)]}, not “{text}”."
        ) from None
    return text
