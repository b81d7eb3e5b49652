"""What an installation holds, seen in a wheel."""

import configparser
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import sat
from tests.house.tree import ROOT, copy_tree, packaged_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of the tree as it stands."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = copy_tree(folder / "tree")
    build = "import setuptools.build_meta as build, sys; build.build_wheel(sys.argv[1])"
    result = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=tree, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def metadata(wheel: zipfile.ZipFile, file: str) -> str:
    """Return a file of the wheel's metadata."""
    (name,) = (name for name in wheel.namelist() if name.endswith(f".dist-info/{file}"))
    return wheel.read(name).decode()


def test_it_has_one_package_at_the_top(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sat"}


def test_it_holds_every_file_and_no_other(wheel: zipfile.ZipFile) -> None:
    packaged = {name for name in wheel.namelist() if name.startswith("sat/")}
    assert packaged == packaged_files()


def test_it_holds_the_licence(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if Path(name).name == "LICENSE")
    assert wheel.read(name) == (ROOT / "LICENSE").read_bytes()


def test_there_is_one_version(wheel: zipfile.ZipFile) -> None:
    assert Parser().parsestr(metadata(wheel, "METADATA"))["Version"] == sat.__version__
    for module in ("sat", "sat.frontends.jp"):
        said = subprocess.run(
            [sys.executable, "-m", module, "--version"], cwd=ROOT, capture_output=True, text=True
        )
        assert said.stdout.split()[-1] == sat.__version__, said.stderr


def test_its_programs_exist(wheel: zipfile.ZipFile) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(metadata(wheel, "entry_points.txt"))
    programs = dict(entries["console_scripts"])
    assert {"sat", "jp", "primitivus", "sat-dbus", "sat-telepathy"} <= programs.keys()
    for target in programs.values():
        module, _, function = target.partition(":")
        code = f"import {module} as module; assert callable(module.{function})"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)
