"""Conversations, the latest first."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime

import msgspec

from sat.bridge.model import Direction, Message, MessageState
from sat.frontends.core.clean import clean_line
from sat.frontends.core.mentions import Mentions
from sat.frontends.core.model import Model
from sat.frontends.core.state import Changes, Key
from sat.frontends.core.views.base import Filtered
from sat.frontends.core.views.names import author_of, bare, file_name, kind_of, name_of
from sat.frontends.core.views.rows import Order

#: Of a message so many characters are looked at for its one line.
_LINE = 200


class ConversationRow(msgspec.Struct, frozen=True):
    """A conversation in short.

    ``kind`` is ``contact``, ``room`` or ``private`` (somebody in a room); ``line`` the beginning of
    the last message, ``author`` who wrote it (empty for ourselves), ``state`` how far it has come
    where it is ours; ``draft`` the message that was begun.
    """

    profile: str
    peer: str
    name: str
    kind: str
    unread: int = 0
    mentions: int = 0
    draft: str = ""
    line: str = ""
    author: str = ""
    state: MessageState | None = None
    ts: datetime | None = None

    @property
    def key(self) -> Key:
        """What it is called among the rows."""
        return (self.profile, self.peer)


class Conversations(Filtered[ConversationRow]):
    """All conversations that are known, the latest first.

    :param profile: of this one alone
    """

    def __init__(self, model: Model, mentions: Mentions, *, profile: str | None = None) -> None:
        super().__init__(model)
        self._mentions = mentions
        self._profile = profile
        self._refresh()

    def show(self, profile: str | None) -> None:
        """Show the conversations of one profile, or of all."""
        self._profile = profile
        self._refresh()

    def _told(self, changes: Changes) -> None:
        if changes.anew:
            self._refresh()
            return
        touched: set[Hashable] = {*changes.conversations, *self._mentions.touched}
        touched |= {key for key in changes.roster | changes.rooms if key in self._keys}
        if changes.rooms:
            touched |= {key for key in self._private() if (key[0], bare(key[1])) in changes.rooms}
        self._touch(touched)

    def _private(self) -> list[Key]:
        return [key for key in self.model.state.conversations if "/" in key[1]]

    def _subjects(self) -> Iterable[Hashable]:
        return self.model.state.conversations

    def _make(self, subject: Key) -> Iterator[tuple[Hashable, Order, ConversationRow]]:
        state = self.model.state
        found = state.conversations.get(subject)
        if found is None or (self._profile is not None and subject[0] != self._profile):
            return
        name = name_of(state, *subject)
        if not self._fits(name, found.peer):
            return
        last = found.last
        ours = last is not None and last.direction is Direction.OUT
        row = ConversationRow(
            profile=found.profile,
            peer=found.peer,
            name=name,
            kind=kind_of(state, *subject),
            unread=found.unread,
            mentions=self._mentions[subject],
            draft=clean_line(found.draft[:_LINE]),
            line="" if last is None else line_of(last),
            author=""
            if last is None or ours
            else author_of(state, found.profile, found.peer, last.from_),
            state=last.state if last is not None and ours else None,
            ts=None if last is None else last.ts,
        )
        newest = -row.ts.timestamp() if row.ts is not None else 0.0
        yield row.key, (newest, subject), row


def line_of(message: Message) -> str:
    """Return the beginning of a message on one line."""
    if message.body:
        return clean_line(message.body[:_LINE])
    files = [file_name(one) for one in message.attachments]
    return clean_line(", ".join(files)[:_LINE] or (message.subject or "")[:_LINE])
