"""Waiting until a message that was sent has come as far as its sender wants."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from sat.backend.journal import Journal
from sat.bridge.events import MessageChanged
from sat.bridge.model import Message, MessageState

#: The states of a message that was sent, in the order in which it reaches them.
PROGRESS = (
    MessageState.PENDING,
    MessageState.SENT,
    MessageState.ACKNOWLEDGED,
    MessageState.RECEIVED,
    MessageState.DISPLAYED,
)


def has_reached(state: MessageState, wanted: MessageState) -> bool:
    """Tell whether a message in a state has come as far as ``wanted``; a failed one never has."""
    return state in PROGRESS and PROGRESS.index(state) >= PROGRESS.index(wanted)


class StateWaiters:
    """Fires Deferreds when messages reach states, once every session is told of it."""

    def __init__(self, journal: Journal) -> None:
        self._waiting: dict[str, list[tuple[MessageState, Deferred[Message]]]] = {}
        self._due: list[tuple[Deferred[Message], Message]] = []
        journal.project(MessageChanged, self._changed)
        journal.when_published(self._fire)

    def wait(self, message: Message, state: MessageState) -> Deferred[Message]:
        """Return a Deferred that fires with the message once it has reached a state or failed."""
        done: Deferred[Message] = Deferred(lambda _: self._forget(message.id, done))
        self._waiting.setdefault(message.id, []).append((state, done))
        return done

    def _changed(self, event: MessageChanged) -> None:
        message = event.data
        for entry in list(self._waiting.get(message.id, ())):
            state, done = entry
            if message.state is MessageState.FAILED or has_reached(message.state, state):
                self._forget(message.id, done)
                self._due.append((done, message))

    def _fire(self) -> None:
        due, self._due = self._due, []
        for done, message in due:
            if not done.called:  # it was cancelled meanwhile
                done.callback(message)

    def _forget(self, id_: str, done: Deferred[Message]) -> None:
        left = [entry for entry in self._waiting.get(id_, ()) if entry[1] is not done]
        if left:
            self._waiting[id_] = left
        else:
            self._waiting.pop(id_, None)
