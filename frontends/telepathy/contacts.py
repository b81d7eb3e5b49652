"""The interfaces of a connection that are about people."""

from collections.abc import Mapping
from typing import ClassVar

from sat.frontends.telepathy.exported import Part, method, typed
from sat.frontends.telepathy.people import OFFLINE, SHOWS, UNKNOWN, People
from sat.frontends.telepathy.spec import (
    ALIASING,
    AVATARS,
    CONNECTION,
    CONTACT_LIST,
    CONTACTS,
    PRESENCE,
    Failure,
    Presence,
)

#: The roster is here as soon as the connection is.
_LISTED = 3
#: Aliases are the person's own, and are kept in the roster.
_USER_SET = 1


class Contacts(Part):
    """``Connection.Interface.Contacts``: much about many contacts at once."""

    NAME = CONTACTS
    PROPERTIES: ClassVar[Mapping[str, str]] = {"ContactAttributeInterfaces": "as"}
    INTERFACES = (CONNECTION, CONTACT_LIST, PRESENCE, ALIASING, AVATARS)

    def __init__(self, people: People) -> None:
        self._people = people

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        return {"ContactAttributeInterfaces": self.INTERFACES}

    @method("GetContactAttributes", "Handles:au Interfaces:as Hold:b", "Attributes:a{ua{sv}}")
    def get_attributes(self, handles: list[int], interfaces: list[str], _: bool) -> object:
        """Return what some interfaces know of contacts; handles that are none are left out."""
        found = {}
        for handle in handles:
            try:
                found[handle] = self.attributes(handle, interfaces)
            except Failure:
                continue
        return found

    @method("GetContactByID", "Identifier:s Interfaces:as", "Handle:u Attributes:a{sv}")
    def get_by_id(self, identifier: str, interfaces: list[str]) -> object:
        """Return a contact by its address."""
        handle = self._people.handles.asked(identifier)
        return handle, self.attributes(handle, interfaces)

    def attributes(self, handle: int, interfaces: list[str]) -> dict[str, object]:
        """Return what some interfaces know of a contact."""
        people = self._people
        found = {f"{CONNECTION}/contact-id": typed("s", people.handles.name(handle))}
        if ALIASING in interfaces:
            found[f"{ALIASING}/alias"] = typed("s", people.alias(handle))
        token = people.token(handle)
        if AVATARS in interfaces and token is not None:
            found[f"{AVATARS}/token"] = typed("s", token)
        if PRESENCE in interfaces:
            found[f"{PRESENCE}/presence"] = typed("(uss)", people.presence(handle))
        if CONTACT_LIST in interfaces:
            found[f"{CONTACT_LIST}/subscribe"] = typed("u", people.subscribe(handle))
            found[f"{CONTACT_LIST}/publish"] = typed("u", people.publish(handle))
            if people.request(handle):
                found[f"{CONTACT_LIST}/publish-request"] = typed("s", people.request(handle))
        return found


class ContactList(Part):
    """``Connection.Interface.ContactList``: the roster, and who sees whom."""

    NAME = CONTACT_LIST
    SIGNALS: ClassVar[Mapping[str, str]] = {
        "ContactListStateChanged": "Contact_List_State:u",
        "ContactsChangedWithID": "Changes:a{u(uus)} Identifiers:a{us} Removals:a{us}",
        "ContactsChanged": "Changes:a{u(uus)} Removals:au",
    }
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "ContactListState": "u",
        "ContactListPersists": "b",
        "CanChangeContactList": "b",
        "RequestUsesMessage": "b",
        "DownloadAtConnection": "b",
    }

    def __init__(self, people: People, contacts: Contacts) -> None:
        self._people = people
        self._contacts = contacts
        self._state = 0
        people.listed = self._changed
        people.unlisted = self._removed

    def begin(self) -> None:
        """Tell that the roster is here."""
        self._state = _LISTED
        self.emit("ContactListStateChanged", self._state)
        changes = {one: self._subscriptions(one) for one in self._people.all}
        self._tell(changes, {})

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        return {
            "ContactListState": self._state,
            "ContactListPersists": True,
            "CanChangeContactList": True,
            "RequestUsesMessage": False,
            "DownloadAtConnection": True,
        }

    @method("GetContactListAttributes", "Interfaces:as Hold:b", "Attributes:a{ua{sv}}")
    def get_attributes(self, interfaces: list[str], _: bool) -> object:
        """Return what some interfaces know of all contacts."""
        if self._state != _LISTED:
            raise Failure("NotYet", "The contact list is not here yet.")
        wanted = [*interfaces, CONTACT_LIST]
        return {one: self._contacts.attributes(one, wanted) for one in self._people.all}

    @method("RequestSubscription", "Contacts:au Message:s")
    async def request(self, contacts: list[int], _: str) -> None:
        """Add contacts, and ask to see their presence."""
        await self._each("roster.add", contacts)

    @method("AuthorizePublication", "Contacts:au")
    async def authorize(self, contacts: list[int]) -> None:
        """Let contacts see our presence."""
        await self._each("presence.allow", contacts)

    @method("RemoveContacts", "Contacts:au")
    async def remove(self, contacts: list[int]) -> None:
        """Remove contacts; neither sees the other any more."""
        known = [one for one in contacts if one in self._people.all]
        await self._each("roster.remove", known)

    @method("Unsubscribe", "Contacts:au")
    async def unsubscribe(self, contacts: list[int]) -> None:
        """See contacts' presence no more, but stay seen."""
        await self._each("presence.unsubscribe", contacts)

    @method("Unpublish", "Contacts:au")
    async def unpublish(self, contacts: list[int]) -> None:
        """Let contacts see our presence no more."""
        await self._each("presence.deny", contacts)

    @method("Download")
    def download(self) -> None:
        """Do nothing: the contact list is here already."""

    async def _each(self, method_: str, contacts: list[int]) -> None:
        names = [self._people.handles.name(one) for one in contacts]
        for jid in names:
            await self._people.session.ask(method_, jid=jid)

    def _changed(self, handle: int) -> None:
        if self._state == _LISTED:
            self._tell({handle: self._subscriptions(handle)}, {})

    def _removed(self, handle: int) -> None:
        if self._state == _LISTED:
            self._tell({}, {handle: self._people.handles.name(handle)})

    def _tell(self, changes: dict[int, tuple[int, int, str]], removals: dict[int, str]) -> None:
        names = {one: self._people.handles.name(one) for one in changes}
        self.emit("ContactsChangedWithID", changes, names, removals)
        self.emit("ContactsChanged", changes, [*removals])

    def _subscriptions(self, handle: int) -> tuple[int, int, str]:
        people = self._people
        return people.subscribe(handle), people.publish(handle), people.request(handle)


class SimplePresence(Part):
    """``Connection.Interface.SimplePresence``: what one shows."""

    NAME = PRESENCE
    SIGNALS: ClassVar[Mapping[str, str]] = {"PresencesChanged": "Presence:a{u(uss)}"}
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "Statuses": "a{s(ubb)}",
        "MaximumStatusMessageLength": "u",
    }

    def __init__(self, people: People) -> None:
        self._people = people
        people.shown = self.changed
        #: What was set before the connection was there.
        self.wanted: tuple[str, str] | None = None
        self.is_online = False

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        statuses: dict[str, tuple[int, bool, bool]] = {
            show: (kind, True, True) for show, kind in SHOWS.items()
        }
        statuses[OFFLINE] = (Presence.OFFLINE, False, False)
        statuses[UNKNOWN] = (Presence.UNKNOWN, False, False)
        return {"Statuses": statuses, "MaximumStatusMessageLength": 0}

    async def begin(self) -> None:
        """Show what was set before, and tell what we show."""
        self.is_online = True
        if self.wanted is not None:
            show, words = self.wanted
            await self._people.session.ask("presence.set", show=show, status=words)
        self.changed(self._people.handles.own)

    @method("SetPresence", "Status:s Status_Message:s")
    async def set(self, status: str, message: str) -> None:
        """Change what the profile shows, in every program."""
        if status not in SHOWS:
            raise Failure("InvalidArgument", f"{status} can't be set; {', '.join(SHOWS)} can.")
        self.wanted = (str(status), str(message))
        if self.is_online:
            await self._people.session.ask("presence.set", show=str(status), status=str(message))

    @method("GetPresences", "Contacts:au", "Presence:a{u(uss)}")
    def get(self, contacts: list[int]) -> object:
        """Return what contacts show."""
        for one in contacts:
            self._people.handles.name(one)
        return {one: self._people.presence(one) for one in contacts}

    def changed(self, handle: int) -> None:
        """Tell what a contact shows now."""
        self.emit("PresencesChanged", {handle: self._people.presence(handle)})


class Aliasing(Part):
    """``Connection.Interface.Aliasing``: what contacts are called."""

    NAME = ALIASING
    SIGNALS: ClassVar[Mapping[str, str]] = {"AliasesChanged": "Aliases:a(us)"}

    def __init__(self, people: People) -> None:
        self._people = people
        people.named = self._named

    @method("GetAliasFlags", "", "Alias_Flags:u")
    def flags(self) -> int:
        """Tell that the person chooses what contacts are called."""
        return _USER_SET

    @method("RequestAliases", "Contacts:au", "Aliases:as")
    def request(self, contacts: list[int]) -> object:
        """Return what contacts are called."""
        return [self._people.alias(one) for one in contacts]

    @method("GetAliases", "Contacts:au", "Aliases:a{us}")
    def get(self, contacts: list[int]) -> object:
        """Return what contacts are called, by handle."""
        return {one: self._people.alias(one) for one in contacts}

    @method("SetAliases", "Aliases:a{us}")
    async def set(self, aliases: dict[int, str]) -> None:
        """Call contacts something else, in the roster."""
        people = self._people
        if people.handles.own in aliases:
            raise Failure("NotAvailable", "What the person is called can't be set here.")
        for jid, name in {people.handles.name(one): aliases[one] for one in aliases}.items():
            await people.session.ask("roster.update", jid=jid, name=str(name))

    def _named(self, handle: int) -> None:
        self.emit("AliasesChanged", [(handle, self._people.alias(handle))])
