"""Which profiles somebody is looking at: some frontend shows them, and its person is there."""

from __future__ import annotations

from collections.abc import Callable

from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.log import Watcher
from sat.bridge.model import Level


class Attention:
    """The sessions that are attached, and whether anybody is in front of them."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []
        self._idle: set[str] = set()
        self._told: list[Callable[[], None]] = []

    def when_changed(self, told: Callable[[], None]) -> None:
        """Let ``told()`` run when somebody may have begun or ceased to look."""
        self._told.append(told)

    def attached(self, watcher: Watcher) -> None:
        """Take note of a session that is told of events; its person is there."""
        self._watchers.append(watcher)
        self._changed()

    def detached(self, watcher: Watcher) -> None:
        """Take note that a session is told of events no more."""
        self._watchers = [one for one in self._watchers if one is not watcher]
        self._idle &= {one.session for one in self._watchers}
        self._changed()

    def is_on(self, profile: str) -> bool:
        """Tell whether somebody looks at a profile."""
        return any(one.session not in self._idle and one.shows(profile) for one in self._watchers)

    @command("state.active", level=Level.READ, per_profile=False)
    async def active(self, call: Call, active: bool) -> None:
        """Tell whether the person is in front of this frontend, or away from it.

        A frontend that has attached counts as active until it says otherwise. While no active
        frontend shows a profile, its server may hold back what is not urgent (XEP-0352).

        :param active: whether the person is there
        :raises usage.attach: if the frontend has not attached
        """
        if all(one.session != call.session for one in self._watchers):
            raise CommandError(
                "usage.attach", "only a frontend that shows something can be active: attach first"
            )
        if active:
            self._idle.discard(call.session)
        else:
            self._idle.add(call.session)
        self._changed()

    def _changed(self) -> None:
        for told in self._told:
            told()
