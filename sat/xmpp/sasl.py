"""Authentication: SCRAM (RFC 5802, RFC 7677) and PLAIN (RFC 4616), with no wire under them."""

from __future__ import annotations

import hashlib
import hmac
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from typing import Protocol

#: Fewer iterations than this are refused: the RFCs' own minimum, for all hashes.
MIN_ITERATIONS = 4096
#: More than this are refused: they would only keep the daemon busy (a million takes 0.5 s or more).
MAX_ITERATIONS = 1_000_000

_HASHES = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}

#: What can be used, the strongest first.
MECHANISMS = (*_HASHES, "PLAIN")


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


def choose(offered: set[str], allow_plain: bool) -> str | None:
    """Return the strongest mechanism among those offered that may be used, or None."""
    for name in MECHANISMS:
        if name in offered and (name != "PLAIN" or allow_plain):
            return name
    return None


def mechanism(name: str, user: str, password: str, nonce: str) -> Mechanism:
    """Return an attempt to log in by one of :data:`MECHANISMS`.

    :param nonce: printable ASCII without commas, at random, never used before
    :raises ValueError: if the password has characters that SASLprep forbids
    """
    if name == "PLAIN":
        return Plain(user, password)
    return Scram(name, user, password, nonce)


class Plain:
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


class Scram:
    """Proof of the password to the server, and of the server to us (RFC 5802, section 3)."""

    def __init__(self, name: str, user: str, password: str, nonce: str) -> None:
        self.name = name
        self._hash = _HASHES[name]
        self._password = saslprep(password).encode()
        self._nonce = nonce
        escaped = saslprep(user).replace("=", "=3D").replace(",", "=2C")
        self._first = f"n={escaped},r={nonce}"
        self._signature: bytes | None = None
        self._verified = False

    def start(self) -> bytes:
        """Return user and nonce; no channel binding."""
        return f"n,,{self._first}".encode()

    def respond(self, challenge: bytes) -> bytes:
        """Return the proof, or nothing if the challenge is the server's own proof."""
        if self._signature is not None:
            self._check(challenge)
            return b""
        server = challenge.decode("utf-8", "replace")
        fields = _fields(challenge)
        nonce, salt, count = fields.get("r", ""), fields.get("s", ""), fields.get("i", "")
        if "m" in fields or not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise SaslError("denied.server", "The server's challenge isn't an answer to ours.")
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
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, salt_bytes, iterations)
        last = f"c=biws,r={nonce}"
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


def _fields(message: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in message.decode("utf-8", "replace").split(","):
        name, _, value = part.partition("=")
        fields.setdefault(name, value)
    return fields


_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """Return a user name or password as it is compared (RFC 4013).

    :raises ValueError: if it has characters that aren't allowed
    """
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    text = unicodedata.normalize("NFKC", mapped)
    if any(prohibited(character) for character in text for prohibited in _PROHIBITED):
        raise ValueError("The password has a control or other character that isn't allowed in one.")
    if any(map(stringprep.in_table_d1, text)) and (
        any(map(stringprep.in_table_d2, text))
        or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1]))
    ):
        raise ValueError("The password mixes directions of writing in a way that isn't allowed.")
    return text
