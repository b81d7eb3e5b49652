"""The description of the bridge, for people and as an OpenRPC document."""

import json
import re
from pathlib import Path

import pytest

from sat.frontends.jp.describing import text
from sat.frontends.jp.openrpc import document

DESCRIBED = json.loads(
    (Path(__file__).resolve().parents[3] / "doc" / "api" / "api.json").read_text("utf-8")
)
ODD = {
    "api": 3,
    "methods": [
        7,
        {"name": "a.b\x1b[2J", "params": [{"name": "x\nLevel: read", "schema": 5}], "raises": 1},
    ],
    "events": None,
    "types": {"T\x07": {"properties": {"f": []}, "enum": ["\x1b]0;t\x07"], "required": 2}},
    "levels": {"no": "list"},
}


@pytest.fixture(scope="module")
def made():
    return document(DESCRIBED)


class TestText:
    def test_everything_is_in_it(self):
        lines = text(DESCRIBED).splitlines()
        for method in DESCRIBED["methods"]:
            assert lines.count(f"  {method['name']}") == 1
        for event in DESCRIBED["events"]:
            assert f"  {event['type']}" in lines
        for name in DESCRIBED["types"]:
            assert lines.count(f"  {name}") == 1
        for error in DESCRIBED["errors"]:
            assert any(line.startswith(f"  {error['root']}.*") for line in lines)
        assert lines[-1] == "Levels, each with those before it: read, send, files, admin"

    def test_a_method_a_type_and_an_event(self):
        told = text(DESCRIBED)
        method = told.partition("\n  question.answer\n")[2].partition("\n\n")[0].splitlines()
        assert method[0] == "    Answer a question; the first answer counts."
        assert [re.split("  +", line.strip())[:2] for line in method[1:4]] == [
            ["id", "string"],
            ["values", "object of list of string"],
            ["profile", "string"],
        ]
        assert {"    Returns: Question", "    Level: send", "    Fails with:"} <= set(method)
        assert "      unknown.question  if there is none, or it was answered elsewhere" in method
        draft = re.split(r"\n\n  (?=\w)", told.partition("\n  Conversation\n")[2])[0]
        assert re.search(r"\n      draft +string = \"\"\n", draft)
        assert re.search(r"\n      peer +string\n", draft)
        assert "\n    Data: Message; scope: messages; numbered\n" in told
        assert "scope: presence; volatile" in told

    def test_what_comes_from_a_daemon_gone_mad(self):
        told = text(ODD)
        assert "\x1b" not in told and "\x07" not in told
        assert "x Level: read" in told
        assert text({}).startswith("API")


class TestOpenRPC:
    """As https://spec.open-rpc.org has it, and its meta schema: no other fields are allowed."""

    def test_its_parts(self, made):
        assert set(made) == {
            *("openrpc", "info", "methods", "components"),
            *("x-events", "x-errors", "x-levels"),
        }
        assert re.fullmatch(r"1\.3\.\d+", made["openrpc"])
        assert set(made["info"]) == {"title", "version", "description"}
        assert all(isinstance(one, str) and one for one in made["info"].values())
        assert made["info"]["version"] == DESCRIBED["api"]
        assert set(made["components"]) == {"schemas"}
        assert set(made["components"]["schemas"]) == set(DESCRIBED["types"])

    def test_its_methods(self, made):
        names = [one["name"] for one in made["methods"]]
        assert names == [one["name"] for one in DESCRIBED["methods"]]
        for method in made["methods"]:
            assert set(method) == {
                *("name", "summary", "description", "tags", "paramStructure", "params"),
                *("result", "errors", "x-level"),
            }
            assert method["paramStructure"] == "by-name"
            assert method["x-level"] in made["x-levels"]
            assert [set(one) for one in method["tags"]] == [{"name"}]
            assert set(method["result"]) == {"name", "schema"}

    def test_parameters_are_unique_and_the_required_ones_come_first(self, made):
        for method, before in zip(made["methods"], DESCRIBED["methods"], strict=True):
            params = method["params"]
            names = [one["name"] for one in params]
            assert len(set(names)) == len(names)
            assert set(names) - {one["name"] for one in before["params"]} == (
                {"profile"} if before["per_profile"] else set()
            )
            wanted = [one["required"] for one in params]
            assert wanted == sorted(wanted, reverse=True)
            for one in params:
                assert set(one) == {"name", "summary", "required", "schema"}

    def test_an_error_of_each_code_is_told_once(self, made):
        for method, before in zip(made["methods"], DESCRIBED["methods"], strict=True):
            codes = [one["code"] for one in method["errors"]]
            assert len(set(codes)) == len(codes)
            for one in method["errors"]:
                assert set(one) == {"code", "message", "data"}
                assert isinstance(one["code"], int) and one["message"]
            told = [each for one in method["errors"] for each in one["data"]]
            raised = before["raises"]
            assert len(told) == len(raised) and all(one in told for one in raised)

    def test_schemas_refer_to_its_components(self, made):
        references = set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(made)))
        assert "#/components/schemas/Message" in references
        for one in references:
            where, _, name = one.rpartition("/")
            assert where == "#/components/schemas" and name in made["components"]["schemas"]

    def test_defaults_stand_beside_no_reference(self, made):
        (send,) = [one for one in made["methods"] if one["name"] == "message.send"]
        schemas = {one["name"]: one["schema"] for one in send["params"]}
        assert schemas["now"] == {"type": "boolean", "default": False}
        assert schemas["type"] == {
            "allOf": [{"$ref": "#/components/schemas/MessageType"}],
            "default": "chat",
        }
        assert "default" not in schemas["to"]

    def test_what_comes_from_a_daemon_gone_mad(self):
        odd = document(ODD)
        assert [one["name"] for one in odd["methods"]] == ["a.b\x1b[2J"]
        assert document({})["methods"] == []
