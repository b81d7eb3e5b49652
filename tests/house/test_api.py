"""What the repository says of the bridge is what a daemon says."""

import difflib
import json

from tests.house.api import GOLDEN, describe
from tests.house.tree import ROOT


def test_the_golden_description_is_the_present_one() -> None:
    golden, present = GOLDEN.read_text(), describe()
    difference = difflib.unified_diff(golden.splitlines(), present.splitlines(), n=2, lineterm="")
    assert golden == present, (
        "The bridge is not what doc/api/api.json says. If that is meant, run “make api” and commit "
        "what it writes:\n" + "\n".join(list(difference)[:60])
    )


def test_it_tells_enough_to_be_documented() -> None:
    described = json.loads(GOLDEN.read_text())
    plugins = [path.stem for path in (ROOT / "plugins").glob("xep_*.py")]
    names = {one["name"] for one in described["methods"]}
    assert {"session.hello", "message.send", "state.attach", "plugin.load"} <= names
    assert plugins and {"ping.send"} <= names
    for method in described["methods"]:
        assert method["summary"].endswith("."), method["name"]
        for parameter in method["params"]:
            assert parameter["doc"], f"{method['name']}: {parameter['name']} is not explained"
    for name, schema in described["types"].items():
        assert schema.get("description") or "enum" in schema, f"{name} is not explained"
