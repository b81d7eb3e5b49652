"""What stands where: links, bare imports, sizes, and the list of what is implemented."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.house.tree import LINKS, PACKAGED, ROOT

LONGEST_FILE = 400


@pytest.mark.parametrize("name", LINKS)
def test_the_package_has_a_link_to_the_folder_at_the_top(name: str) -> None:
    link = ROOT / "sat" / name
    assert link.is_symlink()
    assert link.readlink() == Path("..", name)
    assert not (ROOT / name).is_symlink()


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("place", ["sat/backend/x.py", "plugins/x.py", "tests/x.py"])
@pytest.mark.parametrize(
    "line", ["import {}", "import {}.x", "from {} import x", "from {}.x import y"]
)
def test_a_bare_import_is_refused(name: str, place: str, line: str) -> None:
    text = line.format(name)
    result = subprocess.run(
        [
            Path(sys.executable).with_name("ruff"),
            "check",
            "--no-cache",
            "--stdin-filename",
            place,
            "-",
        ],
        input=f"{text}\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert f"write sat.{name}: a bare import loads a second copy" in result.stdout


def test_no_file_is_too_long() -> None:
    sizes = {
        str(file.relative_to(ROOT)): len(file.read_bytes().splitlines())
        for folder in PACKAGED
        for file in (ROOT / folder).rglob("*.py")
    }
    assert sizes
    assert {file: size for file, size in sizes.items() if size > LONGEST_FILE} == {}


def test_what_a_plugin_implements_is_told_to_the_world() -> None:
    listed = ElementTree.parse(ROOT / "doc" / "sat.doap").iter(
        "{https://linkmauve.fr/ns/xmpp-doap#}xep"
    )
    resource = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"
    numbers = {
        match[1] for xep in listed if (match := re.search(r"xep-(\d{4})", xep.attrib[resource]))
    }
    plugins = {
        match[1]
        for file in (ROOT / "plugins").iterdir()
        if (match := re.match(r"xep_(\d{4})_", file.name))
    }
    assert plugins
    assert plugins <= numbers
