"""Objects on the bus, put together of their interfaces, as the specification declares these.

Each method tells its arguments by name and type, so that the introspection is complete: without it,
clients guess, and send ``a{ss}`` where ``a{sv}`` is meant.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar
from xml.sax.saxutils import quoteattr

import dbus

from sat.frontends.telepathy.spec import INTROSPECTABLE, PROPERTIES, Failure

Handler = TypeVar("Handler", bound=Callable[..., Any])

_ATTRIBUTE = "__telepathy__"
_TYPES: Mapping[str, Callable[[Any], object]] = {
    "b": dbus.Boolean,
    "q": dbus.UInt16,
    "s": dbus.String,
    "u": dbus.UInt32,
    "x": dbus.Int64,
}
_HEAD = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n<node>\n'
)


@dataclass(frozen=True, slots=True)
class Method:
    """A method; its arguments and results are pairs of a name and a type.

    :param sender: whether the function gets the caller's unique name before the arguments
    """

    name: str
    takes: tuple[tuple[str, str], ...]
    gives: tuple[tuple[str, str], ...]
    sender: bool

    @property
    def signature(self) -> str:
        """The types of all arguments in a row."""
        return "".join(one for _, one in self.takes)

    @property
    def results(self) -> str:
        """The types of all results in a row."""
        return "".join(one for _, one in self.gives)


def _pairs(told: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, type_) for name, _, type_ in (one.partition(":") for one in told.split()))


def _member(kind: str, name: str, arguments: list[tuple[str, str, str]]) -> str:
    lines = [f'  <{kind} name="{name}">\n']
    for argument, type_, direction in arguments:
        way = f' direction="{direction}"' if direction else ""
        lines.append(f'    <arg name="{argument}" type="{type_}"{way}/>\n')
    lines.append(f"  </{kind}>\n")
    return "".join(lines)


def method(
    name: str, takes: str = "", gives: str = "", *, sender: bool = False
) -> Callable[[Handler], Handler]:
    """Make a function, or a coroutine function, a method of its interface.

    It returns nothing, its one result, or a tuple of its results.

    :param takes: the arguments, as ``Handle_Type:u Identifiers:as``
    :param gives: the results, likewise
    :param sender: whether it gets the caller's unique name first
    """

    def mark(function: Handler) -> Handler:
        setattr(function, _ATTRIBUTE, Method(name, _pairs(takes), _pairs(gives), sender))
        return function

    return mark


def typed(signature: str, value: Any) -> object:
    """Return a value of a type, for where the bus has to be told which one it is."""
    if signature.startswith("a{"):
        return dbus.Dictionary(value, signature=signature[2:-1])
    if signature.startswith("a"):
        return dbus.Array(value, signature=signature[1:])
    if signature.startswith("("):
        # What it is told of its signature is forgotten within a variant: its items must know.
        inner = [str(one) for one in dbus.Signature(signature[1:-1])]
        return dbus.Struct([typed(one, item) for one, item in zip(inner, value, strict=True)])
    return _TYPES[signature](value)


class Sender(Protocol):
    """Where signals go."""

    def signal(
        self, path: str, interface: str, name: str, signature: str, values: tuple[object, ...]
    ) -> None:
        """Send a signal to those whom it concerns."""


class Part:
    """One interface of an object.

    ``NAME`` is its name; ``SIGNALS`` are by name, with their arguments; ``PROPERTIES`` by name,
    with their type.
    """

    NAME: ClassVar[str]
    SIGNALS: ClassVar[Mapping[str, str]] = {}
    PROPERTIES: ClassVar[Mapping[str, str]] = {}
    _object: "Exported"

    def belongs_to(self, exported: "Exported") -> None:
        """Become a part of an object."""
        self._object = exported

    def values(self) -> Mapping[str, object]:
        """Return the present values of the properties, by name."""
        return {}

    def shown(self) -> dict[str, object]:
        """Return the properties as they are told with their full names."""
        values = self.values()
        return {
            f"{self.NAME}.{name}": typed(self.PROPERTIES[name], values[name]) for name in values
        }

    def emit(self, name: str, *values: object) -> None:
        """Emit a signal."""
        signature = "".join(one for _, one in _pairs(self.SIGNALS[name]))
        self._object.sender.signal(self._object.path, self.NAME, name, signature, values)

    def methods(self) -> Iterator[tuple[Method, Callable[..., Any]]]:
        """Yield the methods with their functions."""
        for attribute, function in inspect.getmembers(type(self), inspect.isfunction):
            found = getattr(function, _ATTRIBUTE, None)
            if isinstance(found, Method):
                yield found, getattr(self, attribute)

    def described(self) -> str:
        """Return the interface as introspection XML."""
        lines = [f'<interface name="{self.NAME}">\n']
        for one, _ in self.methods():
            arguments = [(*pair, "in") for pair in one.takes]
            arguments += [(*pair, "out") for pair in one.gives]
            lines.append(_member("method", one.name, arguments))
        for name, told in self.SIGNALS.items():
            lines.append(_member("signal", name, [(*pair, "") for pair in _pairs(told)]))
        for name, type_ in self.PROPERTIES.items():
            lines.append(f'  <property name="{name}" type="{type_}" access="read"/>\n')
        return "".join((*lines, "</interface>\n"))


class Exported:
    """One object.

    :param path: where it is
    :param sender: where its signals go
    """

    def __init__(self, path: str, sender: Sender, parts: Sequence[Part]) -> None:
        self.path = path
        self.sender = sender
        own = (_Introspectable(), _Properties())
        self.parts = {part.NAME: part for part in (*parts, *own)}
        for part in self.parts.values():
            part.belongs_to(self)

    def children(self) -> set[str]:
        """Return the last parts of the paths of the objects below it."""
        return set()

    def find(self, interface: str | None, name: str) -> tuple[Method, Callable[..., Any]]:
        """Return a method; without an interface, the first one of that name.

        :raises Failure: ``NotImplemented`` if there is none
        """
        for part in self.parts.values():
            if interface in (None, part.NAME):
                for one, function in part.methods():
                    if one.name == name:
                        return one, function
        shown = name if interface is None else f"{interface}.{name}"
        raise Failure("NotImplemented", f"{self.path} has no method {shown}.")


class _Introspectable(Part):
    NAME = INTROSPECTABLE

    @method("Introspect", "", "XML_Data:s")
    def introspect(self) -> str:
        """Describe the object."""
        parts = "".join(part.described() for part in self._object.parts.values())
        return f"{_HEAD}{parts}{_nodes(self._object.children())}</node>\n"


class _Properties(Part):
    NAME = PROPERTIES

    @method("Get", "Interface_Name:s Property_Name:s", "Value:v")
    def get(self, interface: str, name: str) -> object:
        """Return a property."""
        part = self._object.parts.get(interface)
        if part is None or name not in part.PROPERTIES:
            raise Failure("InvalidArgument", f"There is no property {interface}.{name}.")
        return typed(part.PROPERTIES[name], part.values()[name])

    @method("GetAll", "Interface_Name:s", "Properties:a{sv}")
    def get_all(self, interface: str) -> object:
        """Return all properties of an interface; none of one that isn't here."""
        part = self._object.parts.get(interface)
        if part is None:
            return {}
        return {name: typed(part.PROPERTIES[name], one) for name, one in part.values().items()}

    @method("Set", "Interface_Name:s Property_Name:s Value:v")
    def set(self, interface: str, name: str, _: object) -> None:
        """Refuse: no property can be set."""
        raise Failure("PermissionDenied", f"{interface}.{name} can't be set.")


def folder(children: set[str]) -> str:
    """Describe a path that has nothing of its own."""
    return f"{_HEAD}{_nodes(children)}</node>\n"


def _nodes(names: set[str]) -> str:
    return "".join(f"<node name={quoteattr(one)}/>\n" for one in sorted(names))
