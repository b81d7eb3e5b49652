"""A home without a daemon, or with a scripted one in its place."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.bridge.lineserver import LineServer


@pytest.fixture
def home(monkeypatch):
    """An empty home, in which no daemon is started."""
    folder = Path(tempfile.mkdtemp(prefix="sat-"))
    monkeypatch.setenv("SAT_HOME", str(folder))
    monkeypatch.setenv("SAT_NO_START", "1")
    monkeypatch.delenv("SAT_BRIDGE", raising=False)
    monkeypatch.delenv("SAT_REMOTE", raising=False)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(home):
    """A scripted daemon that knows nothing, and tells nothing."""
    with LineServer(home / "bridge.sock") as running:
        running.answers["state.attach"] = {
            "mode": "snapshot", "epoch": "e1", "seq": 7, "state": {},
        }  # fmt: skip
        running.answers["state.active"] = None
        yield running
