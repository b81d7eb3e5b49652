"""A Sphinx extension: the reference of the bridge, made from its golden description.

`.. bridge:: methods` (or `events`, `types`, `errors`) writes that part, `.. sat-help::` what
`sat --help` prints; nothing of it is by hand.
"""

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

DESCRIPTION = Path(__file__).with_name("api.json")
sys.path.insert(0, str(DESCRIPTION.parents[2]))

from sat.__main__ import HELP  # noqa: E402
from sat.frontends.core.commands import table  # noqa: E402
from sat.frontends.core.commands.described import command_of  # noqa: E402
from sat.frontends.jp import describing, help  # noqa: E402


class Bridge(SphinxDirective):
    """Write one part of the description."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what the part's lines become."""
        self.env.note_dependency(str(DESCRIPTION))
        described = json.loads(DESCRIPTION.read_text())
        lines = StringList(list(PARTS[self.arguments[0]](described)), str(DESCRIPTION))
        section = nodes.section()
        section.document = self.state.document
        nested_parse_with_titles(self.state, lines, section)
        return section.children


class SatHelp(SphinxDirective):
    """Write what `sat --help` prints."""

    def run(self) -> list[nodes.Node]:
        """Return it as it is."""
        return [nodes.literal_block(HELP, HELP, language="text")]


def methods(described: dict[str, Any]) -> Iterator[str]:
    """Write the methods, by group."""
    commands = {one.method or one.words.replace(" ", "."): one for one in table.COMMANDS}
    for group, found in groupby(described["methods"], lambda one: one["name"].split(".")[0]):
        yield from title(group, "-")
        for method in found:
            name = method["name"]
            yield from title(name, "~", f"method-{name}")
            yield from (*method["doc"].splitlines(), "")
            command = commands.get(name) or command_of(method, described["types"])
            yield from (".. code-block:: text", "", f"   jp {help.usage(command)}", "")
            for one in method["params"]:
                default = "" if one["required"] else f" = `{json.dumps(one['default'])}`"
                yield f"`{one['name']}`: {kind(one['schema'])}{default}"
                yield f"   {one['doc']}"
            yield from (
                "",
                f"Returns {kind(method['result'])}. Level `{method['level']}`"
                + ("; takes a `profile`." if method["per_profile"] else "."),
                "",
            )
            for one in method["raises"]:
                yield f"- `{one['name']}` {one['doc']}"
            yield ""


def events(described: dict[str, Any]) -> Iterator[str]:
    """Write the events."""
    for event in described["events"]:
        yield from title(event["type"], "-", f"event-{event['type']}")
        yield from (*unindented(event["doc"]), "")
        numbered = "Volatile: without number, and not kept" if event["volatile"] else "Numbered"
        yield from (f"{numbered}. Scope `{event['scope']}`; data: {kind(event['data'])}.", "")


def types(described: dict[str, Any]) -> Iterator[str]:
    """Write the types."""
    for name, schema in sorted(described["types"].items()):
        yield from title(name, "-", f"type-{name}")
        yield from (*unindented(schema.get("description", "")), "")
        if "enum" in schema:
            yield from (f"One of {choices(schema['enum'])}.", "")
        required = schema.get("required", ())
        for field, inner in schema.get("properties", {}).items():
            default = "" if field in required else f" = `{json.dumps(inner.get('default'))}`"
            yield f"- `{field}`: {kind(inner)}{default}"
        yield ""


def errors(described: dict[str, Any]) -> Iterator[str]:
    """Write what the roots of errors mean to a program that ends with one."""
    for one in described["errors"]:
        yield f"- `{one['root']}.*`: exit code {one['exit_code']}"
    yield from ("- all else: exit code 1", "", f"Levels: {choices(described['levels'])}.", "")


PARTS = {"methods": methods, "events": events, "types": types, "errors": errors}


def title(text: str, line: str, label: str = "") -> tuple[str, ...]:
    """Write a title, and the label by which other pages refer to it."""
    anchor = (f".. _{label}:", "") if label else ()
    return (*anchor, text, line * len(text), "")


def kind(schema: dict[str, Any]) -> str:
    """Write a JSON Schema in words, with references to types."""
    return describing.kind(schema, lambda name: f":ref:`{name} <type-{name}>`", literal)


def literal(value: object) -> str:
    """Write a value as what it is in JSON."""
    return f"`{json.dumps(value)}`"


def choices(values: list[object]) -> str:
    """Write the values of which one is meant."""
    return ", ".join(literal(one) for one in values)


def unindented(text: str) -> list[str]:
    """Return the lines of a docstring without what indents them."""
    return [line.strip() for line in text.splitlines()]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("bridge", Bridge)
    app.add_directive("sat-help", SatHelp)
    return {"parallel_read_safe": True}
