"""A session over D-Bus: a program with a connection of its own to the session's bus."""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.testbed.bus import Bus
from tests.testbed.processes import wait_until


class BusSession:
    """A session as :class:`tests.e2e.conformance.sessions.Session` has it, over D-Bus.

    A key that is null over the socket is absent here.
    """

    def __init__(self, bus: Bus) -> None:
        self._client = _connect(bus)
        self.hello = self.call("session.hello", api="1", client="conformance 1")

    @property
    def events(self) -> list[dict]:
        return self._client.received

    def call(self, method: str, /, **params: object):
        return self.start(method, **params)()

    def start(self, method: str, /, **params: object) -> Callable[[], object]:
        given = {name.removesuffix("_"): value for name, value in params.items()}
        return self._client.begin(method, given)

    def wait_for(self, found: Callable[[list[dict]], object]):
        limit = time.monotonic() + 30
        while not found(self.events):
            assert time.monotonic() < limit, f"the event did not come: {self.events}"
            self._client.turn()
        return found(self.events)

    def close(self) -> None:
        self._client.close()


def wait_until_served(bus: Bus) -> None:
    """Wait until sat-dbus has found the daemon."""

    def look() -> bool:
        client = _connect(bus)
        client.close()
        return client.daemon_runs

    assert wait_until(look, 60), "sat-dbus finds no daemon"


def _connect(bus: Bus):
    sys.path += [path for path in bus.modules if path not in sys.path]
    with warnings.catch_warnings():
        # Debian's PyGObject imports in a way that Python will not know one day.
        warnings.simplefilter("ignore", ImportWarning)
        from sat.bridge.dbus_client import DBusClient

    class Client(DBusClient):
        """What a program does that goes on while it waits."""

        @property
        def received(self) -> list[dict]:
            return self._received

        def begin(self, method: str, params: dict) -> Callable[[], object]:
            return self._start(method, params, ())

        def turn(self) -> None:
            self._turn(time.monotonic() + 0.1)

    with _environment(bus.environment):
        return Client()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Let the client see what programs find in their environment."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
