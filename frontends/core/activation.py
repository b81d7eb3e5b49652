"""Files that tell the desktop, for this user, how a program of ours is started and found."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from sat.bridge.errors import CommandError


def data_home() -> Path:
    """Return the folder of the user's data (XDG Base Directory Specification)."""
    return _folder("XDG_DATA_HOME", ".local/share")


def config_home() -> Path:
    """Return the folder of the user's settings (XDG Base Directory Specification)."""
    return _folder("XDG_CONFIG_HOME", ".config")


def command_of(module: str) -> str:
    """Return the command line that runs a module, as D-Bus and systemd read it.

    It names this very interpreter, so that it works for an installation anywhere.

    :raises CommandError: ``failed.install`` if the interpreter's path can't stand there
    """
    path = sys.executable
    if set(path) & set("\"'\\%$\n"):  # systemd expands % and $
        raise CommandError("failed.install", f"A path such as {path} can't stand in a unit.")
    quoted = f'"{path}"' if " " in path else path
    return f"{quoted} -P -m {module}"


def write(files: Mapping[Path, str]) -> list[Path]:
    """Write files, each at once or not at all; return their paths.

    :raises CommandError: ``failed.install``
    """
    for path, text in files.items():
        new = path.with_name(f"{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(text)
            new.replace(path)
        except OSError as error:
            raise CommandError(
                "failed.install", f"{path} can't be written: {error.strerror}."
            ) from error
    return [*files]


def remove(paths: Iterable[Path]) -> list[Path]:
    """Remove files, where they are; return the paths of those that are gone.

    :raises CommandError: ``failed.install``
    """
    gone = []
    for path in paths:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CommandError(
                "failed.install", f"{path} can't be removed: {error.strerror}."
            ) from error
        gone.append(path)
    return gone


def _folder(variable: str, usual: str) -> Path:
    named = os.environ.get(variable, "")
    return Path(named) if named.startswith("/") else Path.home() / usual
