"""The private Prosody: it is up in no time, keeps its ports and data, and leaves nothing."""

import socket
import ssl
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import pytest

from tests.testbed import Prosody
from tests.testbed.processes import accepts, find_program, is_alive

HEADER = (
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    " to='localhost' version='1.0'>"
)


def offered(server: Prosody) -> set[str]:
    """Return the SASL mechanisms which it offers over verified TLS."""
    trust = ssl.create_default_context(cafile=server.ca)
    with (
        socket.create_connection(("127.0.0.1", server.ports["direct_tls"]), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname=server.host) as stream,
    ):
        stream.sendall(HEADER.encode())
        text = b""
        while b"</stream:features>" not in text:
            text += stream.recv(65536)
    xml = text.decode().partition("?>")[2] + "</stream:stream>"
    found = ElementTree.fromstring(xml).iter("{urn:ietf:params:xml:ns:xmpp-sasl}mechanism")
    return {mechanism.text or "" for mechanism in found}


@pytest.fixture(scope="module")
def server() -> Iterator[Prosody]:
    with Prosody({"alice": "secret"}) as running:
        yield running


def test_it_is_up_within_two_seconds() -> None:
    server = Prosody()
    try:
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < 2
        assert accepts(server.ports["c2s"])
    finally:
        server.stop()


def test_it_leaves_nothing() -> None:
    with Prosody() as server:
        pid, ports = server.pid, list(server.ports.values())
        assert is_alive(pid)
    assert not is_alive(pid)
    assert not any(map(accepts, ports))
    assert not server.folder.exists()


def test_a_crash_keeps_ports_and_data(server: Prosody) -> None:
    pid, ports = server.pid, dict(server.ports)
    server.kill()
    assert not accepts(ports["c2s"])
    server.start()
    assert server.pid != pid
    assert server.ports == ports
    assert accepts(ports["c2s"])
    assert "alice" in server.shell('user:list("localhost")')


def test_it_listens_on_loopback_alone(server: Prosody) -> None:
    for port in server.ports.values():
        with socket.socket() as probe:
            # A socket on all addresses would answer here too.
            assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_its_certificate_is_of_its_own_authority(server: Prosody) -> None:
    assert "SCRAM-SHA-1" in offered(server)
    with (
        socket.create_connection(("127.0.0.1", server.ports["direct_tls"])) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname=server.host)


def test_the_hash_of_passwords_can_be_chosen() -> None:
    with Prosody(password_hash="SHA-256") as server:
        mechanisms = offered(server)
    assert "SCRAM-SHA-256" in mechanisms
    assert "SCRAM-SHA-1" not in mechanisms


def test_modules_can_be_left_out(server: Prosody) -> None:
    assert "    smacks" in server.shell("module:list()").splitlines()
    with Prosody(without=("smacks",)) as other:
        assert "    smacks" not in other.shell("module:list()").splitlines()


def test_a_missing_program_is_told_with_the_line_which_installs_it() -> None:
    with pytest.raises(RuntimeError, match="sudo apt-get install --no-install-recommends that-one"):
        find_program("a-program-that-nobody-has", "that-one")
