"""Looking at how a program refuses."""

import os
import subprocess

import pytest

from tests.testbed import Daemon


def as_root(*line: str) -> subprocess.CompletedProcess[str]:
    """Run a command that only root may; a test that can't fails with what to do."""
    root = [] if os.getuid() == 0 else ["sudo", "-n"]
    done = subprocess.run([*root, *line], capture_output=True, text=True, timeout=20)
    if root and "sudo:" in done.stderr:
        pytest.fail(
            f"{line[0]} needs root ({done.stderr.strip()}): run the tests as root, or let sudo "
            "work without a password"
        )
    return done


def refused(
    done: subprocess.CompletedProcess[str], code: int, *words: str, program: str = "jp"
) -> None:
    """Check that a program ended with a code, and told one sentence that has all these words."""
    assert done.returncode == code, done
    assert done.stdout == "", done
    assert done.stderr.startswith(f"{program}: ") and done.stderr.count("\n") == 1, done
    for ours in ("Traceback", "fault of the daemon", "fault of jp", "fault of sat"):
        assert ours not in done.stderr, done
    assert [word for word in words if word not in done.stderr] == [], done.stderr


def bodies(daemon: Daemon, profile: str, peer: str) -> list[str]:
    return [one["body"] for one in daemon.json("-p", profile, "message", "list", peer)]
