"""The server's side of SCRAM (RFC 5802), with any channel binding: written from the RFC alone."""

import base64
import hashlib
import hmac

SALT = b"a salt of the test"


class Refused(Exception):
    """The client hasn't proved that it knows the password, or said something odd."""


class ScramServer:
    """One login.

    :param name: of the mechanism
    :param binding: the data of each type of binding; a client may use these with ``-PLUS`` alone
    :param offered_plus: whether ``-PLUS`` was offered, so that ``y`` is a lie
    :param offer: what XEP-0474 hashes; sent if there is any
    """

    def __init__(self, name, password, *, binding=None, offered_plus=False, offer=None) -> None:
        self.name = name
        self._hash = "sha" + name.removesuffix("-PLUS").rpartition("-")[2]
        self._salted = hashlib.pbkdf2_hmac(self._hash, password.encode(), SALT, 4096)
        self._binding = binding or {}
        self._offered_plus = offered_plus
        self._offer = offer
        #: The client's flag: ``n``, ``y`` or ``p=TYPE``.
        self.flag = ""

    def first(self, message: bytes) -> bytes:
        """Answer the client's first message."""
        self.flag, _, bare = message.decode().split(",", 2)
        self._header = f"{self.flag},,"
        self._client = bare
        if self.flag.startswith("p=") != self.name.endswith("-PLUS"):
            raise Refused(self.flag)
        if self.flag == "y" and self._offered_plus:
            raise Refused("somebody has removed -PLUS")
        nonce = dict(part.split("=", 1) for part in bare.split(","))["r"] + "server"
        self._server = f"r={nonce},s={base64.b64encode(SALT).decode()},i=4096"
        if self._offer is not None:
            digest = hashlib.new(self._hash, self._offer.encode()).digest()
            self._server += f",h={base64.b64encode(digest).decode()}"
        return self._server.encode()

    def final(self, message: bytes) -> bytes:
        """Check the client's proof, and return ours."""
        without, _, proof = message.decode().rpartition(",p=")
        said = base64.b64decode(dict(part.split("=", 1) for part in without.split(","))["c"])
        kind = self.flag.removeprefix("p=") if self.flag.startswith("p=") else None
        if said != self._header.encode() + (self._binding[kind] if kind else b""):
            raise Refused("bound to another channel")
        signed = f"{self._client},{self._server},{without}".encode()
        key = self._mac(self._salted, b"Client Key")
        stored = hashlib.new(self._hash, key).digest()
        mask = self._mac(stored, signed)
        if bytes(a ^ b for a, b in zip(key, mask, strict=True)) != base64.b64decode(proof):
            raise Refused("wrong password")
        signature = self._mac(self._mac(self._salted, b"Server Key"), signed)
        return b"v=" + base64.b64encode(signature)

    def _mac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)
