"""Values of the bridge as D-Bus has them, and back. It needs dbus-python."""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from math import isfinite
from typing import TypeVar

import dbus
from dbus.types import UnixFd

from sat.bridge.dbus_mapping import not_null, resolve, signature_of
from sat.bridge.errors import CommandError

Kind = TypeVar("Kind")

#: D-Bus allows 64 containers in each other (message format, “Valid Signatures”): stay below.
_DEPTH = 16
_RANGE = range(-(2**63), 2**63)


def to_bus(value: object, schema: object, types: Mapping[str, object], depth: int = 0) -> object:
    """Return a value of the bridge as one of the signature that its schema has.

    What D-Bus can't hold in a text, NUL and half surrogate pairs, becomes U+FFFD.

    :raises CommandError: ``failed.answer`` if it isn't of its schema, or is nested too deeply
    """
    if depth > _DEPTH:
        raise CommandError("failed.answer", "The daemon's answer is nested too deeply for D-Bus.")
    schema = resolve(schema, types)
    choices = schema.get("anyOf")
    if isinstance(choices, list) and len(solid := not_null(choices)) == 1:
        inner = to_bus(value, solid[0], types, depth + 1) if value is not None else None
        if len(choices) == 1:
            return inner
        filled = [] if inner is None else [inner]
        return dbus.Array(filled, signature=signature_of(solid[0], types))
    try:
        return _of_signature(value, signature_of(schema, types), schema, types, depth)
    except (TypeError, ValueError, OverflowError) as error:
        raise CommandError(
            "failed.answer", f"The daemon answered what is not of the type that it tells: {error}."
        ) from error


def struct_to_bus(
    value: Mapping[str, object], schema: object, types: Mapping[str, object], depth: int = 0
) -> "dbus.Dictionary[str, object]":
    """Return a struct as ``a{sv}``; what is null is left out."""
    known = resolve(schema, types).get("properties")
    properties = known if isinstance(known, dict) else {}
    found = {
        _text(key): to_bus(one, _solid(properties.get(key, {}), types), types, depth + 1)
        for key, one in value.items()
        if one is not None
    }
    return dbus.Dictionary(found, signature="sv")


def from_bus(value: object) -> object:
    """Return a value from the bus as plain JSON; bytes are base64.

    :raises CommandError: ``usage.params`` for what JSON can't hold
    """
    if isinstance(value, dbus.Boolean | bool):
        return bool(value)
    if isinstance(value, dbus.ByteArray | bytes):
        return b64encode(bytes(value)).decode()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise CommandError("usage.params", f"{value} is no number that JSON knows.")
        return float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {str(key): from_bus(one) for key, one in value.items()}
    if isinstance(value, dbus.Array) and value.signature == "y":
        return b64encode(bytes(value)).decode()
    if isinstance(value, list | tuple):
        return [from_bus(one) for one in value]
    raise CommandError(
        "usage.params",
        "An open file can't stand here: files go into the option “descriptors”, of type ah.",
    )


def typed(value: object, signature: str) -> object:
    """Return plain JSON as a value of a signature, for an argument of a call.

    :raises TypeError: if it is another type
    :raises ValueError: if D-Bus can't hold it
    """
    return _of_signature(value, signature, {}, {}, 0)


def take_descriptors(options: dict[object, object], name: str) -> list[int]:
    """Take the open files out of a call's options; they are the caller's to close.

    :raises CommandError: ``usage.params`` if something else is there
    """
    given = options.pop(name, None)
    if given is None:
        return []
    files = [*given] if isinstance(given, list) else [given]
    descriptors = [one.take() for one in files if isinstance(one, UnixFd)]
    if len(descriptors) < len(files):
        for one in descriptors:
            os.close(one)
        raise CommandError("usage.params", f"{name}: expected open files (ah)")
    return descriptors


def _solid(schema: object, types: Mapping[str, object]) -> object:
    """Return the type of something that is there: what may be null, without the null."""
    choices = resolve(schema, types).get("anyOf")
    if isinstance(choices, list) and len(solid := not_null(choices)) == 1:
        return solid[0]
    return schema


def _of_signature(
    value: object,
    signature: str,
    schema: Mapping[str, object],
    types: Mapping[str, object],
    depth: int,
) -> object:
    if signature == "v":
        return _any(value, types, depth)
    if signature == "ay":
        return dbus.ByteArray(b64decode(_expect(value, str, "text")))
    if signature == "a{sv}":
        return struct_to_bus(_expect(value, dict, "an object"), schema, types, depth)
    if signature.startswith("a{s"):
        inner, more = signature[3:-1], schema.get("additionalProperties", {})
        found = {
            _text(key): to_bus(one, more, types, depth + 1)
            if more
            else _of_signature(one, inner, {}, types, depth + 1)
            for key, one in _expect(value, dict, "an object").items()
        }
        return dbus.Dictionary(found, signature=f"s{inner}")
    if signature.startswith("a"):
        items = schema.get("items", {})
        listed = [
            to_bus(one, items, types, depth + 1)
            if items
            else _of_signature(one, signature[1:], {}, types, depth + 1)
            for one in _expect(value, list, "a list")
        ]
        return dbus.Array(listed, signature=signature[1:])
    if signature == "s":
        return dbus.String(_text(_expect(value, str, "text")))
    if signature == "b":
        return dbus.Boolean(_expect(value, bool, "yes or no"))
    if isinstance(value, bool):
        raise TypeError("expected a number, got yes or no")
    if signature == "x":
        return dbus.Int64(_expect(value, int, "an integer"))
    return dbus.Double(value if isinstance(value, int) else _expect(value, float, "a number"))


def _any(value: object, types: Mapping[str, object], depth: int) -> object:
    """Return a value of whatever type it is."""
    if depth > _DEPTH:
        raise ValueError("too much is nested")
    if isinstance(value, bool):
        return dbus.Boolean(value)
    if isinstance(value, int):
        return dbus.Int64(value) if value in _RANGE else dbus.Double(value)
    if isinstance(value, float):
        return dbus.Double(value)
    if isinstance(value, dict):
        return struct_to_bus(value, {}, types, depth)
    if isinstance(value, list | tuple):
        listed = [_any(one, types, depth + 1) for one in value if one is not None]
        if listed and all(isinstance(one, str) for one in listed):
            return dbus.Array(listed, signature="s")
        return dbus.Array(listed, signature="v")
    return dbus.String(_text(str(value)))


def _expect(value: object, kind: type[Kind], what: str) -> Kind:
    if not isinstance(value, kind):
        raise TypeError(f"expected {what}, got {type(value).__name__}")
    return value


def _text(value: str) -> str:
    """Return a text that libdbus takes: it ends the program for one that it doesn't."""
    if value.isprintable():
        return value
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\ufffd")
