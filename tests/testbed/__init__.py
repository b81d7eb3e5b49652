"""Real servers and real daemons of one's own, on free loopback ports and in temporary folders.

For pytest's fixtures, for the demonstration, and by hand::

    python -m tests.testbed --user alice --user bob

    with Prosody(users={"alice": "secret"}) as server, Daemon() as daemon:
        daemon.profile("alice", server)
        daemon.jp("message", "send", "bob@localhost", "Salut !")
"""

from tests.testbed.certificates import Authority
from tests.testbed.processes import MissingProgram, StartFailed
from tests.testbed.prosody import Prosody

__all__ = ["Authority", "MissingProgram", "Prosody", "StartFailed"]
