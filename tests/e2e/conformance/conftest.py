"""One daemon for all transports but one; each test has sessions and a profile of its own."""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conformance.inside import InsideDaemon
from tests.e2e.conformance.sessions import LINES, SESSIONS, LineSession, Session, Ways
from tests.testbed import Daemon

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def ways_outside() -> Iterator[Ways]:
    with Daemon() as daemon, contextlib.closing(Ways(daemon)) as ways:
        yield ways


@pytest.fixture(scope="session")
def ways_inside() -> Iterator[Ways]:
    with InsideDaemon() as daemon:
        yield Ways(daemon)


@pytest.fixture
def ways(request: pytest.FixtureRequest) -> Ways:
    """The daemon of the test: it is in a program with others where that is what is tested."""
    callspec = getattr(request.node, "callspec", None)
    is_inside = callspec is not None and "inside" in callspec.params.values()
    return request.getfixturevalue("ways_inside" if is_inside else "ways_outside")


@pytest.fixture(params=SESSIONS)
def connect(request: pytest.FixtureRequest, ways: Ways) -> Iterator[Callable[[], Session]]:
    """A function that opens a session; it is closed after the test."""
    with contextlib.ExitStack() as after:

        def open_one() -> Session:
            session = SESSIONS[request.param](ways)
            after.callback(session.close)
            return session

        yield open_one


@pytest.fixture(params=LINES)
def connect_line(request: pytest.FixtureRequest, ways: Ways) -> Iterator[Callable[[], LineSession]]:
    """The same, for transports that carry lines."""
    with contextlib.ExitStack() as after:

        def open_one() -> LineSession:
            session = LINES[request.param](ways)
            after.callback(session.close)
            return session

        yield open_one


@pytest.fixture
def me(ways: Ways) -> str:
    """A profile that is never online: what is sent is kept, and everyone is told of it."""
    name = f"me{next(_numbers)}"
    session = ways.unix()
    session.call(
        "profile.create", name=name, jid=f"{name}@server.test", password="x", autoconnect=False
    )
    session.close()
    return name
