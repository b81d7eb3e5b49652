"""Who gets told of what, and when: one policy for bells, bubbles and marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from sat.bridge.model import (
    Direction,
    Message,
    MessageState,
    MessageType,
    Question,
    Transfer,
    TransferState,
)
from sat.frontends.core.clean import clean_line
from sat.frontends.core.mentions import is_mention
from sat.frontends.core.model import Model
from sat.frontends.core.state import Changes, Key, State
from sat.frontends.core.texts import _, ngettext
from sat.frontends.core.views.conversations import line_of
from sat.frontends.core.views.names import author_of, name_of

#: A message that is older than this when it comes is no news.
_OLD = timedelta(minutes=5)
#: More notices than this of one batch become one.
_BURST = 3
#: Seconds in which messages come together before they are told of once more.
_PAUSE = 2.0
_OF_MESSAGES = ("message", "mention")


class Notice(msgspec.Struct, frozen=True):
    """Something to tell a person: ``title`` and ``text`` are single lines, harmless ones.

    ``urgent`` where somebody waits for us: a message to us alone, a mention, a question. ``key`` is
    the conversation that it is of, None for several.
    A ``burst`` is of ``count`` messages from as many ``people``.
    """

    kind: Literal["message", "mention", "question", "failure", "burst"]
    title: str
    text: str
    urgent: bool = True
    key: Key | None = None
    profile: str = ""
    count: int = 1
    people: int = 1


class Notices:
    """Tells of what happens from now on, as far as the person wants to know.

    Told are messages, questions, and what failed: a message, or a file on its way.

    Not told: what one has read elsewhere, sent oneself, or sees right now; what an archive brings
    or waited for us on a server (unread counts show that); rooms, unless they say our name.

    :param tell: is told each notice
    :param in_view: tells whether a person looks at a conversation now
    :param muted: conversations that say nothing, whatever comes
    :param now: the time, in UTC
    :param later: calls a function after some seconds, as a loop's ``call_later`` does; with it
        there is one notice of messages in each two seconds, whatever comes
    """

    def __init__(
        self,
        model: Model,
        tell: Callable[[Notice], None],
        in_view: Callable[[Key], bool] = lambda _key: False,
        *,
        muted: Iterable[Key] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._model = model
        self._send = tell
        self._in_view = in_view
        self._now = now
        self._later = later
        self._waits = False
        self._held: list[Notice] = []
        self._late: list[Message] = []
        self.muted = {*muted}
        self._asked: set[str] = {*model.state.questions}
        self._failed = {one.id for one in model.state.transfers.values() if _is_lost(one)}
        self._end = model.observe(self._told)

    def close(self) -> None:
        """Tell no more."""
        self._end()
        self._held, self._late = [], []

    def _told(self, changes: Changes) -> None:
        state = self._model.state
        if changes.anew:
            # What was there already is shown as unread and waiting: nothing happens now.
            self._asked = {*state.questions}
            self._failed |= {one.id for one in state.transfers.values() if _is_lost(one)}
            return
        told = [one for message in changes.added if (one := self._of(state, message)) is not None]
        late = [one for one in changes.added if self._is_late(state, one)]
        told += [one for message in changes.changed if (one := self._failure(state, message))]
        lost = [state.transfers[id] for id in changes.transfers if id in state.transfers]
        told += [one for transfer in lost if (one := self._lost(state, transfer))]
        for id in changes.questions:
            question = state.questions.get(id)
            if question is not None and id not in self._asked:
                told.append(_question(question))
        self._asked = {*state.questions}
        for notice in told:
            if notice.kind not in _OF_MESSAGES:
                self._send(notice)
        self._held += [one for one in told if one.kind in _OF_MESSAGES]
        self._late += late
        if self._later is None or not (self._waits or late):
            self._release()
        elif not self._waits:
            self._wait()

    def _release(self) -> None:
        """Tell of the messages that are held: of many at once."""
        held, late = self._held, self._late
        self._held, self._late = [], []
        if self._waits:
            held = [one for one in held if one.key is not None and not self._is_read(one.key)]
            late = [one for one in late if not self._is_read((one.profile, one.peer))]
        self._waits = False
        if late or len(held) > _BURST:
            held = [_together(held, late)]
        for notice in held:
            self._send(notice)
        if held and self._later is not None:
            self._wait()

    def _wait(self) -> None:
        """Hold what comes, for a moment: a storm of messages is one notice after another."""
        assert self._later is not None
        self._waits = True
        self._later(_PAUSE, self._release)

    def _is_read(self, key: Key) -> bool:
        conversation = self._model.state.conversations.get(key)
        return self._in_view(key) or conversation is None or not conversation.unread

    def _of(self, state: State, message: Message) -> Notice | None:
        if self._is_quiet(state, message) or self._is_old(message):
            return None
        key = (message.profile, message.peer)
        mention = is_mention(state, message)
        author = author_of(state, message.profile, message.peer, message.from_)
        text = line_of(message)
        if mention:
            title = _("{author} in {room}").format(author=author, room=name_of(state, *key))
            return Notice("mention", title, text, key=key, profile=message.profile)
        return Notice("message", author, text, key=key, profile=message.profile)

    def _is_quiet(self, state: State, message: Message) -> bool:
        """Tell whether a message is nothing to be told of, however new it is."""
        key = (message.profile, message.peer)
        if message.direction is Direction.OUT or key in self.muted:
            return True
        if message.type not in (MessageType.CHAT, MessageType.NORMAL, MessageType.GROUPCHAT):
            return True
        if message.type is MessageType.GROUPCHAT and not is_mention(state, message):
            return True
        if message.state is MessageState.DISPLAYED or self._in_view(key):
            return True
        conversation = state.conversations.get(key)
        read = conversation.read if conversation is not None else None
        return read is not None and int(message.id, 16) <= int(read, 16)

    def _is_old(self, message: Message) -> bool:
        return message.delayed or self._now() - message.ts > _OLD

    def _is_late(self, state: State, message: Message) -> bool:
        return not self._is_quiet(state, message) and self._is_old(message)

    def _failure(self, state: State, message: Message) -> Notice | None:
        if message.state is not MessageState.FAILED or message.id in self._failed:
            return None
        self._failed.add(message.id)
        key = (message.profile, message.peer)
        if self._in_view(key):
            return None
        title = _("Not delivered to {name}").format(name=name_of(state, *key))
        text = message.error or line_of(message)
        return Notice("failure", title, text, urgent=False, key=key, profile=message.profile)

    def _lost(self, state: State, transfer: Transfer) -> Notice | None:
        """Tell of a file that doesn't arrive: what shows a conversation doesn't show that."""
        if not _is_lost(transfer) or transfer.id in self._failed:
            return None
        self._failed.add(transfer.id)
        key = (transfer.profile, transfer.peer)
        text = clean_line(transfer.sentence or transfer.name)
        return Notice(
            "failure", name_of(state, *key), text, urgent=False, key=key, profile=transfer.profile
        )


def _is_lost(transfer: Transfer) -> bool:
    return transfer.state is TransferState.FAILED


def _question(question: Question) -> Notice:
    return Notice(
        "question",
        question.profile,
        clean_line(question.sentence),
        profile=question.profile,
    )


def _together(told: list[Notice], late: list[Message]) -> Notice:
    """Make one notice of many messages."""
    count = len(told) + len(late)
    keys = {one.key for one in told} | {(one.profile, one.peer) for one in late}
    people = len(keys)
    news = ngettext("{number} new message", "{number} new messages", count)
    authors = ngettext("from {number} person", "from {number} people", people)
    return Notice(
        "burst",
        news.format(number=count),
        authors.format(number=people),
        urgent=bool(told),
        key=next(iter(keys)) if people == 1 else None,
        count=count,
        people=people,
    )
