"""How the API looks on D-Bus: names, signatures and introspection, from ``api.describe`` alone.

A namespace is an interface (``message.send`` is ``org.salutatoi.SAT1.Message.Send``), an event a
signal of it. What a method requires are its arguments, by name; what may be left out, ``txn`` too,
goes into a last argument, ``options`` (``a{sv}``). A struct is ``a{sv}``, and a key that would be
null is absent. Nothing here needs a D-Bus library.
"""

import re
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

#: The well-known name, and the interface of what is of the bus itself.
NAME = "org.salutatoi.SAT1"
#: The object that has all methods.
ROOT = "/org/salutatoi/SAT1"
#: Errors are this and the bridge's own dotted name.
ERRORS = "org.salutatoi.Error"
#: The option under which open files come along, as an array of descriptors (``ah``).
DESCRIPTORS = "descriptors"

_REF = "#/types/"
_BASIC = {"boolean": "b", "integer": "x", "number": "d", "string": "s"}


class Method:
    """A method on the bus: its arguments' names and signatures, the last one being the options."""

    def __init__(self, described: Mapping[str, object], types: Mapping[str, object]) -> None:
        self.name = str(described["name"])
        self.interface, self.member = names_of(self.name)
        self.per_profile = bool(described["per_profile"])
        self.doc = str(described["doc"])
        self.arguments = [
            (str(one["name"]), signature_of(one["schema"], types))
            for one in _objects(described["params"])
            if one["required"]
        ]
        self.arguments.append(("options", "a{sv}"))
        self.result_schema = described["result"]
        self.result = signature_of(self.result_schema, types)

    @property
    def signature(self) -> str:
        """The signatures of all arguments in a row."""
        return "".join(signature for _, signature in self.arguments)


class Signal:
    """A signal on the bus: the data of an event, and ``event``, with its number and origin."""

    def __init__(self, described: Mapping[str, object], types: Mapping[str, object]) -> None:
        self.interface, self.member = names_of(str(described["type"]))
        self.doc = str(described["doc"])
        self.schema = described["data"]
        self.data = signature_of(self.schema, types)


class Api:
    """All methods and signals, by what they are called on the bus.

    :param description: what ``api.describe`` answers
    """

    def __init__(self, description: Mapping[str, object]) -> None:
        found = description["types"]
        self.types: Mapping[str, object] = found if isinstance(found, dict) else {}
        self.version = str(description["api"])
        self.methods: dict[tuple[str, str], Method] = {}
        self.signals: dict[str, Signal] = {}
        for one in _objects(description["methods"]):
            method = Method(one, self.types)
            self.methods[method.interface, method.member] = method
        for one in _objects(description["events"]):
            self.signals[str(one["type"])] = Signal(one, self.types)

    def find(self, interface: str | None, member: str) -> Method | None:
        """Return a method; without an interface, the first one of that name (as D-Bus has it)."""
        if interface is not None:
            return self.methods.get((interface, member))
        return next((one for (_, name), one in self.methods.items() if name == member), None)

    def introspect(self, *, of_profile: bool = False) -> str:
        """Return the interfaces as introspection XML.

        :param of_profile: those alone that the object of a profile has
        """
        texts: dict[str, list[str]] = {}
        for method in self.methods.values():
            if of_profile and not method.per_profile:
                continue
            arguments = [(name, one, "in") for name, one in method.arguments]
            if method.result:
                arguments.append(("result", method.result, "out"))
            texts.setdefault(method.interface, []).append(
                _member("method", method.member, method.doc, arguments)
            )
        for signal in self.signals.values():
            if of_profile and signal.interface not in texts:
                continue
            texts.setdefault(signal.interface, []).append(
                _member(
                    "signal",
                    signal.member,
                    signal.doc,
                    [("data", signal.data, ""), ("event", "a{sv}", "")],
                )
            )
        return "".join(
            f'<interface name="{name}">\n{"".join(members)}</interface>\n'
            for name, members in sorted(texts.items())
        )


def names_of(name: str) -> tuple[str, str]:
    """Return the interface and the member that a method or an event is on the bus."""
    *namespace, last = name.split(".")
    return ".".join((NAME, *map(camel, namespace))), camel(last)


def camel(name: str) -> str:
    """Write a name as D-Bus names are: ``room_name`` as ``RoomName``."""
    joined = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))
    return joined if joined[:1].isalpha() else f"_{joined}"


def escape(text: str) -> str:
    """Write any text as an element of an object path; two texts never give the same one."""
    escaped = "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"_{byte:02x}"
        for byte in text.encode(errors="surrogatepass")
    )
    return escaped or "_"


def path_of(kind: str, name: str) -> str:
    """Return the path of an object of the daemon's: ``profile`` or ``transfer``, and its name."""
    return f"{ROOT}/{kind}/{escape(name)}"


def error_name(name: str) -> str:
    """Return the name on the bus of an error of the bridge."""
    parts = (re.sub(r"[^A-Za-z0-9_]", "_", part) for part in name.split("."))
    return ".".join((ERRORS, *(part if part[:1].isalpha() else f"_{part}" for part in parts)))


def signature_of(schema: object, types: Mapping[str, object]) -> str:
    """Return the D-Bus signature of a type; an empty one for what is always null."""
    schema = resolve(schema, types)
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        solid = not_null(choices)
        if len(solid) != 1:
            return "v"
        inner = signature_of(solid[0], types)
        return inner if len(solid) == len(choices) else f"a{inner}"
    kind = schema.get("type")
    if kind is None and "enum" in schema:
        values = schema["enum"]
        strings = isinstance(values, list) and all(isinstance(one, str) for one in values)
        return "s" if strings else "v"
    if kind == "null":
        return ""
    if kind == "array":
        return f"a{signature_of(schema.get('items', {}), types)}"
    if kind == "object":
        more = schema.get("additionalProperties")
        return f"a{{s{signature_of(more, types)}}}" if isinstance(more, dict) else "a{sv}"
    if kind == "string" and schema.get("contentEncoding") == "base64":
        return "ay"
    return _BASIC.get(str(kind), "v")


def resolve(schema: object, types: Mapping[str, object]) -> Mapping[str, object]:
    """Return a schema itself, where it is only referred to."""
    seen = 0
    while isinstance(schema, dict) and "$ref" in schema and seen < 32:
        schema = types.get(str(schema["$ref"]).removeprefix(_REF), {})
        seen += 1
    return schema if isinstance(schema, dict) else {}


def not_null(choices: list[object]) -> list[object]:
    """Return the choices of an ``anyOf`` that are something."""
    return [one for one in choices if not (isinstance(one, dict) and one.get("type") == "null")]


def _objects(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _member(kind: str, name: str, doc: str, arguments: list[tuple[str, str, str]]) -> str:
    told = quoteattr(" ".join(doc.split()))
    lines = [
        f'  <{kind} name="{name}">\n',
        f'    <annotation name="org.gtk.GDBus.DocString" value={told}/>\n',
    ]
    for argument, signature, direction in arguments:
        way = f' direction="{direction}"' if direction else ""
        lines.append(f'    <arg name={quoteattr(argument)} type="{signature}"{way}/>\n')
    lines.append(f"  </{kind}>\n")
    return "".join(lines)
