"""What the API is called on D-Bus, from its description alone."""

import json
import re
from xml.etree import ElementTree

import pytest

from sat.bridge import dbus_mapping
from sat.bridge.dbus_mapping import Api, camel, error_name, escape, names_of, signature_of
from tests.house.tree import ROOT

TYPES = {
    "Kind": {"enum": ["a", "b"]},
    "Thing": {"type": "object", "properties": {"name": {"type": "string"}}},
}
NULL = {"type": "null"}
TEXT = {"type": "string"}


@pytest.fixture(scope="module")
def api() -> Api:
    return Api(json.loads((ROOT / "doc" / "api" / "api.json").read_text()))


@pytest.mark.parametrize(
    ("schema", "signature"),
    [
        ({"type": "string", "format": "jid"}, "s"),
        ({"type": "integer", "minimum": 0}, "x"),
        ({"type": "number"}, "d"),
        ({"type": "boolean"}, "b"),
        (NULL, ""),
        ({}, "v"),
        ({"type": "string", "contentEncoding": "base64"}, "ay"),
        ({"$ref": "#/types/Kind"}, "s"),
        ({"$ref": "#/types/Thing"}, "a{sv}"),
        ({"$ref": "#/types/Missing"}, "v"),
        ({"type": "array", "items": {"$ref": "#/types/Thing"}}, "aa{sv}"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "a{ss}"),
        (
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "a{sas}",
        ),
        # What may be nothing, where no key can be absent, is a list of one or none.
        ({"anyOf": [{"type": "string"}, NULL]}, "as"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "v"),
        ({"enum": [1, "a"]}, "v"),
    ],
)
def test_a_type_has_a_signature(schema, signature):
    assert signature_of(schema, TYPES) == signature


def test_a_type_that_refers_to_itself_ends():
    assert signature_of({"$ref": "#/types/Loop"}, {"Loop": {"$ref": "#/types/Loop"}}) == "v"


def test_names():
    assert names_of("message.send") == ("org.salutatoi.SAT1.Message", "Send")
    assert names_of("a.b_c.d-e") == ("org.salutatoi.SAT1.A.BC", "DE")
    assert names_of("ping") == ("org.salutatoi.SAT1", "Ping")
    assert camel("3d") == "_3d"
    assert error_name("unknown.profile") == "org.salutatoi.Error.unknown.profile"
    assert error_name("a-b.1") == "org.salutatoi.Error.a_b._1"


@pytest.mark.parametrize(
    ("text", "escaped"), [("", "_"), ("me", "me"), ("a_b", "a_5fb"), ("é/", "_c3_a9_2f")]
)
def test_any_name_is_an_element_of_a_path(text, escaped):
    assert escape(text) == escaped


def test_the_whole_api_has_names_that_d_bus_allows(api):
    described = json.loads((ROOT / "doc" / "api" / "api.json").read_text())
    assert len(api.methods) == len(described["methods"])
    assert len(api.signals) == len(described["events"])
    root = ElementTree.fromstring(f"<node>{api.introspect()}</node>")
    for interface in root:
        assert re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", interface.attrib["name"])
        for member in interface:
            assert re.fullmatch(r"[A-Za-z_]\w*", member.attrib["name"])
            for argument in member.iter("arg"):
                assert argument.attrib["name"] and argument.attrib["type"]
    assert len([*root.iter("method")]) == len(api.methods)


def test_a_profile_has_the_methods_of_a_profile_alone(api):
    xml = api.introspect(of_profile=True)
    assert "org.salutatoi.SAT1.Roster" in xml
    assert "org.salutatoi.SAT1.Daemon" not in xml


def test_what_a_method_requires_are_its_arguments(api):
    method = api.find("org.salutatoi.SAT1.Message", "Send")
    assert method.arguments == [("to", "s"), ("body", "s"), ("options", "a{sv}")]
    assert (method.signature, method.result) == ("ssa{sv}", "a{sv}")
    assert api.find(None, "Send") is not None
    assert api.find("org.salutatoi.SAT1.Roster", "Send") is None


def test_documentation_is_quoted():
    one = {"name": "a.b", "per_profile": True, "doc": '<&"', "params": [], "result": {}}
    api = Api({"api": "1", "types": {}, "methods": [one], "events": []})
    assert ElementTree.fromstring(api.introspect()).attrib["name"] == f"{dbus_mapping.NAME}.A"
