"""The plugin API: all that an optional feature may do.

A plugin is a class in a file of ``plugins/``, of the user's plugin folder, or of another
distribution (entry points of the group ``sat.plugins``). There is one instance a profile. It
declares what it needs and offers as class attributes, and marks its handlers with the decorators
below; everything goes through ``self``, so that the host can take it all back when the plugin is
unloaded. A handler that raises is reported and does no harm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import Event
from sat.bridge.model import (
    Attachment,
    Direction,
    Field,
    Form,
    Level,
    MessageState,
    MessageType,
    Seconds,
    Transfer,
)
from sat.bridge.model import Message as StoredMessage
from sat.bridge.types import register_text_type
from sat.handlers import (
    MARK,
    FileSource,
    Incoming,
    Mark,
    Read,
    Stage,
    contact_event,
    conversation_read,
    file_method,
    iq_get,
    iq_set,
    message_stage,
    outgoing_message,
    outgoing_presence,
    personal_event,
    presence,
    question,
)
from sat.xmpp.disco import DiscoInfo, Identity
from sat.xmpp.pubsub import Published
from sat.xmpp.stanza import (
    JID,
    Element,
    Iq,
    Message,
    NotConnected,
    Presence,
    StanzaError,
    parse_jid,
)

__all__ = [
    "JID",
    "MARK",
    "Attachment",
    "Call",
    "CommandError",
    "Direction",
    "DiscoInfo",
    "Element",
    "Event",
    "Field",
    "FileSource",
    "Form",
    "Identity",
    "Incoming",
    "Iq",
    "Level",
    "Mark",
    "Message",
    "MessageState",
    "MessageType",
    "NotConnected",
    "Option",
    "Plugin",
    "Presence",
    "Published",
    "Read",
    "Seconds",
    "Stage",
    "StanzaError",
    "StoredMessage",
    "Transfer",
    "command",
    "contact_event",
    "conversation_read",
    "file_method",
    "iq_get",
    "iq_set",
    "message_stage",
    "option",
    "outgoing_message",
    "outgoing_presence",
    "parse_jid",
    "personal_event",
    "presence",
    "question",
]

register_text_type(JID, "jid", parse_jid, lambda jid: str(jid.full()))

Value = TypeVar("Value", bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Option(Generic[Value]):
    """A setting of a plugin, with its limits; reading the attribute gives the present value."""

    default: Value
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    name: list[str] = field(default_factory=list)

    def __set_name__(self, owner: type[Plugin], name: str) -> None:
        self.name.append(name)

    @overload
    def __get__(self, plugin: None, owner: type[Plugin]) -> Option[Value]: ...
    @overload
    def __get__(self, plugin: Plugin, owner: type[Plugin]) -> Value: ...
    def __get__(self, plugin: Plugin | None, owner: type[Plugin]) -> Option[Value] | Value:
        if plugin is None:
            return self
        value: Value = plugin.host.option(f"{plugin.name}.{self.name[0]}", self.default)
        return value


def option(
    default: Value,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] = (),
    help: str,
) -> Option[Value]:
    """Declare a setting: a class attribute which reads as its present value.

    :param minimum: of a number
    :param maximum: of a number
    :param choices: the texts allowed, if not all are
    :param help: for people, with the unit
    """
    return Option(default, minimum, maximum, tuple(choices), help)


class Host(Protocol):
    """What the daemon does for one plugin of one profile."""

    profile: str

    @property
    def jid(self) -> JID:
        """The account's bare JID."""

    @property
    def online(self) -> bool:
        """Whether there is a stream."""

    @property
    def bound_jid(self) -> JID:
        """The full JID of the present stream."""

    @property
    def watched(self) -> bool:
        """Whether an attached frontend shows the profile, and its person is there."""

    def offers(self, namespace: str) -> bool:
        """Tell whether the server offers a stream feature of a namespace."""

    def send(self, stanza: Message | Presence | Iq) -> None:
        """Write a stanza; what is lost with the stream is not sent again.

        To who is blocked nothing goes.
        """

    def send_nonza(self, element: Element) -> None:
        """Write an element that is no stanza: it is not counted, nor written again."""

    def request(self, iq: Iq, timeout: float) -> Awaitable[Iq]:
        """Send a request and return its answer."""

    def required(self, name: str) -> Plugin:
        """Return another plugin of the profile, which ``requires`` names."""

    def option(self, name: str, default: Any) -> Any:
        """Return the present value of a setting."""

    def in_roster(self, jid: JID) -> bool:
        """Tell whether somebody may learn that we are there: who may see our presence, and does.

        Nobody may while the profile is invisible, but the account itself and those to whom the
        person shows it one by one; who is blocked never.
        """

    def block(self, jids: Iterable[JID]) -> None:
        """Have nothing to do with these addresses (XEP-0191), in place of those before."""

    def blocks(self, jid: JID) -> bool:
        """Tell whether an address is blocked."""

    def emit(self, event: Event) -> Awaitable[None]:
        """Log an event and tell it to every frontend; fires once it is on disk."""

    def ask(
        self, kind: str, sentence: str, form: Form, *, peer: JID | None = None
    ) -> Awaitable[None]:
        """Ask the person something, in every frontend; fires once the question is on disk.

        The first answer goes to the handler that :func:`question` marks for the kind, also after a
        restart. The same kind about the same peer is asked once at a time; unloading the plugin
        takes its questions back.

        :param sentence: what it is about, for people
        :param form: what is to be filled in; its hidden fields come back with the answer
        :param peer: whom it is about, if anyone
        :raises ValueError: if no handler is marked for the kind
        :raises CommandError: ``failed.limit`` if too many questions of the plugin wait already;
            ``failed.storage`` if the disk is full
        """

    def withdraw(self, kind: str, *, peer: JID | None = None) -> Awaitable[bool]:
        """Take a question back that needs no answer any more; returns whether it was asked."""

    def mark_message(self, peer: JID, stanza_id: str, state: MessageState) -> Awaitable[bool]:
        """Move the state of a message that was sent; returns whether that message exists.

        With one that is displayed, those sent there before it are.
        """

    def mark_read(
        self, peer: JID, *, stanza_id: str | None = None, archive_id: str | None = None
    ) -> Awaitable[bool]:
        """Mark a conversation as read up to a message: it was, in another program.

        Nobody is told but frontends; returns whether that message exists.
        """

    def service(self, feature: str) -> Awaitable[tuple[JID, DiscoInfo] | None]:
        """Return the server's service that has a feature, and what it says of itself (XEP-0030)."""

    def supports(self, jid: JID, feature: str) -> Awaitable[bool]:
        """Tell whether an entity has a feature: a full JID for a person's program (XEP-0115).

        Who is present is asked at most once, for all that show the same hash. The answer is False
        also where it can't be learned, or where asking would tell somebody who may not know that we
        are there.
        """

    def publish(self, node: str, id: str, payload: Element) -> Awaitable[None]:
        """Publish an item in a node of the account that nobody else may read (XEP-0223).

        :raises CommandError: if the server could not keep it private
        :raises StanzaError: if the server refuses
        """

    def share(self, node: str, id: str, payload: Element) -> Awaitable[None]:
        """Publish the one item of a node that those who see our presence may read (XEP-0163).

        A node that is there stays as open as the person's other programs have made it.

        :raises StanzaError: if the server refuses
        """

    def retract(self, node: str, id: str) -> Awaitable[None]:
        """Take an item of the account's node back.

        :raises StanzaError: if the server refuses
        """

    def retrieve(
        self, node: str, *, owner: JID | None = None, id: str | None = None
    ) -> Awaitable[Mapping[str, Element]]:
        """Return the payloads of a node by the ids of their items (XEP-0163); none without node.

        :param owner: the bare JID of whose node it is; without it, the account
        :param id: of the one item that is wanted
        :raises StanzaError: if the server refuses
        """

    def keep(self, name: str, data: bytes) -> None:
        """Keep what can be fetched again, as long as there is room; a full disk keeps nothing.

        :param name: of hexadecimal digits, such as a hash
        """

    def kept(self, name: str) -> bytes | None:
        """Return what was kept, if it is there still; a crash or a person may have damaged it."""

    def put(
        self, url: str, headers: dict[str, str], descriptor: int, progress: Callable[[int], None]
    ) -> Awaitable[int]:
        """Send an open file with HTTP PUT, and return the status code of the answer.

        :param progress: is told how many bytes have gone
        :raises CommandError: if the server can't be reached or trusted
        """

    def own_info(self) -> DiscoInfo:
        """Return what the profile says of itself: its identities and all features (XEP-0030)."""

    def own_node(self, node: str) -> None:
        """Let requests for a disco node be answered as those for the account (XEP-0030 §3.2)."""

    def announce(self) -> None:
        """Broadcast our presence again: what it carries has changed."""

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Start a coroutine; its failure is reported as a fault of the plugin."""

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Run something later, unless the plugin is unloaded before."""


class Plugin:
    """Base of all plugins. Subclasses have a docstring whose first line says what they are for.

    ``name`` is the plugin's name on the bridge: its commands are ``name.method``. ``features`` are
    advertised while it is loaded. ``requires`` names plugins that must be loaded before.
    """

    name: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    features: ClassVar[tuple[str, ...]] = ()
    identities: ClassVar[tuple[Identity, ...]] = ()
    requires: ClassVar[tuple[str, ...]] = ()
    events: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(self, host: Host) -> None:
        self.host = host

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return self.host.profile

    @property
    def jid(self) -> JID:
        """The account's bare JID."""
        return self.host.jid

    def load(self) -> None:
        """Begin: called once for each profile, when all that is required is there."""

    def advertised(self) -> Iterable[str]:
        """Return the features to advertise now: all of ``features``, unless a setting says else.

        It is asked again whenever a setting changes.
        """
        return self.features

    def connected(self) -> None:
        """Begin a stream: called each time the profile comes online."""

    def resumed(self) -> None:
        """Go on with a stream that was lost for a while (XEP-0198, section 5)."""

    def attention_changed(self) -> None:
        """Look at ``host.watched`` again: a frontend came, went, or is idle."""

    def unload(self) -> None:
        """End: what goes through ``self.host`` is taken back without this."""

    def send_stanza(self, stanza: Message | Presence | Iq) -> None:
        """Write a stanza; what is lost with the stream is not sent again.

        :raises NotConnected: if the profile is not online
        """
        self.host.send(stanza)

    async def request(self, iq: Iq, timeout: float = 30.0) -> Iq:
        """Send a request and return its answer.

        :param timeout: in seconds
        :raises StanzaError: if it is refused
        :raises NotConnected: if the profile is not online, or the stream ends meanwhile
        :raises TimeoutError: if no answer comes
        """
        return await self.host.request(iq, timeout)
