"""One change on its way through the journal, and who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sat.backend.transaction import Transaction
from sat.bridge.call import Call
from sat.bridge.events import Event
from sat.bridge.log import LoggedEvent

T = TypeVar("T")

Change = Callable[[Transaction], T]
#: What is called with each committed event of a class.
Projections = dict[type[Event], list[Callable[[Any], None]]]
#: A change, and what is told of its result.
Part = tuple[Change[Any], Callable[[Any], None]]

_log = Logger("sat.journal")
_FAILED = "a handler of a committed change failed, or the change itself"


class Commit(msgspec.Struct, Generic[T]):
    """A change, what came of it, and whom to tell: a Deferred, or a function that costs less."""

    change: Change[T]
    call: Call | None
    wait: bool
    before_events: Callable[[T], None] | None
    done: Deferred[T] | None = None
    then: Callable[[T], None] | None = None
    result: T | None = None
    error: BaseException | None = None
    events: list[tuple[Event, LoggedEvent]] = msgspec.field(default_factory=list)
    #: Runs where ``before_events`` would, if it fails.
    failed: Callable[[None], None] | None = None
    #: What it is made of: see :func:`together`.
    parts: list[Part] | None = None

    def split(self) -> list[Commit[Any]]:
        """Return the commits that this one is made of, each of which may fail by itself."""
        if self.parts is None:
            return [self]
        return [Commit(change, None, True, None, None, then) for change, then in self.parts]

    def project(self, projections: Projections) -> list[LoggedEvent]:
        """Let what is kept in memory follow; return the events of which sessions are to be told."""
        if self.error is not None:
            if self.failed is not None:
                guard(self.failed, None)
            return []
        if self.before_events is not None:
            guard(self.before_events, self.result)
        told_of = []
        for event, logged in self.events:
            for apply in projections.get(type(event), ()):
                try:  # as in guard(): a call for each of a burst's events costs too much
                    apply(event)
                except Exception:
                    _log.failure(_FAILED)
            told_of.append(logged)
        return told_of

    def tell(self) -> None:
        """Tell who waits; all else is told by now."""
        if self.done is None:
            if self.error is not None:
                guard(self._raise, None)
            elif self.then is not None:
                guard(self.then, self.result)
        elif self.error is not None:
            self.done.errback(self.error)
        else:
            if self.call is not None and self.call.txn is not None:
                self.call.recorded = True
            self.done.callback(self.result)  # type: ignore[arg-type]

    def _raise(self, _: None) -> None:
        assert self.error is not None
        raise self.error


def together(parts: list[Part]) -> Commit[Any]:
    """Return one commit for many changes that the network brought: each would cost twice as much.

    :param parts: each with what is told of its result
    """

    def change(tx: Transaction) -> list[Any]:
        return [one(tx) for one, _ in parts]

    def tell(results: list[Any]) -> None:
        for (_, then), result in zip(parts, results, strict=True):
            try:
                then(result)
            except Exception:
                _log.failure(_FAILED)

    return Commit(change, None, True, None, None, tell, parts=parts)


def guard(function: Callable[[Any], None], value: object) -> None:
    """Keep one subscriber's fault from the others: the event is committed whatever happens."""
    try:
        function(value)
    except Exception:
        _log.failure(_FAILED)
