"""Turn the typed signature of a method into the description of a call that frontends can make.

``@command`` is all that a method needs to be callable over every transport: its parameters, types,
defaults and documentation are read from the signature and the docstring, once, when the class is
defined. A type that can't cross the bridge is an error there and then.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import msgspec

from sat.bridge.call import Call
from sat.bridge.errors import CommandError
from sat.bridge.model import Level
from sat.bridge.types import decode_hook, encode_hook, schema_hook

Method = TypeVar("Method", bound=Callable[..., Any])

_ATTRIBUTE = "__sat_command__"
#: How msgspec says where a value is that it refuses.
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_FIELD = re.compile(r"^:(param|raises)\s+([\w.]+):\s*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command; ``default`` counts where it isn't ``required``."""

    name: str
    type: Any
    required: bool
    default: object
    doc: str


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command as its signature tells it.

    ``per_profile`` commands take the parameter ``profile`` besides those listed here; every one
    takes ``txn``. ``decoder`` reads and checks the parameters, these too. ``cli`` is what jp calls
    it, where that is not the name with a space for the dot.
    """

    name: str
    level: Level
    per_profile: bool
    parameters: tuple[Parameter, ...]
    result: Any
    summary: str
    doc: str
    raises: tuple[tuple[str, str], ...]
    cli: str | None
    decoder: msgspec.json.Decoder[msgspec.Struct]
    wants_call: bool
    attribute: str

    def decode(self, params: msgspec.Raw) -> tuple[dict[str, object], str | None, str | None]:
        """Check a call's parameters against the signature.

        :return: the arguments, the profile's name and the transaction, where they are given
        :raises CommandError: ``usage.params``, naming the parameter that is wrong or missing
        """
        try:
            decoded = self.decoder.decode(params or b"{}")
        except (msgspec.ValidationError, ValueError) as error:
            raise CommandError("usage.params", _explain(self.name, str(error))) from error
        except RecursionError:
            raise CommandError(
                "usage.params", f"{self.name}: the parameters are nested too deeply"
            ) from None
        given: dict[str, Any] = msgspec.structs.asdict(decoded)
        profile = given.pop("profile") if self.per_profile else None
        return given, profile, given.pop("txn")


def command(
    name: str | None = None,
    *,
    level: Level = Level.SEND,
    per_profile: bool = True,
    cli: str | None = None,
) -> Callable[[Method], Method]:
    """Make a method callable over the bridge.

    :param name: the dotted name; for a plugin's method the plugin's name and the method's own
        are put together where this is missing
    :param level: what the calling session must be allowed to do
    :param per_profile: false for what concerns the whole daemon
    :param cli: what ``jp`` calls it, where that differs (``ping`` for ``ping.send``)
    """

    def mark(function: Method) -> Method:
        setattr(function, _ATTRIBUTE, (name, level, per_profile, cli))
        return function

    return mark


def commands_of(owner: type, prefix: str | None = None) -> list[CommandSpec]:
    """List the commands that a class defines.

    :param prefix: goes before the names of those that have no name of their own
    :raises TypeError: if a parameter or a result is of a type that can't cross the bridge
    """
    found = []
    for attribute, function in inspect.getmembers(owner, inspect.isfunction):
        mark = getattr(function, _ATTRIBUTE, None)
        if mark is not None:
            name, level, per_profile, cli = mark
            full = name or (f"{prefix}.{attribute}" if prefix else attribute)
            found.append(_specify(function, attribute, full, level, per_profile, cli))
    return found


def _check_crosses(what: str, kind: Any, default: object) -> None:
    """Refuse a type that can't be described, or a default that can't be written."""
    try:
        msgspec.json.schema(kind, schema_hook=schema_hook)
        msgspec.json.encode(default, enc_hook=encode_hook)
    except (TypeError, NotImplementedError) as error:
        shown = getattr(kind, "__name__", None) or str(kind)
        told = f", with the default {default!r}" if default is not None else ""
        raise TypeError(f"{what} can't cross the bridge: it is {shown}{told}") from error


def _explain(name: str, reason: str) -> str:
    """Tell a person which parameter of a command is wrong, and why."""
    what = _PLACE.sub("", reason).removesuffix(".")
    where = _PLACE.search(reason)
    return f"{name}: {where[1]}: {what}" if where and where[1] else f"{name}: {what}"


def _specify(
    function: Callable[..., object],
    attribute: str,
    name: str,
    level: Level,
    per_profile: bool,
    cli: str | None,
) -> CommandSpec:
    hints = get_type_hints(function, include_extras=True)
    text = inspect.getdoc(function) or ""
    prose = _FIELD.split(text, maxsplit=1)[0].strip()
    fields = [(kind, what, " ".join(told.split())) for kind, what, told in _FIELD.findall(text)]
    docs = {what: told for kind, what, told in fields if kind == "param"}
    parameters = []
    wants_call = False
    for declared in list(inspect.signature(function).parameters.values())[1:]:
        if declared.name not in hints:
            raise TypeError(f"{name}: the parameter {declared.name} has no type")
        if hints[declared.name] is Call:
            wants_call = True
            continue
        required = declared.default is inspect.Parameter.empty
        parameters.append(
            Parameter(
                name=declared.name,
                type=hints[declared.name],
                required=required,
                default=None if required else declared.default,
                doc=docs.get(declared.name, ""),
            )
        )
    if "return" not in hints:
        raise TypeError(f"{name}: the result has no type")
    fields_of_struct: list[Any] = [
        (one.name, one.type) if one.required else (one.name, one.type, one.default)
        for one in parameters
    ]
    for context in ("txn", "profile") if per_profile else ("txn",):
        if any(one.name == context for one in parameters):
            raise TypeError(f"{name}: {context} is a parameter of every such call")
        fields_of_struct.append((context, str | None, None))
    for one in parameters:
        _check_crosses(f"{name}: the parameter {one.name}", one.type, one.default)
    _check_crosses(f"{name}: the result", hints["return"], None)
    try:
        struct = msgspec.defstruct("Params", fields_of_struct, frozen=True, kw_only=True)
        decoder = msgspec.json.Decoder(struct, dec_hook=decode_hook)
    except (TypeError, NotImplementedError) as error:
        raise TypeError(f"{name}: {error}") from error
    return CommandSpec(
        name=name,
        level=level,
        per_profile=per_profile,
        parameters=tuple(parameters),
        result=hints["return"],
        summary=prose.partition("\n")[0],
        doc=prose,
        raises=tuple((what, told) for kind, what, told in fields if kind == "raises"),
        cli=cli,
        decoder=decoder,
        wants_call=wants_call,
        attribute=attribute,
    )
