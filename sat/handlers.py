"""The handlers that a plugin has: the decorators that mark them, and what they are given.

Plugins import all of this from :mod:`sat.plugin`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from sat.bridge.model import Attachment, Direction
from sat.bridge.model import Message as StoredMessage
from sat.xmpp.stanza import JID, Message

Handler = TypeVar("Handler", bound=Callable[..., Any])
MARK = "__sat_handler__"


class Stage(IntEnum):
    """The order in which a received message is processed."""

    VALIDATE = 10
    DEDUPLICATE = 20
    UNWRAP = 30
    DECRYPT = 40
    CORRECT = 50
    STORE = 60
    NOTIFY = 70


@dataclass(slots=True)
class Incoming:
    """A received message on its way through the stages.

    A handler may change the fields, or :meth:`drop` the message. ``peer`` is the bare JID whose
    conversation it belongs to; ``copied`` tells that it went to another program of the account,
    ``archived`` that it comes from an archive, where it may have been for long; ``markable``
    that its author wants to know when it is looked at;
    ``stored`` is there from ``NOTIFY`` on, if it has been stored (what has no body is not).
    """

    stanza: Message
    peer: JID
    direction: Direction = Direction.IN
    copied: bool = False
    archived: bool = False
    archive_id: str | None = None
    markable: bool = False
    attachments: tuple[Attachment, ...] = ()
    stored: StoredMessage | None = None
    dropped: str = ""

    def drop(self, reason: str) -> None:
        """Go no further with this message; the reason stands in the log."""
        self.dropped = reason


@dataclass(frozen=True, slots=True)
class FileSource:
    """An open file to send: read it from ``descriptor``, which the host closes."""

    descriptor: int
    name: str
    size: int
    media_type: str | None


@dataclass(frozen=True, slots=True)
class Read:
    """What a person has just looked at, in whichever frontend.

    ``markable`` is the last of these messages whose author wants to be told (XEP-0333);
    ``archived`` the last one up to there that has an id of the archive (XEP-0359), if any.
    """

    peer: JID
    markable: StoredMessage | None
    archived: StoredMessage | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What a decorator says of a handler."""

    kind: str
    key: tuple[Any, ...] = field(default=())


def _mark(kind: str, *key: Any) -> Callable[[Handler], Handler]:
    def decorate(function: Handler) -> Handler:
        setattr(function, MARK, Mark(kind, key))
        return function

    return decorate


def iq_get(namespace: str, name: str) -> Callable[[Handler], Handler]:
    """Answer requests of type ``get`` whose payload has this namespace and name.

    ``async def handler(self, request: Iq) -> Element | None``: the result's payload. Raise a
    :class:`StanzaError` to refuse.
    """
    return _mark("iq", "get", namespace, name)


def iq_set(namespace: str, name: str) -> Callable[[Handler], Handler]:
    """Answer requests of type ``set``; see :func:`iq_get`."""
    return _mark("iq", "set", namespace, name)


def message_stage(stage: Stage, namespace: str | None = None) -> Callable[[Handler], Handler]:
    """Take part in processing every received message, after the core's part in that stage.

    ``def handler(self, incoming: Incoming) -> None``; it may return an awaitable (or be ``async
    def``, which costs more): then the messages behind this one wait for it.

    :param namespace: leave out the messages that have no extension in it, which costs less than
        looking for one in each
    """
    return _mark("message", stage, namespace)


def presence() -> Callable[[Handler], Handler]:
    """See every presence received: ``def handler(self, presence: Presence) -> None``."""
    return _mark("presence")


def outgoing_message() -> Callable[[Handler], Handler]:
    """Add to each message before it is written: ``def handler(self, message, stored) -> None``.

    ``message`` is the stanza, ``stored`` what the history holds of it.
    """
    return _mark("outgoing_message")


def outgoing_presence() -> Callable[[Handler], Handler]:
    """Add to each broadcast presence before it is written: ``def handler(self, presence)``."""
    return _mark("outgoing_presence")


def conversation_read() -> Callable[[Handler], Handler]:
    """Learn what the person has looked at here: ``def handler(self, read: Read) -> None``."""
    return _mark("read")


def personal_event(node: str) -> Callable[[Handler], Handler]:
    """See what another program of the account published in a node of its own (XEP-0163).

    ``def handler(self, event: Published) -> None``. What anyone else sends never comes here. That
    we want to be told (``NODE+notify``) is advertised as long as the plugin is loaded.
    """
    return _mark("personal", node)


def contact_event(node: str) -> Callable[[Handler], Handler]:
    """See what contacts publish in a node of theirs, and the account in its own (XEP-0163).

    ``def handler(self, sender: JID, event: Published) -> None``: the bare JID is the account's
    whose node it is, of somebody who shares presence with us and isn't blocked. That we want to be
    told (``NODE+notify``) is advertised as long as the plugin is loaded. What a contact publishes
    is theirs to choose, and to change as often as they like.
    """
    return _mark("contact", node)


def question(kind: str) -> Callable[[Handler], Handler]:
    """Take the answer to a question of a kind that ``host.ask`` asked, perhaps long ago.

    ``async def handler(self, peer: JID | None, values: dict[str, list[str]]) -> None``: ``values``
    are those of the form by field, and what it proposes where the answer says nothing else. Raise
    :class:`CommandError` to tell the one who answered why it does not do; if :class:`NotConnected`
    comes up, the question is asked again.
    """
    return _mark("question", kind)


def file_method(priority: int) -> Callable[[Handler], Handler]:
    """Offer a way to send files; of those that can, the one of highest priority is taken.

    ``async def handler(self, to: JID, source: FileSource, progress: Callable[[int], None]) ->
    str``: sends the file, tells how many bytes have gone, returns where it is (a URL) or "".
    Raise :class:`CommandError` to say why it can't be: the next way is tried.
    """
    return _mark("file", priority)
