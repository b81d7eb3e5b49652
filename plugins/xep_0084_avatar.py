"""XEP-0084: User Avatar."""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error as BadBase64
from binascii import a2b_base64
from hashlib import sha1
from itertools import islice
from typing import ClassVar

from sat.bridge.model import Model
from sat.plugin import (
    JID,
    CommandError,
    Element,
    Event,
    Level,
    Plugin,
    Published,
    StanzaError,
    command,
    contact_event,
)

NS_METADATA = "urn:xmpp:avatar:metadata"
NS_DATA = "urn:xmpp:avatar:data"
#: The most bytes that a picture of somebody else may have.
MAX_SIZE = 512 * 1024
#: The most bytes of the own one: a server ends the stream over a stanza that is too long for it
#: (256 KiB on many), and a picture grows by a third on its way.
MAX_OWN_SIZE = 96 * 1024
#: Versions of one picture that are looked at.
_MAX_VERSIONS = 20
#: People of whom it is known which picture they have.
_MAX_KNOWN = 20_000
#: Seconds in which changes are gathered, so that nobody's changes come in a flood.
_GATHER = 0.25
_HASH = re.compile(r"[0-9a-f]{40}")
_PNG = b"\x89PNG\r\n\x1a\n"
#: How pictures begin that are no programs, and can be shown by everything.
_BEGINNINGS = {
    "image/png": re.compile(re.escape(_PNG)),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


class Avatar(Model, frozen=True, kw_only=True):
    """Which picture somebody has: its SHA-1, its type and its bytes; no hash if they have none."""

    profile: str
    jid: str
    hash: str = ""
    type: str = ""
    size: int = 0


class Picture(Model, frozen=True, kw_only=True):
    """Somebody's picture: its bytes agree with its hash and its size, and begin as its type does.

    Whoever draws it decodes what somebody else has made.
    """

    profile: str
    jid: str
    hash: str
    type: str
    # No blob: that takes the level files, and a piece of one has more bytes than a picture.
    data: bytes


class AvatarChanged(Event, frozen=True):
    """Somebody has another picture, or none any more."""

    type: ClassVar[str] = "avatar.changed"
    scope: ClassVar[str] = "presence"
    volatile: ClassVar[bool] = True
    data: Avatar

    @property
    def key(self) -> str:
        """A later picture of somebody replaces the one before."""
        return f"{self.type} {self.data.profile} {self.data.jid}"


class Avatars(Plugin):
    """Know which pictures contacts have, fetch those that are asked for, and have one."""

    name = "avatar"
    events = (AvatarChanged,)

    def load(self) -> None:
        """Begin without knowing anybody's picture."""
        self._known: dict[str, Avatar] = {}
        self._untold: set[str] = set()

    # ---- what others have

    @contact_event(NS_METADATA)
    def published(self, sender: JID, event: Published) -> None:
        """Take note of which picture somebody has (XEP-0084, section 3.3)."""
        bare = sender.full()
        if event.items:
            found = self._read(bare, [*event.items.values()][-1])
            if found is not None:
                self._note(found)
        elif bare in self._known and self._known[bare].hash in event.retracted:
            self._note(Avatar(profile=self.profile, jid=bare))

    def _note(self, found: Avatar) -> None:
        before = self._known.get(found.jid)
        if found == before or (before is None and len(self._known) >= _MAX_KNOWN):
            return
        self._known[found.jid] = found
        if before is None and not found.hash:
            return
        if not self._untold:
            self.host.later(_GATHER, lambda: self.host.spawn(self._tell(), "telling of avatars"))
        self._untold.add(found.jid)

    async def _tell(self) -> None:
        untold, self._untold = self._untold, set()
        for bare in untold:
            await self.host.emit(AvatarChanged(self._known[bare]))

    def _read(self, bare: str, payload: Element) -> Avatar | None:
        """Read what metadata say: of the versions that are published, the PNG if there is one.

        A version that is somewhere else (``url``) is none: nobody is to learn who looks.
        """
        if (payload.uri, payload.name) != (NS_METADATA, "metadata"):
            return None
        best = Avatar(profile=self.profile, jid=bare)
        for info in islice(payload.elements(NS_METADATA, "info"), _MAX_VERSIONS):
            hash_, type_ = info.get("id") or "", info.get("type") or ""
            size = info.get("bytes") or ""
            if (
                info.get("url")
                or type_ not in _BEGINNINGS
                or not _HASH.fullmatch(hash_)
                or not (size.isascii() and size.isdecimal() and len(size) < 10)
                or not 0 < int(size) <= MAX_SIZE
            ):
                continue
            if not best.hash or (type_ == "image/png" and best.type != type_):
                best = Avatar(
                    profile=self.profile, jid=bare, hash=hash_, type=type_, size=int(size)
                )
        return best

    # ---- calls

    @command("avatar.list", level=Level.READ)
    async def all(self) -> list[Avatar]:
        """Return who has which picture, by address, as far as it was told; the own one too."""
        return [one for _, one in sorted(self._known.items()) if one.hash]

    @command(level=Level.READ)
    async def get(self, jid: JID) -> Picture:
        """Return the picture of a contact, or one's own; it is fetched once, and kept for a while.

        :param jid: whose; of a full JID the bare one counts
        :raises unknown.avatar: if they have none
        :raises denied.presence: if they may not learn that we are there
        :raises failed.avatar: if what they have published isn't what they said it is
        :raises offline.profile: if it has to be fetched, and the profile is not online
        """
        owner = jid.userhostJID()
        known = self._known.get(owner.full())
        if known is None:
            known = await self._ask(owner)
        found = await self._picture(owner, known)
        if found is None and known.hash:
            # What it was published with may have been replaced before the data were asked for.
            newer = await self._ask(owner)
            found = await self._picture(owner, newer) if newer != known else None
        if found is None:
            raise CommandError("unknown.avatar", f"{owner.full()} has no picture")
        return found

    async def _ask(self, owner: JID) -> Avatar:
        self._check(owner)
        bare = owner.full()
        found = None
        for payload in (await self.host.retrieve(NS_METADATA, owner=owner)).values():
            found = self._read(bare, payload)
        told = found or Avatar(profile=self.profile, jid=bare)
        self._note(told)
        return told

    async def _picture(self, owner: JID, known: Avatar) -> Picture | None:
        """Return a picture out of what is kept, or fetched; None if it isn't there."""
        if not known.hash:
            return None
        data = self.host.kept(known.hash)
        type_ = _type_of(data, known) if data is not None else None
        if data is None or type_ is None:
            self._check(owner)
            data = await self._fetch(owner, known.hash)
            if data is None:
                return None
            type_ = _type_of(data, known)
            if type_ is None:
                raise CommandError(
                    "failed.avatar", f"the picture of {known.jid} is not what it is said to be"
                )
            self.host.keep(known.hash, data)
        return Picture(profile=self.profile, jid=known.jid, hash=known.hash, type=type_, data=data)

    async def _fetch(self, owner: JID, hash_: str) -> bytes | None:
        """Fetch the bytes with a hash; what is too long comes back as none of it."""
        payload = (await self.host.retrieve(NS_DATA, owner=owner, id=hash_)).get(hash_)
        if payload is None or (payload.uri, payload.name) != (NS_DATA, "data"):
            return None
        text = payload.text
        if len(text) > 2 * MAX_SIZE:
            return b""
        try:
            return a2b_base64(text)
        except (BadBase64, ValueError):
            return b""

    def _check(self, owner: JID) -> None:
        """Ask nobody who may not know that somebody is there to ask."""
        if not self.host.in_roster(owner):
            raise CommandError(
                "denied.presence",
                f"{owner.full()} may not see your presence: to ask for a picture would show it",
            )

    # ---- the own one

    @command("avatar.set", level=Level.SEND)
    async def change(self, data: bytes) -> Avatar:
        """Have a picture, which those see who see our presence.

        :param data: a PNG of at most 96 KiB; a square of some hundred pixels does
        :raises usage.avatar: if it is none, or too large
        """
        sizes = _png_size(data)
        if sizes is None:
            raise CommandError("usage.avatar", "a picture has to be a PNG")
        if len(data) > MAX_OWN_SIZE:
            raise CommandError(
                "usage.avatar",
                f"the picture has {len(data)} bytes, and servers take {MAX_OWN_SIZE}: "
                "make it smaller",
            )
        hash_ = sha1(data, usedforsecurity=False).hexdigest()
        payload = Element((NS_DATA, "data"))
        payload.children.append(b64encode(data).decode())
        await self.host.share(NS_DATA, hash_, payload)
        metadata = Element((NS_METADATA, "metadata"))
        info = metadata.add("info", id=hash_, type="image/png", bytes=str(len(data)))
        info["width"], info["height"] = map(str, sizes)
        await self.host.share(NS_METADATA, hash_, metadata)
        self.host.keep(hash_, data)
        own = Avatar(
            profile=self.profile,
            jid=self.jid.full(),
            hash=hash_,
            type="image/png",
            size=len(data),
        )
        self._note(own)
        return own

    @command(level=Level.SEND)
    async def clear(self) -> None:
        """Have no picture any more (XEP-0084, section 3.5); nobody can fetch the last one."""
        own = self._known.get(self.jid.full())
        await self.host.share(NS_METADATA, "none", Element((NS_METADATA, "metadata")))
        self._note(Avatar(profile=self.profile, jid=self.jid.full()))
        if own is None or not own.hash:
            return
        try:
            await self.host.retract(NS_DATA, own.hash)
        except StanzaError as error:
            if error.condition != "item-not-found":
                raise


def _type_of(data: bytes, known: Avatar) -> str | None:
    """Return which type a picture is of; None if it isn't what was published, or no picture."""
    if len(data) != known.size or sha1(data, usedforsecurity=False).hexdigest() != known.hash:
        return None
    return next((type_ for type_, one in _BEGINNINGS.items() if one.match(data)), None)


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that a PNG says it has."""
    if not data.startswith(_PNG) or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
