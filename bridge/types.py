"""Types of other packages that cross the bridge as JSON strings, such as a JID.

The package that owns such a type registers it here; the bridge knows no package itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sat.bridge.secret import SecretText


@dataclass(frozen=True, slots=True)
class TextType:
    """How a type is written as text; ``decode`` raises ValueError with a sentence."""

    name: str
    decode: Callable[[str], object]
    encode: Callable[[Any], str]


_TYPES: dict[type, TextType] = {
    SecretText: TextType("secret", SecretText, str),
}


def register_text_type(
    kind: type, name: str, decode: Callable[[str], object], encode: Callable[[Any], str]
) -> None:
    """Let values of ``kind`` cross the bridge as text."""
    _TYPES[kind] = TextType(name, decode, encode)


def decode_hook(kind: type, value: object) -> object:
    """Make a value of a registered type from its text (msgspec's ``dec_hook``).

    :raises ValueError: if the text doesn't name such a value
    :raises NotImplementedError: if the type isn't registered
    """
    text_type = _TYPES.get(kind)
    if text_type is None:
        raise NotImplementedError(f"{kind.__name__} can't cross the bridge")
    if not isinstance(value, str):
        raise ValueError(f"expected text for {text_type.name}")
    return text_type.decode(value)


def encode_hook(value: object) -> str:
    """Write a value of a registered type as text (msgspec's ``enc_hook``)."""
    text_type = _TYPES.get(type(value))
    if text_type is None:
        raise NotImplementedError(f"{type(value).__name__} can't cross the bridge")
    return text_type.encode(value)


def schema_hook(kind: type) -> dict[str, Any]:
    """Describe a registered type as JSON Schema (msgspec's ``schema_hook``)."""
    text_type = _TYPES.get(kind)
    if text_type is None:
        raise NotImplementedError(f"{kind.__name__} can't cross the bridge")
    return {"type": "string", "format": text_type.name}
