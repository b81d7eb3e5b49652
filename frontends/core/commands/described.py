"""Commands that the daemon describes: what the table doesn't hold, plugins' too.

``jp a b`` is the method ``a.b``: required parameters by their place, all by ``--name``.
"""

from sat.frontends.core.commands.grammar import Argument, Command, Option

_KINDS = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}


def commands_of(description: object) -> list[Command]:
    """Make a command of every method that ``api.describe`` tells of."""
    if not isinstance(description, dict):
        return []
    types = description.get("types")
    types = types if isinstance(types, dict) else {}
    methods = listed(description, "methods")
    return [command_of(one, types) for one in methods if isinstance(one, dict)]


def command_of(method: dict[str, object], types: dict[str, object]) -> Command:
    """Make a command of a method's description.

    :param types: the description's schemas, by name
    """
    arguments = []
    options = []
    waits = False
    for one in listed(method, "params"):
        assert isinstance(one, dict)
        name, text = str(one["name"]), str(one.get("doc", ""))
        if name == "timeout":
            waits = True
            continue
        kind, many, choices = _kind(one.get("schema"), types)
        required = bool(one.get("required"))
        flag = f"--{name.replace('_', '-')}"
        if required:
            arguments.append(
                Argument(name.upper(), name, text, many=many, kind=kind, choices=choices)
            )
        is_flag = kind == "boolean" and not required
        options.append(
            Option(
                flag,
                name,
                "" if is_flag else name.upper(),
                text,
                kind=kind,
                many=many,
                choices=choices,
                negatable=is_flag,
                hidden=required,
            )
        )
    name = str(method["name"])
    result = method.get("result")
    result = result if isinstance(result, dict) else {}
    return Command(
        str(method.get("cli") or name.replace(".", " ")),
        str(method.get("doc") or method.get("summary") or ""),
        arguments,
        options,
        method=name,
        acts=result.get("type") == "null",
        changes=method.get("level", "read") != "read",
        waits=waits,
        per_profile=bool(method.get("per_profile", True)),
        unit=str(result.get("unit", "")),
    )


def _kind(schema: object, types: dict[str, object]) -> tuple[str, bool, list[str]]:
    """Read off a JSON Schema how a value is typed, whether it repeats, and what it may be."""
    if not isinstance(schema, dict):
        return "json", False, []
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _kind(types.get(reference.rpartition("/")[2]), types)
    choices = schema.get("enum")
    if isinstance(choices, list) and all(isinstance(one, str) for one in choices):
        return "text", False, choices
    options = schema.get("anyOf")
    if isinstance(options, list):
        real = [one for one in options if one != {"type": "null"}]
        return _kind(real[0], types) if len(real) == 1 else ("json", False, [])
    if schema.get("type") == "array":
        kind, many, choices = _kind(schema.get("items"), types)
        return ("json", False, []) if many or kind == "json" else (kind, True, choices)
    return _KINDS.get(str(schema.get("type")), "json"), False, []


def listed(record: dict[str, object], key: str) -> list[object]:
    """Return a list that a description holds; an empty one if it holds none."""
    value = record.get(key)
    return value if isinstance(value, list) else []
