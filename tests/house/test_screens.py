"""The screens in the README are what the console shows: rows of those that a real terminal had."""

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tests.testbed.shown import without_times

FOLDER = ROOT / "tests" / "e2e" / "screens"


def shown() -> list[list[str]]:
    """Return the rows of the screens of the README."""
    blocks = re.findall(r"::\n\n((?:    .*\n)+)", (ROOT / "README.rst").read_text())
    return [
        [without_times(row[4:]).rstrip() for row in block.splitlines()]
        for block in blocks
        if "│" in block
    ]


def rows_of(file: Path) -> list[str]:
    """Return the rows of a screen without its colours."""
    return [row.rstrip() for row in re.sub(r"\x1b\[[0-9;]*m", "", file.read_text()).split("\n")]


def is_within(rows: list[str], screen: list[str]) -> bool:
    """Tell whether a screen has these rows, in this order, whatever is between them."""
    left = iter(screen)
    return all(row in left for row in rows)


def test_the_readme_shows_five_views() -> None:
    assert len(shown()) == 5
    assert all(len(rows) <= 14 for rows in shown())


@pytest.mark.parametrize("rows", shown(), ids=lambda rows: rows[0].strip()[:20])
def test_a_screen_of_the_readme_is_true(rows: list[str]) -> None:
    screens = [rows_of(file) for file in sorted(FOLDER.glob("*-80x24-dark.txt"))]
    assert any(is_within(rows, screen) for screen in screens), "\n".join(rows)
