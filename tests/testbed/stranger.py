"""A person who uses another program: :mod:`tests.testbed.slixmpp_peer` as a process."""

import contextlib
import json
import subprocess
import sys
import threading
from typing import Any, Self

from tests.testbed.processes import end_process, wait_until
from tests.testbed.server import Server


class Stranger:
    """A user of a server who is there with slixmpp; what it sees is in ``seen``.

    :param resource: what it asks to be called beside the user's other programs
    """

    def __init__(self, server: Server, user: str, resource: str = "") -> None:
        self.jid = server.jid(user)
        jid = f"{self.jid}/{resource}" if resource else self.jid
        host, _, port = server.address.rpartition(":")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.testbed.slixmpp_peer", jid, host, port, server.ca],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._write(server.passwords[user])

    def __enter__(self) -> Self:
        self.expect("started", timeout=40)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave, and end; what was seen stays."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        end_process(self._process)
        self._reader.join()
        self._process.stdout.close()

    def tell(self, *command: str | int) -> None:
        """Give a command: the name of a method of the peer, and its arguments."""
        self._write(json.dumps(command))

    def expect(self, what: str, timeout: float = 15, **wanted: object) -> dict[str, Any]:
        """Return the first thing seen of a kind that has these values, past or to come.

        :raises AssertionError: with all that was seen, if nothing does in ``timeout`` seconds
        """

        def look() -> list[dict[str, Any]]:
            return [
                one
                for one in tuple(self.seen)
                if one["what"] == what and all(one.get(key) == wanted[key] for key in wanted)
            ]

        assert wait_until(lambda: bool(look()), timeout), f"no {what} {wanted}: {self.seen}"
        return look()[0]

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen.append(json.loads(line))
