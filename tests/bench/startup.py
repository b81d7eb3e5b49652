"""How long a command takes, and what the daemon costs at its start and at rest."""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measure import Blaster, cpu, pss, run_and_measure
from tests.bench.report import Figure
from tests.testbed import Daemon

ROUNDS = 21
IMPORTS = "import twisted.internet.asyncioreactor, OpenSSL.SSL, msgspec, sqlalchemy"
#: What the daemon can't do without, before any code of ours.
IDLE = f"{IMPORTS}, wokkel.generic, time; print(1, flush=True); time.sleep(60)"


def connect(daemon: Daemon, blaster: Blaster, folder: Path, contacts: int = 0) -> None:
    """Make a profile on the blasting server, and connect it."""
    password = folder / "password"
    password.write_text(blaster.told["password"])
    server = f"127.0.0.1:{blaster.told['port']}"
    daemon.jp(
        *("profile", "create", "alice", "--jid", blaster.told["jid"], "--server", server),
        *("--password-file", password, "--ca", blaster.told["ca"]),
    )
    blaster.ask(f"wait {contacts}")
    daemon.jp("profile", "connect", "alice")
    blaster.done()


def commands() -> list[Figure]:
    """Measure jp, round robin with a bare interpreter: what drifts, drifts for all."""
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as blaster,
        Daemon() as daemon,
    ):
        connect(daemon, blaster, Path(name))
        lines = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "jp --version": daemon.command("jp", "--version"),
            "jp roster list": daemon.command("jp", "roster", "list"),
            "jp message send": daemon.command("jp", "message", "send", "bob@server.test", "hi"),
        }
        times: dict[str, list[float]] = {line: [] for line in lines}
        for _ in range(ROUNDS):
            for line, command in lines.items():
                begun = time.perf_counter()
                process = os.posix_spawn(
                    command[0],
                    command,
                    daemon.environment,
                    file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
                )
                status = os.waitpid(process, 0)[1]
                times[line].append(time.perf_counter() - begun)
                assert status == 0, f"{line} ended with {status}"
    bare = statistics.median(times.pop("python -c pass"))
    found = []
    for line, taken in times.items():
        median = statistics.median(taken)
        found.append(
            Figure(
                line,
                f"{median * 1000:.0f} ms",
                median / bare,
                f"python -c pass ({bare * 1000:.0f} ms)",
                "≤ 3",
                median / bare <= 3,
            )
        )
    return found


def daemon() -> list[Figure]:
    """Measure the CPU of ``sat start`` to accepting, and the memory with one connected profile."""
    with (
        tempfile.TemporaryDirectory() as name,
        Blaster(Path(name)) as blaster,
        Daemon() as running,
    ):
        connect(running, blaster, Path(name))
        time.sleep(1)
        assert running.pid
        memory = pss(running.pid)
        with run_and_measure([sys.executable, "-c", IDLE]) as bare:
            bare_memory = pss(bare)
        running.stop()
        used = []
        for _ in range(5):
            before = os.times()
            running.start()
            after = os.times()
            started = after.children_user - before.children_user
            started += after.children_system - before.children_system
            assert running.pid
            used.append(cpu(running.pid) + started)
            running.stop()
        before = os.times()
        os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", IMPORTS], os.environ), 0)
        after = os.times()
    bare_used = after.children_user - before.children_user
    bare_used += after.children_system - before.children_system
    start = statistics.median(used)
    return [
        Figure(
            "sat start, CPU",
            f"{start:.2f} s",
            start / bare_used,
            f"importing its libraries ({bare_used:.2f} s)",
            "≤ 1.2 s",
            start <= 1.2,
        ),
        Figure(
            "daemon, one profile, PSS",
            f"{memory:.0f} MB",
            memory / bare_memory,
            f"its libraries imported ({bare_memory:.0f} MB)",
            "≤ 72 MB",
            memory <= 72,
        ),
    ]
