"""Homes from which the daemon of another one is reached."""

from tests.testbed.daemon import Daemon
from tests.testbed.processes import free_ports
from tests.testbed.ssh import SshServer


class Elsewhere(Daemon):
    """A home where no daemon runs, and none is to."""

    def __init__(self) -> None:
        super().__init__(environment={"SAT_NO_START": "1"})


def pair_up(daemon: Daemon, elsewhere: Daemon, *how: str) -> None:
    """Let `elsewhere` attach over TLS."""
    (port,) = free_ports(1)
    listen = f"127.0.0.1:{port}"
    url = daemon.sat("pair", "--listen", listen, *how).stdout.strip()
    elsewhere.jp("remote", "add", "home", "-", input=url + "\n")
    elsewhere.environment["SAT_REMOTE"] = "home"


def through_ssh(elsewhere: Daemon, ssh: SshServer) -> None:
    """Let `elsewhere` attach over ssh."""
    elsewhere.environment |= {"SAT_SSH": ssh.client, "SAT_REMOTE": ssh.url}
