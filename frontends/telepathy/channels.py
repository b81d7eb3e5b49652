"""The channels of a connection: asked for by clients, or opened by who writes to the person."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from gi.repository import GLib

from sat.bridge.errors import CommandError
from sat.frontends.telepathy.exported import Part, Sender, method, typed
from sat.frontends.telepathy.handles import check_kind
from sat.frontends.telepathy.session import Struct
from sat.frontends.telepathy.spec import CHANNEL, CONNECTION, CONTACT, REQUESTS, TEXT, Failure
from sat.frontends.telepathy.texts import Channel

if TYPE_CHECKING:
    from sat.frontends.telepathy.connection import Connection

_log = logging.getLogger(__name__)

_TYPE, _KIND = f"{CHANNEL}.ChannelType", f"{CHANNEL}.TargetHandleType"
_HANDLE, _ID = f"{CHANNEL}.TargetHandle", f"{CHANNEL}.TargetID"
#: So many messages that nobody has read yet are told of each conversation.
_MAX_UNREAD = 100
#: So many are open at most; what others write stays unread in the daemon.
_MAX_OPEN = 1000


def requestable() -> object:
    """Return what channels there are to ask for, as ``a(a{sv}as)``."""
    fixed = {_TYPE: typed("s", TEXT), _KIND: typed("u", CONTACT)}
    return [(typed("a{sv}", fixed), typed("as", (_HANDLE, _ID)))]


class Channels(Part):
    """``Connection.Interface.Requests``, and all channels of a connection."""

    NAME = REQUESTS
    SIGNALS: ClassVar[Mapping[str, str]] = {
        "NewChannels": "Channels:a(oa{sv})",
        "ChannelClosed": "Removed:o",
    }
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "Channels": "a(oa{sv})",
        "RequestableChannelClasses": "a(a{sv}as)",
    }

    def __init__(self, connection: "Connection", sender: Sender) -> None:
        self._connection = connection
        self._sender = sender
        self._open: dict[int, Channel] = {}
        self._count = 0

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        channels = [(one.path, one.described()) for one in self._open.values()]
        return {"Channels": channels, "RequestableChannelClasses": requestable()}

    def all(self) -> Mapping[str, Channel]:
        """Return those that are open, by path."""
        return {one.path: one for one in self._open.values()}

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Return those that are open, as ``a(osuu)``."""
        return [(one.path, TEXT, CONTACT, one.handle) for one in self._open.values()]

    # ---- what happens

    async def begin(self, state: Struct) -> None:
        """Open channels for what came while no client was there, and nobody has read yet."""
        conversations = state.get("conversations")
        for one in conversations if isinstance(conversations, list) else ():
            unread = one.get("unread", 0)
            if not unread or (one.get("last") or {}).get("type") == "groupchat":
                continue
            for message in await self._unread(str(one["peer"]), unread):
                self._added(message)

    def event(self, type_: str, data: Struct) -> None:
        """Take an event about messages or a conversation."""
        if type_ == "message.added" and data.get("type") != "groupchat":
            self._added(data)
            return
        handle = self._connection.handles.known(str(data.get("peer")))
        channel = self._open.get(handle) if handle is not None else None
        if channel is None:
            return
        if type_ == "message.changed":
            channel.texts.changed(data)
        elif type_ == "conversation.changed" and not data.get("unread"):
            channel.texts.read_elsewhere()

    async def _unread(self, peer: str, count: int) -> list[Struct]:
        session = self._connection.people.session
        limit = min(count, _MAX_UNREAD)
        try:
            found = await session.call(
                "message.list", profile=session.profile, peer=peer, limit=limit
            )
        except CommandError as error:
            # They stay unread; what comes from now on is told all the same.
            _log.warning("What %s has written can't be read: %s", peer, error)
            return []
        listed = found if isinstance(found, list) else []
        return [one for one in listed if one["direction"] == "in" and one["type"] != "groupchat"]

    def _added(self, message: Struct) -> None:
        peer = str(message["peer"])
        handle = self._connection.handles.known(peer)
        channel = self._open.get(handle) if handle is not None else None
        if channel is None:
            if message["direction"] != "in" or len(self._open) >= _MAX_OPEN:
                return  # nothing is open that it could be shown in
            handle = self._connection.handles.of(peer)
            channel = self._new(handle, handle)
            self._announce(channel, suppress=False)
        channel.texts.added(message)

    def close_all(self) -> None:
        """Close all channels, for the connection ends."""
        for channel in [*self._open.values()]:
            self._close(channel)

    # ---- calls

    @method("CreateChannel", "Request:a{sv}", "Channel:o Properties:a{sv}")
    async def create(self, request: dict[str, object]) -> object:
        """Open a channel that isn't open."""
        handle = self._wanted(request)
        await self._connection.ready()
        if handle in self._open:
            raise Failure("NotAvailable", "That channel is open: EnsureChannel gives it.")
        channel = self._new_requested(handle)
        return channel.path, channel.described()

    @method("EnsureChannel", "Request:a{sv}", "Yours:b Channel:o Properties:a{sv}")
    async def ensure(self, request: dict[str, object]) -> object:
        """Return a channel, and open it if it isn't open."""
        handle = self._wanted(request)
        await self._connection.ready()
        found = self._open.get(handle)
        channel = found or self._new_requested(handle)
        return found is None, channel.path, channel.described()

    async def request(self, type_: str, kind: int, handle: int) -> str:
        """Return the path of a channel for texts with a contact.

        :raises Failure: ``NotImplemented``, ``InvalidHandle``, ``Disconnected``
        """
        _check(type_, kind)
        self._connection.handles.name(handle)
        await self._connection.ready()
        return (self._open.get(handle) or self._new_requested(handle)).path

    def _wanted(self, request: dict[str, object]) -> int:
        given = dict(request)
        _check(given.pop(_TYPE, ""), given.pop(_KIND, 0))
        handle, name = given.pop(_HANDLE, None), given.pop(_ID, None)
        if given:
            raise Failure("NotImplemented", f"{next(iter(given))} can't be asked for.")
        if (handle is None) == (name is None):
            raise Failure("InvalidArgument", "One of TargetHandle and TargetID says with whom.")
        if name is not None:
            return self._connection.handles.asked(str(name))
        if not isinstance(handle, int):
            raise Failure("InvalidArgument", "TargetHandle is a number.")
        self._connection.handles.name(handle)
        return int(handle)

    # ----

    def _new_requested(self, handle: int) -> Channel:
        if len(self._open) >= _MAX_OPEN:
            raise Failure("NotAvailable", f"{_MAX_OPEN} channels are open already: close some.")
        channel = self._new(int(handle), self._connection.handles.own)
        # The call that opens one is answered before it is announced.
        GLib.idle_add(self._announce_later, channel)
        return channel

    def _new(self, handle: int, initiator: int) -> Channel:
        self._count += 1
        path = f"{self._object.path}/text{self._count}"
        people = self._connection.people
        channel = Channel(path, self._sender, people, handle, initiator, self._close)
        self._open[handle] = channel
        return channel

    def _announce_later(self, channel: Channel) -> bool:
        if self._open.get(channel.handle) is channel:
            self._announce(channel, suppress=True)
        return False

    def _announce(self, channel: Channel, suppress: bool) -> None:
        self.emit("NewChannels", [(channel.path, channel.described())])
        self._object.parts[CONNECTION].emit(
            "NewChannel", channel.path, TEXT, CONTACT, channel.handle, suppress
        )

    def _close(self, channel: Channel) -> None:
        if self._open.get(channel.handle) is channel:
            del self._open[channel.handle]
            channel.close()
            self.emit("ChannelClosed", channel.path)


def _check(type_: object, kind: object) -> None:
    if type_ != TEXT:
        raise Failure("NotImplemented", f"There are channels of the type {TEXT} alone.")
    check_kind(kind if isinstance(kind, int) else -1)
