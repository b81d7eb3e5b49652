"""Commands that the daemon describes: every method that the table doesn't hold, plugins' too.

``jp a b`` is the method ``a.b``: required parameters by their place, all by ``--name``.
"""

import os

from sat.bridge.errors import CommandError
from sat.frontends.core.daemon import connect
from sat.frontends.jp import help as help_module
from sat.frontends.jp.context import CLIENT, TIMEOUT
from sat.frontends.jp.grammar import Argument, Command, Option, suggestion
from sat.frontends.jp.table import GROUPS

_KINDS = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}


def find(
    words: list[str], tokens: list[str], settings: dict[str, object]
) -> tuple[Command, list[str]]:
    """Find the command that the daemon has for these words, and what is left to read for it.

    :raises CommandError: ``usage.command`` if it has none; ``daemon.missing``
    """
    description = _describe(words, settings)
    methods = [one for one in _list(description, "methods") if isinstance(one, dict)]
    types = description.get("types")
    types = types if isinstance(types, dict) else {}
    for count in (2, 1):
        spoken = " ".join(words[:count])
        for method in methods:
            name = str(method.get("name"))
            if spoken in (method.get("cli"), name, name.replace(".", " ")):
                return command_of(method, types), words[count:] + tokens
    if words[0] not in GROUPS:
        known = [str(one.get("cli") or one.get("name")).split(".")[0] for one in methods]
        raise CommandError(
            "usage.command",
            f"There is no command “{words[0]}”.{suggestion(words[0], sorted({*GROUPS, *known}))} "
            "If a plugin has it, “jp plugin list” tells why it isn't there. See “jp --help”.",
        )
    raise _no_command(words)


def commands_of(description: object) -> list[Command]:
    """Make a command of every method that ``api.describe`` tells of."""
    if not isinstance(description, dict):
        return []
    types = description.get("types")
    types = types if isinstance(types, dict) else {}
    methods = _list(description, "methods")
    return [command_of(one, types) for one in methods if isinstance(one, dict)]


def command_of(method: dict[str, object], types: dict[str, object]) -> Command:
    """Make a command of a method's description.

    :param types: the description's schemas, by name
    """
    arguments = []
    options = []
    waits = False
    for one in _list(method, "params"):
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
    return Command(
        str(method.get("cli") or name.replace(".", " ")),
        str(method.get("doc") or method.get("summary") or ""),
        arguments,
        options,
        method=name,
        acts=isinstance(result, dict) and result.get("type") == "null",
        waits=waits,
        per_profile=bool(method.get("per_profile", True)),
    )


def _describe(words: list[str], settings: dict[str, object]) -> dict[str, object]:
    """Ask the daemon; where the words look like a slip of the pen, don't start one for that."""
    timeout = settings.get("timeout")
    limit = timeout if isinstance(timeout, float) else TIMEOUT
    remote = settings.get("remote")
    remote = remote if isinstance(remote, str) else None
    if not (remote or os.environ.get("SAT_REMOTE")) and (
        words[0] in GROUPS or suggestion(words[0], GROUPS)
    ):
        from sat.bridge import blocking

        try:
            client = blocking.connect(name=CLIENT, timeout=limit)
        except CommandError as error:
            if error.name != "daemon.missing":
                raise
            raise _no_command(words) from None
    else:
        client = connect(CLIENT, limit, remote)
    with client:
        found = client.call("api.describe")
    return found if isinstance(found, dict) else {}


def _no_command(words: list[str]) -> CommandError:
    try:
        help_module.answer(words, asked=False)
    except CommandError as error:
        return error
    return CommandError("usage.command", f"There is no command “{' '.join(words)}”.")


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


def _list(record: dict[str, object], key: str) -> list[object]:
    value = record.get(key)
    return value if isinstance(value, list) else []
