"""Certificates: the server's, which can be pinned, and the client's own (XEP-0178)."""

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sat.xmpp import tls
from sat.xmpp.connection import Phase
from sat.xmpp.memory import Untrusted
from tests.hostile.login import NS_SASL
from tests.xmpp.support import Pair

NOTHING = f"<auth xmlns='{NS_SASL}'/>"


def digits(server) -> str:
    """Return the SHA-256 of the certificate that a server shows."""
    return server.tls.certificate.to_cryptography().fingerprint(hashes.SHA256()).hex()


def own(*addresses, other_key=False, encrypted=False) -> str:
    """Return a client's certificate for XMPP addresses, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now.replace(year=2040))
    if addresses:
        kind = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
        names = [x509.OtherName(kind, bytes([12, len(one)]) + one.encode()) for one in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    shown = ec.generate_private_key(ec.SECP256R1()) if other_key else key
    protection = (
        serialization.BestAvailableEncryption(b"x") if encrypted else serialization.NoEncryption()
    )
    private = shown.private_bytes(pem, serialization.PrivateFormat.PKCS8, protection)
    return (certificate.public_bytes(pem) + private).decode()


async def begin(pair):
    """Take a connection up to TLS."""
    peer = await pair.server.accept()
    if not pair.server.direct_tls:
        await peer.log_in(before="tls")
        peer.start_tls()
    return peer


@pytest.mark.parametrize("certificate", ["self", "expired", "name", "early"])
@pytest.mark.parametrize("direct", [False, True])
async def test_a_pinned_certificate_is_trusted_whatever_it_is(
    reactor, tmp_path, certificate, direct
):
    pair = Pair(reactor, tmp_path, certificate=certificate, direct_tls=direct)
    pair._options["pin"] = digits(pair.server)
    async with pair:
        await pair.online()


@pytest.mark.parametrize("certificate", ["good", "self"])
async def test_any_other_certificate_than_the_pinned_one_is_refused(reactor, tmp_path, certificate):
    async with Pair(reactor, tmp_path, certificate=certificate, pin="0" * 64) as pair:
        peer = await begin(pair)
        state = await pair.client.been(Phase.WAITING)
        assert state.reason == "tls.pin"
        assert state.about.sha256 == digits(pair.server)
        await peer.forbid(NOTHING)


@pytest.mark.parametrize("certificate", ["self", "expired", "name", "early"])
async def test_what_a_person_has_to_know_of_a_certificate(reactor, tmp_path, certificate):
    async with Pair(reactor, tmp_path, certificate=certificate) as pair:
        await begin(pair)
        about = (await pair.client.been(Phase.WAITING)).about
        assert isinstance(about, Untrusted)
        assert about.domain == "server.test"
        assert about.sha256 == digits(pair.server)
        assert ("other.test" in about.names) == (certificate == "name")
        assert "CN=" in about.issuer
        assert about.not_before < about.not_after


async def test_a_server_without_tls_is_nothing_to_decide_on(reactor, tmp_path):
    async with Pair(reactor, tmp_path, pin="0" * 64) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="features")
        peer.send(f"<stream:features><mechanisms xmlns='{NS_SASL}'/></stream:features>")
        state = await pair.client.been(Phase.WAITING)
        assert (state.reason, state.about) == ("tls.missing", None)


async def test_no_login_where_the_certificate_was_not_looked_at(reactor, tmp_path, monkeypatch):
    def trusts_all(self, _connection, _certificate, _code, _depth, _fine):
        return True

    monkeypatch.setattr(tls.Verifier, "_check", trusts_all)
    async with Pair(reactor, tmp_path, certificate="self") as pair:
        peer = await begin(pair)
        await peer.header()
        peer.open(f"<mechanisms xmlns='{NS_SASL}'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>")
        assert (await pair.client.been(Phase.WAITING)).reason == "tls.failed"
        await peer.forbid(NOTHING)


# The client's own


@pytest.mark.parametrize(
    ("addresses", "identity"),
    [
        (("alice@server.test",), ""),
        ((), "alice@server.test"),
        (("alice@server.test", "eve@server.test"), "alice@server.test"),
    ],
)
async def test_a_certificate_instead_of_the_password(reactor, tmp_path, addresses, identity):
    pem = own(*addresses)
    async with Pair(reactor, tmp_path, own=pem, password="") as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="mechanisms")
        peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>EXTERNAL</mechanism>"
            "<mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>"
        )
        auth = await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='EXTERNAL'/>")
        said = "" if auth.text == "=" else base64.b64decode(auth.text).decode()
        assert said == identity
        shown = peer.transport.getPeerCertificate().to_cryptography()
        assert shown == x509.load_pem_x509_certificate(pem.encode())
        peer.send(f"<success xmlns='{NS_SASL}'/>")
        await peer.header()
        peer.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")


async def test_a_refused_certificate_leaves_the_password(reactor, tmp_path):
    async with Pair(reactor, tmp_path, own=own()) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="mechanisms")
        peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>EXTERNAL</mechanism>"
            "<mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>"
        )
        await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='EXTERNAL'/>")
        peer.send(f"<failure xmlns='{NS_SASL}'><not-authorized/></failure>")
        await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='SCRAM-SHA-1'/>")


async def test_a_refused_certificate_without_password_is_told(reactor, tmp_path):
    async with Pair(reactor, tmp_path, own=own(), password="") as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="mechanisms")
        peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>EXTERNAL</mechanism>"
            "</mechanisms></stream:features>"
        )
        await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='EXTERNAL'/>")
        peer.send(f"<failure xmlns='{NS_SASL}'><not-authorized/></failure>")
        assert (await pair.client.been(Phase.FAILED)).reason == "denied.certificate"


def test_what_cannot_be_a_clients_certificate():
    for text, why in (
        ("", "no certificate"),
        (own().partition("-----BEGIN PRIVATE")[0], "no private key"),
        (own(encrypted=True), "encrypted"),
        (own(other_key=True), "doesn't belong"),
    ):
        with pytest.raises(ValueError, match=why):
            tls.load_own(text)
    tls.load_own(own())


def test_pins():
    good = "ab" * 32
    colons = ":".join(["AB"] * 32)
    assert tls.read_pin(f"sha256:{good}") == tls.read_pin(f"SHA256:{colons}") == good
    for bad in (good, "sha1:" + "ab" * 20, "sha256:", "sha256:" + "xy" * 32, f"sha256:{good}0"):
        with pytest.raises(ValueError, match="sha256"):
            tls.read_pin(bad)


def test_a_certificate_whose_signature_has_no_hash_binds_nothing():
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now.replace(year=2040))
    assert tls._end_point(tls.X509.from_cryptography(made.sign(key, None))) is None
