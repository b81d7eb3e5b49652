"""The import rules: each is broken on purpose in a copy of the tree, and seen to be caught."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, copy_tree

# Where, what, and the name of the contract which has to notice.
VIOLATIONS = [
    ("sat/backend/planted.py", "sat.plugins.xep_0199_ping", "Each layer"),
    ("sat/backend/planted.py", "sat.frontends.jp.main", "Each layer"),
    ("sat/backend/planted.py", "wokkel.disco", "sat.xmpp alone knows wokkel"),
    ("sat/xmpp/planted.py", "sat.backend.store", "Each layer"),
    ("sat/xmpp/planted.py", "sat.bridge.session", "The wire knows"),
    ("bridge/planted.py", "sat.plugin", "Each layer"),
    ("bridge/planted.py", "sqlalchemy", "sat.backend alone knows the database"),
    ("plugins/planted.py", "sat.backend.store", "Each layer"),
    ("plugins/planted.py", "sat.xmpp.connection", "A plugin knows its API"),
    ("plugins/planted.py", "sat.plugins.xep_0199_ping", "A plugin knows another one"),
    ("frontends/jp/planted.py", "sat.backend.store", "A frontend knows the bridge"),
    ("frontends/core/planted.py", "sat.frontends.jp.main", "Frontends know their core"),
    ("frontends/console/widgets/planted.py", "sat.bridge.model", "Widgets of the console"),
    ("frontends/console/widgets/planted.py", "sat.frontends.core.clean", "Widgets of the console"),
    ("frontends/console/widgets/planted.py", "msgspec", "Widgets of the console"),
]


def lint_imports(root: Path) -> str:
    """Run import-linter in a tree, and return what it says."""
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [program, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=120
    )
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What import-linter says of a tree with all violations, by contract."""
    root = copy_tree(tmp_path_factory.mktemp("contracts") / "tree")
    for file, module, _ in VIOLATIONS:
        with (root / file).open("a") as text:
            text.write(f"import {module}\n")
    report = lint_imports(root).partition("Broken contracts")[2]
    titles_and_texts = re.split(r"^(.+)\n-+$", report, flags=re.MULTILINE)[1:]
    return dict(zip(titles_and_texts[::2], titles_and_texts[1::2], strict=True))


@pytest.mark.parametrize(("file", "module", "contract"), VIOLATIONS)
def test_a_planted_violation_is_caught(
    broken: dict[str, str], file: str, module: str, contract: str
) -> None:
    importer = file.removesuffix(".py").replace("/", ".")
    importer = importer if importer.startswith("sat.") else f"sat.{importer}"
    said = "".join(text for title, text in broken.items() if title.startswith(contract))
    assert f"{importer} -> {module.partition('.')[0]}" in said
    assert module in said or module.partition(".")[0] in ("wokkel", "sqlalchemy")


def test_the_tree_keeps_them() -> None:
    assert "0 broken" in lint_imports(ROOT)
