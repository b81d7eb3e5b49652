"""The project's own files, and copies of them to do harm to."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINKS = ("bridge", "plugins", "frontends")
PACKAGED = ("sat", *LINKS)
METADATA = ("setup.cfg", "pyproject.toml", ".ruff.toml", "README.rst", "LICENSE", "MANIFEST.in")


def copy_tree(target: Path) -> Path:
    """Copy what is packaged, links as links, and return the copy's root."""
    target.mkdir(parents=True)
    for name in PACKAGED:
        shutil.copytree(
            ROOT / name, target / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in METADATA:
        shutil.copy(ROOT / name, target / name)
    return target


def packaged_files() -> set[str]:
    """Return the paths which an installation holds, as `sat/…`."""
    return {
        str(Path(*([] if name == "sat" else ["sat"]), file.relative_to(ROOT)))
        for name in PACKAGED
        for file in (ROOT / name).rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and not (name == "sat" and file.relative_to(ROOT).parts[1] in LINKS)
    }
