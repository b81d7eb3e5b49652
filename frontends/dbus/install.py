"""Tell D-Bus and systemd, for this user, how sat-dbus is started when somebody asks for it."""

from pathlib import Path

from sat.bridge.dbus_mapping import NAME
from sat.frontends.core import activation

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

    :raises CommandError: ``failed.install``
    """
    command = activation.command_of("sat.frontends.dbus")
    texts = (text.format(name=NAME, command=command) for text in (_SERVICE, _UNIT))
    return activation.write(dict(zip(_paths(), texts, strict=True)))


def uninstall() -> list[Path]:
    """Remove what :func:`install` has written; return the paths that are gone.

    :raises CommandError: ``failed.install``
    """
    return activation.remove(_paths())


def _paths() -> tuple[Path, Path]:
    return (
        activation.data_home() / "dbus-1" / "services" / f"{NAME}.service",
        activation.config_home() / "systemd" / "user" / "sat-dbus.service",
    )
