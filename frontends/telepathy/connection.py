"""A connection: a lease on a profile, from Connect to Disconnect."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from sat.bridge.errors import CommandError
from sat.frontends.telepathy.avatars import Avatars
from sat.frontends.telepathy.channels import Channels
from sat.frontends.telepathy.contacts import Aliasing, ContactList, Contacts, SimplePresence
from sat.frontends.telepathy.exported import Exported, Part, Sender, method, typed
from sat.frontends.telepathy.handles import Handles, check_kind
from sat.frontends.telepathy.parameters import Login
from sat.frontends.telepathy.people import People
from sat.frontends.telepathy.session import Leases, Session, Struct, find_profile, told
from sat.frontends.telepathy.spec import (
    ALIASING,
    AVATARS,
    CONNECTION,
    CONTACT_LIST,
    CONTACTS,
    PRESENCE,
    PROTOCOL_NAME,
    REQUESTS,
    TELEPATHY,
    Failure,
    Reason,
    Status,
    reason_of,
)
from sat.frontends.telepathy.waiting import Waiting, log_failure, spawn

#: What it has besides the interface of every connection.
INTERFACES = (REQUESTS, CONTACTS, CONTACT_LIST, PRESENCE, ALIASING, AVATARS)
#: Seconds for the login: a client waits no longer than 25 for an answer that depends on it.
_LOGIN = 20.0


class Connection(Exported):
    """One connection.

    :param name: its name on the bus
    :param holder: the unique name of who asked for it
    :param gone: is called when it has ended
    """

    def __init__(
        self,
        path: str,
        name: str,
        holder: str,
        sender: Sender,
        login: Login,
        leases: Leases,
        gone: Callable[["Connection"], None],
    ) -> None:
        self.name = name
        self.holders = {holder}
        self.status = Status.DISCONNECTED
        self.handles = Handles(login.account)
        self._login = login
        self._leases = leases
        self._gone = gone
        self._is_over = False
        self._is_new = False
        self._is_finding = False
        self._flows = False
        self._waiting: list[Waiting[None]] = []
        self._early: list[tuple[str, Struct]] = []
        self._session = Session("telepathy", self._happened, self._daemon_gone)
        self.people = People(self.handles, self._session)
        contacts = Contacts(self.people)
        self._list = ContactList(self.people, contacts)
        self._presence = SimplePresence(self.people)
        self.channels = Channels(self, sender)
        self._own = _Connection(self)
        super().__init__(
            path,
            sender,
            (
                *(self._own, self.channels, contacts, self._list, self._presence),
                Aliasing(self.people),
                Avatars(self.people),
            ),
        )

    def children(self) -> set[str]:
        """Return the last parts of the paths of its channels."""
        return {path.rpartition("/")[2] for path in self.channels.all()}

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._is_over

    @property
    def _is_connected(self) -> bool:
        return self.status is Status.CONNECTED

    # ---- its life

    def begin(self, holder: str) -> None:
        """Connect, unless it does already."""
        self.holders.add(holder)
        if self.status is not Status.DISCONNECTED or self._is_over:
            return
        self._become(Status.CONNECTING, Reason.REQUESTED)
        spawn(self._connect(), lambda _: None, self._failed)

    async def ready(self) -> None:
        """Wait until it is connected.

        :raises Failure: ``Disconnected`` if it isn't, and isn't about to be
        """
        if self.status is Status.CONNECTING:
            waiting: Waiting[None] = Waiting()
            self._waiting.append(waiting)
            await waiting
        if not self._is_connected:
            raise Failure("Disconnected", "The connection is not connected: call Connect first.")

    def end(self, reason: Reason = Reason.REQUESTED, failure: Failure | None = None) -> None:
        """End it, and the lease with it; the profile goes on where others use it."""
        if self._is_over:
            return
        self._is_over = True
        self.channels.close_all()
        if failure is not None:
            details = {"debug-message": typed("s", failure.sentence)}
            self._own.emit("ConnectionError", f"{TELEPATHY}.Error.{failure.name}", details)
        if self.status is not Status.DISCONNECTED:
            self._become(Status.DISCONNECTED, reason)
        for one in self._waiting:
            one.fail(failure or Failure("Disconnected", "The connection was ended."))
        if not self._is_finding:
            spawn(self._leave(), lambda _: None, log_failure)
        self._gone(self)

    async def _connect(self) -> None:
        session = self._session
        session.open()
        # What is made meanwhile has a name only then: an end waits for it.
        self._is_finding = True
        try:
            profile, self._is_new = await find_profile(session, self._login)
            session.profile = str(profile["name"])
            self._leases.begin(profile)
        finally:
            self._is_finding = False
            if self._is_over:
                await self._leave()
        if self._is_over:
            return
        state = await session.attach()
        online = await session.call("profile.connect", name=session.profile, timeout=_LOGIN)
        if self.is_over:
            return
        self._is_new = False
        self.people.load(state, online if isinstance(online, dict) else profile)
        # Those of the profile led to here.
        self._early = [one for one in self._early if one[0] != "profile.changed"]
        self._become(Status.CONNECTED, Reason.REQUESTED)
        self._list.begin()
        await self._presence.begin()
        await self.channels.begin(state)
        self._flows = True
        for type_, data in self._early:
            self._happened(type_, data)
        self._early.clear()
        for one in self._waiting:
            one.give(None)
        self._waiting.clear()

    async def _leave(self) -> None:
        """Give the lease back; a profile that has never been online isn't kept."""
        session = self._session
        try:
            if session.profile:
                name, session.profile = session.profile, ""
                goes_offline = self._leases.end(name)
                if self._is_new and not self._leases.uses(name):
                    await session.call("profile.delete", name=name)
                elif goes_offline:
                    await session.call("profile.disconnect", name=name)
        except CommandError as error:
            if error.name != "daemon.gone":
                raise
        finally:
            session.close()

    def _failed(self, error: Exception) -> None:
        if self._is_over:
            return
        if isinstance(error, CommandError):
            error = told(error)
        if not isinstance(error, Failure):
            log_failure(error)
            error = Failure("NotAvailable", "This is a fault of sat-telepathy: see its log.")
        self.end(reason_of(error.name), error)

    def _become(self, status: Status, reason: Reason) -> None:
        self.status = status
        self._own.emit("StatusChanged", status, reason)

    # ---- what happens

    def _daemon_gone(self) -> None:
        self.end(Reason.NETWORK_ERROR, Failure("Disconnected", "The daemon has ended."))

    def _happened(self, type_: str, data: Struct) -> None:
        if self._is_over:
            return
        if not self._flows:
            self._early.append((type_, data))
        elif type_ == "profile.removed":
            self.end(Reason.NETWORK_ERROR, Failure("Disconnected", "The profile was deleted."))
        elif type_ == "profile.changed" and not _is_online(data):
            connection = data["connection"]
            assert isinstance(connection, dict)
            sentence = str(connection.get("sentence") or "Another program ended the connection.")
            self.end(Reason.NETWORK_ERROR, Failure("NetworkError", sentence))
        elif type_.startswith(("message.", "conversation.")):
            self.channels.event(type_, data)
        else:
            self.people.event(type_, data)


def _is_online(profile: Struct) -> bool:
    connection = profile.get("connection")
    return isinstance(connection, dict) and connection.get("phase") == "online"


class _Connection(Part):
    """``Connection``: its status, and handles."""

    NAME = CONNECTION
    SIGNALS: ClassVar[Mapping[str, str]] = {
        "StatusChanged": "Status:u Reason:u",
        "ConnectionError": "Error:s Details:a{sv}",
        "SelfHandleChanged": "Self_Handle:u",
        "NewChannel": "Object_Path:o Channel_Type:s Handle_Type:u Handle:u Suppress_Handler:b",
    }
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "Interfaces": "as",
        "SelfHandle": "u",
        "SelfID": "s",
        "Status": "u",
        "HasImmortalHandles": "b",
    }

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        handles = self._connection.handles
        return {
            "Interfaces": INTERFACES,
            "SelfHandle": handles.own,
            "SelfID": handles.name(handles.own),
            "Status": self._connection.status,
            "HasImmortalHandles": True,
        }

    @method("Connect", sender=True)
    def connect(self, sender: str) -> None:
        """Begin to connect; StatusChanged tells how that ends."""
        self._connection.begin(sender)

    @method("Disconnect")
    def disconnect(self) -> None:
        """End this connection; the profile goes on where other programs use it."""
        self._connection.end()

    @method("GetStatus", "", "Status:u")
    def status(self) -> int:
        """Return where it stands."""
        return self._connection.status

    @method("GetInterfaces", "", "Interfaces:as")
    def interfaces(self) -> object:
        """Return what it has besides this interface."""
        return INTERFACES

    @method("GetProtocol", "", "Protocol:s")
    def protocol(self) -> str:
        """Return the name of the protocol."""
        return PROTOCOL_NAME

    @method("GetSelfHandle", "", "Self_Handle:u")
    def own(self) -> int:
        """Return the person's own handle."""
        return self._connection.handles.own

    @method("RequestHandles", "Handle_Type:u Identifiers:as", "Handles:au")
    async def request(self, kind: int, names: list[str]) -> object:
        """Return handles for contacts, once it is connected."""
        check_kind(kind)
        await self._connection.ready()
        return [self._connection.handles.asked(one) for one in names]

    @method("InspectHandles", "Handle_Type:u Handles:au", "Identifiers:as")
    def inspect(self, kind: int, handles: list[int]) -> object:
        """Return the addresses that handles stand for."""
        return self._connection.handles.names(kind, handles)

    @method("HoldHandles", "Handle_Type:u Handles:au")
    def hold(self, kind: int, handles: list[int]) -> None:
        """Do nothing: handles are good as long as the connection."""
        self._connection.handles.names(kind, handles)

    @method("ReleaseHandles", "Handle_Type:u Handles:au")
    def release(self, kind: int, handles: list[int]) -> None:
        """Do nothing: handles are good as long as the connection."""
        self._connection.handles.names(kind, handles)

    @method("AddClientInterest", "Tokens:as")
    def add_interest(self, _: list[str]) -> None:
        """Do nothing: all that there is is told anyway."""

    @method("RemoveClientInterest", "Tokens:as")
    def remove_interest(self, _: list[str]) -> None:
        """Do nothing: all that there is is told anyway."""

    @method("ListChannels", "", "Channel_Info:a(osuu)")
    def channels(self) -> object:
        """Return the channels that are open."""
        return self._connection.channels.rows()

    @method("RequestChannel", "Type:s Handle_Type:u Handle:u Suppress_Handler:b", "Object_Path:o")
    async def request_channel(self, type_: str, kind: int, handle: int, _: bool) -> str:
        """Return a channel for texts with a contact."""
        return await self._connection.channels.request(type_, kind, handle)
