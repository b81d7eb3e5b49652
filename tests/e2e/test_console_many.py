"""Two consoles, jp and another program of the account: whatever is done, all show the same.

Short here; `make storm` runs the long one. The seed is printed; `SAT_SEED` sets it, `SAT_ACTIONS`
how much is done.
"""

import os
import secrets
from random import Random

from tests.e2e.many import Many
from tests.testbed import Daemon, Prosody

ACTIONS = int(os.environ.get("SAT_ACTIONS", "25"))


def test_all_show_the_same_after_each_of_many_actions(daemon: Daemon) -> None:
    seed = int(os.environ.get("SAT_SEED") or secrets.randbelow(2**32))
    print(f"SAT_SEED={seed}")
    with Prosody({name: secrets.token_hex(12) for name in ("alice", "bob")}) as server:
        server.befriend("alice", "bob")
        with Many(server, daemon, Random(seed)) as many:
            many.run(ACTIONS)
            # It ends at the first that differs; what was done is what was meant to be.
            assert len(many.story) > ACTIONS
            assert many.said and len({author for author, _body in many.said}) == 2
