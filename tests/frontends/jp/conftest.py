"""jp as a process of its own, and a scripted daemon for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bridge.lineserver import LineServer

ROOT = Path(__file__).resolve().parents[3]


class Jp:
    """Runs jp in a home, and never starts a daemon there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SAT_", "XDG_", "PYTHON", "LC_", "LANG", "NO_COLOR"))
        }
        self.environment = kept | {
            "SAT_HOME": str(home),
            "SAT_NO_START": "1",
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }
        self.command = [sys.executable, "-m", "sat.frontends.jp"]

    def run(
        self, *arguments: str | bytes, input: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self.command, *arguments],
            input=input,
            capture_output=True,
            env=self.environment | environment,
            cwd=self.home,
            timeout=30,
        )

    def __call__(self, *arguments: str | bytes, input: bytes = b"", **environment: str) -> str:
        """Run jp, which must end well and complain of nothing; return what it prints."""
        done = self.run(*arguments, input=input, **environment)
        assert (done.returncode, done.stderr) == (0, b""), done
        return done.stdout.decode()

    def fails(
        self, code: int, *arguments: str | bytes, input: bytes = b"", **environment: str
    ) -> str:
        """Run jp, which must end with a code and one sentence; return the sentence."""
        done = self.run(*arguments, input=input, **environment)
        told = done.stderr.decode()
        assert done.returncode == code, done
        assert told.startswith("jp: ") and told.count("\n") == 1 and told.endswith("\n"), told
        return told[4:-1]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )


@pytest.fixture
def jp(tmp_path):
    return Jp(tmp_path)


@pytest.fixture
def server(tmp_path):
    with LineServer(tmp_path / "bridge.sock") as running:
        yield running
