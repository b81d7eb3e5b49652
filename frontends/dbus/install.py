"""Tell D-Bus and systemd, for this user, how sat-dbus is started when somebody asks for it."""

import os
import sys
from pathlib import Path

from sat.bridge.dbus_mapping import NAME
from sat.bridge.errors import CommandError

_SERVICE = """[D-BUS Service]
Name={name}
Exec={command}
SystemdService=sat-dbus.service
"""
_UNIT = """[Unit]
Description=Salut à Toi on D-Bus
PartOf=graphical-session.target

[Service]
Type=dbus
BusName={name}
ExecStart={command}
Restart=on-failure
"""


def install() -> list[Path]:
    """Write the activation file and the systemd user unit; return their paths.

    They name this very interpreter, so that they work for an installation anywhere.

    :raises CommandError: ``failed.install``
    """
    command = f"{_quote(sys.executable)} -P -m sat.frontends.dbus"
    written = []
    for path, text in zip(_paths(), (_SERVICE, _UNIT), strict=True):
        new = path.with_name(f"{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(text.format(name=NAME, command=command))
            new.replace(path)
        except OSError as error:
            raise CommandError(
                "failed.install", f"{path} can't be written: {error.strerror}."
            ) from error
        written.append(path)
    return written


def uninstall() -> list[Path]:
    """Remove what :func:`install` has written; return the paths that are gone.

    :raises CommandError: ``failed.install``
    """
    gone = []
    for path in _paths():
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


def _paths() -> tuple[Path, Path]:
    home = Path.home()
    data = os.environ.get("XDG_DATA_HOME", "")
    config = os.environ.get("XDG_CONFIG_HOME", "")
    return (
        (Path(data) if data.startswith("/") else home / ".local" / "share")
        / "dbus-1"
        / "services"
        / f"{NAME}.service",
        (Path(config) if config.startswith("/") else home / ".config")
        / "systemd"
        / "user"
        / "sat-dbus.service",
    )


def _quote(path: str) -> str:
    """Write a path as one word, for D-Bus and systemd alike; systemd expands % and $."""
    if set(path) & set("\"'\\%$\n"):
        raise CommandError("failed.install", f"A path such as {path} can't stand in a unit.")
    return f'"{path}"' if " " in path else path
