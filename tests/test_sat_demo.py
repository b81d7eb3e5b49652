"""``sat demo``: what it lets be tried, and that nothing of it is left however it ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.demo.test_demo import processes_of
from tests.house.tree import ROOT
from tests.testbed.processes import end_process, wait_until

COMMAND = [sys.executable, "-P", "-m", "sat", "demo"]


@pytest.fixture
def short() -> Iterator[Path]:
    """A temporary folder whose path leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="sat-tmp-") as folder:
        yield Path(folder)


@pytest.fixture
def environment(short: Path) -> Mapping[str, str]:
    """Variables of somebody whose home is at a place that nothing may touch."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(short),
        "SAT_HOME": str(short / "own"),
        "SAT_REMOTE": "elsewhere",
        "SAT_NO_START": "1",
    }


def demo(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [*COMMAND, *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip


def test_a_program_finds_two_people_who_have_talked(environment, short: Path) -> None:
    done = demo(environment, "jp", "-p", "alice", "--json", "conversation", "list")
    assert done.returncode == 0, done.stderr
    peers = {json.loads(line)["peer"] for line in done.stdout.splitlines()}
    assert peers == {"bob@demo.localhost", "tea@rooms.demo.localhost"}
    assert [*short.iterdir()] == []
    assert processes_of(short) == []


def test_a_file_can_be_sent(environment, short: Path) -> None:
    file = short / "picture.txt"
    file.write_text("not much of a picture")
    done = demo(environment, "jp", "-p", "alice", "file", "send", str(file), "bob@demo.localhost")
    assert done.returncode == 0, done.stderr
    assert [*short.iterdir()] == [file]


def test_it_ends_as_the_program_does(environment, short: Path) -> None:
    assert demo(environment, "sh", "-c", "exit 41").returncode == 41
    assert demo(environment, "sh", "-c", "kill -TERM $$").returncode == 143
    missing = demo(environment, "/no/such/program")
    assert (missing.returncode, "can't be run" in missing.stderr) == (2, True)
    unknown = demo(environment, "--fly")
    assert (unknown.returncode, "sat --help" in unknown.stderr) == (2, True)
    assert [*short.iterdir()] == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_it_nothing_is_left(environment, short: Path, number: int) -> None:
    running = subprocess.Popen(
        [*COMMAND, "sh", "-c", "echo up; exec sleep 600"], env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        assert len([*short.iterdir()]) == 1
        running.send_signal(number)
        running.wait(60)
        assert wait_until(lambda: [*short.iterdir()] == [], 30)
        # The program that was tried is the person's: who kills sat demo has to end it as well.
        if number == signal.SIGKILL:
            os.killpg(running.pid, signal.SIGKILL)
        assert wait_until(lambda: processes_of(short) == [], 30), processes_of(short)
    finally:
        end_process(running)
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def test_without_prosody_the_line_that_installs_it_is_told(environment, short: Path) -> None:
    done = demo({**environment, "PATH": str(short)}, "jp", "profile", "list")
    assert done.returncode == 1
    assert done.stderr == (
        "sat: The demonstration needs Prosody, a server for it alone: install it with "
        "sudo apt install --no-install-recommends prosody.\n"
    )
    assert [*short.iterdir()] == []


def test_a_server_that_does_not_start_is_told_in_its_own_words(environment, short: Path) -> None:
    broken = short / "programs" / "prosody"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    broken.chmod(0o755)
    done = demo({**environment, "PATH": f"{broken.parent}:{os.environ['PATH']}"}, "true")
    assert (done.returncode, done.stderr) == (1, "sat: Prosody does not start: out of order\n")
    assert [*short.iterdir()] == [broken.parent]
