"""Real servers and real daemons of one's own, on free loopback ports and in temporary folders.

For pytest's fixtures, for the demonstration, and by hand::

    python -m tests.testbed --user alice --user bob

    with Prosody({"alice": "secret", "bob": "other"}) as server, Daemon() as daemon:
        daemon.profile("alice", server)
        daemon.jp("message", "send", server.jid("bob"), "Salut !")
"""

from tests.testbed.certificates import Authority
from tests.testbed.daemon import CommandFailed, Daemon, Follower
from tests.testbed.processes import MissingProgram, StartFailed
from tests.testbed.prosody import Prosody

__all__ = [
    "Authority",
    "CommandFailed",
    "Daemon",
    "Follower",
    "MissingProgram",
    "Prosody",
    "StartFailed",
]
