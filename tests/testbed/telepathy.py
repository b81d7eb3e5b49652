"""Telepathy's side of a story: a client of its own process, for `sat-telepathy`."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.testbed.processes import end_process, wait_until

TELEPATHY = "org.freedesktop.Telepathy"
MANAGER = f"{TELEPATHY}.ConnectionManager.sat"
MANAGER_PATH = "/org/freedesktop/Telepathy/ConnectionManager/sat"
CONNECTION = f"{TELEPATHY}.Connection"
REQUESTS = f"{CONNECTION}.Interface.Requests"
CONTACTS = f"{CONNECTION}.Interface.Contacts"
CONTACT_LIST = f"{CONNECTION}.Interface.ContactList"
PRESENCE = f"{CONNECTION}.Interface.SimplePresence"
ALIASING = f"{CONNECTION}.Interface.Aliasing"
AVATARS = f"{CONNECTION}.Interface.Avatars"
CHANNEL = f"{TELEPATHY}.Channel"
TEXT = f"{CHANNEL}.Type.Text"
MESSAGES = f"{CHANNEL}.Interface.Messages"

CONNECTED, CONNECTING, DISCONNECTED = 0, 1, 2


class Refused(Exception):
    """A call was refused; ``name`` is the last part of the error's name."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"{name}: {sentence}")
        self.name = name.rpartition(".")[2]
        self.sentence = sentence


class TelepathyClient:
    """A program that knows Telepathy; what it gets is in ``seen``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        paths = [str(Path(__file__).parents[2]), environment["PYTHONPATH"]]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.testbed.telepathy_client"],
            env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        #: The connection's name on the bus, and its path, once there is one.
        self.name, self.path = MANAGER, MANAGER_PATH

    def __enter__(self) -> Self:
        self.expect("ready")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it as a crash does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        end_process(self._process)
        self._reader.join()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()

    def begin(self, member: str, signature: str = "", *arguments: object, **where: str) -> int:
        """Make a call, and don't wait for its answer; return its number.

        :param member: the interface and the method; without an interface, the connection's
        :param where: ``path``, if it isn't the connection's
        """
        interface, _, name = member.rpartition(".")
        path = where.get("path", self.path)
        number = next(self._numbers)
        bus_name = MANAGER if path.startswith(MANAGER_PATH) else self.name
        told = [number, bus_name, path, interface or CONNECTION, name, signature, arguments]
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return number

    def answer(self, number: int) -> Any:
        """Wait for the answer of a call; return its one result, or all in a list.

        :raises Refused: if it is an error
        """
        assert wait_until(lambda: any(one.get("answer") == number for one in tuple(self.seen)), 100)
        told = next(one for one in tuple(self.seen) if one.get("answer") == number)
        if "error" in told:
            raise Refused(told["error"], told["sentence"])
        return told["values"][0] if len(told["values"]) == 1 else told["values"]

    def call(self, member: str, signature: str = "", *arguments: object, **where: str) -> Any:
        """Make a call, and return what it gives.

        :raises Refused: if it is refused
        """
        return self.answer(self.begin(member, signature, *arguments, **where))

    def refused(self, member: str, signature: str = "", *arguments: object, **where: str) -> str:
        """Make a call that has to be refused with a sentence; return the error's name."""
        try:
            found = self.call(member, signature, *arguments, **where)
        except Refused as error:
            assert len(error.sentence.split()) > 2, error
            return error.name
        raise AssertionError(f"{member} was not refused: {found}")

    def request(self, account: str, password: str, **more: object) -> None:
        """Make a connection; the calls that follow are for it."""
        self.name, self.path = self.call(
            f"{TELEPATHY}.ConnectionManager.RequestConnection",
            "sa{sv}",
            "jabber",
            {"account": account, "password": password, **more},
            path=MANAGER_PATH,
        )

    def connect(self, account: str, password: str, **more: object) -> None:
        """Make a connection, and wait until it is connected."""
        self.request(account, password, **more)
        self.call("Connect")
        self.expect("StatusChanged", [CONNECTED, 1])

    def channel(self, handle: int) -> str:
        """Return the path of a channel for texts with somebody."""
        return str(self.call("RequestChannel", "suub", TEXT, 1, handle, False))

    def expect(self, member: str, *values: Any, path: str = "", timeout: float = 60) -> Any:
        """Return the values of the first signal of a name that is like these, past or to come.

        :param values: all of its values in a list, or a function which tells whether they fit
        :raises AssertionError: with all that was seen
        """

        def fits(one: dict[str, Any]) -> bool:
            if one.get("member") != member or (path and one["path"] != path):
                return False
            return all(
                want(one["values"]) if callable(want) else one["values"] == want for want in values
            )

        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = filter(fits, tuple(self.seen))
            return bool(found)

        assert wait_until(look, timeout), f"no {member} {values}: {self.seen}"
        return found[0]["values"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen.append(json.loads(line))
