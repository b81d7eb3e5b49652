"""TLS for streams: whom to trust, and in which words to say that the check failed."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import lru_cache

from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_PEM, X509, PKey, load_certificate, load_privatekey
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet import ssl
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[import-untyped, unused-ignore]

from sat.xmpp.choice import END_POINT, EXPORTER
from sat.xmpp.errors import Fault
from sat.xmpp.memory import Untrusted
from sat.xmpp.resolve import ascii_name, literal

_PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

#: ``id-on-xmppAddr`` (RFC 6120, section 13.7.1.4)
_XMPP_ADDRESS = "1.3.6.1.5.5.7.8.5"

# Numbers of OpenSSL's x509_vfy.h
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, _REVOKED = 9, 10, 18, 23


@lru_cache(maxsize=64)
def _context(ca: str | None) -> SSL.Context:
    """Return what all connections with the same roots share: the system's roots take memory."""
    if ca is None:
        roots = ssl.platformTrust()  # type: ignore[no-untyped-call]
    else:
        certificates = [ssl.Certificate.loadPEM(pem.encode()) for pem in split_pem(ca)]
        roots = ssl.trustRootFromCertificates(certificates)  # type: ignore[no-untyped-call]
    return ssl.CertificateOptions(trustRoot=roots).getContext()


def split_pem(text: str) -> list[str]:
    """Return the certificates in a PEM text, one by one.

    :raises ValueError: if there is none, or one can't be read
    """
    found = _PEM.findall(text)
    if not found:
        raise ValueError("There is no certificate (-----BEGIN CERTIFICATE-----) in the file.")
    try:
        for pem in found:
            ssl.Certificate.loadPEM(pem.encode())
    except Exception as error:  # OpenSSL and cryptography each have their own
        raise ValueError("A certificate in the file can't be read.") from error
    return found


@implementer(IOpenSSLClientConnectionCreator)
class Verifier:
    """Starts TLS, and checks that the certificate is the account's server's (RFC 6120, 13.7.2).

    :param domain: the domain of the account's address; never the host that it was connected at
    :param ca: certificates in PEM that are trusted instead of the system's
    :param direct: whether TLS starts with the connection (XEP-0368), not by STARTTLS
    :param pin: the SHA-256 of the one certificate that is trusted, whatever else is to say of it
    :param own: the client's certificate and its key, in PEM
    :raises ValueError: if ``ca`` or ``own`` can't be read, or ``domain`` can't be one
    """

    def __init__(
        self,
        domain: str,
        ca: str | None,
        direct: bool,
        pin: str | None = None,
        own: str | None = None,
    ) -> None:
        self.direct = direct
        self._context = _context(ca)
        self._private = ca is not None
        self._domain = domain
        self._pin = pin
        self._own = load_own(own) if own is not None else None
        self._connection: SSL.Connection | None = None
        self._identity: DNS_ID | IPAddress_ID
        address = literal(domain)
        if address is not None:
            self._name = None
            self._identity = IPAddress_ID(address)
        else:
            name = ascii_name(domain)
            self._name = name.encode()
            self._identity = DNS_ID(name)
        #: Why the check failed, once it has.
        self.fault: Fault | None = None
        #: Whether the server's own certificate has been looked at and found right.
        self.passed = False

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Return a connection whose handshake fails unless the certificate is right."""
        connection = self._connection = SSL.Connection(self._context, None)
        if self.direct:
            connection.set_alpn_protos([b"xmpp-client"])
        if self._name is not None:
            connection.set_tlsext_host_name(self._name)
        if self._own is not None:
            certificate, key = self._own
            connection.use_certificate(certificate)
            connection.use_privatekey(key)
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._check)
        return connection

    def ends(self) -> datetime | None:
        """Return until when the server's certificate is valid; None before it was shown."""
        shown = self._connection.get_peer_certificate() if self._connection is not None else None
        return shown.to_cryptography().not_valid_after_utc if shown is not None else None

    def channel(self, kind: str) -> bytes | None:
        """Return what both ends know of the channel, for channel binding.

        ``tls-exporter`` is for TLS 1.3 alone: before it, the channel would have to be made with an
        extension of which OpenSSL's binding doesn't tell (RFC 9266, section 4.2).

        :param kind: ``tls-exporter`` (RFC 9266) or ``tls-server-end-point`` (RFC 5929)
        """
        connection = self._connection
        if connection is None:
            return None
        if kind == EXPORTER and connection.get_protocol_version_name() == "TLSv1.3":
            return connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        certificate = connection.get_peer_certificate()
        if kind == END_POINT and certificate is not None:
            return _end_point(certificate)
        return None

    def _check(
        self, _: SSL.Connection, certificate: X509, code: int, depth: int, fine: int
    ) -> bool:
        try:
            if depth:
                # The certificate itself, which a person may want to see, is looked at last.
                if not fine and self._pin is None and self.fault is None:
                    self.fault = self._untrusted(code, certificate)
                return True
            return self._check_leaf(code, certificate, bool(fine))
        except Exception as error:  # an exception would be lost inside OpenSSL, the check with it
            self.fault = Fault("tls.failed", f"The certificate of {self._domain} is odd: {error}.")
            return False

    def _check_leaf(self, code: int, certificate: X509, fine: bool) -> bool:
        if self._pin is not None:
            self.passed = _sha256(certificate) == self._pin
            if not self.passed:
                self.fault = self._other(certificate)
            return self.passed
        if self.fault is None and not fine:
            self.fault = self._untrusted(code, certificate)
        if self.fault is None:
            try:
                verify_service_identity(extract_patterns(certificate), [self._identity], [])
            except VerificationError:
                self.fault = self._misnamed(certificate)
        self.passed = self.fault is None
        if self.fault is not None and code != _REVOKED:
            self.fault.about = self._about(certificate)
        return self.passed

    def _about(self, certificate: X509) -> Untrusted:
        decoded = certificate.to_cryptography()
        return Untrusted(
            self._domain,
            tuple(_names(certificate)[:10]),
            decoded.issuer.rfc4514_string()[:200],
            decoded.not_valid_before_utc,
            decoded.not_valid_after_utc,
            _sha256(certificate),
        )

    def _other(self, certificate: X509) -> Fault:
        return Fault(
            "tls.pin",
            f"The server of {self._domain} shows another certificate than the one that is pinned "
            "for the account. Its administrator can tell whether it was changed.",
            about=self._about(certificate),
        )

    def _untrusted(self, code: int, certificate: X509) -> Fault:
        if code == _EXPIRED:
            end = certificate.to_cryptography().not_valid_after_utc
            return Fault(
                "tls.expired",
                f"The certificate of {self._domain} expired on {end:%Y-%m-%d}, so the server can't "
                "be trusted. Its administrator must renew it; check also this machine's clock.",
            )
        if code == _NOT_YET_VALID:
            start = certificate.to_cryptography().not_valid_before_utc
            return Fault(
                "tls.expired",
                f"The certificate of {self._domain} is valid only from {start:%Y-%m-%d}. Check "
                "this machine's clock.",
            )
        if code == _REVOKED:
            return Fault("tls.untrusted", f"The certificate of {self._domain} has been revoked.")
        signer = (
            "nobody but itself" if code == _SELF_SIGNED else "no authority that is trusted here"
        )
        remedy = (
            "Check the CA file given for the account."
            if self._private
            else "If the server is yours, give the account its CA file."
        )
        return Fault(
            "tls.untrusted",
            f"The certificate of {self._domain} is signed by {signer}, so the server could be "
            f"anyone. {remedy}",
        )

    def _misnamed(self, certificate: X509) -> Fault:
        names = [str(pattern) for pattern in _names(certificate)][:3]
        return Fault(
            "tls.name",
            f"The server's certificate is for {', '.join(names) or 'no name'}, not for "
            f"{self._domain}, so it could be anyone's. Check the account's address and server.",
        )


def _names(certificate: X509) -> list[str]:
    from cryptography import x509

    try:
        extension = certificate.to_cryptography().extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(x509.DNSName))


def _sha256(certificate: X509) -> str:
    return certificate.digest("sha256").replace(b":", b"").decode().lower()


def _end_point(certificate: X509) -> bytes | None:
    """Hash a certificate by its signature's hash (RFC 5929, section 4.1); None if it has none."""
    from cryptography.hazmat.primitives.serialization import Encoding

    decoded = certificate.to_cryptography()
    algorithm = decoded.signature_hash_algorithm
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in ("md5", "sha1") else algorithm.name
    return hashlib.new(name, decoded.public_bytes(Encoding.DER)).digest()


def load_own(pem: str) -> tuple[X509, PKey]:
    """Read a certificate and its key, in any order, from one PEM text.

    :raises ValueError: if one is missing or can't be read, the key is encrypted, or is another's
    """
    try:
        certificate = load_certificate(FILETYPE_PEM, pem.encode())
    except Exception as error:  # OpenSSL and cryptography each have their own
        raise ValueError("There is no certificate that can be read in the PEM text.") from error
    try:
        key = load_privatekey(FILETYPE_PEM, pem.encode(), b"")
    except Exception as error:
        raise ValueError(
            "There is no private key that can be read in the PEM text; it must not be encrypted."
        ) from error
    if certificate.get_pubkey().to_cryptography_key() != key.to_cryptography_key().public_key():  # type: ignore[union-attr]
        raise ValueError("The private key in the PEM text doesn't belong to the certificate.")
    return certificate, key


def identities(pem: str) -> list[str]:
    """Return the XMPP addresses that a certificate says are its owner's (RFC 6120, 13.7.1.4)."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(pem.encode())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [
        other.value[2:].decode("utf-8", "replace")
        for other in names.get_values_for_type(x509.OtherName)
        if other.type_id.dotted_string == _XMPP_ADDRESS
    ]


def read_pin(text: str) -> str:
    """Return the digits of ``sha256:…``, of which capitals and colons don't count.

    :raises ValueError: if it isn't that
    """
    kind, _, digits = text.partition(":")
    digits = digits.replace(":", "").lower()
    if kind.lower() != "sha256" or not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError("A pin is sha256: and 64 hexadecimal digits.")
    return digits
