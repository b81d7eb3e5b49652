"""Ports and processes: what every server of the testbed needs."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"


class MissingProgram(RuntimeError):
    """A program isn't installed; the message is the line which installs it."""


class StartFailed(RuntimeError):
    """A server didn't come up; the message holds the end of its log."""


def find_program(name: str, package: str) -> str:
    """Return the path of a program.

    :raises MissingProgram: with the line which installs it
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if path is None:
        raise MissingProgram(
            f"“{name}” is not installed. Install it with:  sudo apt-get install"
            f" --no-install-recommends {package}"
        )
    return path


def free_ports(count: int) -> list[int]:
    """Pick free TCP ports of loopback.

    They are below the ephemeral range, so that no outgoing connection takes them while a server
    is down between a kill and a restart; and no two workers of one test run pick the same.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports: list[int] = []
    for port in random.sample(range(10240 + worker % 16, 32768, 16), 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((LOOPBACK, port))
                ports.append(port)
        if len(ports) == count:
            return ports
    raise StartFailed("no free TCP port was found on 127.0.0.1")


def accepts(port: int) -> bool:
    """Tell whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.02) -> bool:
    """Wait at most `timeout` seconds for a condition, and tell whether it came true."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie doesn't)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def end_process(process: subprocess.Popen[Any], timeout: float = 5) -> int:
    """Ask a child to end, kill it if it is still there after `timeout` seconds, and reap it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def end_pid(pid: int, timeout: float = 5) -> None:
    """The same for a process which isn't a child."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        if wait_until(lambda: not is_alive(pid), timeout):
            return


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a text file, or nothing if there is none."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
