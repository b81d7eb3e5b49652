"""Authentication with no wire under it: SCRAM, EXTERNAL, PLAIN and tokens.

SCRAM is RFC 5802 and RFC 7677, with channel binding (RFC 9266, RFC 5929) and the protection of the
server's offer (XEP-0474); EXTERNAL is XEP-0178, PLAIN RFC 4616, and a token's proof that of
draft-schmaus-kitten-sasl-ht (XEP-0484).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Protocol

from sat.xmpp.saslprep import saslprep

__all__ = ["Binding", "External", "Hashed", "Mechanism", "Plain", "SaslError", "Scram", "saslprep"]

#: Fewer iterations than this are refused: the RFCs' own minimum, for all hashes.
MIN_ITERATIONS = 4096
#: More than this are refused: they would only keep the daemon busy (a million takes 0.5 s or more).
MAX_ITERATIONS = 1_000_000

HASHES = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
PLUS = "-PLUS"


class SaslError(Exception):
    """What the server sent can't be right; its name tells which part of it."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


class Mechanism(Protocol):
    """One attempt to log in."""

    name: str

    def start(self) -> bytes:
        """Return the first response."""

    def respond(self, challenge: bytes) -> bytes:
        """Return the response to a challenge.

        :raises SaslError: if the challenge can't be right
        """

    def finish(self, data: bytes | None) -> None:
        """Check what came with the success.

        :raises SaslError: if the server hasn't proved that it knows the password
        """


@dataclass(frozen=True, slots=True)
class Binding:
    """What a login says of the TLS channel that it goes through (RFC 5802, section 6).

    :param flag: ``p=TYPE``, ``y`` (we could, the server doesn't offer it) or ``n``
    :param data: what both ends know of the channel, for ``p``
    """

    flag: str = "n"
    data: bytes = b""


class _OneMessage:
    """A mechanism of which all is said with the first response."""

    def respond(self, challenge: bytes) -> bytes:
        """Say nothing to an empty challenge, which only asks for the first response again."""
        if challenge:
            raise SaslError("denied.server", "The server sent a challenge where none belongs.")
        return b""


class Plain(_OneMessage):
    """The password in clear: within TLS alone."""

    name = "PLAIN"

    def __init__(self, user: str, password: str) -> None:
        # join takes the text itself, where a format string would take a secret's dots.
        self._response = "\0".join(("", user, password)).encode()

    def start(self) -> bytes:
        """Return user and password."""
        return self._response

    def respond(self, challenge: bytes) -> bytes:
        """Refuse: PLAIN has no challenge."""
        raise SaslError("denied.server", "The server sent a challenge where none belongs.")

    def finish(self, data: bytes | None) -> None:
        """Accept: with PLAIN the server proves nothing."""


class External(_OneMessage):
    """The certificate that TLS has shown already (XEP-0178).

    :param identity: the bare address, if the certificate doesn't say by itself whose it is
    """

    name = "EXTERNAL"

    def __init__(self, identity: str = "") -> None:
        self._identity = identity.encode()

    def start(self) -> bytes:
        """Return the address, or nothing."""
        return self._identity

    def finish(self, data: bytes | None) -> None:
        """Accept: the server has proved itself within TLS."""


class Hashed(_OneMessage):
    """Proof of a token, of both sides, in one round trip (XEP-0484).

    :param name: ``HT-SHA-256-EXPR``, ``-ENDP`` or ``-NONE``
    :param data: what both ends know of the channel; nothing for ``-NONE``
    """

    def __init__(self, name: str, user: str, token: str, data: bytes) -> None:
        self.name = name
        self._user = user
        key = str.encode(token)
        self._proof = hmac.digest(key, b"Initiator" + data, "sha256")
        self._expected = hmac.digest(key, b"Responder" + data, "sha256")

    def start(self) -> bytes:
        """Return user and proof."""
        return self._user.encode() + b"\0" + self._proof

    def finish(self, data: bytes | None) -> None:
        """Check the server's own proof."""
        if not hmac.compare_digest(data or b"", self._expected):
            raise SaslError(
                "denied.server", "The server accepted a token without proving that it knows it."
            )


class Scram:
    """Proof of the password to the server, and of the server to us (RFC 5802, section 3).

    :param name: of the mechanism, with ``-PLUS`` if ``binding`` binds to the channel
    :param nonce: printable ASCII without commas, at random, never used before
    :param offer: what the server has offered, as XEP-0474, section 5.1 puts it together; its hash
        must be the one that the server sends, if it sends one
    :raises ValueError: if user or password have characters that SASLprep forbids
    """

    def __init__(
        self,
        name: str,
        user: str,
        password: str,
        nonce: str,
        binding: Binding = Binding(),
        offer: str = "",
    ) -> None:
        self.name = name
        self._hash = HASHES[name.removesuffix(PLUS)]
        self._password = saslprep(password).encode()
        self._nonce = nonce
        self._offer = offer
        escaped = saslprep(user).replace("=", "=3D").replace(",", "=2C")
        self._header = f"{binding.flag},,"
        self._channel = b64encode(self._header.encode() + binding.data).decode()
        self._first = f"n={escaped},r={nonce}"
        self._signature: bytes | None = None
        self._verified = False

    def start(self) -> bytes:
        """Return user and nonce, and which channel binding is meant."""
        return f"{self._header}{self._first}".encode()

    def respond(self, challenge: bytes) -> bytes:
        """Return the proof, or nothing if the challenge is the server's own proof."""
        if self._signature is not None:
            self._check(challenge)
            return b""
        server = challenge.decode("utf-8", "replace")
        fields = _fields(challenge)
        nonce = fields.get("r", "")
        if "m" in fields or not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise SaslError("denied.server", "The server's challenge isn't an answer to ours.")
        self._check_offer(fields.get("h"))
        salted = salt_password(self._hash, self._password, fields.get("s", ""), fields.get("i", ""))
        last = f"c={self._channel},r={nonce}"
        signed = f"{self._first},{server},{last}".encode()
        key = self._mac(salted, b"Client Key")
        mask = self._mac(hashlib.new(self._hash, key).digest(), signed)
        proof = bytes(one ^ other for one, other in zip(key, mask, strict=True))
        self._signature = self._mac(self._mac(salted, b"Server Key"), signed)
        return f"{last},p={b64encode(proof).decode()}".encode()

    def finish(self, data: bytes | None) -> None:
        """Check the server's signature, here or already seen in a challenge."""
        if data:
            self._check(data)
        if not self._verified:
            raise SaslError(
                "denied.server",
                "The server accepted the password without proving that it knows it.",
            )

    def _check_offer(self, sent: str | None) -> None:
        if sent is None:
            return
        seen = b64encode(hashlib.new(self._hash, self._offer.encode()).digest()).decode()
        if not hmac.compare_digest(sent.encode(), seen.encode()):
            raise SaslError(
                "denied.tampered",
                "What the server offers for the login was changed on its way: somebody in between "
                "wants a weaker one. Nothing was sent that gives the password away; try another "
                "network.",
            )

    def _check(self, message: bytes) -> None:
        try:
            signature = b64decode(_fields(message).get("v", ""), validate=True)
        except ValueError:
            signature = b""
        if self._signature is None or not hmac.compare_digest(signature, self._signature):
            raise SaslError(
                "denied.server", "The server doesn't know the password: its proof of it is wrong."
            )
        self._verified = True

    def _mac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


def salt_password(hash_: str, password: bytes, salt: str, count: str) -> bytes:
    """Return what SCRAM knows of a password (``SaltedPassword`` of RFC 5802, section 3).

    :param hash_: its name for :mod:`hashlib`
    :param salt: as the server sends it, in base64
    :param count: of iterations, as the server sends it
    :raises SaslError: if salt or count can't be right, or the count is out of bounds
    """
    if not (count.isascii() and count.isdigit() and len(count) <= 10):
        raise SaslError("denied.server", "The server's challenge has no iteration count.")
    iterations = int(count)
    if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
        raise SaslError(
            "denied.iterations",
            f"The server wants {iterations} iterations for the password; from "
            f"{MIN_ITERATIONS} to {MAX_ITERATIONS} are accepted. Its administrator can change "
            "that.",
        )
    try:
        salt_bytes = b64decode(salt, validate=True)
    except ValueError:
        salt_bytes = b""
    if not salt_bytes:
        raise SaslError("denied.server", "The server's challenge has no salt.")
    return hashlib.pbkdf2_hmac(hash_, password, salt_bytes, iterations)


def _fields(message: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in message.decode("utf-8", "replace").split(","):
        name, _, value = part.partition("=")
        fields.setdefault(name, value)
    return fields
