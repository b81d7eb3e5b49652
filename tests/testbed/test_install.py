"""install.sh, with programs of its own instead of the system's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("install.sh")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder which is all of PATH: a person who isn't root, on a system with apt."""
    put(tmp_path, "id", "echo 1000")
    put(tmp_path, "sudo", "exit 1")
    put(tmp_path, "apt-get", "exit 0")
    return tmp_path


def put(folder: Path, name: str, body: str) -> None:
    """Make a small program."""
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def install(programs: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run the script with these programs alone."""
    shell = shutil.which("sh")
    assert shell
    return subprocess.run(
        [shell, SCRIPT, *names],
        env={"PATH": str(programs), "LC_ALL": "C.UTF-8", "PYTHON": os.devnull},
        capture_output=True,
        text=True,
    )


def test_without_root_it_prints_the_one_line_and_fails(programs: Path) -> None:
    result = install(programs, "make", "venv")
    assert result.returncode == 1
    assert "    sudo apt-get install --no-install-recommends make python3-venv\n" in result.stderr


def test_without_apt_it_names_what_is_missing(programs: Path) -> None:
    (programs / "apt-get").unlink()
    result = install(programs, "make")
    assert result.returncode == 1
    assert "Missing: make. This system has no apt" in result.stderr


def test_what_is_there_is_not_installed(programs: Path) -> None:
    put(programs, "make", "exit 0")
    result = install(programs, "make")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_name_that_it_does_not_know_is_refused(programs: Path) -> None:
    result = install(programs, "emacs")
    assert result.returncode == 2
    assert "emacs" in result.stderr
