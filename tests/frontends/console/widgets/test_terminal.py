"""Widgets in a real terminal: nothing that is drawn moves what is beside it."""

import pytest

from sat.frontends.console.widgets.cells import width
from tests.frontends.console.widgets import program
from tests.frontends.console.widgets.terminal import Terminal
from tests.house.tree import ROOT


@pytest.fixture
def terminal(tmp_path):
    one = Terminal(tmp_path, program.__file__, (70, 24))
    yield one
    one.close()


def bars(row):
    """Return in which cells of a row the lines are, as the terminal drew it."""
    return [width(row[:at]) for at, one in enumerate(row) if one == "│"]


def test_lines_stay_straight_whatever_is_beside_them(terminal):
    rows = terminal.wait_for("ready")
    for text, row in zip(program.HOSTILE, rows, strict=False):
        assert bars(row) == [29, 59], (text[:30], row)
    assert rows[0].startswith("plain")
    assert "gone" in rows[1]


def test_pastes_and_sizes(terminal):
    terminal.wait_for("ready")
    terminal.paste("one\ntwo\n\x1bOA\x15three")
    terminal.wait_for("three")
    terminal.press("Enter")
    terminal.wait_for("sent")
    rows = terminal.rows()
    assert any("'ree'" in row for row in rows)
    terminal.paste("x" * 5000)
    terminal.wait_for("too long: 2,000 characters")
    terminal.press("a", "M-Enter", "b", "Left", "Left", "c")
    assert "ac" in "".join(row.rstrip() for row in terminal.wait_for("ac"))
    for size in (1, 1), (2, 2), (40, 12), (100, 30):
        terminal.resize(*size)
    rows = terminal.wait_for("ac")
    assert bars(rows[0]) == [29, 59]


def test_the_example_of_the_documentation_runs(tmp_path):
    terminal = Terminal(tmp_path, str(ROOT / "doc" / "widgets" / "example.py"), (60, 10))
    try:
        terminal.wait_for("Say something")
        terminal.press(*"bonjour", "Enter")
        terminal.wait_for("bonjour")
        terminal.press("M-x", "a", "d", "d", "Enter")
        rows = terminal.wait_for("room 2")
        assert not any("bonjour" in row for row in rows)
        terminal.press("M-p")
        terminal.wait_for("bonjour")
        terminal.press("M-x", "q", "Enter")
        terminal.wait_end()
    finally:
        terminal.close()
