"""Addresses (RFC 6122): parsed once, compared after normalization."""

from __future__ import annotations

import re
from functools import lru_cache

from twisted.words.protocols.jabber import jid as _words

#: Each part of an address has at most this many bytes of UTF-8 (RFC 6122, section 2.1).
MAX_PART = 1023

#: Addresses of which every part is its own normal form, as most are: preparing them changes nothing
#: and refuses nothing, but costs thirty times as much as this match. Their parts are short.
_PLAIN = re.compile(
    r"(?:([a-z0-9._+\-]{1,255})@)?"
    r"([a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?){0,3})"
    r"(?:/([A-Za-z0-9._:+~@/\-]{1,255}))?"
)


class JID(_words.JID):
    """An address: ``user@host/resource``, where user and resource may be absent (None).

    It is immutable by agreement, and a key of dictionaries. Parsing what is not plain ASCII costs
    some 150 µs: use :func:`parse_jid` where the same address comes again.

    :raises ValueError: if the text isn't an address, with a sentence that says why
    """

    user: str | None
    host: str
    resource: str | None
    _full: str | None = None
    _bare: JID | None = None

    def __init__(
        self,
        str: str | None = None,
        tuple: tuple[str | None, str, str | None] | None = None,
    ) -> None:
        plain = _PLAIN.fullmatch(str) if str is not None and tuple is None else None
        if plain is not None:
            self.user, host, self.resource = plain.groups()
            self.host = host or ""
            self._hash = hash((self.user, host, self.resource))
            return
        if tuple is not None:
            parts = tuple
        elif str is not None:
            parts = _split(str)
        else:
            raise ValueError("An address can't be empty.")
        if not parts[1]:
            raise ValueError("An address needs a host: user@host or user@host/resource.")
        try:
            prepared = _words.prep(*parts)
        except IndexError:
            # So ends the preparation of a name with an empty part, such as "a..b".
            raise _refusal(_show(parts), "a part of its host is empty") from None
        except (_words.InvalidFormat, UnicodeError) as error:
            reason = f"{error}".removesuffix(".") or "a character is not allowed"
            raise _refusal(_show(parts), reason) from None
        for kept, given in zip(prepared, parts, strict=True):
            if given and not kept:
                raise _refusal(_show(parts), "a part of it is empty")
            if kept and len(kept.encode()) > MAX_PART:
                raise _refusal(_show(parts), "a part is over 1,023 bytes")
        self.user, self.host, self.resource = prepared
        if any(character in "@/ " for character in self.host):
            raise _refusal(_show(parts), "its host is no host name")
        self._hash = hash(prepared)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, _words.JID)
            and self.host == other.host
            and self.user == other.user
            and self.resource == other.resource
        )

    def userhost(self) -> str:
        """Return the bare address as text."""
        return f"{self.user}@{self.host}" if self.user else self.host

    def userhostJID(self) -> JID:
        """Return the bare address: see :attr:`bare`."""
        return self.bare

    def full(self) -> str:
        """Return the address as text."""
        full = self._full
        if full is None:
            bare = self.userhost()
            full = self._full = f"{bare}/{self.resource}" if self.resource else bare
        return full

    __str__ = full

    @property
    def bare(self) -> JID:
        """The address without its resource."""
        if not self.resource:
            return self
        bare = self._bare
        if bare is None:
            bare = self._bare = parse_jid(self.userhost())
        return bare

    def with_resource(self, resource: str) -> JID:
        """Return the same account's address with another resource.

        :raises ValueError: if the resource isn't allowed
        """
        return JID(tuple=(self.user, self.host, resource))


def _split(text: str) -> tuple[str | None, str, str | None]:
    """Cut at the first slash, then at the first at sign (RFC 6122, section 2.1)."""
    rest, slash, resource = text.partition("/")
    user, at, host = rest.partition("@")
    if not at:
        user, host = "", rest
    if (slash and not resource) or (at and not user):
        raise _refusal(repr(text[:80]), "a part of it is empty")
    return user or None, host, resource or None


def _refusal(shown: str, reason: str) -> ValueError:
    return ValueError(f"{shown} isn't an address: {reason}. Write it like alice@example.org.")


def _show(parts: tuple[str | None, str, str | None]) -> str:
    user, host, resource = parts
    text = f"{user}@{host}" if user else host
    return repr((f"{text}/{resource}" if resource else text)[:80])


@lru_cache(maxsize=2048)
def parse_jid(text: str) -> JID:
    """Return the address that a text stands for; the latest 2,048 are kept.

    :raises ValueError: if it isn't one, with a sentence that says why
    """
    return JID(text)
