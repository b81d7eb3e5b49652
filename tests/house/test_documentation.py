"""The commands which the documentation shows exist, with the options that it shows."""

import re
import shlex
import subprocess
import sys

import pytest

import sat.__main__
from tests.house.tree import ROOT

PAGES = (
    "README.rst",
    "doc/user/index.rst",
    "doc/user/trust.rst",
    "doc/user/remote.rst",
    "doc/user/telepathy.rst",
    "doc/user/console.rst",
    "doc/scripting/index.rst",
)
#: Options of jp itself, which come before the command.
COMMON = {"--remote": 1, "-p": 1, "--txn": 1, "--json": 0, "-q": 0, "--timeout": 1}


def shown(program: str) -> list[str]:
    """Return the command lines which begin with a program, wherever a page shows or names one."""
    lines: list[str] = []
    for page in PAGES:
        text = (ROOT / page).read_text()
        lines += re.findall(rf"^ +(?:\$ )?({program} [^|\n]+)", text, re.MULTILINE)
        lines += re.findall(rf"`({program} [^`]+)`", text)
    return lines


def command_of(line: str) -> tuple[list[str], list[str]]:
    """Return the words of a jp command without its values, and its options."""
    words = shlex.split(line)[1:]
    options = []
    while words and words[0] in COMMON:
        option = words.pop(0)
        options.append(option)
        del words[: COMMON[option]]
    options += [word for word in words if word.startswith("--")]
    return words[:2], options


@pytest.mark.parametrize("line", shown("jp"))
def test_a_command_of_jp_exists(line: str) -> None:
    words, options = command_of(line)
    said = subprocess.run(
        [sys.executable, "-m", "sat.frontends.jp", *words, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert f"jp {' '.join(words)}" in said.stdout
    for option in options:
        assert option in said.stdout


@pytest.mark.parametrize("line", shown("sat"))
def test_a_command_of_sat_exists(line: str) -> None:
    assert f"  sat {shlex.split(line)[1]}" in sat.__main__.HELP
