"""A daemon of one's own, and jp beside it: real processes in a temporary `$SAT_HOME`."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from sat.bridge import lock, paths
from tests.testbed.processes import StartFailed, end_pid, end_process, tail, wait_until
from tests.testbed.server import Server

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    "sat": "sat",
    "jp": "sat.frontends.jp",
    "sat-dbus": "sat.frontends.dbus",
    "sat-telepathy": "sat.frontends.telepathy",
    "primitivus": "sat.frontends.console",
}


class CommandFailed(AssertionError):
    """A command ended otherwise than was expected; the message holds all that it printed."""

    def __init__(self, result: subprocess.CompletedProcess[str]) -> None:
        self.result = result
        line = " ".join(result.args)
        super().__init__(f"{line} ended with {result.returncode}\n{result.stdout}{result.stderr}")


class Follower:
    """`jp event follow` in the background; what it prints is in `events`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._errors: list[str] = []
        self.events: list[dict[str, Any]] = []
        self._readers = [
            threading.Thread(target=self._read_events, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_for(
        self, type: str, matches: Callable[[dict[str, Any]], bool] = bool, timeout: float = 15
    ) -> dict[str, Any]:
        """Return the first event of a type whose `data` matches, past or to come.

        :raises AssertionError: with all events, if none comes within `timeout` seconds
        """
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [
                event
                for event in tuple(self.events)
                if event["type"] == type and matches(event["data"])
            ]
            return bool(found)

        if not wait_until(look, timeout):
            seen = "\n".join(map(json.dumps, self.events))
            raise AssertionError(f"no such {type} was seen, but:\n{seen}\n{''.join(self._errors)}")
        return found[0]

    def stop(self) -> list[dict[str, Any]]:
        """End it as Ctrl-C does, and return all events that it has printed."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        end_process(self._process)
        for reader in self._readers:
            reader.join()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()
        return self.events

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self._errors.extend(self._process.stderr)


class Daemon:
    """A daemon in a temporary home of its own, with programs which talk to it.

    As a context manager it is started, and at the end stopped and removed.

    :param python: the interpreter whose environment has the programs; by default the running one
    :param home: a folder for it, made if it is missing; by default a new one
    :param environment: variables which the daemon and the programs get beside the usual ones
    """

    def __init__(
        self,
        *,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        home: Path | None = None,
    ) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix="sat-home-"))
        self.home.mkdir(exist_ok=True)
        self._python = python
        self.environment = _environment(self.home) | dict(environment or {})
        if not self._installed("jp").exists():
            self.environment["PYTHONPATH"] = str(ROOT)
        self._paths = paths.Home(self.environment)
        self._followers: list[Follower] = []

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def pid(self) -> int | None:
        """The daemon's process, or None if none runs in this home."""
        return lock.holder(self._paths.lock)

    @property
    def socket(self) -> Path:
        """The socket of the bridge."""
        return Path(self._paths.socket)

    @property
    def log(self) -> Path:
        """The daemon's log."""
        return Path(self._paths.log)

    def start(self) -> None:
        """Run `sat start`, which returns when the bridge accepts.

        :raises StartFailed: with what it printed and the end of the log
        """
        result = self.run("sat", "start", check=False)
        if result.returncode:
            raise StartFailed(f"{result.stdout}{result.stderr}{tail(self.log)}")

    def stop(self) -> None:
        """End the daemon by `sat stop`, or by its pid if it doesn't; the home stays."""
        pid = self.pid
        if not pid:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.run("sat", "stop", check=False, timeout=15)
        end_pid(pid)

    def kill(self) -> None:
        """End the daemon as a power cut does; the home stays."""
        pid = self.pid
        assert pid, "no daemon runs in this home"
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: self.pid is None, 5), "the killed daemon still holds its home"

    def remove(self) -> None:
        """End the daemon and what follows it, and remove the home."""
        for follower in self._followers:
            follower.stop()
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(
        self,
        program: str,
        *arguments: str | Path,
        input: str = "",
        timeout: float = 60,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run `sat` or `jp` to its end.

        :raises CommandFailed: if it ends with another code than 0, and `check` is true
        :raises subprocess.TimeoutExpired: if it hasn't ended after `timeout` seconds; it is killed
        """
        result = subprocess.run(
            self.command(program, *arguments),
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment,
            cwd=self.home,
        )
        if check and result.returncode:
            raise CommandFailed(result)
        return result

    def sat(self, *arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run `sat` (see `run`)."""
        return self.run("sat", *arguments, **how)

    def jp(self, *arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run `jp` (see `run`)."""
        return self.run("jp", *arguments, **how)

    def json(self, *arguments: str | Path, **how: Any) -> list[dict[str, Any]]:
        """Run `jp --json`, and return the objects that it prints."""
        return [
            json.loads(line) for line in self.jp("--json", *arguments, **how).stdout.splitlines()
        ]

    def follow(self, *arguments: str) -> Follower:
        """Run `jp event follow` in the background, until `stop` or the end of the daemon.

        It misses nothing that happens after this call, however long it takes to begin.
        """
        if not {"--resume", "--cursor"} & set(arguments):
            hello = self.json("api", "call", "session.hello", '{"api":"1"}')[0]
            arguments = (*arguments, "--resume", f"{hello['epoch']}:{hello['head']}")
        process = subprocess.Popen(
            self.command("jp", "event", "follow", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.home,
        )
        follower = Follower(process)
        self._followers.append(follower)
        return follower

    def profile(
        self,
        name: str,
        server: Server,
        *,
        user: str | None = None,
        at: str | None = None,
        connect: bool = True,
    ) -> None:
        """Create a profile for a user of a server, and connect it.

        :param at: where it connects to, such as a proxy's address; by default the server's
        """
        user = user or name
        self.jp(
            *("profile", "create", name, "--jid", server.jid(user), "--password-stdin"),
            *("--server", at or server.address, "--ca", server.ca),
            input=server.passwords[user],
        )
        if connect:
            self.jp("profile", "connect", name)

    def phase(self, name: str) -> str:
        """Return where the connection of a profile stands."""
        return str(self.json("profile", "get", name)[0]["connection"]["phase"])

    def command(self, program: str, *arguments: str | Path) -> list[str]:
        """Return the command line of a program, as it is installed or else as it is in the tree."""
        installed = self._installed(program)
        start = [str(installed)] if installed.exists() else [self._python, "-m", MODULES[program]]
        return [*start, *map(str, arguments)]

    def _installed(self, program: str) -> Path:
        return Path(self._python).with_name(program)


def _environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing of the person who runs the tests is touched."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAT_", "XDG_", "DBUS_", "PYTHON"))
    }
    return kept | {
        "SAT_HOME": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "LC_ALL": "C.UTF-8",
    }
