"""A session bus of one's own, on which our programs are started by whoever asks for them."""

import contextlib
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.testbed.daemon import Daemon
from tests.testbed.processes import end_pid, end_process, find_program, wait_until

NAME = "org.salutatoi.SAT1"
ROOT = "/org/salutatoi/SAT1"
_DEBIAN = Path("/usr/lib/python3/dist-packages")
_MODULES = ("dbus", "gi", "_dbus_bindings.*", "_dbus_glib_bindings.*")


def modules(folder: Path) -> list[str]:
    """Return what PYTHONPATH has to hold for dbus-python and PyGObject to be found.

    Debian's own serve an environment of the same version of Python; they alone are linked into
    ``folder``, for beside them lie old versions of what the project stands on.

    :raises LookupError: with what to do, if there are none for this Python
    """
    if _are_found(os.environ.get("PYTHONPATH", "")):
        return []
    folder.mkdir(exist_ok=True)
    for name in _MODULES:
        for file in _DEBIAN.glob(name):
            (folder / file.name).symlink_to(file)
    if not _are_found(str(folder)):
        raise LookupError(
            "dbus-python and PyGObject are missing for this Python: pip install '.[dbus]', or "
            "sh tests/testbed/install.sh dbus and the system's own Python"
        )
    return [str(folder)]


@functools.cache
def _are_found(path: str) -> bool:
    """Tell whether a new interpreter finds both: this one may have been told where they are."""
    found = subprocess.run(
        [sys.executable, "-c", "import dbus.mainloop.glib, gi.repository.GLib"],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    )
    return found.returncode == 0


def install(daemon: Daemon, *programs: str) -> list[str]:
    """Let a bus that begins in the daemon's environment know our programs.

    :return: where dbus-python and PyGObject are, if not where this program finds them anyway
    """
    found = modules(daemon.home / "modules")
    paths = [*found, daemon.environment.get("PYTHONPATH", "")]
    daemon.environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "XDG_DATA_HOME": str(daemon.home / "share"),
        "XDG_CONFIG_HOME": str(daemon.home / "config"),
        "XDG_CACHE_HOME": str(daemon.home / "cache"),
    }
    for program in programs:
        daemon.run(program, "install")
    return found


class Bus:
    """A bus, with the files that `sat-dbus install` writes, for one daemon.

    The daemon's programs know it from then on.

    :param programs: those of ours that the bus can start
    """

    def __init__(self, daemon: Daemon, programs: tuple[str, ...] = ("sat-dbus",)) -> None:
        self._daemon = daemon
        self.environment = daemon.environment
        #: Where dbus-python and PyGObject are, if not where this program finds them anyway.
        self.modules = install(daemon, *programs)
        self._log = (daemon.home / "bus.log").open("w+")
        self._process = subprocess.Popen(
            [
                find_program("dbus-daemon", "dbus-daemon"),
                *("--session", "--nofork", "--nopidfile", "--print-address=1"),
                f"--address=unix:path={daemon.home}/bus",
            ],
            env=daemon.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address, (daemon.home / "bus.log").read_text()
        daemon.environment["DBUS_SESSION_BUS_ADDRESS"] = self.address
        self._listeners: list[Listener | Monitor] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the listeners, the bus, and sat-dbus with it."""
        for listener in self._listeners:
            listener.stop()
        pids = [self.service_pid(name) for name in self._started()]
        end_process(self._process)
        for pid in pids:
            if pid is not None:
                end_pid(pid)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _started(self) -> list[str]:
        """Return the names of what the bus has started."""
        listed = self.busctl("list", "--acquired", "--no-legend").stdout.splitlines()
        names = [line.split()[0] for line in listed if line.strip()]
        return [name for name in names if name != "org.freedesktop.DBus"]

    def service_pid(self, name: str = NAME) -> int | None:
        """Return the pid of a program that is on the bus: by default of sat-dbus."""
        told = self.busctl(
            *("call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"),
            *("GetConnectionUnixProcessID", "s", name),
        )
        return int(told.stdout.split()[1]) if told.returncode == 0 else None

    def busctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `busctl`, the independent client of systemd."""
        return subprocess.run(
            [find_program("busctl", "systemd"), f"--address={self.address}", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            env=self._daemon.environment,
        )

    def monitor(self) -> "Monitor":
        """Start GLib's `gdbus monitor` on sat-dbus, which must be on the bus."""
        monitor = Monitor(self._daemon)
        self._listeners.append(monitor)
        assert wait_until(lambda: "is owned by" in monitor.text(), 60), monitor.text()
        return monitor

    def call(self, path: str, method: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call a method of sat-dbus: `Message.Send`, its signature, and its arguments."""
        interface, _, member = method.rpartition(".")
        return self.busctl(
            *("--timeout=100", "call", NAME, path, f"{NAME}.{interface}".rstrip("."), member),
            *arguments,
        )

    def listen(
        self, options: Mapping[str, object] | None = None, *, detach: bool = False
    ) -> "Listener":
        """Start a program that notes every signal it gets; with options, it attaches.

        :param detach: whether it detaches again at once
        """
        listener = Listener(self._daemon.environment, options, detach)
        self._listeners.append(listener)
        listener.expect("ready")
        return listener


class Monitor:
    """`gdbus monitor`, which prints every signal that it gets."""

    def __init__(self, daemon: Daemon) -> None:
        self._path = daemon.home / "monitor.log"
        with self._path.open("w") as log:
            self._process = subprocess.Popen(
                [
                    find_program("gdbus", "libglib2.0-bin"),
                    *("monitor", "--session", "--dest", NAME),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=daemon.environment,
            )

    def text(self) -> str:
        """Return what it has printed."""
        return self._path.read_text()

    def stop(self) -> None:
        """End it."""
        end_process(self._process)


class Listener:
    """Another program on the bus; what it gets is in ``seen``."""

    def __init__(
        self,
        environment: Mapping[str, str],
        options: Mapping[str, object] | None,
        detach: bool,
    ) -> None:
        paths = [str(Path(__file__).parents[2]), environment["PYTHONPATH"]]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.testbed.bus_listener", json.dumps([options, detach])],
            env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def members(self) -> list[str]:
        """Return the names of the signals that it got, in order."""
        return [one["member"] for one in tuple(self.seen) if one["member"] != "ready"]

    def events(self, member: str) -> list[dict[str, Any]]:
        """Return all signals of one name that it got, in order."""
        return [one for one in tuple(self.seen) if one["member"] == member]

    def expect(self, member: str, timeout: float = 60, **wanted: object) -> dict[str, Any]:
        """Return the first signal of a name whose data has these values, past or to come.

        :raises AssertionError: with all that was seen
        """

        def look() -> list[dict[str, Any]]:
            return [
                one
                for one in self.events(member)
                if all(one["values"][0].get(key) == wanted[key] for key in wanted)
            ]

        assert wait_until(lambda: bool(look()), timeout), f"no {member} {wanted}: {self.seen}"
        return look()[0]

    def stop(self) -> None:
        """End it."""
        end_process(self._process)
        self._reader.join()
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen.append(json.loads(line))
