"""A private Prosody on loopback."""

import os
import re
import shutil
import signal
import string
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from tests.testbed.certificates import Authority
from tests.testbed.processes import (
    LOOPBACK,
    StartFailed,
    accepts,
    end_process,
    find_program,
    free_ports,
    tail,
    wait_until,
)

MODULES = (
    *("admin_shell", "blocklist", "bookmarks", "carbons", "csi_simple", "disco", "lastactivity"),
    *("mam", "pep", "ping", "posix", "private", "roster", "saslauth", "smacks", "time", "tls"),
    *("uptime", "vcard4", "vcard_legacy", "version"),
)
COMPONENTS = ("muc", "pubsub", "upload", "proxy")
PORTS = ("c2s", "direct_tls", "https", "proxy65")
TEMPLATE = Path(__file__).with_name("prosody.cfg.lua")


class Prosody:
    """A Prosody of one's own: private CA, free ports, users already there, a temporary folder.

    With `start()` it runs within a second; `stop()` ends it and leaves nothing. In between,
    `kill()` and `start()` make a crash and a restart, on the same ports and data.

    :param users: passwords by name
    :param without: modules which a test doesn't want, such as "smacks" or "mam"
    :param modules: modules which a test wants beside the usual ones
    :param password_hash: "SHA-1" or "SHA-256": the SCRAM which it offers
    :param upload_limit: the largest file it takes, in bytes
    :param debug: log every stanza
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        host: str = "localhost",
        without: Collection[str] = (),
        modules: Collection[str] = (),
        password_hash: str = "SHA-1",
        upload_limit: int = 200 * 1024 * 1024,
        debug: bool = False,
    ) -> None:
        self.host = host
        self.passwords: dict[str, str] = {}
        self._friends: defaultdict[str, set[str]] = defaultdict(set)
        self._without = without
        #: The names of its modules.
        self.enabled = {*MODULES, *modules} - set(without)
        self._password_hash = password_hash
        self._upload_limit = upload_limit
        self._level = "debug" if debug else "info"
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="sat-prosody-"))
        self.log = self.folder / "prosody.log"
        authority = Authority(self.folder / "certificates")
        self.ca = authority.ca
        self._certificate, self._key = authority.issue(
            host,
            names=(
                host,
                *(f"{part}.{host}" for part in ("muc", "pubsub", "upload", "proxy")),
                LOOPBACK,
            ),
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

    def jid(self, name: str) -> str:
        """Return the bare JID of a user."""
        return f"{name}@{self.host}"

    def start(self) -> None:
        """Start it, and return when it accepts connections.

        :raises MissingProgram: if Prosody isn't installed; the message is the line which does it
        :raises StartFailed: with the end of its log
        """
        program = find_program("prosody", "prosody")
        # Ports that were free may have been taken meanwhile; those of an earlier start are kept.
        for _ in range(1 if self.ports else 3):
            ports = self.ports or dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
            if self._try_start(program, ports):
                self.ports = ports
                return
            log = tail(self.log)
            self.kill()
        raise StartFailed(f"Prosody did not start. The end of its log:\n{log}")

    def stop(self) -> None:
        """End it and remove all that it wrote."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self) -> None:
        """End it as an administrator does; `start()` goes on with the same ports and data."""
        if self._process is not None:
            self.thaw()
            end_process(self._process)
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

    def add_user(self, name: str, password: str) -> None:
        """Register a user; it may be running or not. It hashes the password at the first login."""
        self.passwords[name] = password
        self._store("accounts", name, f'return {{ ["password"] = {_quoted(password)} }};')

    def befriend(self, name: str, *others: str) -> None:
        """Subscribe a user and others to each other's presence, before any of them connects."""
        for other in others:
            self._friends[name].add(other)
            self._friends[other].add(name)
        for user in (name, *others):
            items = "".join(
                f", [{_quoted(self.jid(friend))}] = {{ subscription = 'both', groups = {{}} }}"
                for friend in sorted(self._friends[user])
            )
            self._store("roster", user, f"return {{ [false] = {{ version = 1 }}{items} }};")

    def shell(self, command: str) -> str:
        """Run a command of Prosody's console, such as `c2s:closeall()`, and return what it says."""
        result = subprocess.run(
            [find_program("prosodyctl", "prosody"), "--config", self._config, "shell", command],
            capture_output=True,
            text=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
        return result.stdout + result.stderr

    @property
    def _config(self) -> Path:
        return self.folder / "prosody.cfg.lua"

    def _try_start(self, program: str, ports: Mapping[str, int]) -> bool:
        self._config.write_text(self._configuration(ports))
        self.log.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal is for the program which uses it.
            self._process = process = subprocess.Popen(
                [program, "--config", str(self._config), "-F"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        return (
            all(
                wait_until(lambda port=port: process.poll() is not None or accepts(port), 10)  # type: ignore[misc]
                for port in ports.values()
            )
            and process.poll() is None
            and "Failed to open server port" not in self.log.read_text(errors="replace")
        )

    def _configuration(self, ports: Mapping[str, int]) -> str:
        def lua_list(names: Collection[str]) -> str:
            return ", ".join(_quoted(name) for name in sorted(names))

        return string.Template(TEMPLATE.read_text()).substitute(
            ports,
            folder=self.folder,
            host=self.host,
            level=self._level,
            enabled=lua_list(self.enabled),
            # It would resolve names outside of this machine.
            disabled=lua_list({"s2s", *self._without}),
            password_hash=self._password_hash,
            upload_limit=self._upload_limit,
            ca=self.ca,
            certificate=self._certificate,
            key=self._key,
        )

    def _data_file(self, store: str, user: str) -> Path:
        return self.folder / "data" / _encoded(self.host) / store / f"{_encoded(user)}.dat"

    def _store(self, store: str, user: str, lua: str) -> None:
        file = self._data_file(store, user)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(lua)


def _encoded(name: str) -> str:
    """Return a name as Prosody's storage writes it in paths."""
    return re.sub(r"[^A-Za-z0-9]", lambda found: f"%{ord(found[0]):02x}", name)


def _quoted(text: str) -> str:
    """Return a string of Lua."""
    return '"' + re.sub(r'[\\"\n]', lambda found: "\\" + found[0], text) + '"'
