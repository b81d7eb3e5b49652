"""The events of the daemon: each tells of one change that is committed, by a class of its own.

An event's data is the whole object after the change. The class is the key by which code
subscribes; ``type`` is its name on the wire. A volatile event (presence, progress) is neither
numbered nor kept.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from sat.bridge.model import (
    Changed,
    Contact,
    Conversation,
    Message,
    Occupant,
    Option,
    PluginInfo,
    Presence,
    Profile,
    Progress,
    Question,
    Removed,
    Room,
    Storage,
    Transfer,
)
from sat.bridge.traced import Traced


class Event(msgspec.Struct, frozen=True):
    """Base of all events; subclasses have the one field ``data``.

    ``scope`` is the part of the state that it belongs to: a frontend names scopes when it attaches.
    """

    type: ClassVar[str] = ""
    scope: ClassVar[str] = ""
    volatile: ClassVar[bool] = False

    @property
    def key(self) -> str:
        """What a later volatile event of the same key makes this one needless for."""
        return self.type


class ProfileChanged(Event, frozen=True):
    """A profile was created, set, or its connection changed."""

    type: ClassVar[str] = "profile.changed"
    scope: ClassVar[str] = "profiles"
    data: Profile


class ProfileRemoved(Event, frozen=True):
    """A profile was deleted, with all that it held."""

    type: ClassVar[str] = "profile.removed"
    scope: ClassVar[str] = "profiles"
    data: Removed


class MessageAdded(Event, frozen=True, gc=False):
    """A message was received, or accepted for sending."""

    type: ClassVar[str] = "message.added"
    scope: ClassVar[str] = "messages"
    data: Message


class MessageChanged(Event, frozen=True, gc=False):
    """A message's delivery state or content changed."""

    type: ClassVar[str] = "message.changed"
    scope: ClassVar[str] = "messages"
    data: Message


class ConversationChanged(Event, frozen=True):
    """A conversation was read, or its draft was changed, somewhere.

    What ``message.added`` implies (last message, unread count) is not told again.
    """

    type: ClassVar[str] = "conversation.changed"
    scope: ClassVar[str] = "conversations"
    data: Conversation


class RosterChanged(Event, frozen=True, gc=False):
    """A contact was added to the roster, or its entry changed."""

    type: ClassVar[str] = "roster.changed"
    scope: ClassVar[str] = "roster"
    data: Contact


class RosterRemoved(Event, frozen=True):
    """A contact was removed from the roster."""

    type: ClassVar[str] = "roster.removed"
    scope: ClassVar[str] = "roster"
    data: Removed


class PresenceChanged(Event, frozen=True, gc=False):
    """A contact's resource came, went, or shows something else."""

    type: ClassVar[str] = "presence.changed"
    scope: ClassVar[str] = "presence"
    volatile: ClassVar[bool] = True
    data: Presence

    @property
    def key(self) -> str:
        """One entity's presence replaces its earlier one."""
        return f"{self.type} {self.data.profile} {self.data.jid}"


class RoomChanged(Event, frozen=True):
    """A room was joined, left or bookmarked, or something of it changed."""

    type: ClassVar[str] = "room.changed"
    scope: ClassVar[str] = "rooms"
    data: Room


class RoomRemoved(Event, frozen=True):
    """A room is neither joined nor bookmarked any more."""

    type: ClassVar[str] = "room.removed"
    scope: ClassVar[str] = "rooms"
    data: Removed


class OccupantChanged(Event, frozen=True):
    """Somebody entered a room, left it (role ``none``), or shows something else."""

    type: ClassVar[str] = "occupant.changed"
    scope: ClassVar[str] = "rooms"
    volatile: ClassVar[bool] = True
    data: Occupant

    @property
    def key(self) -> str:
        """What one nick of a room shows replaces what it showed before."""
        return f"{self.type} {self.data.profile} {self.data.room}/{self.data.nick}"


class TransferChanged(Event, frozen=True):
    """A transfer began, ended, or changed its way."""

    type: ClassVar[str] = "transfer.changed"
    scope: ClassVar[str] = "transfers"
    data: Transfer


class TransferProgressed(Event, frozen=True):
    """More bytes of a transfer have gone through."""

    type: ClassVar[str] = "transfer.progressed"
    scope: ClassVar[str] = "transfers"
    volatile: ClassVar[bool] = True
    data: Progress

    @property
    def key(self) -> str:
        """One transfer's progress replaces its earlier one."""
        return f"{self.type} {self.data.id}"


class QuestionAdded(Event, frozen=True):
    """Something waits for a decision."""

    type: ClassVar[str] = "question.added"
    scope: ClassVar[str] = "questions"
    data: Question


class QuestionClosed(Event, frozen=True):
    """A question was answered, or no longer needs to be."""

    type: ClassVar[str] = "question.closed"
    scope: ClassVar[str] = "questions"
    data: Removed


class OptionChanged(Event, frozen=True):
    """A setting changed."""

    type: ClassVar[str] = "option.changed"
    scope: ClassVar[str] = "options"
    data: Option


class PluginLoaded(Event, frozen=True):
    """A plugin was loaded: its commands can be called from now on."""

    type: ClassVar[str] = "plugin.loaded"
    scope: ClassVar[str] = "plugins"
    data: PluginInfo


class PluginUnloaded(Event, frozen=True):
    """A plugin was unloaded: its commands and features are gone."""

    type: ClassVar[str] = "plugin.unloaded"
    scope: ClassVar[str] = "plugins"
    data: PluginInfo


class PluginFailed(Event, frozen=True):
    """A plugin could not be loaded, or one of its handlers raised."""

    type: ClassVar[str] = "plugin.failed"
    scope: ClassVar[str] = "plugins"
    data: PluginInfo


class ApiChanged(Event, frozen=True):
    """Commands or events came or went: ask ``api.describe`` again."""

    type: ClassVar[str] = "api.changed"
    scope: ClassVar[str] = "plugins"
    data: Changed


class StorageChanged(Event, frozen=True):
    """The disk is full, or has room again. Volatile: a full disk can't log it."""

    type: ClassVar[str] = "storage.changed"
    scope: ClassVar[str] = "profiles"
    volatile: ClassVar[bool] = True
    data: Storage


class BridgeTraced(Event, frozen=True):
    """A call of some frontend begins or ends; told to those alone that asked: ``bridge.trace``."""

    type: ClassVar[str] = "bridge.traced"
    scope: ClassVar[str] = "bridge"
    volatile: ClassVar[bool] = True
    data: Traced

    @property
    def key(self) -> str:
        """Each is told by itself."""
        return f"{self.type} {self.data.id} {self.data.state}"


#: Every event of the core, by its name on the wire.
CORE_EVENTS: dict[str, type[Event]] = {
    event.type: event
    for event in (
        ProfileChanged,
        ProfileRemoved,
        MessageAdded,
        MessageChanged,
        ConversationChanged,
        RosterChanged,
        RosterRemoved,
        PresenceChanged,
        RoomChanged,
        RoomRemoved,
        OccupantChanged,
        TransferChanged,
        TransferProgressed,
        QuestionAdded,
        QuestionClosed,
        OptionChanged,
        PluginLoaded,
        PluginUnloaded,
        PluginFailed,
        ApiChanged,
        StorageChanged,
        BridgeTraced,
    )
}
