"""The interface of a connection that is about pictures of people."""

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import ClassVar

import dbus

from sat.frontends.telepathy.exported import Part, method
from sat.frontends.telepathy.people import People
from sat.frontends.telepathy.session import Struct
from sat.frontends.telepathy.spec import AVATARS, Failure
from sat.frontends.telepathy.waiting import log_failure, spawn

#: What the daemon takes (XEP-0084, section 4.2.1): others can show no other type for sure.
_TYPES = ("image/png",)
_MAX_BYTES = 96 * 1024
#: Pixels of each side that do for a list of people, and for the head of a conversation.
_RECOMMENDED = 96


class Avatars(Part):
    """``Connection.Interface.Avatars``: which pictures people have; a token is its SHA-1."""

    NAME = AVATARS
    SIGNALS: ClassVar[Mapping[str, str]] = {
        "AvatarUpdated": "Contact:u New_Avatar_Token:s",
        "AvatarRetrieved": "Contact:u Token:s Avatar:ay Type:s",
    }
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "SupportedAvatarMIMETypes": "as",
        "MinimumAvatarHeight": "u",
        "MinimumAvatarWidth": "u",
        "RecommendedAvatarHeight": "u",
        "RecommendedAvatarWidth": "u",
        "MaximumAvatarHeight": "u",
        "MaximumAvatarWidth": "u",
        "MaximumAvatarBytes": "u",
    }

    def __init__(self, people: People) -> None:
        self._people = people
        #: Whose pictures are on their way: nobody's is fetched twice at a time.
        self._wanted: set[int] = set()
        people.pictured = self._changed

    def values(self) -> Mapping[str, object]:
        """Return the properties; 0 is no limit."""
        return {
            "SupportedAvatarMIMETypes": _TYPES,
            "MinimumAvatarHeight": 0,
            "MinimumAvatarWidth": 0,
            "RecommendedAvatarHeight": _RECOMMENDED,
            "RecommendedAvatarWidth": _RECOMMENDED,
            "MaximumAvatarHeight": 0,
            "MaximumAvatarWidth": 0,
            "MaximumAvatarBytes": _MAX_BYTES,
        }

    @method(
        "GetAvatarRequirements",
        "",
        "MIME_Types:as Min_Width:q Min_Height:q Max_Width:q Max_Height:q Max_Bytes:u",
    )
    def requirements(self) -> object:
        """Return what a picture of one's own has to be like."""
        return _TYPES, 0, 0, 0, 0, _MAX_BYTES

    @method("GetKnownAvatarTokens", "Contacts:au", "Tokens:a{us}")
    def known(self, contacts: list[int]) -> object:
        """Return which pictures people have, as far as it is known; an empty token is none."""
        found = {one: self._token(one) for one in contacts}
        return {one: token for one, token in found.items() if token is not None}

    @method("GetAvatarTokens", "Contacts:au", "Tokens:as")
    def tokens(self, contacts: list[int]) -> object:
        """Return which pictures people have; of whom it isn't known, an empty token."""
        return [self._token(one) or "" for one in contacts]

    @method("RequestAvatar", "Contact:u", "Data:ay MIME_Type:s")
    async def request_one(self, contact: int) -> object:
        """Return somebody's picture."""
        if not self._token(contact):
            raise Failure("NotAvailable", "They have no picture that is known.")
        _, data, type_ = await self._fetch(contact)
        return data, type_

    @method("RequestAvatars", "Contacts:au")
    def request(self, contacts: list[int]) -> None:
        """Tell the pictures of people by AvatarRetrieved; nothing of whom none is known."""
        wanted = [int(one) for one in contacts if self._token(one)]
        new = [one for one in dict.fromkeys(wanted) if one not in self._wanted]
        self._wanted.update(new)
        spawn(self._tell(new), lambda _: None, log_failure)

    @method("SetAvatar", "Avatar:ay MIME_Type:s", "Token:s")
    async def set(self, avatar: list[int], type_: str) -> str:
        """Have a picture, in every program."""
        if type_ not in _TYPES:
            raise Failure("InvalidArgument", f"A picture is one of {', '.join(_TYPES)} here.")
        data = b2a_base64(bytes(avatar), newline=False).decode()
        own = await self._people.session.ask("avatar.set", data=data)
        return str(own["hash"])

    @method("ClearAvatar")
    async def clear(self) -> None:
        """Have no picture any more."""
        await self._people.session.ask("avatar.clear")

    async def _tell(self, contacts: list[int]) -> None:
        try:
            while contacts:
                try:
                    found = await self._fetch(contacts[0])
                except Failure as failure:
                    # A client that wants it still asks again.
                    log_failure(failure)
                else:
                    self.emit("AvatarRetrieved", contacts[0], *found)
                self._wanted.discard(contacts.pop(0))
        finally:
            self._wanted.difference_update(contacts)

    async def _fetch(self, contact: int) -> tuple[str, dbus.ByteArray, str]:
        people = self._people
        found: Struct = await people.session.ask("avatar.get", jid=people.handles.name(contact))
        data = dbus.ByteArray(a2b_base64(str(found["data"])))
        return str(found["hash"]), data, str(found["type"])

    def _token(self, contact: int) -> str | None:
        self._people.handles.name(contact)
        return self._people.token(contact)

    def _changed(self, contact: int) -> None:
        self.emit("AvatarUpdated", contact, self._people.token(contact) or "")
