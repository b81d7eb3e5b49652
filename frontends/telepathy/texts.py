"""Text channels: what is said with one contact."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar

from sat.frontends.telepathy.exported import Exported, Part, Sender, method, typed
from sat.frontends.telepathy.people import People, text
from sat.frontends.telepathy.session import Struct
from sat.frontends.telepathy.spec import (
    CHANNEL,
    CONTACT,
    DESTROYABLE,
    MESSAGES,
    NO_TEXT,
    PLAIN,
    TEXT,
    Failure,
)

#: The types of messages that there are: usual ones, and what somebody does.
NORMAL, ACTION = 0, 1
#: How what somebody does is written in XMPP (XEP-0245).
_ME = "/me "
_COUNTED = ("chat", "normal")
#: So many messages of a channel wait to be acknowledged; others stay unread in the daemon.
_MAX_PENDING = 1000
#: The error of a message that came back for no reason that Telepathy has a number for.
_NO_REASON = 0


class Channel(Exported):
    """What is said with one contact, from when it is opened until it is closed.

    :param initiator: the handle of who opened it
    :param closed: is called when it is to be closed
    """

    def __init__(
        self,
        path: str,
        sender: Sender,
        people: People,
        handle: int,
        initiator: int,
        closed: Callable[["Channel"], None],
    ) -> None:
        self.handle = handle
        self.texts = _Messages(people, handle)
        self._own = _Channel(people, handle, initiator, lambda: closed(self))
        plain = _Text(people, self.texts)
        super().__init__(path, sender, (self._own, plain, self.texts, _Destroyable(self._own)))

    def described(self) -> dict[str, object]:
        """Return what never changes of it, by full names."""
        shown = self._own.shown() | self.texts.shown()
        shown.pop(f"{MESSAGES}.PendingMessages")
        return shown

    def close(self) -> None:
        """Tell that it is closed."""
        self._own.emit("Closed")


class _Channel(Part):
    """``Channel``: whom it is with."""

    NAME = CHANNEL
    SIGNALS: ClassVar[Mapping[str, str]] = {"Closed": ""}
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "ChannelType": "s",
        "Interfaces": "as",
        "TargetHandle": "u",
        "TargetID": "s",
        "TargetHandleType": "u",
        "Requested": "b",
        "InitiatorHandle": "u",
        "InitiatorID": "s",
    }

    def __init__(
        self, people: People, handle: int, initiator: int, close: Callable[[], None]
    ) -> None:
        self._people = people
        self._handle = handle
        self._initiator = initiator
        self._close = close

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        handles = self._people.handles
        return {
            "ChannelType": TEXT,
            "Interfaces": (MESSAGES, DESTROYABLE),
            "TargetHandle": self._handle,
            "TargetID": handles.name(self._handle),
            "TargetHandleType": CONTACT,
            "Requested": self._initiator == handles.own,
            "InitiatorHandle": self._initiator,
            "InitiatorID": handles.name(self._initiator),
        }

    @method("Close")
    def close(self) -> None:
        """Close it; what isn't acknowledged stays unread."""
        self._close()

    @method("GetChannelType", "", "Channel_Type:s")
    def type(self) -> str:
        """Return what kind of channel it is."""
        return TEXT

    @method("GetHandle", "", "Target_Handle_Type:u Target_Handle:u")
    def target(self) -> object:
        """Return whom it is with."""
        return CONTACT, self._handle

    @method("GetInterfaces", "", "Interfaces:as")
    def interfaces(self) -> object:
        """Return which interfaces it has besides those of every text channel."""
        return (MESSAGES, DESTROYABLE)


class _Destroyable(Part):
    """``Channel.Interface.Destroyable``: closing it without ever asking again."""

    NAME = DESTROYABLE

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    @method("Destroy")
    def destroy(self) -> None:
        """Close it; what isn't acknowledged stays unread."""
        self._channel.close()


class _Messages(Part):
    """``Channel.Interface.Messages``, with what the older interface needs too."""

    NAME = MESSAGES
    SIGNALS: ClassVar[Mapping[str, str]] = {
        "MessageSent": "Content:aa{sv} Flags:u Message_Token:s",
        "MessageReceived": "Message:aa{sv}",
        "PendingMessagesRemoved": "Message_IDs:au",
    }
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "SupportedContentTypes": "as",
        "MessageTypes": "au",
        "MessagePartSupportFlags": "u",
        "PendingMessages": "aaa{sv}",
        "DeliveryReportingSupport": "u",
    }

    def __init__(self, people: People, handle: int) -> None:
        self._people = people
        self._handle = handle
        self._last = 0
        self._unsent: set[str] = set()
        #: The ids of what is acknowledged, and not yet read, for one before it isn't.
        self._shown: dict[int, str] = {}
        #: What isn't acknowledged, by its number, in order.
        self.pending: dict[int, Struct] = {}
        self.sent: Callable[[Struct], None]
        self.received: Callable[[int, Struct], None]
        self.came_back: Callable[[Struct], None]
        self.lost: Callable[[], None]

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        pending = [self._parts(message, number) for number, message in self.pending.items()]
        return {
            "SupportedContentTypes": (PLAIN,),
            "MessageTypes": (NORMAL, ACTION),
            "MessagePartSupportFlags": 0,
            "PendingMessages": pending,
            "DeliveryReportingSupport": 0,
        }

    # ---- what happens

    def added(self, message: Struct) -> None:
        """Take a message that is new."""
        if message["direction"] == "in":
            if any(one["id"] == message["id"] for one in self.pending.values()):
                return
            if len(self.pending) >= _MAX_PENDING:
                self.lost()
                return
            self._last += 1
            self.pending[self._last] = message
            self.received(self._last, message)
            self.emit("MessageReceived", self._parts(message, self._last))
        elif message["state"] == "pending":
            self._unsent.add(str(message["id"]))
        elif message["state"] != "failed":
            self._sent(message)

    def changed(self, message: Struct) -> None:
        """Take what has become of a message."""
        state, id_ = message["state"], str(message["id"])
        if message["direction"] == "in" or state == "pending":
            return
        if id_ not in self._unsent:
            if state == "failed":
                self.came_back(message)
            return
        self._unsent.discard(id_)
        if state != "failed":
            self._sent(message)

    def read_elsewhere(self) -> None:
        """Let nothing be pending that is read: another program has shown it."""
        self._shown.clear()
        read = [number for number, one in self.pending.items() if one["type"] in _COUNTED]
        self._remove(read)

    def _sent(self, message: Struct) -> None:
        self.sent(message)
        self.emit("MessageSent", self._parts(message), 0, text(message.get("stanza_id") or ""))

    # ---- calls

    @method("SendMessage", "Message:aa{sv} Flags:u", "Token:s")
    async def send_message(self, parts: list[dict[str, object]], _: int) -> str:
        """Send a message; return when it is written."""
        type_ = parts[0].get("message-type", NORMAL) if parts else NORMAL
        plain = (
            part.get("content")
            for part in parts[1:]
            if part.get("content-type") in (PLAIN, NO_TEXT)
        )
        body = next((one for one in plain if isinstance(one, str)), None)
        if body is None:
            raise Failure("InvalidArgument", f"There is no part of the type {PLAIN}.")
        return await self.send(type_, body)

    @method("GetPendingMessageContent", "Message_ID:u Parts:au", "Content:a{uv}")
    def content(self, number: int, parts: list[int]) -> object:
        """Return the content of parts of a message that isn't acknowledged."""
        found = dict(enumerate(self._parts(self._pending(number), number)))
        if 0 in parts or not set(parts) <= found.keys():
            raise Failure("InvalidArgument", f"Message {number} has no such parts.")
        return {one: found[one]["content"] for one in parts}

    async def send(self, type_: object, body: str) -> str:
        """Send a text; return the stanza's id when it is written."""
        if type_ not in (NORMAL, ACTION):
            raise Failure("InvalidArgument", f"Messages of the type {type_} can't be sent.")
        sent = await self._people.session.ask(
            "message.send",
            to=self._people.handles.name(self._handle),
            body=f"{_ME}{body}" if type_ == ACTION else str(body),
            now=True,
            wait="sent",
            timeout=20.0,
        )
        return text(sent.get("stanza_id") or "")

    def acknowledge(self, numbers: list[int]) -> None:
        """Note that messages were shown to the person; they are read in every program."""
        for one in numbers:
            self._pending(one)
        self._shown |= {one: str(self.pending[one]["id"]) for one in numbers}
        left = next((one for one in self.pending if one not in numbers), None)
        # Messages are read up to one: what comes after one that is left has to wait for it.
        read = [one for one in sorted(self._shown) if left is None or one < left]
        if read:
            last = [self._shown.pop(one) for one in read][-1]
            self._people.session.tell(
                "conversation.read",
                peer=self._people.handles.name(self._handle),
                up_to=last,
            )
        self._remove(numbers)

    def _pending(self, number: int) -> Struct:
        found = self.pending.get(number)
        if found is None:
            raise Failure("InvalidArgument", f"No message {number} waits to be acknowledged.")
        return found

    def _remove(self, numbers: list[int]) -> None:
        gone = [one for one in dict.fromkeys(numbers) if self.pending.pop(one, None) is not None]
        if gone:
            self.emit("PendingMessagesRemoved", gone)

    def _parts(self, message: Struct, number: int | None = None) -> list[dict[str, object]]:
        """Return a message as its parts: about it, and its text."""
        handles = self._people.handles
        sender = self._handle if message["direction"] == "in" else handles.own
        type_, body = read_text(message)
        head = {
            "message-token": text(message.get("stanza_id") or message["id"]),
            "message-sent": typed("x", time_of(message)),
            "message-sender": typed("u", sender),
            "message-sender-id": handles.name(sender),
            "message-type": typed("u", type_),
        }
        if number is not None:
            head["pending-message-id"] = typed("u", number)
            head["message-received"] = typed("x", time_of(message))
        return [head, {"content-type": PLAIN, "content": body}]


class _Text(Part):
    """``Channel.Type.Text``: the older interface."""

    NAME = TEXT
    SIGNALS: ClassVar[Mapping[str, str]] = {
        "Received": "ID:u Timestamp:u Sender:u Type:u Flags:u Text:s",
        "Sent": "Timestamp:u Type:u Text:s",
        "LostMessage": "",
        "SendError": "Error:u Timestamp:u Type:u Text:s",
    }

    def __init__(self, people: People, messages: _Messages) -> None:
        self._people = people
        self._messages = messages
        messages.sent = lambda one: self.emit("Sent", time_of(one), *read_text(one))
        messages.received = lambda number, one: self.emit("Received", *self._row(number, one))
        messages.lost = lambda: self.emit("LostMessage")
        messages.came_back = lambda one: self.emit(
            "SendError", _NO_REASON, time_of(one), *read_text(one)
        )

    @method("Send", "Type:u Text:s")
    async def send(self, type_: int, body: str) -> None:
        """Send a text; return when it is written, so that no Disconnect overtakes it."""
        await self._messages.send(type_, body)

    @method("ListPendingMessages", "Clear:b", "Pending_Messages:a(uuuuus)")
    def pending(self, clear: bool) -> object:
        """Return what isn't acknowledged."""
        found = [self._row(number, one) for number, one in self._messages.pending.items()]
        if clear:
            self._messages.acknowledge([*self._messages.pending])
        return found

    @method("AcknowledgePendingMessages", "IDs:au")
    def acknowledge(self, numbers: list[int]) -> None:
        """Note that messages were shown to the person."""
        self._messages.acknowledge(numbers)

    @method("GetMessageTypes", "", "Available_Types:au")
    def types(self) -> object:
        """Return the types of messages that there are."""
        return (NORMAL, ACTION)

    def _row(self, number: int, message: Struct) -> tuple[int, int, int, int, int, str]:
        sender = self._people.handles.of(str(message["peer"]))
        return (number, time_of(message), sender, *_flagged(message))


def read_text(message: Struct) -> tuple[int, str]:
    """Return a message's type and text."""
    body = text(message.get("body", ""))
    return (ACTION, body[len(_ME) :]) if body.startswith(_ME) else (NORMAL, body)


def time_of(message: Struct) -> int:
    """Return when a message was written, in seconds since 1970, as 32 bits hold them."""
    stamp = datetime.fromisoformat(str(message["ts"])).timestamp()
    return max(0, min(int(stamp), 2**32 - 1))


def _flagged(message: Struct) -> tuple[int, int, str]:
    type_, body = read_text(message)
    return type_, 0, body
