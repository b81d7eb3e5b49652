"""A daemon inside a program that is not a frontend of ours: it starts, stops, and opens sessions.

The program's other half, in the test, asks it over a socket, and gets each session's line passed as
a descriptor: it is the very line that a frontend in the program would have.
"""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from sat.standalone import Standalone
from tests.testbed import Daemon
from tests.testbed.daemon import ROOT
from tests.testbed.processes import StartFailed, end_process, tail


class InsideDaemon(Daemon):
    """A daemon in a program of its own kind, which goes on when the daemon is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self._asking, theirs = socket.socketpair(socket.AF_UNIX)
        self._asking.settimeout(60)
        with theirs:
            self._host = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                env={**self.environment, "PYTHONPATH": str(ROOT)},
                cwd=self.home,
                pass_fds=[theirs.fileno()],
            )

    def start(self) -> None:
        if self._ask(b"start")[0] != b"done":
            raise StartFailed(tail(self.log))

    def stop(self) -> None:
        if self._host.poll() is None:
            self._ask(b"stop")

    def remove(self) -> None:
        super().remove()
        self._asking.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._host.wait(30)
        end_process(self._host)

    def line(self) -> socket.socket:
        """Return the line of a new session."""
        _, descriptor = self._ask(b"line")
        assert descriptor is not None
        return socket.socket(fileno=descriptor)

    def _ask(self, what: bytes) -> tuple[bytes, int | None]:
        self._asking.send(what)
        answer, descriptors, _, _ = socket.recv_fds(self._asking, 64, 1)
        return answer, descriptors[0] if descriptors else None


def _serve(asked: socket.socket) -> None:
    daemon = Standalone()
    with contextlib.ExitStack() as running:
        while word := asked.recv(64):
            if word == b"line":
                with daemon.line() as line:
                    socket.send_fds(asked, [b"done"], [line.fileno()])
                continue
            if word == b"start":
                running.enter_context(daemon)
            else:
                running.close()
            asked.send(b"done")


if __name__ == "__main__":
    assert Path.cwd() == Path(os.environ["SAT_HOME"])
    with socket.socket(fileno=int(sys.argv[1])) as own:
        _serve(own)
