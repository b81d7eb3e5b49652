"""Real servers and real daemons of one's own, on free loopback ports and in temporary folders.

For pytest's fixtures, for the demonstration, and by hand::

    python -m tests.testbed --user alice --user bob

    with Prosody({"alice": "secret", "bob": "other"}) as server, Daemon() as daemon:
        daemon.profile("alice", server)
        daemon.jp("message", "send", server.jid("bob"), "Salut !")
"""

from tests.testbed.certificates import Authority
from tests.testbed.daemon import CommandFailed, Daemon, Follower
from tests.testbed.ejabberd import Ejabberd
from tests.testbed.processes import MissingProgram, StartFailed
from tests.testbed.prosody import Prosody
from tests.testbed.server import Server

__all__ = [
    "Authority",
    "CommandFailed",
    "Daemon",
    "Ejabberd",
    "Follower",
    "MissingProgram",
    "Prosody",
    "Server",
    "StartFailed",
]
