"""What a frontend shows, as a value that only events change.

A frontend never draws what the daemon has not confirmed: ``state = apply(state, event)`` is the
only way its state changes. Objects carry ``rev``, the number of their last change; whatever is
older than what is known is ignored, so a page that was asked for earlier and comes later does no
harm, and an event that comes twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from sat.bridge import events
from sat.bridge.model import (
    Contact,
    Conversation,
    Message,
    Occupant,
    Option,
    PluginInfo,
    Presence,
    Profile,
    Question,
    Room,
    Storage,
    Transfer,
)
from sat.frontends.core.reducer import CHANGES, PUTS, message_added, put_fetched_conversation

#: A profile's name, and a JID.
Key = tuple[str, str]
#: What a frontend may fetch, and put into the state with :func:`put`.
Object = Contact | Conversation | Message | Option | Profile | Question | Room | Transfer


class State(msgspec.Struct, frozen=True):
    """All that a frontend knows. Its mappings are never changed in place.

    Of messages it knows the last of each conversation: who shows more keeps them
    (:mod:`sat.frontends.core.views.chat`). ``avatars`` holds the hashes of the pictures that
    people have, as far as a plugin tells of them; ``avatar.get`` gives one. ``occupants`` holds who
    is in each room, by nick.
    ``nicks`` holds what we were called in a room before, each with the number of the last message
    from that time, as far as this frontend saw it change.
    ``gone`` remembers the ``rev`` of what was removed, so that nothing older brings it back; a
    profile's removal stands for all that it had.
    """

    profiles: Mapping[str, Profile] = {}
    conversations: Mapping[Key, Conversation] = {}
    roster: Mapping[Key, Contact] = {}
    presence: Mapping[Key, Presence] = {}
    avatars: Mapping[Key, str] = {}
    rooms: Mapping[Key, Room] = {}
    occupants: Mapping[Key, Mapping[str, Occupant]] = {}
    nicks: Mapping[Key, tuple[tuple[str, int], ...]] = {}
    transfers: Mapping[str, Transfer] = {}
    questions: Mapping[str, Question] = {}
    options: Mapping[str, Option] = {}
    plugins: Mapping[str, PluginInfo] = {}
    storage: Storage = Storage()
    gone: Mapping[tuple[str, str, str], int] = {}


class Changes(msgspec.Struct):
    """What a batch of events changed: the keys of what came, changed or went, by part of the state.

    ``occupants`` are those of rooms with their nicks. ``added`` are messages that were not known
    before, ``changed`` messages told again; both may hold one that is older than what a reader
    has (``rev`` tells). ``anew`` tells that nothing of what was known before has to be true.
    """

    profiles: set[str] = set()
    conversations: set[Key] = set()
    roster: set[Key] = set()
    presence: set[Key] = set()
    avatars: set[Key] = set()
    rooms: set[Key] = set()
    occupants: set[tuple[str, str, str]] = set()
    transfers: set[str] = set()
    questions: set[str] = set()
    options: set[str] = set()
    plugins: set[str] = set()
    storage: bool = False
    added: list[Message] = []
    changed: list[Message] = []
    anew: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


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
    return apply_all(state, ((event, seq),))[0]


def apply_all(
    state: State, told: Iterable[tuple[events.Event, int | None]]
) -> tuple[State, Changes]:
    """Return the state after events, each with its number if it has one, and what they changed.

    However many events there are, each part of the state is copied once.
    """
    draft = Draft(state)
    for event, seq in told:
        if isinstance(event, events.MessageAdded):
            message_added(draft, event, event.data.rev if seq is None else seq)
        else:
            change = CHANGES.get(type(event))
            if change is not None:
                change(draft, event)
    return draft.finish()


def resumed(state: State) -> State:
    """Return the state of a frontend that has attached again and is told what it has missed.

    What is not in the log may have changed meanwhile; what it is now is told anew.
    """
    return msgspec.structs.replace(state, presence={}, avatars={}, occupants={})


def put(state: State, found: Object) -> State:
    """Return the state with an object that was fetched, unless what is known is newer."""
    return put_all(state, (found,))[0]


def put_all(state: State, found: Iterable[Object]) -> tuple[State, Changes]:
    """Return the state with objects that were fetched, and what they changed."""
    draft = Draft(state)
    for one in found:
        if isinstance(one, Conversation):
            put_fetched_conversation(draft, one)
        else:
            PUTS[type(one)](draft, one)
    return draft.finish()


class Draft:
    """A state being changed: copies a part before it is changed for the first time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._copies: dict[str, Any] = {}
        self._rooms: set[Key] = set()
        self.changes = Changes()

    def __getitem__(self, part: str) -> Mapping[Any, Any]:
        found: Mapping[Any, Any] | None = self._copies.get(part)
        if found is None:
            found = getattr(self._state, part)
        return found

    def edit(self, part: str) -> dict[Any, Any]:
        """Return a part to be changed."""
        found = self._copies.get(part)
        if found is None:
            found = self._copies[part] = dict(getattr(self._state, part))
        return found

    def edit_room(self, key: Key) -> dict[str, Occupant]:
        """Return who is in a room, to be changed."""
        rooms: dict[Key, dict[str, Occupant]] = self.edit("occupants")
        if key not in self._rooms:
            self._rooms.add(key)
            rooms[key] = dict(rooms.get(key, {}))
        return rooms[key]

    def forget_room(self, key: Key) -> None:
        """Know nobody of a room any more."""
        self._rooms.discard(key)
        del self.edit("occupants")[key]

    def set_storage(self, storage: Storage) -> None:
        """Know of the disk."""
        self._copies["storage"] = storage
        self.changes.storage = True

    def finish(self) -> tuple[State, Changes]:
        """Return the state as it is now, and what was changed."""
        if not self._copies:
            return self._state, self.changes
        return msgspec.structs.replace(self._state, **self._copies), self.changes
