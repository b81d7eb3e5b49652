"""The attachment over D-Bus: the same story in a program that finds dbus-python."""

import subprocess
import sys

import pytest

from tests.testbed import Daemon
from tests.testbed.bus import Bus
from tests.testbed.daemon import ROOT


@pytest.fixture
def environment():
    with Daemon() as daemon, Bus(daemon):
        yield daemon.environment


def run_program(name, environment, bridge):
    """Run a module over a bridge, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.frontends.core.{name}"],
        env=environment | {"SAT_BRIDGE": bridge}, capture_output=True, text=True, timeout=90,
        cwd=ROOT,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.mark.parametrize("bridge", ["dbus", "socket"])
def test_what_is_written_in_one_is_seen_in_the_other(environment, bridge):
    assert run_program("story", environment, bridge) == ("offline.profile\n20 ['me']\n", "")


@pytest.mark.parametrize("bridge", ["dbus", "socket"])
def test_sessions_of_one_program_come_and_go_side_by_side(environment, bridge):
    assert run_program("sessions", environment, bridge) == ("[200, 200, 200]\n", "")


def test_without_dbus_python_it_is_told_what_is_missing(monkeypatch):
    import builtins

    from sat.bridge.errors import CommandError
    from sat.frontends.core.reach import Reach
    from tests.frontends.core.support import run

    monkeypatch.setenv("SAT_BRIDGE", "dbus")
    monkeypatch.delenv("SAT_REMOTE", raising=False)
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name.startswith("sat.bridge.dbus_client"):
            raise ImportError("no", name="dbus")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(CommandError, match="SAT_BRIDGE=dbus needs dbus"):
        run(Reach("test 1").open(start=False))


def test_a_bridge_that_is_none_is_told(monkeypatch):
    from sat.bridge.errors import CommandError
    from sat.frontends.core.reach import Reach

    monkeypatch.delenv("SAT_REMOTE", raising=False)
    monkeypatch.setenv("SAT_BRIDGE", "pigeon")
    with pytest.raises(CommandError, match="pigeon"):
        Reach("test 1")
