"""Nothing of the released bridge is taken away, and what does so is noticed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.house.api import GOLDEN
from tests.house.compatibility import complaints

RELEASED = GOLDEN.with_name("released.json")

Described = dict[str, Any]


def test_the_bridge_keeps_what_was_released() -> None:
    told = complaints(json.loads(RELEASED.read_text()), json.loads(GOLDEN.read_text()))
    assert not told, "\n".join(told)


def described() -> Described:
    """A small description that has something of each kind."""
    text = {"type": "string"}
    return {
        "api": "1.4",
        "methods": [
            {
                "name": "tea.brew",
                "cli": "brew",
                "level": "send",
                "per_profile": True,
                "summary": "Brew.",
                "doc": "Brew.",
                "raises": [],
                "params": [
                    {"name": "kind", "schema": {"$ref": "#/types/Kind"}, "required": True},
                    {"name": "pot", "schema": {"$ref": "#/types/Pot"}, "required": True},
                    {"name": "minutes", "schema": {"type": "number"}, "required": False},
                    {
                        "name": "sugar",
                        "schema": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
                        "required": False,
                    },
                    {
                        "name": "guests",
                        "schema": {"type": "array", "items": text},
                        "required": False,
                    },
                ],
                "result": {"$ref": "#/types/Cup"},
            }
        ],
        "events": [
            {
                "type": "cup.filled",
                "scope": "cups",
                "volatile": False,
                "doc": "Full.",
                "data": {"$ref": "#/types/Cup"},
            }
        ],
        "types": {
            "Kind": {"enum": ["black", "green"]},
            "Pot": {
                "type": "object",
                "properties": {"size": {"type": "integer"}, "lid": text},
                "required": [],
            },
            "Cup": {
                "type": "object",
                "description": "A cup.",
                "properties": {
                    "kind": {"$ref": "#/types/Kind"},
                    "of": {"type": "string", "format": "jid"},
                    "full": {"type": "integer"},
                    "note": {"anyOf": [text, {"type": "null"}]},
                },
                "required": ["kind", "of", "full"],
            },
        },
        "errors": [{"root": "denied", "exit_code": 7}, {"root": "unknown", "exit_code": 6}],
        "levels": ["read", "send", "admin"],
    }


def brew(one: Described) -> Described:
    """Its one method."""
    method: Described = one["methods"][0]
    return method


def parameter(one: Described, name: str) -> Described:
    """A parameter of its method."""
    found: Described
    (found,) = [each for each in brew(one)["params"] if each["name"] == name]
    return found


def field(one: Described, type: str, name: str, schema: Described) -> None:
    """Change a field of a type."""
    one["types"][type]["properties"][name] = schema


Change = Callable[[Described], object]
#: What is taken away, what is said of it, and the harmless twin.
RULES: dict[str, tuple[Change, str, Change]] = {
    "a method": (
        lambda one: one["methods"].clear(),
        "The method tea.brew is gone.",
        lambda one: one["methods"].append(brew(one) | {"name": "tea.drink", "cli": None}),
    ),
    "a command": (
        lambda one: brew(one).update(cli=None),
        "The command “jp brew” of tea.brew is gone.",
        lambda one: one["methods"].append(brew(one) | {"name": "tea.pour", "cli": "pour"}),
    ),
    "a level": (
        lambda one: brew(one).update(level="admin"),
        "tea.brew needs the level admin now, where send did.",
        lambda one: brew(one).update(level="read"),
    ),
    "a level of all": (
        lambda one: one["levels"].remove("read"),
        "The level read is gone.",
        lambda one: one["levels"].insert(1, "taste"),
    ),
    "a profile": (
        lambda one: brew(one).update(per_profile=False),
        "tea.brew is no longer asked of a profile now.",
        lambda one: brew(one)["raises"].append({"name": "unknown.tea", "doc": "if none"}),
    ),
    "a parameter": (
        lambda one: brew(one)["params"].pop(2),
        "The parameter minutes of tea.brew is gone.",
        lambda one: brew(one)["params"].append(
            {"name": "milk", "schema": {"type": "boolean"}, "required": False}
        ),
    ),
    "a default": (
        lambda one: parameter(one, "minutes").update(required=True),
        "The parameter minutes of tea.brew is required now: give it a default.",
        lambda one: parameter(one, "kind").update(required=False),
    ),
    "calls without a new parameter": (
        lambda one: brew(one)["params"].append(
            {"name": "milk", "schema": {"type": "boolean"}, "required": True}
        ),
        "The parameter milk of tea.brew is required now: give it a default.",
        lambda one: brew(one)["params"].append(
            {"name": "milk", "schema": {"type": "boolean"}, "required": False}
        ),
    ),
    "numbers": (
        lambda one: parameter(one, "minutes").update(schema={"type": "integer"}),
        "The parameter minutes of tea.brew takes less than before.",
        lambda one: parameter(one, "minutes").update(
            schema={"anyOf": [{"type": "number"}, {"type": "string"}]}
        ),
    ),
    "null": (
        lambda one: parameter(one, "sugar").update(schema={"type": "integer", "minimum": 0}),
        "The parameter sugar of tea.brew takes less than before.",
        lambda one: parameter(one, "minutes").update(
            schema={"anyOf": [{"type": "number"}, {"type": "null"}]}
        ),
    ),
    "small numbers": (
        lambda one: parameter(one, "sugar")["schema"]["anyOf"][0].update(minimum=1),
        "The parameter sugar of tea.brew takes less than before.",
        lambda one: parameter(one, "sugar")["schema"]["anyOf"][0].update(minimum=-1),
    ),
    "large numbers": (
        lambda one: parameter(one, "sugar")["schema"]["anyOf"][0].update(maximum=9),
        "The parameter sugar of tea.brew takes less than before.",
        lambda one: parameter(one, "sugar")["schema"]["anyOf"][0].pop("minimum"),
    ),
    "any guests": (
        lambda one: parameter(one, "guests")["schema"].update(
            items={"type": "string", "format": "jid"}
        ),
        "The parameter guests of tea.brew takes less than before.",
        lambda one: parameter(one, "guests")["schema"].update(items={}),
    ),
    "a value": (
        lambda one: one["types"]["Kind"]["enum"].remove("green"),
        "The type Kind has no value “green” any more.",
        lambda one: one["types"]["Kind"]["enum"].append("white"),
    ),
    "what is taken as a value": (
        lambda one: one["types"].update(Kind={"type": "integer"}),
        "The type Kind takes less than before.",
        lambda one: one["types"].update(Kind={"type": "string"}),
    ),
    "what a value is": (
        lambda one: one["types"].update(Kind={"type": "integer"}),
        "The type Kind is something else than before.",
        lambda one: one["types"]["Kind"]["enum"].insert(0, "red"),
    ),
    "values, under another name": (
        lambda one: parameter(one, "kind").update(schema={"enum": ["black"]}),
        "The parameter kind of tea.brew takes less than before.",
        lambda one: parameter(one, "kind").update(schema={"enum": ["black", "green", "red"]}),
    ),
    "a type": (
        lambda one: one["types"].pop("Pot") and parameter(one, "pot").update(schema={}),
        "The type Pot is gone.",
        lambda one: one["types"].update(Jug={"type": "object", "properties": {}}),
    ),
    "a field": (
        lambda one: one["types"]["Cup"]["properties"].pop("full"),
        "The field full of the type Cup is gone.",
        lambda one: field(one, "Cup", "hot", {"type": "boolean"}),
    ),
    "a field that is always there": (
        lambda one: one["types"]["Cup"]["required"].remove("full"),
        "The field full of the type Cup may be missing now.",
        lambda one: one["types"]["Cup"]["required"].append("note"),
    ),
    "a field's kind": (
        lambda one: field(one, "Cup", "full", {"type": "string"}),
        "The field full of the type Cup is something else than before.",
        lambda one: field(one, "Cup", "note", {"type": "string"}),
    ),
    "a field's certainty": (
        lambda one: field(one, "Cup", "full", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        "The field full of the type Cup is something else than before.",
        lambda one: field(one, "Cup", "full", {"type": "integer", "minimum": 0}),
    ),
    "a field's format": (
        lambda one: field(one, "Cup", "of", {"type": "string"}),
        "The field of of the type Cup is something else than before.",
        lambda one: field(one, "Cup", "note", {"type": "string", "format": "jid"}),
    ),
    "a field that is sent": (
        lambda one: field(one, "Pot", "lid", {"enum": ["flat"]}),
        "The field lid of the type Pot takes less than before.",
        lambda one: field(one, "Pot", "size", {"type": "number"}),
    ),
    "leaving a field out": (
        lambda one: one["types"]["Pot"]["required"].append("lid"),
        "The field lid of the type Pot is required now.",
        lambda one: field(one, "Pot", "lamp", {"type": "string"}),
    ),
    "a result": (
        lambda one: brew(one).update(result={"type": "array", "items": {"$ref": "#/types/Cup"}}),
        "tea.brew returns something else than before.",
        lambda one: one["methods"].append(brew(one) | {"name": "tea.all", "result": {}}),
    ),
    "an event": (
        lambda one: one["events"].clear(),
        "The event cup.filled is gone.",
        lambda one: one["events"].append(one["events"][0] | {"type": "cup.emptied"}),
    ),
    "an event's data": (
        lambda one: one["events"][0].update(data={"type": "string"}),
        "The data of the event cup.filled is something else than before.",
        lambda one: one["events"].append(one["events"][0] | {"type": "cup.broken", "data": {}}),
    ),
    "an event's number": (
        lambda one: one["events"][0].update(volatile=True),
        "The event cup.filled is volatile now: programs that were away miss it.",
        lambda one: one["events"].append(one["events"][0] | {"type": "cup.hot", "volatile": True}),
    ),
    "an event's scope": (
        lambda one: one["events"][0].update(scope="tables"),
        "The event cup.filled is of the scope tables now, and not cups.",
        lambda one: one["events"].append(one["events"][0] | {"type": "cup.set", "scope": "tables"}),
    ),
    "an error root": (
        lambda one: one["errors"].pop(),
        "The error root unknown is gone.",
        lambda one: one["errors"].append({"root": "offline", "exit_code": 4}),
    ),
    "an exit code": (
        lambda one: one["errors"][0].update(exit_code=1),
        "Errors denied.* end a program with 1 now, and not with 7.",
        lambda one: one["errors"].append({"root": "timeout", "exit_code": 5}),
    ),
}


@pytest.mark.parametrize("what", RULES)
def test_what_is_taken_away_is_told(what: str) -> None:
    change, sentence, _ = RULES[what]
    present = described()
    change(present)
    # A higher minor number makes up for nothing.
    present["api"] = "1.5"
    assert sentence in complaints(described(), present)


@pytest.mark.parametrize("what", RULES)
def test_its_harmless_twin_is_an_addition(what: str) -> None:
    *_, change = RULES[what]
    present = described()
    change(present)
    (told,) = complaints(described(), present)
    assert "set API_VERSION in bridge/wire.py to 1.5" in told
    assert complaints(described(), present | {"api": "1.5"}) == []


def test_other_words_and_another_order_change_nothing() -> None:
    present = described()
    brew(present)["doc"] = "Brew some."
    brew(present)["params"].reverse()
    present["types"]["Cup"]["description"] = "Another cup."
    present["types"]["Cup"]["required"].reverse()
    assert complaints(described(), present) == []


def test_a_major_version_may_take_away() -> None:
    present = described()
    present["methods"].clear()
    assert complaints(described(), present | {"api": "2.0"}) == []


def test_the_version_never_goes_back() -> None:
    assert complaints(described(), described() | {"api": "1.3"}) == [
        "API_VERSION went back from 1.4 to 1.3."
    ]


def test_types_of_other_names_are_compared_by_what_they_hold() -> None:
    def node(name: str, *more: str) -> Described:
        child = {"anyOf": [{"$ref": f"#/types/{name}"}, {"type": "null"}]}
        properties = {"child": child} | {one: {"type": "string"} for one in more}
        return {"type": "object", "properties": properties, "required": list(more)}

    for more, taken_away in (((), True), (("leaf",), False), (("leaf", "root"), False)):
        released, present = described(), described() | {"api": "1.5"}
        for one in (released, present):
            one["types"]["Node"] = node("Node", "leaf")
        present["types"]["Tree"] = node("Tree", *more)
        brew(released)["result"] = {"$ref": "#/types/Node"}
        brew(present)["result"] = {"$ref": "#/types/Tree"}
        told = ["tea.brew returns something else than before."] if taken_away else []
        assert complaints(released, present) == told
