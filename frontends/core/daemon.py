"""Find the daemon, or start it: how every frontend begins."""

import os

from sat.bridge.errors import CommandError
from sat.frontends.core.texts import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sat.bridge.blocking import Client
    from sat.bridge.dbus_client import DBusClient


def connect(name: str, timeout: float | None = 60.0, remote: str | None = None) -> "Client":
    """Open a session, and start the daemon if none runs, unless ``SAT_NO_START`` is set.

    ``SAT_BRIDGE`` says over what: ``socket``, as without it, or ``dbus``.

    :param name: what the daemon calls this frontend in its log
    :param timeout: seconds that a call may take; None for no limit
    :param remote: the daemon of another machine: its name in the list of those known, or its
        address; without it, ``$SAT_REMOTE`` counts
    :raises CommandError: ``daemon.missing`` if none runs and none is to be started, or why it
        doesn't start; ``usage.bridge`` if there is no such bridge; else as
        :func:`sat.bridge.blocking.connect`
    """
    way, where = way_to(remote)
    if way == "remote":
        from sat.bridge.remote import RemoteClient, find

        return RemoteClient(find(where), name=name, timeout=timeout)
    if way == "dbus":
        return connect_dbus(timeout)
    return connect_here(name, timeout)


def way_to(remote: str | None = None) -> tuple[str, str]:
    """Tell how the daemon is reached: ``remote`` and where it is, ``dbus`` or ``socket``.

    :param remote: as :func:`connect` takes it
    :raises CommandError: ``usage.bridge`` if there is no such bridge
    """
    remote = remote or os.environ.get("SAT_REMOTE")
    if remote:
        return "remote", remote
    bridge = os.environ.get("SAT_BRIDGE") or "socket"
    if bridge not in ("dbus", "socket"):
        told = _("SAT_BRIDGE is socket or dbus, not “{bridge}”.").format(bridge=bridge)
        raise CommandError("usage.bridge", told)
    return bridge, ""


def connect_here(name: str, timeout: float | None = 60.0) -> "Client":
    """Open a session on the daemon's own socket, whatever the environment says of other ways.

    :raises CommandError: as :func:`connect`
    """
    from sat.bridge import blocking

    try:
        return blocking.connect(name=name, timeout=timeout)
    except CommandError as error:
        if error.name != "daemon.missing" or not may_start():
            raise
    start()
    return blocking.connect(name=name, timeout=timeout)


def start() -> None:
    """Start the daemon, and return once it accepts; nothing is done if it runs.

    :raises CommandError: ``daemon.missing`` with the reason, if it doesn't start
    """
    from sat.bridge.program import run_sat

    check_start(*run_sat(["start"]))


def check_start(code: int, sentence: str) -> None:
    """Look at how ``sat start`` has ended.

    :raises CommandError: ``daemon.missing`` with the reason, if the daemon didn't start
    """
    if code:
        told = _("The daemon did not start (exit code {code}).").format(code=code)
        raise CommandError("daemon.missing", sentence.removeprefix("sat: ") or told)


def connect_dbus(timeout: float | None = 60.0, *, start_it: bool = True) -> "DBusClient":
    """Open a session through ``sat-dbus``.

    :param start_it: whether a daemon is started if none runs, unless ``SAT_NO_START`` is set
    :raises CommandError: ``failed.dbus`` if what it needs isn't installed; else as
        :class:`sat.bridge.dbus_client.DBusClient`
    """
    try:
        from sat.bridge.dbus_client import DBusClient
    except ImportError as error:
        told = _("SAT_BRIDGE=dbus needs {module}: install it with {command}.").format(
            module=error.name or error, command="pip install 'salut-a-toi[dbus]'"
        )
        raise CommandError("failed.dbus", told) from error
    client = DBusClient(timeout=timeout)
    if not client.daemon_runs and start_it and may_start():
        client.close()
        start()
        client = DBusClient(timeout=timeout)
    return client


def may_start() -> bool:
    """Tell whether a frontend that finds no daemon starts one."""
    return os.environ.get("SAT_NO_START", "0") in ("", "0")
