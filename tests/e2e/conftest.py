"""A private Prosody for all stories, and a daemon of its own for each."""

import itertools
import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.testbed import Daemon, Prosody

People = Callable[..., tuple[str, ...]]


@pytest.fixture(scope="session")
def server() -> Iterator[Prosody]:
    """A Prosody which every test may use, and none may stop: that takes one of its own."""
    with Prosody() as running:
        yield running


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon in an empty home."""
    with Daemon() as running:
        yield running


@pytest.fixture(scope="session")
def people(server: Prosody) -> People:
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
def pair(server: Prosody, daemon: Daemon, people: People) -> tuple[str, str]:
    """Two friends, connected by one daemon; a profile's name is the user's."""
    alice, bob = people("alice", "bob")
    for name in (alice, bob):
        daemon.profile(name, server)
    return alice, bob
