"""Where somebody has said our name, and we haven't looked yet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sat.bridge.model import Conversation, Direction, Message, MessageType
from sat.frontends.core.markup import mentions
from sat.frontends.core.model import Model
from sat.frontends.core.state import Changes, Key, State

if TYPE_CHECKING:
    from sat.frontends.core.attachment import Attachment

#: Of one conversation so many are remembered.
_MOST = 100
#: In so many rooms it is looked for what was said before.
_ROOMS = 50


def is_mention(state: State, message: Message) -> bool:
    """Tell whether a message of a room says the name that we have in it, or had when it came."""
    if message.type is not MessageType.GROUPCHAT or message.direction is not Direction.IN:
        return False
    key = (message.profile, message.peer)
    room = state.rooms.get(key)
    if room is None or mentions(message.body, room.nick):
        return room is not None
    number = int(message.id, 16)
    return any(
        number <= last and mentions(message.body, nick) for nick, last in state.nicks.get(key, ())
    )


def _time(conversation: Conversation) -> datetime:
    assert conversation.last is not None
    return conversation.last.ts


class Mentions:
    """Counts the unread messages of rooms that say our name: of those that were told here.

    What was said before this frontend came is known once it was looked for (:meth:`look_back`).
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._unread: dict[Key, list[int]] = {}
        self._end = model.observe(self._changed)
        #: The conversations whose count the last batch of events has changed.
        self.touched: set[Key] = set()

    def __getitem__(self, key: Key) -> int:
        return len(self._unread.get(key, ()))

    def close(self) -> None:
        """Count no more."""
        self._end()

    async def look_back(self, attachment: Attachment) -> set[Key]:
        """Look for our name in what is unread of rooms; return those where it was found.

        Of each the newest messages count, and rooms with news come first.

        :raises CommandError: if it can't be asked
        """
        state = self._model.state
        rooms = [
            one
            for key, one in state.conversations.items()
            if one.unread and key in state.rooms and one.last is not None
        ]
        found: set[Key] = set()
        for one in sorted(rooms, key=_time, reverse=True)[:_ROOMS]:
            key = (one.profile, one.peer)
            page = await attachment.call(
                *("message.list", list[Message]),
                profile=one.profile, peer=one.peer, limit=min(one.unread, _MOST),
            )  # fmt: skip
            end = int(one.read, 16) if one.read is not None else 0
            said = [int(m.id, 16) for m in page if is_mention(self._model.state, m)]
            now = self._model.state.conversations.get(key)
            if now is None or not now.unread:
                continue
            end = max(end, int(now.read, 16) if now.read is not None else 0)
            known = {*self._unread.get(key, ()), *(number for number in said if number > end)}
            if known:
                self._unread[key] = sorted(known)[-_MOST:]
                found.add(key)
        return found

    def _changed(self, changes: Changes) -> None:
        state = self._model.state
        self.touched = set()
        if changes.anew:
            self.touched = {*self._unread}
        for message in changes.added:
            if is_mention(state, message):
                key = (message.profile, message.peer)
                known = self._unread.setdefault(key, [])
                known.append(int(message.id, 16))
                del known[:-_MOST]
                self.touched.add(key)
        for key in {*changes.conversations, *self.touched} & self._unread.keys():
            conversation = state.conversations.get(key)
            read = conversation.read if conversation is not None else None
            none = conversation is None or not conversation.unread
            end = int(read, 16) if read is not None else 0
            left = [] if none else [one for one in self._unread[key] if one > end]
            if len(left) != len(self._unread[key]):
                self.touched.add(key)
            if left:
                self._unread[key] = left
            else:
                del self._unread[key]
