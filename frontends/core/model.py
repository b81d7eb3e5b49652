"""The state that one frontend holds, and those that want to know when it changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from sat.bridge import events
from sat.frontends.core import state as reducers
from sat.frontends.core.observers import enter
from sat.frontends.core.state import Changes, Object, State

_log = logging.getLogger(__name__)

#: Is told once of each batch of events, after ``Model.state`` has changed.
Observer = Callable[[Changes], None]


class Model:
    """Holds ``state``, which only :meth:`take` and its like change, and tells its observers.

    They are told in the order in which they came: views first, then what draws them.
    """

    def __init__(self) -> None:
        self.state = State()
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Tell somebody of each change from now on; return what ends that."""
        return enter(self._observers, observer)

    def take(self, told: Iterable[tuple[events.Event, int | None]]) -> None:
        """Apply a batch of events, each with its number if it has one."""
        self._become(*reducers.apply_all(self.state, told))

    def put(self, found: Iterable[Object]) -> None:
        """Take in objects that were fetched; what is known and newer stays."""
        self._become(*reducers.put_all(self.state, found))

    def load(self, snapshot: bytes) -> None:
        """Begin anew from a snapshot.

        :raises ValueError: if it isn't one
        """
        self._become(reducers.from_snapshot(snapshot), Changes(anew=True))

    def resume(self) -> None:
        """Go on after an absence, whose events are told next."""
        self.state, gone = reducers.resumed(self.state), self.state
        changes = Changes(
            presence=set(gone.presence),
            avatars=set(gone.avatars),
            occupants={(*key, nick) for key, nicks in gone.occupants.items() for nick in nicks},
        )
        self._tell(changes)

    def _become(self, state: State, changes: Changes) -> None:
        self.state = state
        if changes:
            self._tell(changes)

    def _tell(self, changes: Changes) -> None:
        for observer in (*self._observers,):
            try:
                observer(changes)
            except Exception:
                # One view that fails must not leave the others behind the state.
                _log.exception("An observer of the state failed")
