"""An sshd of one's own on loopback, which lets its owner's user in by a key, and nobody else."""

import contextlib
import getpass
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

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

_CONFIG = """\
ListenAddress {host}
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
AuthenticationMethods publickey
PermitRootLogin yes
PidFile none
StrictModes no
UsePAM no
SetEnv {variables}
"""
# As sshd writes it down, and as the shell says that stands in for one (nologin, false).
_BARRED = re.compile(
    r"User \S+ not allowed because [^\r\n]+|account is currently not available"
    r"|(?:Account \S+|User \S+ password) has expired"
)


class SshServer:
    """Let `with` start and stop it.

    :param environment: variables that every command has which is run through it
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._folder = Path(tempfile.mkdtemp(prefix="sat-ssh-"))
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self._folder / "log"

    @property
    def url(self) -> str:
        """The address of the daemon behind it."""
        return f"ssh://{getpass.getuser()}@{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The process, whose children are the sessions, while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def client(self) -> str:
        """The command of an ssh that knows its key, and asks nothing."""
        folder = self._folder
        options = (
            f"IdentityFile={folder}/key",
            f"UserKnownHostsFile={folder}/known",
            "BatchMode=yes",
            "LogLevel=ERROR",
        )
        return shlex.join(["ssh", "-F", "none", *(word for one in options for word in ("-o", one))])

    def barred(self) -> str:
        """Return why the account that this runs as is one that nobody logs in with; "" if it isn't.

        Such an account is no missing component: nothing that is installed would open it.

        :raises StartFailed: if logging in fails for anything else
        """
        command = [
            *shlex.split(self.client),
            "-p",
            str(self.port),
            f"{getpass.getuser()}@{LOOPBACK}",
        ]
        tried = subprocess.run(
            [*command, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        if not tried.returncode:
            return ""
        said = f"{tried.stdout}\n{tried.stderr}\n{tail(self._log)}"
        if found := _BARRED.search(said):
            return found[0]
        raise StartFailed(f"nobody can log in by ssh (code {tried.returncode}): {said}")

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, and all sessions."""
        if self._process is not None:
            end_process(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        sshd = find_program("sshd", "openssh-server")
        keygen = find_program("ssh-keygen", "openssh-client")
        for name in ("host", "key"):
            make = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name)]
            subprocess.run(make, check=True)
        host_key = (self._folder / "host.pub").read_text()
        (self._folder / "known").write_text(f"[{LOOPBACK}]:{self.port} {host_key}")
        variables = " ".join(f'"{name}={value}"' for name, value in self._environment.items())
        config = self._folder / "config"
        config.write_text(
            _CONFIG.format(host=LOOPBACK, port=self.port, folder=self._folder, variables=variables)
        )
        if os.geteuid() == 0:
            # Where it parts with its rights; its package makes it at boot.
            with contextlib.suppress(FileExistsError):
                Path("/run/sshd").mkdir(mode=0o755)
        self._process = subprocess.Popen(
            [sshd, "-D", "-f", str(config), "-E", str(self._log)], stdin=subprocess.DEVNULL
        )
        if not wait_until(lambda: accepts(self.port), 15):
            raise StartFailed(f"sshd doesn't accept: {tail(self._log)}")
