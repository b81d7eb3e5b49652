"""Install sdist, wheel, tree and editable tree on every supported Python, and run each daemon.

`make packaging` runs it: it takes minutes, and needs the network for what the project stands on.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sat
from tests.house.tree import copy_tree
from tests.testbed import Daemon

VERSIONS = ("3.11", "3.12", "3.13")
BUILD = "import setuptools.build_meta as build, sys; build.build_{}(sys.argv[1])"
LOOK = """
import pathlib, sat, sat.bridge, sat.frontends.jp, sat.plugins
print(pathlib.Path(sat.bridge.__file__).resolve().parent)
"""


def find_python(version: str) -> str:
    """Return an interpreter of a version, on the path or among pyenv's.

    :raises SystemExit: if there is none, with what to do
    """
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
    ]
    for candidate in filter(None, candidates):
        # pyenv leaves programs on the path which only say that they aren't chosen.
        if subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return candidate
    sys.exit(f"Python {version} is not here. Install it with:  pyenv install {version}")


def build(tree: Path, folder: Path, kind: str) -> Path:
    """Build an sdist or a wheel, and return its file."""
    run(sys.executable, "-c", BUILD.format(kind), folder, cwd=tree)
    (file,) = folder.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return file


def check(python: Path, home: Path) -> None:
    """Run what is installed, from outside of the tree: its programs, and a daemon."""
    for program in ("sat", "jp"):
        said = run(python.with_name(program), "--version", cwd=home).split()[-1]
        assert said == sat.__version__, f"{program} --version says {said}"
    with Daemon(python=str(python)) as daemon:
        assert "message.send" in daemon.jp("api", "describe").stdout


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it prints.

    :raises SystemExit: with all that it printed, if it fails
    """
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def main() -> None:
    """Build once, install everywhere, and print a line for each."""
    pythons = {version: find_python(version) for version in VERSIONS}
    with tempfile.TemporaryDirectory(prefix="sat-packaging-") as name:
        folder = Path(name)
        tree = copy_tree(folder / "tree")
        sources: dict[str, tuple[str | Path, ...]] = {
            "wheel": (build(tree, folder, "wheel"),),
            "sdist": (build(tree, folder, "sdist"),),
            "tree": (tree,),
            "editable tree": ("--editable", tree),
        }
        for version, interpreter in pythons.items():
            environment = folder / version
            run(interpreter, "-m", "venv", environment, cwd=folder)
            python = environment / "bin" / "python"
            for kind, source in sources.items():
                began = time.monotonic()
                shutil.rmtree(tree / "build", ignore_errors=True)
                # What it stands on is installed by the first, and stays.
                again = () if kind == "wheel" else ("--force-reinstall", "--no-deps")
                run(python, "-m", "pip", "install", "--quiet", *again, *source, cwd=folder)
                place = Path(run(python, "-c", LOOK, cwd=folder).strip())
                assert place.is_relative_to(tree if "editable" in kind else environment), place
                check(python, folder)
                print(f"{version}  {kind:14} works  ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
