"""What the widgets stand on: urwid, wcwidth and Python alone, so that any program can take them."""

import ast
import sys

import pytest

from tests.house.tree import ROOT

FOLDER = ROOT / "frontends" / "console" / "widgets"
OWN = "sat.frontends.console.widgets"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_nothing_else_is_imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module]
        else:
            continue
        for name in names:
            root = name.partition(".")[0]
            assert f"{name}.".startswith(f"{OWN}.") or (
                root in ("urwid", "wcwidth") or root in sys.stdlib_module_names
            ), name
