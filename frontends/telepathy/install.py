"""Tell D-Bus and Telepathy, for this user, where the connection manager is."""

from pathlib import Path

from sat.frontends.core import activation
from sat.frontends.telepathy.connection import INTERFACES
from sat.frontends.telepathy.parameters import PARAMETERS
from sat.frontends.telepathy.spec import (
    CHANNEL,
    CONTACT,
    MANAGER_NAME,
    OWN_NAME,
    PROTOCOL_NAME,
    TEXT,
)

_SERVICE = """[D-BUS Service]
Name={name}
Exec={command}
"""
_FLAGS = {1: "required", 8: "secret"}


def install() -> list[Path]:
    """Write the activation file and the ``.manager`` file; return their paths.

    :raises CommandError: ``failed.install``
    """
    command = activation.command_of("sat.frontends.telepathy")
    service, manager = _paths()
    return activation.write(
        {
            service: _SERVICE.format(name=MANAGER_NAME, command=command),
            manager: manager_file(),
        }
    )


def uninstall() -> list[Path]:
    """Remove what :func:`install` has written; return the paths that are gone.

    :raises CommandError: ``failed.install``
    """
    return activation.remove(_paths())


def manager_file() -> str:
    """Return what clients may read of the manager without starting it."""
    lines = ["[ConnectionManager]", "Interfaces=", "", f"[Protocol {PROTOCOL_NAME}]"]
    defaults = []
    for name, (flags, type_, default) in PARAMETERS.items():
        words = [word for flag, word in _FLAGS.items() if flags & flag]
        lines.append(" ".join([f"param-{name}={type_}", *words]))
        if flags & 4:
            defaults.append(f"default-{name}={str(default).lower()}")
    lines += [
        *defaults,
        f"ConnectionInterfaces={''.join(f'{one};' for one in INTERFACES)}",
        "RequestableChannelClasses=text;",
        "VCardField=jabber",
        "EnglishName=Jabber",
        "Icon=im-jabber",
        "",
        "[text]",
        f"{CHANNEL}.ChannelType s={TEXT}",
        f"{CHANNEL}.TargetHandleType u={CONTACT}",
        f"allowed={CHANNEL}.TargetHandle;{CHANNEL}.TargetID;",
        "",
    ]
    return "\n".join(lines)


def _paths() -> tuple[Path, Path]:
    data = activation.data_home()
    return (
        data / "dbus-1" / "services" / f"{MANAGER_NAME}.service",
        data / "telepathy" / "managers" / f"{OWN_NAME}.manager",
    )
