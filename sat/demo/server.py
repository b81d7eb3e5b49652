"""A private Prosody on loopback, for two people who are made up; it looks for no other server."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import shutil
import socket
import string
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from sat.bridge.errors import CommandError

#: The server's name: ``localhost`` and what is below it is this machine everywhere (RFC 6761).
HOST = "demo.localhost"
#: The service with its rooms.
ROOMS = f"rooms.{HOST}"

_LOOPBACK = "127.0.0.1"
_CONFIGURATION = """\
data_path = "$folder/data"; certificates = "$folder"; run_as_root = true
interfaces = { "127.0.0.1" }; local_interfaces = { "127.0.0.1" }; use_ipv6 = false
c2s_ports = { $c2s }; c2s_direct_tls_ports = {}; legacy_ssl_ports = {}; s2s_ports = {}
http_ports = {}; https_ports = { $https }; https_interfaces = { "127.0.0.1" }
admin_socket = "$folder/admin.sock"; log = { info = "$folder/prosody.log" }
modules_enabled = { $modules }; modules_disabled = { "s2s" }
authentication = "internal_hashed"; storage = "internal"
c2s_require_encryption = true; http_external_url = "https://127.0.0.1:$https/"
ssl = { key = "$folder/server.key", certificate = "$folder/server.crt" }
https_ssl = { key = "$folder/server.key", certificate = "$folder/server.crt" }
VirtualHost "$host"
Component "rooms.$host" "muc"
  modules_enabled = { "muc_mam" }
Component "upload.$host" "http_file_share"
  http_host = "127.0.0.1"; http_file_share_access = { "$host" }
"""
_MODULES = (
    *("blocklist", "bookmarks", "carbons", "csi_simple", "disco", "mam", "pep", "ping", "posix"),
    *("private", "roster", "saslauth", "smacks", "time", "tls", "vcard4", "version"),
)
#: Seconds until it accepts, and until it has ended after it was asked to.
_START, _END = 15.0, 10.0
_PAUSE = 0.02
_TRIES = 3


class Prosody:
    """A server of one's own, from :meth:`start` to :meth:`stop`.

    :param folder: an empty one, for its owner alone; all that it writes is there
    :param passwords: those of its users, by name; each is a contact of every other
    """

    def __init__(self, folder: Path, passwords: Mapping[str, str]) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        #: What it proves its name with, in PEM; it vouches for itself.
        self.certificate = _write_certificate(folder)
        #: Where it accepts clients, as HOST:PORT.
        self.address = ""
        for name, password in passwords.items():
            self._store("accounts", name, f'return {{ ["password"] = "{password}" }};')
            others = "".join(
                f', ["{one}@{HOST}"] = {{ subscription = "both", name = "{one.capitalize()}",'
                " groups = {} }"
                for one in passwords
                if one != name
            )
            self._store("roster", name, f"return {{ [false] = {{ version = 1 }}{others} }};")

    def start(self) -> None:
        """Start it, and return once it accepts.

        :raises CommandError: ``failed.prosody`` if it isn't installed, with the line that does it;
            or if it doesn't start, with its own last words
        """
        program = shutil.which("prosody")
        if program is None:
            raise CommandError(
                "failed.prosody",
                "The demonstration needs Prosody, a server for it alone: install it with "
                "sudo apt install --no-install-recommends prosody.",
            )
        # A port that is free may be taken before it is used.
        for _ in range(_TRIES):
            if self._try(program):
                return
            self.stop()
        told = self._log().strip().splitlines()[-1:]
        raise CommandError(
            "failed.prosody", f"Prosody does not start: {told[0] if told else 'it says nothing'}"
        )

    def stop(self) -> None:
        """End it; what it wrote stays in its folder."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _try(self, program: str) -> bool:
        c2s, https = _free_ports(2)
        configuration = self._folder / "prosody.cfg.lua"
        configuration.write_text(
            string.Template(_CONFIGURATION).substitute(
                folder=self._folder, host=HOST, c2s=c2s, https=https,
                modules=", ".join(f'"{name}"' for name in _MODULES),
            )
        )  # fmt: skip
        with (self._folder / "output").open("wb") as output:
            self._process = process = subprocess.Popen(
                [program, "--config", str(configuration), "-F"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
            )
        end = time.monotonic() + _START
        while process.poll() is None and time.monotonic() < end:
            if _accept((c2s, https)):
                self.address = f"{_LOOPBACK}:{c2s}"
                return "Failed to open server port" not in self._log()
            time.sleep(_PAUSE)
        return False

    def _log(self) -> str:
        found = (self._folder / "prosody.log", self._folder / "output")
        return "".join(one.read_text(errors="replace") for one in found if one.exists())

    def _store(self, store: str, user: str, lua: str) -> None:
        host = re.sub(r"[^A-Za-z0-9]", lambda found: f"%{ord(found[0]):02x}", HOST)
        file = self._folder / "data" / host / store / f"{user}.dat"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(lua)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((_LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _accept(ports: Iterable[int]) -> bool:
    for port in ports:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((_LOOPBACK, port)):
                return False
    return True


def _write_certificate(folder: Path) -> str:
    """Make a certificate which is its own authority, and write it and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    names: Collection[x509.GeneralName] = [
        *(x509.DNSName(one) for one in (HOST, ROOMS, f"upload.{HOST}")),
        x509.IPAddress(ipaddress.ip_address(_LOOPBACK)),
    ]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    (folder / "server.crt").write_text(pem)
    secret = folder / "server.key"
    secret.touch(mode=0o600)
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem
