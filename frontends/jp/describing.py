"""``jp api describe``: what the daemon can be asked, for people and for other programs."""

import json

from sat.frontends.core.clean import clean, clean_line
from sat.frontends.core.commands.show import inner, objects, table, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sat.frontends.jp.context import Context

Record = dict[str, object]


def describe(context: "Context", params: dict[str, object]) -> int:
    """Show the description of the bridge."""
    found = context.call("api.describe")
    described = found if isinstance(found, dict) else {}
    if params.get("_openrpc"):
        from sat.frontends.jp.openrpc import document

        context.record(document(described))
    elif context.json:
        context.record(described)
    else:
        context.line(text(described))
    return 0


def text(described: Record) -> str:
    """Write a description: methods by group, events, types, errors and levels."""
    blocks = [f"API {word(described, 'api')}"]
    group = ""
    for method in sorted(objects(described, "methods"), key=lambda one: word(one, "name")):
        name = word(method, "name")
        if name.partition(".")[0] != group:
            group = name.partition(".")[0]
            blocks.append(f"Methods: {group}")
        blocks.append("\n".join(_method(name, method)))
    blocks.append("Events")
    blocks += ["\n".join(_event(one)) for one in objects(described, "events")]
    blocks.append("Types")
    types = inner(described, "types")
    blocks += ["\n".join(_type(name, inner(types, name))) for name in sorted(types)]
    blocks.append("Errors")
    rows = [(f"  {word(one, 'root')}.*", _code(one)) for one in objects(described, "errors")]
    blocks.append(table([*rows, ("  all else", "exit code 1")]))
    levels = described.get("levels")
    if isinstance(levels, list):
        blocks.append(f"Levels, each with those before it: {', '.join(map(str, levels))}")
    return "\n\n".join(blocks)


def kind(
    schema: object,
    reference: "Callable[[str], str]" = str,
    literal: "Callable[[object], str]" = json.dumps,
) -> str:
    """Write a JSON Schema in words.

    :param reference: writes the name of a type
    :param literal: writes a value
    """
    if not isinstance(schema, dict):
        return "any value"
    target = schema.get("$ref")
    if isinstance(target, str):
        return reference(target.rpartition("/")[2])
    values, options = schema.get("enum"), schema.get("anyOf")
    if isinstance(values, list):
        return ", ".join(literal(one) for one in values)
    if isinstance(options, list):
        return " or ".join(kind(one, reference, literal) for one in options)
    if schema.get("type") == "array":
        items = schema.get("items")
        return f"list of {kind(items, reference, literal)}" if items else "list"
    inside = schema.get("additionalProperties")
    if isinstance(inside, dict):
        return f"object of {kind(inside, reference, literal)}"
    limits = {"minimum": "at least", "maximum": "at most"}
    told = "".join(f", {how} {schema[key]}" for key, how in limits.items() if key in schema)
    return str(schema.get("format") or schema.get("type") or "any value") + told


def _method(name: str, method: Record) -> "Iterator[str]":
    yield f"  {name}"
    yield _indented(method.get("doc"))
    rows = [
        (
            f"      {word(one, 'name')}",
            clean_line(kind(one.get("schema"))) + _default(one),
            word(one, "doc"),
        )
        for one in objects(method, "params")
    ]
    if method.get("per_profile"):
        rows.append(("      profile", "string", "the profile to use, where there are several"))
    if rows:
        yield table(rows)
    yield f"    Returns: {clean_line(kind(method.get('result')))}"
    yield f"    Level: {word(method, 'level')}"
    if method.get("cli"):
        yield f"    Command: jp {word(method, 'cli')}"
    raised = [(f"      {word(one, 'name')}", word(one, "doc")) for one in objects(method, "raises")]
    if raised:
        yield "    Fails with:"
        yield table(raised)


def _event(event: Record) -> "Iterator[str]":
    yield f"  {word(event, 'type')}"
    yield _indented(event.get("doc"))
    numbered = "volatile" if event.get("volatile") else "numbered"
    data = clean_line(kind(event.get("data")))
    yield f"    Data: {data}; scope: {word(event, 'scope')}; {numbered}"


def _type(name: str, schema: Record) -> "Iterator[str]":
    yield f"  {clean_line(name)}"
    if schema.get("description"):
        yield _indented(schema["description"])
    if "enum" in schema:
        yield f"    One of: {clean_line(kind(schema))}"
    fields, required = inner(schema, "properties"), schema.get("required")
    needed = required if isinstance(required, list) else []
    rows = []
    for field in fields:
        one = inner(fields, field)
        default = "" if field in needed else _default(one)
        rows.append((f"      {clean_line(field)}", clean_line(kind(one)) + default))
    if rows:
        yield table(rows)


def _default(one: Record) -> str:
    if one.get("required") is True or "default" not in one:
        return ""
    return " = " + clean_line(json.dumps(one["default"], ensure_ascii=False))


def _code(error: Record) -> str:
    return f"exit code {word(error, 'exit_code')}"


def _indented(value: object) -> str:
    lines = clean(str(value or "")).strip().splitlines()
    return "\n".join(f"    {line.strip()}".rstrip() for line in lines)
