"""What a description of the bridge takes away from an earlier one.

Within a major version that has to be nothing.

What programs send has to be taken as before: a parameter may take more, never less. What they
are sent has to be readable as before: a result may hold more fields, never fewer, nor others. New
values of an enumeration are an addition: programs show what they don't know as it is.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Types = dict[str, Schema]

#: What is explained to people, and not promised to programs.
_WORDS = ("doc", "summary", "description", "title")
#: Bounds of a value: by these a schema takes less.
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_EXACT = ("format", "pattern", "contentEncoding", "uniqueItems", "const")


def complaints(released: dict[str, Any], present: dict[str, Any]) -> list[str]:
    """Compare two descriptions (``api.describe``), and say in a sentence each what is wrong."""
    before, now = _version(released), _version(present)
    if now[0] > before[0]:
        return []
    found = list(_taken_away(released, present))
    if now < before:
        found.append(f"API_VERSION went back from {released['api']} to {present['api']}.")
    elif not found and now == before and _meaning(released) != _meaning(present):
        found.append(
            f"The bridge can do more than the released API {released['api']}, under the same "
            f"number: set API_VERSION in bridge/wire.py to {before[0]}.{before[1] + 1}, and run "
            "“make api”."
        )
    return found


def _taken_away(released: dict[str, Any], present: dict[str, Any]) -> Iterator[str]:
    judge = _Judge(released["types"], present["types"])
    yield from _methods(released, present, judge)
    yield from _events(released, present, judge)
    yield from judge.types(*_roles(released))
    roots = {one["root"]: one["exit_code"] for one in present["errors"]}
    for one in released["errors"]:
        root, code = one["root"], one["exit_code"]
        if root not in roots:
            yield f"The error root {root} is gone."
        elif roots[root] != code:
            yield f"Errors {root}.* end a program with {roots[root]} now, and not with {code}."


def _methods(released: dict[str, Any], present: dict[str, Any], judge: "_Judge") -> Iterator[str]:
    levels = present["levels"]
    for level in released["levels"]:
        if level not in levels:
            yield f"The level {level} is gone."
    methods = {one["name"]: one for one in present["methods"]}
    for old in released["methods"]:
        name = old["name"]
        new = methods.get(name)
        if new is None:
            yield f"The method {name} is gone."
            continue
        if old["level"] in levels and levels.index(new["level"]) > levels.index(old["level"]):
            yield f"{name} needs the level {new['level']} now, where {old['level']} did."
        if old["cli"] is not None and new["cli"] != old["cli"]:
            yield f"The command “jp {old['cli']}” of {name} is gone."
        if old["per_profile"] != new["per_profile"]:
            yield f"{name} is {'' if new['per_profile'] else 'no longer '}asked of a profile now."
        yield from _parameters(name, old, new, judge)
        if not judge.readable(old["result"], new["result"]):
            yield f"{name} returns something else than before."


def _parameters(name: str, old: Schema, new: Schema, judge: "_Judge") -> Iterator[str]:
    before = {one["name"]: one for one in old["params"]}
    now = {one["name"]: one for one in new["params"]}
    for parameter, one in before.items():
        if parameter not in now:
            yield f"The parameter {parameter} of {name} is gone."
        elif not judge.taken(one["schema"], now[parameter]["schema"]):
            yield f"The parameter {parameter} of {name} takes less than before."
    for parameter, one in now.items():
        if one["required"] and not before.get(parameter, {}).get("required"):
            yield f"The parameter {parameter} of {name} is required now: give it a default."


def _events(released: dict[str, Any], present: dict[str, Any], judge: "_Judge") -> Iterator[str]:
    events = {one["type"]: one for one in present["events"]}
    for old in released["events"]:
        name = old["type"]
        new = events.get(name)
        if new is None:
            yield f"The event {name} is gone."
            continue
        if new["scope"] != old["scope"]:
            yield f"The event {name} is of the scope {new['scope']} now, and not {old['scope']}."
        if new["volatile"] and not old["volatile"]:
            yield f"The event {name} is volatile now: programs that were away miss it."
        if not judge.readable(old["data"], new["data"]):
            yield f"The data of the event {name} is something else than before."


def _roles(described: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the names of the types that are sent to the daemon, and of those it sends."""
    methods, types = described["methods"], described["types"]
    sent = [one["schema"] for method in methods for one in method["params"]]
    received = [one["result"] for one in methods] + [one["data"] for one in described["events"]]
    return _reached(sent, types), _reached(received, types)


def _reached(value: object, types: Types) -> set[str]:
    found: set[str] = set()
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            left += one.values()
            name = _named(one)
            if name is not None and name not in found:
                found.add(name)
                left.append(types[name])
    return found


class _Judge:
    """Compares schemas that refer to the types of two descriptions."""

    def __init__(self, before: Types, now: Types) -> None:
        self._before = before
        self._now = now

    def taken(self, old: Schema, new: Schema) -> bool:
        """Tell whether all that was taken still is."""
        return _Fit(self._before, self._now, open_enums=False)(old, new)

    def readable(self, old: Schema, new: Schema) -> bool:
        """Tell whether all that is sent can be read by who knows the old schema."""
        return _Fit(self._now, self._before, open_enums=True)(new, old)

    def types(self, sent: set[str], received: set[str]) -> Iterator[str]:
        """Compare the types by name, field by field."""
        for name, old in self._before.items():
            new = self._now.get(name)
            if new is None:
                yield f"The type {name} is gone."
                continue
            for value in old.get("enum", ()):
                if value not in new.get("enum", (value,)):
                    yield f"The type {name} has no value “{value}” any more."
            if not old.get("properties"):
                if name in sent and not self.taken(old, new):
                    yield f"The type {name} takes less than before."
                if name in received and not self.readable(old, new):
                    yield f"The type {name} is something else than before."
                continue
            yield from self._fields(name, old, new, name in sent, name in received)

    def _fields(
        self, name: str, old: Schema, new: Schema, sent: bool, received: bool
    ) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        required, needed = old.get("required", ()), new.get("required", ())
        for field, schema in before.items():
            if field not in now:
                yield f"The field {field} of the type {name} is gone."
                continue
            if received and field in required and field not in needed:
                yield f"The field {field} of the type {name} may be missing now."
            if sent and not self.taken(schema, now[field]):
                yield f"The field {field} of the type {name} takes less than before."
            if received and not self.readable(schema, now[field]):
                yield f"The field {field} of the type {name} is something else than before."
        if sent:
            for field in needed:
                if field not in required:
                    yield f"The field {field} of the type {name} is required now."


class _Fit:
    """Tells whether every value of one schema is one of another.

    :param open_enums: whether a value that an enumeration lacks is one of it all the same
    """

    def __init__(self, types: Types, places: Types, *, open_enums: bool) -> None:
        self._types = types
        self._places = places
        self._open_enums = open_enums
        #: The types that are being compared: they may refer to themselves.
        self._begun: set[tuple[str | None, str | None]] = set()

    def __call__(self, value: Schema, place: Schema) -> bool:
        return all(
            any(self._one(one, other) for other in _alternatives(place))
            for one in _alternatives(value)
        )

    def _one(self, value: Schema, place: Schema) -> bool:
        names = _named(value), _named(place)
        if names != (None, None):
            # What changes in a type is told of the type.
            return names[0] == names[1] or self._named(names, value, place)
        if not _constraints(place):
            return True
        kind, wanted = _kind(value), _kind(place)
        if kind != wanted and (kind, wanted) != ("integer", "number"):
            return False
        if "enum" in place and not self._open_enums:
            return set(value.get("enum", (None,))) <= set(place["enum"])
        if not _within(value, place):
            return False
        if wanted == "array":
            return self(value.get("items", {}), place.get("items", {}))
        return wanted != "object" or self._objects(value, place)

    def _named(self, names: tuple[str | None, str | None], value: Schema, place: Schema) -> bool:
        if names in self._begun:
            return True
        self._begun.add(names)
        if names[1] is not None and names[1] not in self._places:
            return False
        inner = value if names[0] is None else self._types[names[0]]
        return self(inner, place if names[1] is None else self._places[names[1]])

    def _objects(self, value: Schema, place: Schema) -> bool:
        fields, wanted = value.get("properties", {}), place.get("properties", {})
        needed = set(place.get("required", ()))
        if not needed <= set(value.get("required", ())):
            return False
        if not all(self(fields[one], schema) for one, schema in wanted.items() if one in fields):
            return False
        rest, others = (one.get("additionalProperties", {}) for one in (value, place))
        if isinstance(rest, dict) and isinstance(others, dict):
            return self(rest, others)
        return rest is False or others is not False


def _alternatives(schema: Schema) -> list[Schema]:
    if "anyOf" in schema:
        return [inner for one in schema["anyOf"] for inner in _alternatives(one)]
    return [schema]


def _kind(schema: Schema) -> object:
    if "enum" in schema:
        return {str: "string", int: "integer"}.get(type(schema["enum"][0]))
    return schema.get("type")


def _within(value: Schema, place: Schema) -> bool:
    """Tell whether the bounds of a schema are at least as narrow as those of another."""
    return (
        all(one not in place or value.get(one, float("-inf")) >= place[one] for one in _LOWER)
        and all(one not in place or value.get(one, float("inf")) <= place[one] for one in _UPPER)
        and all(one not in place or value.get(one) == place[one] for one in _EXACT)
    )


def _constraints(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in (*_WORDS, "default")}


def _named(schema: Schema) -> str | None:
    reference = schema.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else None


def _version(described: dict[str, Any]) -> tuple[int, int]:
    major, minor = described["api"].split(".")
    return int(major), int(minor)


def _meaning(value: object) -> object:
    """Return a description without its version, its words, and the order of what it lists."""
    if isinstance(value, dict):
        return {
            key: _meaning(one) for key, one in value.items() if key not in _WORDS and key != "api"
        }
    if isinstance(value, list):
        return sorted((_meaning(one) for one in value), key=repr)
    return value
