"""What a frontend shows, as a value that only events change.

A frontend never draws what the daemon has not confirmed: ``state = apply(state, event)`` is the
only way its state changes. Objects carry ``rev``, the number of their last change; whatever is
older than what is known is ignored, so a page that was asked for earlier and comes later does no
harm, and an event that comes twice counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from sat.bridge import events
from sat.bridge.model import (
    Contact,
    Conversation,
    Direction,
    Message,
    MessageType,
    Occupant,
    Option,
    PluginInfo,
    Presence,
    Profile,
    Question,
    Removed,
    Room,
    Storage,
    Transfer,
)

#: A profile's name, and a JID.
Key = tuple[str, str]
#: What a frontend may fetch, and put into the state with :func:`put`.
Object = Contact | Conversation | Message | Option | Profile | Question | Room | Transfer

_COUNTED = (MessageType.CHAT, MessageType.NORMAL, MessageType.GROUPCHAT)


class State(msgspec.Struct, frozen=True):
    """All that a frontend knows. Its mappings are never changed in place.

    ``messages`` holds those conversations alone that are open here (:func:`open_conversation`), by
    message id; ``occupants`` who is in each room, by nick. ``gone`` remembers the ``rev`` of what
    was removed, so that nothing older brings it back; a profile's removal stands for all that it
    had.
    """

    profiles: Mapping[str, Profile] = {}
    conversations: Mapping[Key, Conversation] = {}
    messages: Mapping[Key, Mapping[str, Message]] = {}
    roster: Mapping[Key, Contact] = {}
    presence: Mapping[Key, Presence] = {}
    rooms: Mapping[Key, Room] = {}
    occupants: Mapping[Key, Mapping[str, Occupant]] = {}
    transfers: Mapping[str, Transfer] = {}
    questions: Mapping[str, Question] = {}
    options: Mapping[str, Option] = {}
    plugins: Mapping[str, PluginInfo] = {}
    storage: Storage = Storage()
    gone: Mapping[tuple[str, str, str], int] = {}


class _Snapshot(msgspec.Struct):
    profiles: list[Profile] = []
    conversations: list[Conversation] = []
    roster: list[Contact] = []
    presence: list[Presence] = []
    rooms: list[Room] = []
    transfers: list[Transfer] = []
    questions: list[Question] = []
    options: list[Option] = []


def from_snapshot(state: bytes) -> State:
    """Return the state that a snapshot of ``state.attach`` holds.

    :raises ValueError: if it isn't one
    """
    found = msgspec.json.decode(state, type=_Snapshot)
    return State(
        profiles={one.name: one for one in found.profiles},
        conversations={(one.profile, one.peer): one for one in found.conversations},
        roster={(one.profile, one.jid): one for one in found.roster},
        presence={(one.profile, one.jid): one for one in found.presence},
        rooms={(one.profile, one.jid): one for one in found.rooms},
        transfers={one.id: one for one in found.transfers},
        questions={one.id: one for one in found.questions},
        options={one.name: one for one in found.options},
    )


def apply(state: State, event: events.Event, seq: int | None = None) -> State:
    """Return the state after an event; events of unknown types change nothing.

    :param seq: the event's number, if it has one: what is told again of a message is the message
        as it is by then, whose ``rev`` may be that of a later event
    """
    if isinstance(event, events.MessageAdded):
        return _message_added(state, event, event.data.rev if seq is None else seq)
    change = _CHANGES.get(type(event))
    return state if change is None else change(state, event)


def resumed(state: State) -> State:
    """Return the state of a frontend that has attached again and is told what it has missed.

    What is not in the log may have changed meanwhile; what it is now is told anew.
    """
    return msgspec.structs.replace(state, presence={}, occupants={})


def put(state: State, found: Object) -> State:
    """Return the state with an object that was fetched, unless what is known is as new."""
    return _PUTS[type(found)](state, found)


def open_conversation(state: State, profile: str, peer: str, page: Iterable[Message] = ()) -> State:
    """Return a state that keeps a conversation's messages: this page, and those to come."""
    opened = {(profile, peer): state.messages.get((profile, peer), {})}
    state = msgspec.structs.replace(state, messages={**state.messages, **opened})
    for message in page:
        state = _put_message(state, message)
    return state


def close_conversation(state: State, profile: str, peer: str) -> State:
    """Return a state that no longer keeps a conversation's messages."""
    left = {key: one for key, one in state.messages.items() if key != (profile, peer)}
    return msgspec.structs.replace(state, messages=left)


_Id = TypeVar("_Id", str, Key)
_Any = TypeVar("_Any", Contact, Conversation, Option, Profile, Question, Room, Transfer)


def _put(state: State, part: str, key: _Id, found: _Any, profile: str) -> State:
    known: Mapping[_Id, _Any] = getattr(state, part)
    old = known.get(key)
    if (old is not None and old.rev >= found.rev) or _is_gone(state, part, key, profile, found.rev):
        return state
    return msgspec.structs.replace(state, **{part: {**known, key: found}})


def _is_gone(state: State, part: str, key: str | Key, profile: str, rev: int) -> bool:
    """Tell whether something was removed after it had this ``rev``."""
    name = key if isinstance(key, str) else key[1]
    removed = state.gone.get((part, profile, name), 0)
    return rev <= max(removed, state.gone.get(("profiles", profile, profile), 0))


def _remove(state: State, part: str, key: str | Key, gone: Removed) -> State:
    mark = (part, gone.profile, gone.name)
    if state.gone.get(mark, 0) >= gone.rev:
        return state
    known: Mapping[str | Key, Contact | Profile | Question | Room] = getattr(state, part)
    old = known.get(key)
    left = {
        name: one
        for name, one in known.items()
        if name != key or (old is not None and old.rev > gone.rev)
    }
    return msgspec.structs.replace(state, **{part: left}, gone={**state.gone, mark: gone.rev})


def _put_profile(state: State, found: Profile) -> State:
    return _put(state, "profiles", found.name, found, found.name)


def _put_contact(state: State, found: Contact) -> State:
    return _put(state, "roster", (found.profile, found.jid), found, found.profile)


def _put_room(state: State, found: Room) -> State:
    return _put(state, "rooms", (found.profile, found.jid), found, found.profile)


def _put_conversation(state: State, found: Conversation) -> State:
    return _put(state, "conversations", (found.profile, found.peer), found, found.profile)


def _put_transfer(state: State, found: Transfer) -> State:
    old = state.transfers.get(found.id)
    if old is not None and old.state == found.state and old.done > found.done:
        # Progress, which has no number, was told before.
        found = msgspec.structs.replace(found, done=old.done)
    return _put(state, "transfers", found.id, found, found.profile)


def _put_question(state: State, found: Question) -> State:
    return _put(state, "questions", found.id, found, found.profile)


def _put_option(state: State, found: Option) -> State:
    return _put(state, "options", found.name, found, "")


def _put_message(state: State, found: Message) -> State:
    key = (found.profile, found.peer)
    if _is_gone(state, "messages", found.id, found.profile, found.rev):
        return state
    opened = state.messages.get(key)
    if opened is not None and (found.id not in opened or opened[found.id].rev < found.rev):
        state = msgspec.structs.replace(
            state, messages={**state.messages, key: {**opened, found.id: found}}
        )
    conversation = state.conversations.get(key)
    last = conversation.last if conversation is not None else None
    if conversation is not None and last is not None:
        if last.id != found.id or last.rev >= found.rev:
            return state
        conversation = msgspec.structs.replace(conversation, last=found)
        state = msgspec.structs.replace(
            state, conversations={**state.conversations, key: conversation}
        )
    return state


def _message_added(state: State, event: events.MessageAdded, rev: int) -> State:
    """Keep a message where it is shown, and count it: no other event tells of that."""
    message = event.data
    state = _put_message(state, message)
    key = (message.profile, message.peer)
    old = state.conversations.get(key) or Conversation(profile=message.profile, peer=message.peer)
    if old.rev >= rev:
        return state
    counts = (
        message.direction is Direction.IN
        and message.type in _COUNTED
        # What an archive brings late may lie before what was read.
        and (old.read is None or int(message.id, 16) > int(old.read, 16))
    )
    newest = message if old.last is None or old.last.ts <= message.ts else old.last
    return _put_conversation(
        state,
        msgspec.structs.replace(old, last=newest, unread=old.unread + counts, rev=rev),
    )


def _profile_removed(state: State, event: events.ProfileRemoved) -> State:
    name = event.data.name
    before = state
    state = _remove(state, "profiles", name, event.data)
    if state is before:
        return state

    def is_left(one: Contact | Conversation | Question | Room | Transfer) -> bool:
        return one.profile != name or one.rev > event.data.rev

    return msgspec.structs.replace(
        state,
        conversations={k: one for k, one in state.conversations.items() if is_left(one)},
        messages={k: one for k, one in state.messages.items() if k[0] != name},
        roster={k: one for k, one in state.roster.items() if is_left(one)},
        presence={k: one for k, one in state.presence.items() if k[0] != name},
        rooms={k: one for k, one in state.rooms.items() if is_left(one)},
        occupants={k: one for k, one in state.occupants.items() if k[0] != name},
        transfers={k: one for k, one in state.transfers.items() if is_left(one)},
        questions={k: one for k, one in state.questions.items() if is_left(one)},
    )


def _roster_removed(state: State, event: events.RosterRemoved) -> State:
    return _remove(state, "roster", (event.data.profile, event.data.name), event.data)


def _room_removed(state: State, event: events.RoomRemoved) -> State:
    return _remove(state, "rooms", (event.data.profile, event.data.name), event.data)


def _occupant_changed(state: State, event: events.OccupantChanged) -> State:
    one = event.data
    key = (one.profile, one.room)
    present = {
        nick: other for nick, other in state.occupants.get(key, {}).items() if nick != one.nick
    }
    if one.role != "none":
        present[one.nick] = one
    rooms = {name: nicks for name, nicks in state.occupants.items() if name != key}
    if present:
        rooms[key] = present
    return msgspec.structs.replace(state, occupants=rooms)


def _question_closed(state: State, event: events.QuestionClosed) -> State:
    return _remove(state, "questions", event.data.name, event.data)


def _presence_changed(state: State, event: events.PresenceChanged) -> State:
    key = (event.data.profile, event.data.jid)
    present = {name: one for name, one in state.presence.items() if name != key}
    if event.data.show != "unavailable":
        present[key] = event.data
    return msgspec.structs.replace(state, presence=present)


def _transfer_progressed(state: State, event: events.TransferProgressed) -> State:
    old = state.transfers.get(event.data.id)
    if old is None or old.done >= event.data.done:
        return state
    moved = msgspec.structs.replace(old, done=event.data.done)
    return msgspec.structs.replace(state, transfers={**state.transfers, old.id: moved})


def _plugin_told(
    state: State, event: events.PluginLoaded | events.PluginUnloaded | events.PluginFailed
) -> State:
    return msgspec.structs.replace(state, plugins={**state.plugins, event.data.name: event.data})


def _storage_changed(state: State, event: events.StorageChanged) -> State:
    return msgspec.structs.replace(state, storage=event.data)


def _put_data(state: State, event: events.Event) -> State:
    data: Object = getattr(event, "data")  # noqa: B009 (events of this table have the field)
    return put(state, data)


_PUTS: Mapping[type, Callable[..., State]] = {
    Contact: _put_contact,
    Conversation: _put_conversation,
    Message: _put_message,
    Option: _put_option,
    Profile: _put_profile,
    Question: _put_question,
    Room: _put_room,
    Transfer: _put_transfer,
}
_CHANGES: Mapping[type[events.Event], Callable[..., State]] = {
    events.ConversationChanged: _put_data,
    events.MessageChanged: _put_data,
    events.OccupantChanged: _occupant_changed,
    events.OptionChanged: _put_data,
    events.PluginFailed: _plugin_told,
    events.PluginLoaded: _plugin_told,
    events.PluginUnloaded: _plugin_told,
    events.PresenceChanged: _presence_changed,
    events.ProfileChanged: _put_data,
    events.ProfileRemoved: _profile_removed,
    events.QuestionAdded: _put_data,
    events.QuestionClosed: _question_closed,
    events.RoomChanged: _put_data,
    events.RoomRemoved: _room_removed,
    events.RosterChanged: _put_data,
    events.RosterRemoved: _roster_removed,
    events.StorageChanged: _storage_changed,
    events.TransferChanged: _put_data,
    events.TransferProgressed: _transfer_progressed,
}
