"""What is measured of a process, and the server that blasts."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from operator import truediv
from pathlib import Path
from typing import Any, Self

TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Return the CPU time that a process has used so far, in seconds (all its threads)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def thread_cpu(pid: int) -> dict[str, float]:
    """Return the CPU time of each thread of a process, by its number, in seconds."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        found[task.name] = (int(fields[11]) + int(fields[12])) / TICK
    return found


def paired(taken: Sequence[float], bare: Sequence[float]) -> float:
    """Return the median of what is measured to what was measured right beside it, each time.

    How fast a machine is that others use, varies from one minute to the next.
    """
    return statistics.median(map(truediv, taken, bare))


def pss(pid: int) -> float:
    """Return the proportional set size of a process, in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no Pss")


class Helper:
    """A program of the bench as a process, which says ``done`` for each command.

    :param module: of :mod:`tests.bench`
    """

    def __init__(self, module: str, *arguments: object) -> None:
        self._command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, command: str) -> None:
        """Give a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def done(self) -> None:
        """Wait until the last command is done."""
        line = self._line()
        assert line.strip() == "done", line

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Blaster(Helper):
    """:mod:`tests.bench.blaster` as a process."""

    def __init__(self, folder: Path) -> None:
        super().__init__("blaster", folder)

    def __enter__(self) -> Self:
        super().__enter__()
        self.told: dict[str, Any] = json.loads(self._line())
        return self


class Slixmpp(Helper):
    """:mod:`tests.bench.slixmpp_client` as a process, which is ready to connect."""

    def __init__(self, jid: str, password: str, port: int, ca: str | Path) -> None:
        super().__init__("slixmpp_client", jid, port, ca)
        self._password = password

    def __enter__(self) -> Self:
        super().__enter__()
        self.ask(self._password)
        self.done()
        return self


@contextlib.contextmanager
def run_and_measure(command: list[str]) -> Iterator[int]:
    """Run a program that says a line once it is ready; gives its pid, and ends it afterwards."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
