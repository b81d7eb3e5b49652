"""What each message costs, coming and going, beside slixmpp, which stores none."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.history import indexed
from tests.bench.measure import Blaster, Helper, Slixmpp, cpu, paired
from tests.bench.report import Figure
from tests.bench.startup import connect
from tests.testbed import Daemon

RECEIVED = 10_000
SENT = 5_000
#: How many a careful program sends before it has an answer.
AT_ONCE = 50
#: Rounds of each, in turn: what drifts, drifts for all.
ROUNDS = 5
FRONTENDS = 3


@contextmanager
def both(count: int) -> Iterator[tuple[Daemon, int, Blaster, Helper, Blaster, Slixmpp]]:
    """Run a daemon and slixmpp, each connected to a server of its own.

    :param count: how many frontends the daemon has
    :return: the daemon, its pid, its server and its frontends; slixmpp's server, and slixmpp
    """
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as ours,
        Blaster(Path(name)) as theirs,
        Daemon() as daemon,
    ):
        connect(daemon, ours, Path(name))
        told = theirs.told
        frontends = Helper("frontends", daemon.socket, count)
        with frontends, Slixmpp(told["jid"], told["password"], told["port"], told["ca"]) as slixmpp:
            frontends.done()
            theirs.ask("wait")
            slixmpp.ask("connect")
            theirs.done()
            slixmpp.done()
            pid = daemon.pid
            assert pid
            yield daemon, pid, ours, frontends, theirs, slixmpp


def receive() -> list[Figure]:
    """Receive messages, stored and told to three frontends; slixmpp only receives."""
    with both(FRONTENDS) as (daemon, pid, ours, frontends, theirs, slixmpp):
        stored, indexing, bare = [], [], []
        for number in range(1, ROUNDS + 1):
            before = cpu(slixmpp.pid)
            theirs.ask(f"blast {RECEIVED}")
            theirs.done()
            bare.append(cpu(slixmpp.pid) - before)
            before = cpu(pid)
            frontends.ask(f"messages {RECEIVED}")
            ours.ask(f"blast {RECEIVED}")
            ours.done()
            frontends.done()
            stored.append(cpu(pid) - before)
            before = cpu(pid)
            while indexed(daemon.home / "sat.db") < number * RECEIVED:
                time.sleep(0.2)
            indexing.append(cpu(pid) - before)
    own, slix, index = (
        statistics.median(taken) / RECEIVED * 1e6 for taken in (stored, bare, indexing)
    )
    ratio = paired(stored, bare)
    baseline = f"slixmpp, merely receiving ({slix:.0f} µs)"
    return [
        Figure(
            "receiving, stored, to 3 frontends",
            f"{own:.0f} µs CPU",
            ratio,
            baseline,
            "≤ 1.5",
            ratio <= 1.5,
        ),
        Figure(
            "receiving, with what is indexed later",
            f"{own + index:.0f} µs CPU",
            (own + index) / slix,
            baseline,
        ),
    ]


def send() -> list[Figure]:
    """Send messages, each stored; slixmpp stores none.

    It waits for nothing between two of them, and so does, at first, who sends through the daemon.
    """
    with both(1) as (daemon, pid, ours, frontends, theirs, slixmpp):
        taken: dict[int, list[float]] = {SENT: [], AT_ONCE: []}
        bare = []
        sent = 0
        for _ in range(ROUNDS):
            before = cpu(slixmpp.pid)
            theirs.ask(f"take {SENT}")
            slixmpp.ask(f"send {SENT}")
            slixmpp.done()
            theirs.done()
            bare.append(cpu(slixmpp.pid) - before)
            for at_once, found in taken.items():
                before = cpu(pid)
                ours.ask(f"take {SENT}")
                frontends.ask(f"send {SENT} {at_once}")
                frontends.done()
                ours.done()
                found.append(cpu(pid) - before)
                sent += SENT
                while indexed(daemon.home / "sat.db") < sent:
                    time.sleep(0.2)
    all_, some, slix = (
        statistics.median(found) / SENT * 1e6 for found in (taken[SENT], taken[AT_ONCE], bare)
    )
    ratio = paired(taken[SENT], bare)
    baseline = f"slixmpp, merely sending ({slix:.0f} µs)"
    return [
        Figure(
            f"sending {SENT}, stored",
            f"{all_:.0f} µs CPU",
            ratio,
            baseline,
            "≤ 1.0",
            ratio <= 1.0,
        ),
        Figure(
            f"sending, stored, when {AT_ONCE} may wait for an answer",
            f"{some:.0f} µs CPU",
            paired(taken[AT_ONCE], bare),
            baseline,
        ),
    ]
