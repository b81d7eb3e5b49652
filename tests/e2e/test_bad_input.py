"""Whatever goes wrong: a sentence that says what to do, the right exit code, and nothing lost."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest
from twisted.internet.threads import deferToThread

from tests.e2e.refusals import as_root, bodies, refused
from tests.hostile.server import HostileServer
from tests.testbed import Daemon
from tests.testbed.processes import free_ports

pytestmark = pytest.mark.any_server

NOBODY = 65534
MIB = 1024 * 1024
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "session.hello", "params": {"api": "1"}}
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def house(server, people) -> Iterator[SimpleNamespace]:
    """A daemon with two profiles that have talked, for all tests that must not harm it."""
    with Daemon() as daemon:
        alice, bob = people("alice", "bob")
        for name in (alice, bob):
            daemon.profile(name, server)
        daemon.jp("-p", alice, "message", "send", server.jid(bob), "kept", "--wait", "received")
        yield SimpleNamespace(
            daemon=daemon, alice=alice, bob=bob, peer=server.jid(bob), pid=daemon.pid
        )


@pytest.fixture
def unharmed(house) -> Iterator[SimpleNamespace]:
    """The same; at the end the same process must answer, with the same history and profiles."""
    before = len(house.daemon.log.read_text())
    names = {one["name"] for one in house.daemon.json("profile", "list")}
    yield house
    assert house.daemon.pid == house.pid
    assert bodies(house.daemon, house.alice, house.peer) == ["kept"]
    assert {one["name"] for one in house.daemon.json("profile", "list")} == names
    assert "Traceback" not in house.daemon.log.read_text()[before:]


@pytest.fixture
def account(unharmed, server) -> Iterator:
    """A function that makes a profile which can't connect, and tries; it is gone at the end."""
    made = []

    def connect(jid: str, address: str | None, *more: object, password: str = "x"):
        name = f"bad{len(made)}"
        made.append(name)
        at = ("--server", address) if address else ()
        unharmed.daemon.jp(
            *("profile", "create", name, "--jid", jid, "--password-stdin", *at, *map(str, more)),
            input=password,
        )
        return unharmed.daemon.jp("profile", "connect", name, check=False)

    yield connect
    for name in made:
        shown = unharmed.daemon.json("profile", "get", name)[0]["connection"]
        assert shown["sentence"] and shown["phase"] in ("failed", "waiting"), shown
        unharmed.daemon.jp("profile", "delete", name)


# ---- the account and its server


def test_a_wrong_password(account, unharmed, server):
    done = account(
        server.jid(unharmed.alice), server.address, "--ca", server.ca, password="no-such-one"
    )
    refused(done, 7, "password", server.jid(unharmed.alice), "Check address and password")
    assert "no-such-one" not in done.stderr
    assert "no-such-one" not in unharmed.daemon.log.read_text()


@pytest.mark.parametrize("named", [True, False])
def test_an_unknown_host(account, named):
    host = "no-such-host.invalid"
    done = account(f"alice@{host}", host if named else None)
    refused(done, 4, host, "Check the account's address", "next try")


def test_a_refused_port(account, server):
    (port,) = free_ports(1)
    done = account(server.jid("alice"), f"127.0.0.1:{port}")
    refused(done, 4, f"port {port}", "refuses", "may be down, or the port another")


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("name", ("other.test", "not for server.test", "Check the account's address")),
        ("expired", ("expired on", "must renew it", "clock")),
        ("self", ("no authority", "Check the CA file")),
    ],
)
async def test_a_certificate_that_is_not_right(account, reactor, tmp_path, kind, words, direct):
    async with HostileServer(reactor, tmp_path, certificate=kind, direct_tls=direct) as server:
        ca = tmp_path / "ca.pem"
        ca.write_text(server.ca)
        more = ("--ca", ca, *(["--direct-tls"] if direct else []))
        running = deferToThread(
            account, "alice@server.test", f"127.0.0.1:{server.port}", *more, password="secret"
        )
        peer = await server.accept()
        if not direct:
            await peer.log_in(before="tls")
            peer.start_tls()
        await peer.ends()
        assert not any("auth" in element.tag for element in peer.received)
        refused(await running, 1, *words)


def test_a_server_of_a_certificate_that_nobody_here_trusts(account, server):
    done = account(server.jid("alice"), server.address)
    refused(done, 1, "authority", "give the account its CA file")


@pytest.mark.parametrize(
    ("jid", "words"),
    [
        ("a@@b", ("jid", "isn't an address", "alice@example.org")),
        ("@localhost", ("jid", "isn't an address", "alice@example.org")),
        ("alice@", ("jid", "needs a host", "user@host")),
        ("localhost", ("no account", "NAME@HOST")),
        ("a b@localhost", ("jid", "isn't an address")),
    ],
)
def test_a_malformed_address_of_an_account(unharmed, jid, words):
    refused(
        unharmed.daemon.jp(
            *("profile", "create", "new", "--jid", jid, "--password-stdin"), input="x", check=False
        ),
        2,
        *words,
    )


@pytest.mark.parametrize(
    "line",
    [
        *(("message", "send", "a@@b", "hi"), ("roster", "add", "a@@b"), ("ping", "a@@b")),
        *(("presence", "get", "a@@b"), ("message", "list", "a@@b"), ("roster", "remove", "a@@b")),
    ],
)
def test_a_malformed_address_of_a_contact(unharmed, line):
    done = unharmed.daemon.jp("-p", unharmed.alice, *line, check=False)
    refused(done, 2, "'a@@b' isn't an address", "alice@example.org")


def test_a_profile_that_exists(unharmed, server):
    before = unharmed.daemon.json("profile", "get", unharmed.alice)
    done = unharmed.daemon.jp(
        *("profile", "create", unharmed.alice, "--jid", "other@localhost", "--password-stdin"),
        input="other",
        check=False,
    )
    refused(done, 1, unharmed.alice, "already", "take another name", "jp profile set")
    assert unharmed.daemon.json("profile", "get", unharmed.alice) == before
    # Its password is the one that it had.
    unharmed.daemon.jp("profile", "disconnect", unharmed.alice)
    unharmed.daemon.jp("profile", "connect", unharmed.alice)


def test_a_profile_that_does_not_exist(unharmed):
    for line in (("-p", "nobody", "roster", "list"), ("profile", "connect", "nobody")):
        refused(unharmed.daemon.jp(*line, check=False), 6, "nobody", unharmed.alice)


def test_a_file_that_does_not_exist(unharmed):
    make = ("profile", "create", "new", "--jid", "a@localhost")
    alice, home = ("-p", unharmed.alice), unharmed.daemon.home
    for line in (
        (*alice, "file", "send", "missing.bin", unharmed.peer),
        (*make, "--password-file", "missing.bin"),
        (*make, "--password-stdin", "--ca", "missing.bin"),
    ):
        refused(unharmed.daemon.jp(*line, input="x", check=False), 6, "no file", "missing.bin")
    done = unharmed.daemon.sat("restore", "missing.bin", check=False)
    refused(done, 6, "no file", "missing.bin", program="sat")
    done = unharmed.daemon.jp(*alice, "file", "send", home, unharmed.peer, check=False)
    refused(done, 2, "folder", "pack it first")
    done = unharmed.daemon.sat("backup", "no/such/place", check=False)
    refused(done, 1, "no/such/place", "can't be written", program="sat")


def test_a_call_that_is_no_json_or_nested_too_deeply(unharmed):
    call = ("api", "call", "profile.get", "-")
    for text, word in (("{", "JSON"), ("[1]", "object"), (f'{{"name":{DEEP}}}', "JSON")):
        refused(unharmed.daemon.jp(*call, input=text, check=False), 2, word)
    half = "[" * 400 + "]" * 400
    refused(unharmed.daemon.jp(*call, input=f'{{"name":{half}}}', check=False), 2, "name", "str")


def test_a_message_over_the_limit_of_a_line(unharmed):
    done = unharmed.daemon.jp(
        *("-p", unharmed.alice, "message", "send", unharmed.peer), input="x" * 17 * MIB, check=False
    )
    refused(done, 2, "bytes are too much", "send large texts as files")


# ---- the socket


class Wire:
    """The socket as any program may use it, or misuse it."""

    def __init__(self, daemon: Daemon) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(daemon.socket))
        self._reader = self._socket.makefile("rb")

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._socket.close()

    def send(self, data: bytes | dict | str) -> None:
        data = json.dumps(data) if isinstance(data, dict) else data
        self._socket.sendall(data if isinstance(data, bytes) else f"{data}\n".encode())

    def answer(self) -> dict:
        return json.loads(self._reader.readline())

    def refusal(self, data: bytes | dict | str) -> str:
        self.send(data)
        error = self.answer()["error"]
        assert "\n" not in error["message"] and "Traceback" not in error["message"]
        return error["data"]["name"]

    def ended(self) -> bool:
        try:
            return self._reader.readline() == b""
        except ConnectionResetError:  # it hung up without reading all that was sent
            return True


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"\x00\xff\xfe\xfd\n", "usage.json"),
        (b"GET / HTTP/1.0\r\n", "usage.json"),
        ("{", "usage.json"),
        ("[]", "usage.request"),
        ("{}", "usage.request"),
        ('{"method":7}', "usage.request"),
        ('{"method":"session.hello","id":[]}', "usage.request"),
        ('{"method":"session.hello","id":1,"params":[]}', "usage.params"),
        ('{"method":"session.hello","id":1,"params":{"api":1}}', "usage.params"),
        ('{"method":"session.hello","id":1,"params":{"api":"2"}}', "usage.api"),
        ('{"method":"session.hello","id":1,"descriptors":-1}', "usage.request"),
        (f'{{"method":"session.hello","id":1,"params":{{"api":"1","x":{DEEP}}}}}', "usage.json"),
        (DEEP, "usage.json"),
    ],
)
def test_garbage_on_the_socket(unharmed, line, name):
    with Wire(unharmed.daemon) as wire:
        assert wire.refusal(line) in (name, name.replace("json", "request"))
        wire.send(HELLO)
        assert wire.answer()["result"]["api"].startswith("1.")


def test_a_call_before_hello(unharmed):
    with Wire(unharmed.daemon) as wire:
        for method in ("daemon.status", "state.attach", "api.describe", "daemon.stop", "no.such"):
            call = {"jsonrpc": "2.0", "id": 5, "method": method}
            assert wire.refusal(call) == "usage.hello"
        wire.send(HELLO)
        assert wire.answer()["result"]["level"] == "admin"


def test_a_line_of_17_mib(unharmed):
    with Wire(unharmed.daemon) as wire:
        wire.send(HELLO)
        assert wire.answer()["result"]
        with suppress(OSError):  # it has hung up already
            wire.send(b"x" * 17 * MIB)
        error = wire.answer()["error"]
        assert error["data"]["name"] == "usage.line"
        assert str(16 * MIB) in error["message"] and "as a file or in pages" in error["message"]
        assert wire.ended()


ASK_AS_NOBODY = """
import os, socket, sys
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
data = b""
try:
    s.sendall(sys.argv[2].encode() + b"\\n")
except OSError:
    pass
try:
    while part := s.recv(65536):
        data += part
except ConnectionResetError:
    pass
sys.stdout.buffer.write(data)
"""


def test_another_user(unharmed):
    """Where the files' modes fail, the peer's uid is looked at."""
    daemon = unharmed.daemon
    line = (sys.executable, "-I", "-c", ASK_AS_NOBODY.format(nobody=NOBODY))
    ask = (*line, str(daemon.socket), json.dumps(HELLO))
    assert "PermissionError" in as_root(*ask).stderr, "the folder keeps others out"
    daemon.home.chmod(0o755)
    assert "PermissionError" in as_root(*ask).stderr, "the socket keeps others out"
    daemon.socket.chmod(0o666)
    try:
        done = as_root(*ask)
    finally:
        daemon.home.chmod(0o700)
        daemon.socket.chmod(0o600)
    assert done.returncode == 0, done.stderr
    (answer,) = map(json.loads, done.stdout.splitlines())
    assert answer["error"]["data"]["name"] == "denied.user"
    assert "another user" in answer["error"]["message"]


def test_a_second_daemon_in_one_home(unharmed):
    daemon = unharmed.daemon
    words = (f"pid {unharmed.pid}", str(daemon.home), "already", "sat stop")
    refused(daemon.sat("run", check=False), 1, *words, program="sat")
    assert daemon.sat("start").stderr == ""
