"""What the daemon can be asked, as an OpenRPC document (spec.open-rpc.org, version 1.3).

It is made from the description alone. OpenRPC has no word for events: they are in ``x-events``.
"""

from sat.bridge.errors import RPC_CODE, RPC_CODES
from sat.frontends.core.commands.show import inner, objects

Record = dict[str, object]

_VERSION = "1.3.2"
_ABOUT = (
    "JSON-RPC 2.0, an object a line, over a Unix socket, ssh or TLS. `session.hello` comes first. "
    "Every method that changes something takes a `txn` besides, an id under which it is done once, "
    "however often it is sent. An error's `data.name` tells which one it is. What a session has to "
    "be allowed for a method is its `x-level`."
)
_PROFILE = {
    "name": "profile",
    "summary": "the profile to use: without it the default one, else the only one",
    "required": False,
    "schema": {"type": "string"},
}


def document(described: Record) -> Record:
    """Make an OpenRPC document of what ``api.describe`` returns."""
    return {
        "openrpc": _VERSION,
        "info": {
            "title": "Salut à Toi",
            "version": str(described.get("api", "")),
            "description": _ABOUT,
        },
        "methods": [_method(one) for one in objects(described, "methods")],
        "components": {"schemas": _moved(inner(described, "types"))},
        "x-events": _moved(described.get("events", [])),
        "x-errors": described.get("errors", []),
        "x-levels": described.get("levels", []),
    }


def _method(one: Record) -> Record:
    name = str(one.get("name", ""))
    params = [_parameter(each) for each in objects(one, "params")]
    if one.get("per_profile"):
        params.append(dict(_PROFILE))
    # Those that may be left out come last, for programs that give them by their place elsewhere.
    params.sort(key=lambda param: not param["required"])
    return {
        "name": name,
        "summary": str(one.get("summary", "")),
        "description": str(one.get("doc", "")),
        "tags": [{"name": name.partition(".")[0]}],
        "paramStructure": "by-name",
        "params": params,
        "result": {"name": "result", "schema": _moved(one.get("result", {}))},
        "errors": _errors(objects(one, "raises")),
        "x-level": str(one.get("level", "")),
    }


def _parameter(one: Record) -> Record:
    schema = _moved(one.get("schema", {}))
    required = bool(one.get("required"))
    if not required and isinstance(schema, dict):
        # What stands beside a reference is not looked at (JSON Schema, draft 7).
        schema = {"allOf": [schema]} if "$ref" in schema else schema
        schema = schema | {"default": one.get("default")}
    return {
        "name": str(one.get("name", "")),
        "summary": str(one.get("doc", "")),
        "required": required,
        "schema": schema,
    }


def _errors(raised: list[Record]) -> list[Record]:
    """Return one error for each code: more than one of a code must not be."""
    codes: dict[int, list[Record]] = {}
    for one in raised:
        code = RPC_CODES.get(str(one.get("name")), RPC_CODE)
        codes.setdefault(code, []).append(one)
    return [
        {
            "code": code,
            "message": ", ".join(str(one.get("name")) for one in found),
            "data": [{"name": one.get("name"), "doc": one.get("doc")} for one in found],
        }
        for code, found in codes.items()
    ]


def _moved(value: object) -> object:
    """Return schemas with their references to where OpenRPC has the types."""
    if isinstance(value, list):
        return [_moved(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "#/components/schemas/" + one.removeprefix("#/types/")
        if key == "$ref" and isinstance(one, str)
        else _moved(one)
        for key, one in value.items()
    }
