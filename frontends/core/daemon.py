"""Find the daemon, or start it: how every frontend begins."""

import os

from sat.bridge.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sat.bridge.blocking import Client


def connect(name: str, timeout: float | None = 60.0, remote: str | None = None) -> "Client":
    """Open a session, and start the daemon if none runs, unless ``SAT_NO_START`` is set.

    :param name: what the daemon calls this frontend in its log
    :param timeout: seconds that a call may take; None for no limit
    :param remote: the daemon of another machine: its name in the list of those known, or its
        address; without it, ``$SAT_REMOTE`` counts
    :raises CommandError: ``daemon.missing`` if none runs and none is to be started, or why it
        doesn't start; else as :func:`sat.bridge.blocking.connect`
    """
    remote = remote or os.environ.get("SAT_REMOTE")
    if remote:
        from sat.bridge.remote import RemoteClient, find

        return RemoteClient(find(remote), name=name, timeout=timeout)
    from sat.bridge import blocking

    try:
        return blocking.connect(name=name, timeout=timeout)
    except CommandError as error:
        if error.name != "daemon.missing" or os.environ.get("SAT_NO_START", "0") not in ("", "0"):
            raise
    start()
    return blocking.connect(name=name, timeout=timeout)


def start() -> None:
    """Start the daemon, and return once it accepts; nothing is done if it runs.

    :raises CommandError: ``daemon.missing`` with the reason, if it doesn't start
    """
    from sat.bridge.program import run_sat

    code, sentence = run_sat(["start"])
    if code:
        raise CommandError(
            "daemon.missing",
            sentence.removeprefix("sat: ") or f"The daemon did not start (exit code {code}).",
        )
