"""The types that cross the bridge: what a frontend sees of profiles, messages, contacts and files.

Every struct is frozen. ``rev`` is the seq of the object's last change: of two versions of one
object, the one with the higher ``rev`` is the newer. JIDs are strings in their normalized form;
times are RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

#: An availability as RFC 6121, section 4.7.2.1 names them.
Show = Literal["available", "away", "chat", "dnd", "xa", "unavailable"]
#: A time that something takes; frontends show the unit that a result's schema names.
Seconds = Annotated[float, msgspec.Meta(extra_json_schema={"unit": "s"})]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that crosses the bridge as an object."""


class Level(StrEnum):
    """What a session may do; each level includes those before it."""

    READ = "read"
    SEND = "send"
    FILES = "files"
    ADMIN = "admin"

    def allows(self, needed: Level) -> bool:
        """Tell whether a session of this level may do what ``needed`` asks for."""
        return _LEVELS.index(self) >= _LEVELS.index(needed)


_LEVELS = tuple(Level)


class Phase(StrEnum):
    """Where a profile's connection stands."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    FAILED = "failed"


class Connection(Model, frozen=True, kw_only=True):
    """A profile's connection to its server.

    ``reason`` is a dotted name and ``sentence`` the same for people; both are empty when all is
    well. ``retry_at`` is when the next try begins, in phase ``waiting``. ``jid`` is the full JID
    that the server bound.
    """

    phase: Phase = Phase.OFFLINE
    reason: str = ""
    sentence: str = ""
    retry_at: datetime | None = None
    jid: str | None = None


class Profile(Model, frozen=True, kw_only=True):
    """One XMPP account of the person whom the daemon serves, and its settings.

    ``server`` is ``host:port`` where it is fixed; ``ca`` tells whether a private certificate
    authority is set, ``certificate`` whether the account has one of its own to log in with;
    ``autoconnect`` whether the daemon connects the profile when it starts. ``pin`` is the one
    certificate of the server that is trusted (``sha256:`` and its digits), ``proxy`` the SOCKS5
    proxy that it connects through, without user and password. ``show``, ``status`` and ``priority``
    are what it shows of itself.
    """

    name: str
    jid: str
    server: str | None = None
    direct_tls: bool = False
    ca: bool = False
    certificate: bool = False
    pin: str | None = None
    proxy: str | None = None
    allow_plain: bool = False
    resource: str | None = None
    autoconnect: bool = True
    default: bool = False
    show: Show = "available"
    status: str = ""
    priority: int = 0
    connection: Connection = Connection()
    rev: int = 0


class MessageType(StrEnum):
    """The type of a message stanza (RFC 6121, section 5.2.2)."""

    CHAT = "chat"
    NORMAL = "normal"
    GROUPCHAT = "groupchat"
    HEADLINE = "headline"
    ERROR = "error"


class Direction(StrEnum):
    """Whether the account received a message or sent it."""

    IN = "in"
    OUT = "out"


class MessageState(StrEnum):
    """How far a message that was sent has come; a received one is ``received`` or ``displayed``.

    ``pending``: stored, not yet written to a stream; ``sent``: written; ``acknowledged``: the
    server has it; ``received``: a client of the peer has it; ``displayed``: it was looked at;
    ``failed``: it came back, or was given up.
    """

    PENDING = "pending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    RECEIVED = "received"
    DISPLAYED = "displayed"
    FAILED = "failed"


class Attachment(Model, frozen=True, kw_only=True):
    """A file that a message points to."""

    url: str
    name: str | None = None
    size: int | None = None
    media_type: str | None = None
    sha256: str | None = None


class Message(Model, frozen=True, kw_only=True, gc=False):
    """One message of the history.

    ``peer`` is whose conversation holds it: a bare JID, or the full one of a room's occupant, in
    private. ``stanza_id`` is the stanza's own ``id``, ``origin_id`` what its author's client gave
    it, ``archive_id`` what the archive of the account, or of the room, calls it (XEP-0359).
    ``maybe_duplicate`` marks a message that had to be sent again without knowing whether the first
    copy arrived. ``delayed`` tells that it waited on a server (XEP-0203).
    """

    id: str
    profile: str
    peer: str
    type: MessageType
    direction: Direction
    from_: str = msgspec.field(name="from")
    to: str
    body: str
    subject: str | None = None
    thread: str | None = None
    ts: datetime
    state: MessageState
    stanza_id: str | None = None
    origin_id: str | None = None
    archive_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    error: str | None = None
    delayed: bool = False
    maybe_duplicate: bool = False
    rev: int = 0


class Conversation(Model, frozen=True, kw_only=True):
    """The messages exchanged with one peer, in short.

    ``unread`` counts the messages received after ``read``, the id of the last message that was
    looked at; ``draft`` is a message begun and not yet sent.
    """

    profile: str
    peer: str
    unread: int = 0
    read: str | None = None
    draft: str = ""
    last: Message | None = None
    rev: int = 0


class Contact(Model, frozen=True, kw_only=True, gc=False):
    """An entry of the roster (RFC 6121, section 2)."""

    profile: str
    jid: str
    name: str = ""
    groups: tuple[str, ...] = ()
    subscription: Literal["none", "to", "from", "both"] = "none"
    ask: bool = False
    rev: int = 0


class Presence(Model, frozen=True, kw_only=True, gc=False):
    """What one resource of a contact shows of itself; ``show`` is ``unavailable`` once it left."""

    profile: str
    jid: str
    show: Show = "available"
    status: str = ""
    priority: int = 0


class Room(Model, frozen=True, kw_only=True):
    """A room (XEP-0045) that the person is in, wants to be in, or has bookmarked.

    ``state``: ``joined``; ``joining``, asked the room to let us in; ``waiting`` for the connection
    or the next try; ``refused``, tried again at the next connection; ``removed``, by somebody, and
    only the person comes back; ``left``. ``reason`` is a dotted name and ``sentence`` the same for
    people, where it isn't joined or not as it was asked for. ``autojoin`` tells that all the
    person's programs join it (XEP-0402).
    """

    profile: str
    jid: str
    nick: str
    state: Literal["left", "waiting", "joining", "joined", "refused", "removed"] = "left"
    reason: str = ""
    sentence: str = ""
    name: str = ""
    subject: str = ""
    autojoin: bool = False
    rev: int = 0


class Occupant(Model, frozen=True, kw_only=True):
    """Somebody in a room; the ``role`` is ``none`` once they left.

    ``jid`` is their own address where the room shows it, ``occupant_id`` what the room calls them
    under every nick (XEP-0421).
    """

    profile: str
    room: str
    nick: str
    role: Literal["none", "visitor", "participant", "moderator"] = "none"
    affiliation: Literal["none", "outcast", "member", "admin", "owner"] = "none"
    jid: str | None = None
    occupant_id: str | None = None
    show: Show = "available"
    status: str = ""


class TransferState(StrEnum):
    """How far a transfer has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Transfer(Model, frozen=True, kw_only=True):
    """A file on its way: ``done`` of ``size`` bytes by ``method`` (the plugin that carries it)."""

    id: str
    profile: str
    peer: str
    direction: Direction
    name: str
    size: int
    done: int = 0
    media_type: str | None = None
    method: str = ""
    state: TransferState = TransferState.WAITING
    url: str | None = None
    sha256: str | None = None
    sentence: str = ""
    ts: datetime
    rev: int = 0


class Field(Model, frozen=True, kw_only=True):
    """One field of a form; the kinds are those of XEP-0004, section 3.3."""

    name: str
    kind: Literal[
        "boolean",
        "fixed",
        "hidden",
        "jid-multi",
        "jid-single",
        "list-multi",
        "list-single",
        "text-multi",
        "text-private",
        "text-single",
    ] = "text-single"
    label: str = ""
    value: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    required: bool = False


class Form(Model, frozen=True, kw_only=True):
    """What a question asks for; every frontend can show it without knowing who asks."""

    title: str = ""
    instructions: str = ""
    fields: tuple[Field, ...] = ()


class Question(Model, frozen=True, kw_only=True):
    """Something that a person has to decide; the first answer, from any frontend, counts."""

    id: str
    profile: str
    kind: str
    peer: str | None = None
    sentence: str
    form: Form = Form()
    ts: datetime
    rev: int = 0


class Option(Model, frozen=True, kw_only=True):
    """A setting of the daemon or of a plugin, described so that any frontend can offer it.

    ``minimum`` and ``maximum`` bound numbers; ``choices``, where there are any, bound texts.
    """

    name: str
    kind: Literal["boolean", "integer", "number", "text"]
    value: bool | int | float | str
    default: bool | int | float | str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    rev: int = 0


class PluginInfo(Model, frozen=True, kw_only=True):
    """A plugin as the daemon found it: loaded, unloaded, or failed with ``sentence``."""

    name: str
    version: str = ""
    summary: str = ""
    source: str = ""
    state: Literal["loaded", "unloaded", "failed"] = "loaded"
    sentence: str = ""
    requires: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


class Storage(Model, frozen=True, kw_only=True):
    """Whether what happens can be written down; ``full`` stops reading from the network."""

    state: Literal["ok", "full"] = "ok"
    sentence: str = ""


class Status(Model, frozen=True, kw_only=True):
    """How the daemon is, for ``sat status``."""

    version: str
    pid: int
    started: datetime
    home: str
    epoch: str
    head: int
    sessions: int
    storage: Storage
    profiles: tuple[Profile, ...]
    plugins: tuple[PluginInfo, ...]


class Removed(Model, frozen=True, kw_only=True):
    """Names an object that is gone: by its profile and its JID, name or id."""

    profile: str
    name: str
    rev: int = 0


class Progress(Model, frozen=True, kw_only=True):
    """How many of a transfer's bytes have gone through."""

    id: str
    profile: str
    done: int
    size: int


class Changed(Model, frozen=True, kw_only=True):
    """Names the version of the API after a change of it."""

    api: str
