"""Daemons on other machines: over ssh, or over TLS with a token; and the list of those known.

``ssh://[USER@]HOST[:PORT]`` runs ``sat bridge-stdio`` there, by ssh, which does the rest.
``sat://HOST:PORT/?pin=SHA256`` is a daemon that listens itself; with ``&code=…`` the address is an
invitation (``sat pair``), good for once.
"""

import json
import os
from socket import AF_UNIX, SOCK_STREAM, create_connection, gaierror, socketpair

from sat.bridge.blocking import Client
from sat.bridge.errors import CommandError
from sat.bridge.keepalive import keep_alive
from sat.bridge.paths import Home, home

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    import subprocess
    from _socket import socket as Socket
    from typing import TypedDict

    class Remote(TypedDict, total=False):
        """A daemon on another machine, as the list has it."""

        url: str
        token: str


#: Seconds in which another machine has to answer.
PATIENCE = 20.0
#: Where a daemon listens that is not told otherwise.
PORT = 7657
#: pipx puts programs where a shell that nobody logs in to doesn't look.
_COMMAND = 'exec env PATH="$HOME/.local/bin:$PATH" sat bridge-stdio'
_OPTIONS = ("-T", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3")


class Address:
    """What a URL says.

    :raises CommandError: ``usage.remote`` if it says nothing of the kind
    """

    def __init__(self, url: str) -> None:
        from urllib.parse import parse_qs, urlsplit

        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _no_address(url) from None
        query = parse_qs(parts.query)
        self.kind = parts.scheme
        self.user = parts.username
        self.host = parts.hostname or ""
        self.port = port
        self.pin = query.get("pin", [""])[0].lower()
        self.code = query.get("code", [""])[0]
        wrong = self.kind not in ("ssh", "sat") or not self.host or self.host.startswith("-")
        if wrong or (self.user or "").startswith("-") or (self.kind == "sat" and not self._is_pin):
            raise _no_address(url)

    @property
    def _is_pin(self) -> bool:
        return len(self.pin) == 64 and not self.pin.strip("0123456789abcdef")

    @property
    def lasting(self) -> str:
        """The address without what is good for once."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.kind == "ssh":
            user = f"{self.user}@" if self.user else ""
            return f"ssh://{user}{host}" + (f":{self.port}" if self.port else "")
        return f"sat://{host}:{self.port or PORT}/?pin={self.pin}"

    def ssh_command(self) -> list[str]:
        """Return the command that runs the other end of a session there."""
        import shlex

        command = [*shlex.split(os.environ.get("SAT_SSH") or "ssh"), *_OPTIONS]
        if self.port:
            command += ["-p", str(self.port)]
        host = f"{self.user}@{self.host}" if self.user else self.host
        return [*command, "--", host, _COMMAND]

    def check_pin(self, certificate: bytes | None) -> None:
        """Refuse a certificate that is another than the one that belongs to the address.

        :raises CommandError: ``denied.pin``
        """
        import hashlib

        if hashlib.sha256(certificate or b"").hexdigest() != self.pin:
            raise CommandError(
                "denied.pin",
                f"At {self.host} another answers than the daemon that you were invited to: "
                "nothing was sent. Ask whose it is before you pair again.",
            )

    def unreached(self, error: OSError) -> CommandError:
        """Return what is told when nothing answers."""
        if isinstance(error, gaierror):
            reason = "there is no such host"
        elif isinstance(error, TimeoutError):
            reason = "no answer"
        else:
            # asyncio has a text of its own, for programmers.
            reason = os.strerror(error.errno) if error.errno else str(error)
        return CommandError(
            "offline.remote",
            f"The daemon at {self.host}, port {self.port or PORT}, can't be reached: {reason}.",
        )


def tls_context() -> "ssl.SSLContext":
    """Return what TLS needs to know: nobody vouches for a daemon, it is known by its hash."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class RemoteClient(Client):
    """A session with a daemon on another machine, used as :class:`sat.bridge.blocking.Client`.

    :param remote: its address, and the token
    :raises CommandError: ``offline.remote`` if it can't be reached, ``denied.pin`` if another
        answers there, ``usage.remote`` if the address is none
    """

    is_local = False

    def __init__(
        self, remote: "Remote", *, name: str = "client", timeout: float | None = 60.0
    ) -> None:
        self._address = Address(remote.get("url", ""))
        self._token = remote.get("token")
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(self._address.lasting, name=name, timeout=timeout)

    def close(self) -> None:
        """End the session; what the daemon was asked to do goes on."""
        super().close()
        process, self._process = self._process, None
        if process is not None:
            import subprocess

            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def pair(self, code: str, name: str) -> str:
        """Turn an invitation's code into a token.

        :raises CommandError: ``denied.code``
        """
        answer = self._ask_before_hello("session.pair", {"code": code, "name": name})
        return str(answer.get("token", "")) if isinstance(answer, dict) else ""

    def _open(self, path: str) -> "Socket":
        return self._open_ssh() if self._address.kind == "ssh" else self._open_tls()

    def _has_more(self) -> bool:
        pending = getattr(self._socket, "pending", None)  # what TLS has decrypted
        return bool(pending is not None and pending())

    def _greeting(self) -> dict[str, object]:
        greeting = super()._greeting()
        return greeting if self._token is None else greeting | {"token": self._token}

    def _gone(self, error: OSError | None) -> CommandError:
        where = self._address.host
        code = self._process.wait(PATIENCE) if self._process is not None else 0
        if code:
            return CommandError(
                "offline.remote",
                f"ssh to {where} ended with {code}: see what it said, and whether “sat” is "
                "installed there.",
            )
        reason = f" ({error.strerror})" if error is not None and error.strerror else ""
        return CommandError("daemon.gone", f"The daemon on {where} ended the session{reason}.")

    def _open_ssh(self) -> "Socket":
        import subprocess

        command = self._address.ssh_command()
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        try:
            # It asks for a password, or about a key, on the terminal itself.
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno())
        except OSError as error:
            ours.close()
            raise CommandError(
                "failed.ssh", f"{command[0]} can't be run: {error.strerror}. Install it first."
            ) from error
        finally:
            theirs.close()
        return ours

    def _open_tls(self) -> "Socket":
        where = self._address
        try:
            plain = create_connection((where.host, where.port or PORT), PATIENCE)
        except OSError as error:
            raise where.unreached(error) from error
        try:
            keep_alive(plain)
            line = tls_context().wrap_socket(plain)
        except OSError as error:
            plain.close()
            raise where.unreached(error) from error
        try:
            where.check_pin(line.getpeercert(binary_form=True))
        except CommandError:
            line.close()
            raise
        return line


def known(place: Home | None = None) -> "dict[str, Remote]":
    """Return the daemons that are known, by the names they were given here."""
    try:
        with open((place or home()).remotes, encoding="utf-8") as opened:  # noqa: PTH123
            found = json.load(opened)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(
            "failed.remotes", f"The list of remotes can't be read: {error}."
        ) from error
    return found if isinstance(found, dict) else {}


def keep(remotes: "dict[str, Remote]", place: Home | None = None) -> None:
    """Store the list of daemons, for its owner alone: it holds tokens."""
    path = (place or home()).remotes
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(remotes, opened, indent=1)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(new, path)  # noqa: PTH105


def add(name: str, url: str, client: str) -> None:
    """Make a daemon known by a name; an invitation is used for it.

    :param client: what the daemon's list of pairings calls this program
    :raises CommandError: ``usage.remote``, ``denied.code``, ``offline.remote``, …
    """
    address = Address(url)
    if not name or "/" in name or ":" in name or name.startswith("-"):
        raise CommandError("usage.remote", f"“{name}” can't name a remote: use letters and digits.")
    remote: Remote = {"url": address.lasting}
    if address.kind == "sat":
        if not address.code:
            raise CommandError(
                "usage.remote", "This address has no code: get a whole one with “sat pair” there."
            )
        session = RemoteClient(remote)
        try:
            remote["token"] = session.pair(address.code, client)
        finally:
            session.close()
    keep({**known(), name: remote})


def find(name: str) -> "Remote":
    """Return a daemon by its name in the list, or by its address.

    :raises CommandError: ``unknown.remote``; ``usage.remote``
    """
    remotes = known()
    if name in remotes:
        return remotes[name]
    if "://" not in name:
        raise CommandError(
            "unknown.remote",
            f"There is no remote “{name}”: see “jp remote list”, or add one with “jp remote add”.",
        )
    remote: Remote = {"url": Address(name).lasting}
    return next((one for one in remotes.values() if one.get("url") == remote["url"]), remote)


def _no_address(url: str) -> CommandError:
    return CommandError(
        "usage.remote",
        f"“{url}” is no address of a daemon: it is ssh://HOST, or what “sat pair” shows there.",
    )
