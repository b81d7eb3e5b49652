"""Private servers for all stories, each told on all of them, and a daemon of its own for each."""

import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testbed import Daemon, Ejabberd, Prosody, Server
from tests.testbed.bus import Bus
from tests.testbed.elsewhere import Elsewhere
from tests.testbed.ssh import SshServer
from tests.testbed.telepathy import TelepathyClient

People = Callable[..., tuple[str, ...]]
#: Bytes of a small disk.
DISK = 32 * 1024 * 1024
SERVERS: dict[str, type[Server]] = {"prosody": Prosody, "ejabberd": Ejabberd}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "any_server: the story is of the daemon alone: one server is enough"
    )
    config.addinivalue_line(
        "markers", "each_bridge: the story is told over D-Bus too, with one of the servers"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        one = any(mark.name == "any_server" for mark in metafunc.definition.iter_markers())
        servers = ["prosody"] if one else [*SERVERS]
        if any(mark.name == "each_bridge" for mark in metafunc.definition.iter_markers()):
            both = [*((name, "socket") for name in servers), ("prosody", "dbus")]
            metafunc.parametrize(("server", "bridge"), both, indirect=True)
        else:
            metafunc.parametrize("server", servers, indirect=True)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server which every test may use, and none may stop: that takes one of its own."""
    with SERVERS[request.param]({}) as running:
        yield running


@pytest.fixture
def bridge(request: pytest.FixtureRequest) -> str:
    """What the programs reach the daemon over."""
    return str(getattr(request, "param", "socket"))


@pytest.fixture
def daemon(bridge: str) -> Iterator[Daemon]:
    """A daemon in an empty home."""
    with Daemon() as running:
        if bridge == "socket":
            yield running
            return
        with Bus(running):
            running.environment["SAT_BRIDGE"] = bridge
            yield running


@pytest.fixture
def telepathy_bus(daemon: Daemon) -> Iterator[Bus]:
    """A bus on which the daemon is a connection manager of Telepathy."""
    with Bus(daemon, ("sat-telepathy",)) as bus:
        yield bus


@pytest.fixture
def client(telepathy_bus: Bus, daemon: Daemon) -> Iterator[TelepathyClient]:
    """A program on that bus."""
    with TelepathyClient(daemon.environment) as running:
        yield running


@pytest.fixture(scope="session")
def people(server: Server) -> People:
    """A function which registers new users, friends of each other, and returns their names.

    Every test has people of its own, so that no test sees another's messages.
    """
    numbers = itertools.count(1)

    def register(*stems: str) -> tuple[str, ...]:
        number = next(numbers)
        names = tuple(f"{stem}{number}" for stem in stems)
        for name in names:
            server.add_user(name, secrets.token_hex(12))
        for place, name in enumerate(names):
            server.befriend(name, *names[place + 1 :])
        return names

    return register


@pytest.fixture
def pair(server: Server, daemon: Daemon, people: People) -> tuple[str, str]:
    """Two friends, connected by one daemon; a profile's name is the user's."""
    alice, bob = people("alice", "bob")
    for name in (alice, bob):
        daemon.profile(name, server)
    return alice, bob


@pytest.fixture(scope="module")
def house() -> Iterator[Daemon]:
    """One daemon for all tests of a module, which have people of their own."""
    with Daemon() as running:
        yield running


@pytest.fixture
def two(server: Server, house: Daemon, people: People) -> tuple[str, str]:
    """Two friends, connected by that daemon."""
    alice, bob = people("alice", "bob")
    for name in (alice, bob):
        house.profile(name, server)
    return alice, bob


@pytest.fixture
def elsewhere() -> Iterator[Daemon]:
    """A home where no daemon runs, and none is to: frontends there reach another one."""
    home = Elsewhere()
    yield home
    assert home.pid is None
    home.remove()


@pytest.fixture
def ssh(daemon: Daemon) -> Iterator[SshServer]:
    """A way into the daemon's machine by ssh, with `sat` where that looks for it."""
    programs = Path(tempfile.mkdtemp(prefix="sat-programs-"))
    command = " ".join(f'"{word}"' for word in daemon.command("sat"))
    (programs / "sat").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    (programs / "sat").chmod(0o755)
    variables = {
        name: daemon.environment[name]
        for name in ("SAT_HOME", "LC_ALL", "PYTHONPATH")
        if name in daemon.environment
    }
    try:
        with SshServer({**variables, "PATH": f"{programs}:{os.environ['PATH']}"}) as running:
            if barred := running.barred():
                pytest.skip(f"nobody can log in by ssh with the account of these tests: {barred}")
            yield running
    finally:
        shutil.rmtree(programs)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 32 MiB."""
    folder = Path(tempfile.mkdtemp(prefix="sat-disk-"))
    root = [] if os.getuid() == 0 else ["sudo", "-n"]
    options = f"size={DISK},uid={os.getuid()},mode=700"
    mounted = subprocess.run(
        [*root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.fail(
            f"a small disk can't be mounted ({mounted.stderr.strip()}): run the tests as root, or "
            f"let sudo run mount without a password"
        )
    yield folder
    subprocess.run([*root, "umount", "-l", str(folder)], check=True)
    folder.rmdir()
