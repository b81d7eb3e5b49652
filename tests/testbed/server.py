"""What the servers of the testbed have in common."""

import os
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from tests.testbed.certificates import Authority
from tests.testbed.processes import (
    LOOPBACK,
    StartFailed,
    accepts,
    end_process,
    free_ports,
    tail,
    wait_until,
)

COMPONENTS = ("muc", "pubsub", "upload", "proxy")


class Server(ABC):
    """A server of one's own: private CA, free ports, users already there, a temporary folder.

    With `start()` it runs within seconds; `stop()` ends it and leaves nothing. In between,
    `kill()` and `start()` make a crash and a restart, on the same ports and data.

    :param users: passwords by name
    :param authority: signs its certificate; by default one of its own
    """

    #: What people call it.
    name: ClassVar[str]
    #: The names of its ports; "c2s" is among them.
    port_names: tuple[str, ...]
    #: What its log says when another program has one of its ports, and accepts there.
    complaint: ClassVar[str]
    #: Seconds until it must accept connections.
    patience: ClassVar[float] = 10.0

    def __init__(
        self, users: Mapping[str, str] | None, host: str, authority: Authority | None
    ) -> None:
        self.host = host
        self.passwords: dict[str, str] = {}
        self._friends: defaultdict[str, set[str]] = defaultdict(set)
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix=f"sat-{self.name.lower()}-"))
        self.log = self.folder / f"{self.name.lower()}.log"
        authority = authority or Authority(self.folder / "authority")
        self.ca = self.folder / "ca.crt"
        shutil.copyfile(authority.ca, self.ca)
        self._certificate, self._key = authority.issue(
            host, names=(host, *(f"{part}.{host}" for part in COMPONENTS), LOOPBACK)
        )
        self.ports: dict[str, int] = {}
        for name, password in (users or {}).items():
            self.add_user(name, password)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """What `jp profile create --server` takes."""
        return f"{LOOPBACK}:{self.ports['c2s']}"

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    @abstractmethod
    def archives(self) -> bool:
        """Whether it keeps archives (XEP-0313)."""

    @property
    @abstractmethod
    def survives(self) -> bool:
        """Whether what it took is kept when it is killed."""

    @property
    def resumes_exactly(self) -> bool:
        """Whether what waited for a resumed session comes in order, and the counts are right."""
        return True

    def jid(self, name: str) -> str:
        """Return the bare JID of a user."""
        return f"{name}@{self.host}"

    def start(self) -> None:
        """Start it, and return when it accepts connections.

        :raises MissingProgram: if it isn't installed; the message is the line which does it
        :raises StartFailed: with the end of its log
        """
        # Ports that were free may have been taken meanwhile; those of an earlier start are kept.
        for _ in range(1 if self.ports else 3):
            ports = self.ports or self.pick_ports()
            if self._try_start(ports):
                self.ports = ports
                self._started()
                return
            log = tail(self.log)
            self.kill()
        raise StartFailed(f"{self.name} did not start. The end of its log:\n{log}")

    def stop(self) -> None:
        """End it and remove all that it wrote."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self) -> None:
        """End it as an administrator does; `start()` goes on with the same ports and data."""
        if self._process is not None:
            self.thaw()
            end_process(self._process, 10)
            self._process = None

    def kill(self) -> None:
        """End it as a power cut does; `start()` goes on with the same ports and data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it keep its connections and answer nothing, as behind a dead link."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze()`."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self.pid, signal.SIGCONT)

    @abstractmethod
    def add_user(self, name: str, password: str) -> None:
        """Register a user; it may be running or not."""

    @abstractmethod
    def set_password(self, name: str, password: str) -> None:
        """Change the password of a user, as an administrator does while it runs."""

    @abstractmethod
    def remove_user(self, name: str) -> None:
        """Delete the account of a user, as an administrator does while it runs."""

    def befriend(self, name: str, *others: str) -> None:
        """Subscribe a user and others to each other's presence, before any of them connects."""
        for other in others:
            self._friends[name].add(other)
            self._friends[other].add(name)
        self._write_rosters((name, *others))

    @abstractmethod
    def _write_rosters(self, names: tuple[str, ...]) -> None:
        """Make the rosters of these users hold their friends."""

    @abstractmethod
    def _command(self, ports: Mapping[str, int]) -> list[str]:
        """Write the configuration, and return the command line.

        :raises MissingProgram: if it isn't installed
        """

    def _environment(self) -> dict[str, str]:
        """Return the environment that it runs in."""
        return dict(os.environ)

    @abstractmethod
    def _started(self) -> None:
        """Do what has to wait until it runs."""

    def pick_ports(self) -> dict[str, int]:
        """Return free ports for all that it listens for."""
        return dict(zip(self.port_names, free_ports(len(self.port_names)), strict=True))

    def _try_start(self, ports: Mapping[str, int]) -> bool:
        command = self._command(ports)
        self.log.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal is for the program which uses it.
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment(),
                cwd=self.folder,
            )

        def is_up() -> bool:
            return process.poll() is not None or all(map(accepts, ports.values()))

        return (
            wait_until(is_up, self.patience)
            and process.poll() is None
            and self.complaint not in self.log.read_text(errors="replace")
        )
