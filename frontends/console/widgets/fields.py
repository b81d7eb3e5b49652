"""What a form asks for, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

#: What is filled in: bool (BOOLEAN), str (TEXT, PRIVATE, LINES, ONE), or a tuple (SEVERAL).
Value = bool | str | tuple[str, ...]


class Kind(Enum):
    """How something is asked for."""

    BOOLEAN = "boolean"
    TEXT = "text"
    PRIVATE = "private"
    LINES = "lines"
    ONE = "one"
    SEVERAL = "several"
    FIXED = "fixed"


@dataclass(frozen=True)
class Field:
    """One thing that is asked for.

    :param name: what its value is named by; names of fixed texts may be empty
    :param kind: how it is asked for
    :param label: what it is called; of FIXED, the text
    :param value: what is filled in at first; None is what is usual for the kind
    :param options: of ONE and SEVERAL, values with their labels
    :param required: whether it can't be left empty (BOOLEAN is never empty)
    :param hint: what helps to fill it in
    """

    name: str
    kind: Kind
    label: str
    value: Value | None = None
    options: Sequence[tuple[str, str]] = ()
    required: bool = False
    hint: str = ""


def initial(field: Field) -> Value:
    """Return what is filled in at first, as the kind has it; unknown options are left out."""
    known = [value for value, _ in field.options]
    value = field.value
    if field.kind is Kind.BOOLEAN:
        return bool(value)
    if field.kind is Kind.SEVERAL:
        given = value if isinstance(value, tuple) else ()
        return tuple(one for one in known if one in given)
    if field.kind is Kind.ONE:
        return value if isinstance(value, str) and value in known else ""
    return value if isinstance(value, str) else ""


def is_missing(field: Field, values: Mapping[str, Value]) -> bool:
    """Tell whether a field is required, and empty."""
    if not field.required or field.kind in (Kind.BOOLEAN, Kind.FIXED):
        return False
    return not values[field.name]
