"""What each event changes: see :mod:`sat.frontends.core.state`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from sat.bridge import events
from sat.bridge.client import UnknownEvent
from sat.bridge.model import (
    Contact,
    Conversation,
    Direction,
    Message,
    MessageType,
    Option,
    Profile,
    Question,
    Removed,
    Room,
    Transfer,
)

if TYPE_CHECKING:
    from sat.frontends.core.state import Draft, Key, Object

_COUNTED = (MessageType.CHAT, MessageType.NORMAL, MessageType.GROUPCHAT)


def _put(draft: Draft, part: str, key: str | Key, found: Any, profile: str) -> None:
    old = draft[part].get(key)
    if (old is not None and old.rev >= found.rev) or _is_gone(draft, part, key, profile, found.rev):
        return
    draft.edit(part)[key] = found
    getattr(draft.changes, part).add(key)


def _is_gone(draft: Draft, part: str, key: str | Key, profile: str, rev: int) -> bool:
    """Tell whether something was removed after it had this ``rev``."""
    gone = draft["gone"]
    if not gone:
        return False
    name = key if isinstance(key, str) else key[1]
    removed = gone.get((part, profile, name), 0)
    return bool(rev <= max(removed, gone.get(("profiles", profile, profile), 0)))


def _remove(draft: Draft, part: str, key: str | Key, gone: Removed) -> bool:
    mark = (part, gone.profile, gone.name)
    if draft["gone"].get(mark, 0) >= gone.rev:
        return False
    draft.edit("gone")[mark] = gone.rev
    old = draft[part].get(key)
    if old is not None and old.rev <= gone.rev:
        del draft.edit(part)[key]
        getattr(draft.changes, part).add(key)
    return True


def _put_profile(draft: Draft, found: Profile) -> None:
    _put(draft, "profiles", found.name, found, found.name)


def _put_contact(draft: Draft, found: Contact) -> None:
    _put(draft, "roster", (found.profile, found.jid), found, found.profile)


#: Of one room so many names that we had are remembered.
_NICKS = 10


def _put_room(draft: Draft, found: Room) -> None:
    key = (found.profile, found.jid)
    old: Room | None = draft["rooms"].get(key)
    _put(draft, "rooms", key, found, found.profile)
    if old is None or old.nick == found.nick or draft["rooms"][key] is not found:
        return
    conversation: Conversation | None = draft["conversations"].get(key)
    if conversation is not None and conversation.last is not None:
        had = (old.nick, int(conversation.last.id, 16))
        draft.edit("nicks")[key] = (*draft["nicks"].get(key, ()), had)[-_NICKS:]


def _put_conversation(draft: Draft, found: Conversation) -> None:
    _put(draft, "conversations", (found.profile, found.peer), found, found.profile)


def put_fetched_conversation(draft: Draft, found: Conversation) -> None:
    """Take a conversation as the daemon has it, also where only this side has counted so far."""
    key = (found.profile, found.peer)
    old = draft["conversations"].get(key)
    if old is None or old.rev != found.rev:
        _put_conversation(draft, found)
        return
    newest = old.last if found.last is None else found.last
    if old.last is not None and newest is not None and old.last.rev > newest.rev:
        newest = old.last
    found = msgspec.structs.replace(found, last=newest)
    if found != old:
        draft.edit("conversations")[key] = found
        draft.changes.conversations.add(key)


def _put_transfer(draft: Draft, found: Transfer) -> None:
    old = draft["transfers"].get(found.id)
    if old is not None and old.state == found.state and old.done > found.done:
        # Progress, which has no number, was told before.
        found = msgspec.structs.replace(found, done=old.done)
    _put(draft, "transfers", found.id, found, found.profile)


def _put_question(draft: Draft, found: Question) -> None:
    _put(draft, "questions", found.id, found, found.profile)


def _put_option(draft: Draft, found: Option) -> None:
    _put(draft, "options", found.name, found, "")


def _put_message(draft: Draft, found: Message) -> None:
    if not _is_gone(draft, "messages", found.id, found.profile, found.rev):
        draft.changes.changed.append(found)
        _put_last(draft, found)


def _put_last(draft: Draft, found: Message) -> None:
    """Show a change of a conversation's last message."""
    key = (found.profile, found.peer)
    conversation: Conversation | None = draft["conversations"].get(key)
    if conversation is None or conversation.last is None:
        return
    if conversation.last.id == found.id and conversation.last.rev < found.rev:
        conversation = msgspec.structs.replace(conversation, last=found)
        draft.edit("conversations")[key] = conversation
        draft.changes.conversations.add(key)


def message_added(draft: Draft, event: events.MessageAdded, rev: int) -> None:
    """Count a message in its conversation: no other event tells of that."""
    message = event.data
    key = (message.profile, message.peer)
    if _is_gone(draft, "messages", message.id, message.profile, message.rev):
        return
    _put_last(draft, message)
    old = draft["conversations"].get(key) or Conversation(
        profile=message.profile, peer=message.peer
    )
    if old.rev >= rev or _is_gone(draft, "conversations", key, message.profile, rev):
        draft.changes.changed.append(message)
        return
    draft.changes.added.append(message)
    counts = (
        message.direction is Direction.IN
        and message.type in _COUNTED
        # What an archive brings late may lie before what was read.
        and (old.read is None or int(message.id, 16) > int(old.read, 16))
    )
    newest = message if old.last is None or old.last.ts <= message.ts else old.last
    _put_conversation(
        draft,
        msgspec.structs.replace(old, last=newest, unread=old.unread + counts, rev=rev),
    )


def _profile_removed(draft: Draft, event: events.ProfileRemoved) -> None:
    name = event.data.name
    if not _remove(draft, "profiles", name, event.data):
        return
    for part in ("conversations", "roster", "rooms", "transfers", "questions"):
        _drop(
            draft,
            part,
            [
                key
                for key, one in draft[part].items()
                if one.profile == name and one.rev <= event.data.rev
            ],
        )
    for part in ("presence", "avatars"):
        _drop(draft, part, [key for key in draft[part] if key[0] == name])
    for key in [key for key in draft["occupants"] if key[0] == name]:
        draft.changes.occupants |= {(*key, nick) for nick in draft["occupants"][key]}
        draft.forget_room(key)


def _drop(draft: Draft, part: str, keys: list[str | Key]) -> None:
    if keys:
        known = draft.edit(part)
        for key in keys:
            del known[key]
        getattr(draft.changes, part).update(keys)


def _roster_removed(draft: Draft, event: events.RosterRemoved) -> None:
    _remove(draft, "roster", (event.data.profile, event.data.name), event.data)


def _room_removed(draft: Draft, event: events.RoomRemoved) -> None:
    _remove(draft, "rooms", (event.data.profile, event.data.name), event.data)


def _occupant_changed(draft: Draft, event: events.OccupantChanged) -> None:
    one = event.data
    key = (one.profile, one.room)
    known = draft["occupants"].get(key, {})
    if one.role != "none":
        if known.get(one.nick) == one:
            return
        draft.edit_room(key)[one.nick] = one
    elif one.nick in known:
        left = draft.edit_room(key)
        del left[one.nick]
        if not left:
            # Whoever comes next begins a mapping of its own.
            draft.forget_room(key)
    else:
        return
    draft.changes.occupants.add((*key, one.nick))


def _question_closed(draft: Draft, event: events.QuestionClosed) -> None:
    _remove(draft, "questions", event.data.name, event.data)


def _presence_changed(draft: Draft, event: events.PresenceChanged) -> None:
    one = event.data
    key = (one.profile, one.jid)
    if one.show != "unavailable":
        draft.edit("presence")[key] = one
    elif key in draft["presence"]:
        del draft.edit("presence")[key]
    else:
        return
    draft.changes.presence.add(key)


class _Avatar(msgspec.Struct):
    """What an event of the plugin says, whose own type may not be there."""

    profile: str
    jid: str
    hash: str = ""


def _avatar_changed(draft: Draft, told: object) -> None:
    one = msgspec.convert(told, _Avatar)
    key = (one.profile, one.jid)
    if draft["avatars"].get(key, "") == one.hash:
        return
    if one.hash:
        draft.edit("avatars")[key] = one.hash
    else:
        del draft.edit("avatars")[key]
    draft.changes.avatars.add(key)


def _of_plugin(draft: Draft, event: UnknownEvent) -> None:
    change = _OF_PLUGINS.get(event.name)
    if change is not None:
        with suppress(msgspec.ValidationError):
            change(draft, event.data)


def _transfer_progressed(draft: Draft, event: events.TransferProgressed) -> None:
    old = draft["transfers"].get(event.data.id)
    if old is None or old.done >= event.data.done:
        return
    draft.edit("transfers")[old.id] = msgspec.structs.replace(old, done=event.data.done)
    draft.changes.transfers.add(old.id)


def _plugin_told(
    draft: Draft, event: events.PluginLoaded | events.PluginUnloaded | events.PluginFailed
) -> None:
    draft.edit("plugins")[event.data.name] = event.data
    draft.changes.plugins.add(event.data.name)


def _storage_changed(draft: Draft, event: events.StorageChanged) -> None:
    draft.set_storage(event.data)


def _put_data(draft: Draft, event: events.Event) -> None:
    data: Object = getattr(event, "data")  # noqa: B009 (events of this table have the field)
    PUTS[type(data)](draft, data)


PUTS: Mapping[type, Callable[..., None]] = {
    Contact: _put_contact,
    Conversation: _put_conversation,
    Message: _put_message,
    Option: _put_option,
    Profile: _put_profile,
    Question: _put_question,
    Room: _put_room,
    Transfer: _put_transfer,
}
#: Events that plugins define, by their names: what can't be read changes nothing.
_OF_PLUGINS: Mapping[str, Callable[[Draft, object], None]] = {"avatar.changed": _avatar_changed}
CHANGES: Mapping[type[events.Event], Callable[..., None]] = {
    UnknownEvent: _of_plugin,
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
