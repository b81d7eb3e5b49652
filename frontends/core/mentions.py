"""Where somebody has said our name, and we haven't looked yet."""

from __future__ import annotations

from sat.bridge.model import Direction, Message, MessageType
from sat.frontends.core.markup import mentions
from sat.frontends.core.model import Model
from sat.frontends.core.state import Changes, Key, State

#: Of one conversation so many are remembered.
_MOST = 100


def is_mention(state: State, message: Message) -> bool:
    """Tell whether a message of a room says the name that we have in it."""
    if message.type is not MessageType.GROUPCHAT or message.direction is not Direction.IN:
        return False
    room = state.rooms.get((message.profile, message.peer))
    return room is not None and mentions(message.body, room.nick)


class Mentions:
    """Counts the unread messages of rooms that say our name, of those that were told here."""

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
