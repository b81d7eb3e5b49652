"""TLS for streams: whom to trust, and in which words to say that the check failed."""

from __future__ import annotations

import re
from functools import lru_cache

from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet import ssl
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[import-untyped, unused-ignore]

from sat.xmpp.errors import Fault
from sat.xmpp.resolve import ascii_name, literal

_PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

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
    :raises ValueError: if ``ca`` has no certificate, or ``domain`` can't be one
    """

    def __init__(self, domain: str, ca: str | None, direct: bool) -> None:
        self.direct = direct
        self._context = _context(ca)
        self._private = ca is not None
        self._domain = domain
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

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Return a connection whose handshake fails unless the certificate is right."""
        connection = SSL.Connection(self._context, None)
        if self.direct:
            connection.set_alpn_protos([b"xmpp-client"])
        if self._name is not None:
            connection.set_tlsext_host_name(self._name)
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._check)
        return connection

    def _check(
        self, _: SSL.Connection, certificate: X509, code: int, depth: int, fine: int
    ) -> bool:
        try:
            if not fine:
                self.fault = self._untrusted(code, certificate)
                return False
            if depth == 0:
                verify_service_identity(extract_patterns(certificate), [self._identity], [])
        except VerificationError:
            self.fault = self._misnamed(certificate)
            return False
        except Exception as error:  # an exception would be lost inside OpenSSL, the check with it
            self.fault = Fault("tls.failed", f"The certificate of {self._domain} is odd: {error}.")
            return False
        return True

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
