"""The documentation has every command, as the table has it."""

from pathlib import Path

import pytest

from sat.frontends.core.commands.table import COMMANDS
from sat.frontends.jp.help import usage

PAGE = Path(__file__).resolve().parents[3] / "doc" / "scripting" / "jp.rst"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.words)
def test_a_command_is_documented_as_it_is(command):
    assert f"   jp {usage(command)}\n       {command.summary}\n" in PAGE.read_text(encoding="utf-8")


def test_no_command_is_documented_that_is_not_there():
    lines = PAGE.read_text(encoding="utf-8").partition("\nCommands\n")[2].splitlines()
    known = {f"   jp {usage(one)}" for one in COMMANDS}
    assert {line for line in lines if line.startswith("   jp ")} == known
