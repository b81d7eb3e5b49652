"""The description holds everything, and is enough to know every value by."""

import json
import re
from typing import Any

import msgspec
import pytest

from sat.bridge.command import commands_of
from sat.bridge.describe import describe
from sat.bridge.errors import EXIT_CODES
from sat.bridge.events import CORE_EVENTS, Event
from sat.bridge.model import Level
from sat.bridge.session import OWN_CALLS
from sat.bridge.types import encode_hook
from tests.bridge.support import Service
from tests.bridge.test_command import Good

KEYWORDS = {
    *("$ref", "anyOf", "const", "default", "description", "enum", "format", "items", "maxLength"),
    *("minimum", "maximum", "minLength", "prefixItems", "properties", "required", "title", "type"),
    *("additionalProperties", "contentEncoding", "minItems", "maxItems", "uniqueItems", "pattern"),
    *("exclusiveMinimum", "exclusiveMaximum"),
}


class Seen(Event, frozen=True):
    """Something was seen."""

    type = "test.seen"
    scope = "tests"
    data: dict[str, list[int]]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    specs = [*commands_of(Service), *commands_of(Good, "good")]
    found = describe(specs, [*CORE_EVENTS.values(), Seen])
    # As it crosses the bridge.
    return json.loads(msgspec.json.encode(found, enc_hook=encode_hook))


def check_schema(schema: Any, types: dict[str, Any], used: set[str]) -> None:
    """Check a JSON Schema, and note the types that it refers to."""
    assert isinstance(schema, dict), schema
    assert set(schema) <= KEYWORDS, set(schema) - KEYWORDS
    if "$ref" in schema:
        name = re.fullmatch(r"#/types/(\w+)", schema["$ref"])[1]
        assert name in types
        if name not in used:
            used.add(name)
            check_schema(types[name], types, used)
    for one in schema.get("anyOf", []) + schema.get("prefixItems", []):
        check_schema(one, types, used)
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            check_schema(schema[part], types, used)
    properties = schema.get("properties", {})
    for one in properties.values():
        check_schema(one, types, used)
    assert set(schema.get("required", [])) <= set(properties)


def test_every_schema_is_one_and_every_type_is_described(described):
    used: set[str] = set()
    for method in described["methods"]:
        check_schema(method["result"], described["types"], used)
        for one in method["params"]:
            check_schema(one["schema"], described["types"], used)
    for event in described["events"]:
        check_schema(event["data"], described["types"], used)
    assert used == set(described["types"])


def test_every_command_is_there_with_all_that_it_says(described):
    methods = {one["name"]: one for one in described["methods"]}
    assert list(methods) == sorted(methods)
    assert set(OWN_CALLS) <= set(methods)
    full = methods["good.all"]
    assert full["cli"] == "all" and full["level"] == "files" and not full["per_profile"]
    assert full["summary"] == "Do all of it, in one line." and "two lines" in full["doc"]
    assert full["raises"] == [
        {"name": "unknown.jid", "doc": "if there is none"},
        {"name": "StanzaError", "doc": "if it refuses"},
    ]
    jid, count, mode, *_ = full["params"]
    assert jid == {
        "name": "jid",
        "schema": {"type": "string", "format": "jid"},
        "required": True,
        "default": None,
        "doc": "whom; a bare one is its server's",
    }
    assert (count["default"], count["required"]) == (3, False)
    assert count["schema"]["minimum"] == 0
    assert mode["schema"]["enum"] == ["a", "b"]
    assert full["result"] == {"type": "array", "items": {"$ref": "#/types/Message"}}
    assert [one["name"] for one in full["params"] if one["name"] == "call"] == []


def test_every_event_is_there_with_its_data(described):
    events = {one["type"]: one for one in described["events"]}
    assert set(events) == {*CORE_EVENTS, "test.seen"}
    assert events["message.added"]["data"] == {"$ref": "#/types/Message"}
    assert events["presence.changed"]["volatile"] and not events["message.added"]["volatile"]
    assert events["test.seen"]["data"]["additionalProperties"]["items"] == {"type": "integer"}
    for event in events.values():
        assert event["doc"].endswith("."), event["type"]
        assert event["scope"]


def test_names_are_those_of_the_wire(described):
    """`from` is no Python name: the schema has what stands in the JSON."""
    properties = described["types"]["Message"]["properties"]
    assert "from" in properties and "from_" not in properties


def test_errors_and_levels(described):
    assert {one["root"]: one["exit_code"] for one in described["errors"]} == EXIT_CODES
    assert described["levels"] == [level.value for level in Level]
    for method in described["methods"]:
        assert method["level"] in described["levels"]
