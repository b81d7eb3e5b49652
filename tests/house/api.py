"""The golden description of the bridge: what `api.describe` answers, as it is in the repository.

`make api` renews it; whoever does looks at the difference, and takes nothing away within a major
version.
"""

import json
from typing import Any

from tests.house.tree import ROOT
from tests.testbed import Daemon

GOLDEN = ROOT / "doc" / "api" / "api.json"


def describe() -> str:
    """Return the description of a daemon that has the built-in plugins, in one order always."""
    with Daemon() as daemon:
        found: dict[str, Any] = daemon.json("api", "describe")[0]
    found["methods"].sort(key=lambda one: one["name"])
    found["events"].sort(key=lambda one: one["type"])
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(describe())
    print(f"{GOLDEN.relative_to(ROOT)} is renewed: look at what git diff shows of it.")
