"""The smaller views: profiles, questions, transfers, settings, and who is in a room."""

from __future__ import annotations

from sat.bridge.model import (
    Occupant,
    Option,
    Profile,
    Question,
    Room,
    Transfer,
    TransferState,
)
from sat.frontends.core.model import Model
from sat.frontends.core.state import Changes
from sat.frontends.core.views.base import Part, View
from sat.frontends.core.views.rows import Order

_ROLES = ("moderator", "participant", "visitor", "none")
_UNDER_WAY = (TransferState.WAITING, TransferState.RUNNING)


class Profiles(Part[Profile]):
    """The profiles, the default one first."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, "profiles", lambda one: (not one.default, one.name.casefold()))


class Questions(Part[Question]):
    """What waits for a decision, the oldest first.

    :param profile: of this one alone
    """

    def __init__(self, model: Model, profile: str | None = None) -> None:
        super().__init__(
            model,
            "questions",
            lambda one: (one.ts,),
            lambda one: profile is None or one.profile == profile,
        )


class Transfers(Part[Transfer]):
    """Files on their way, and those that have ended since the frontend attached; newest first."""

    def __init__(self, model: Model) -> None:
        super().__init__(
            model,
            "transfers",
            lambda one: (one.state not in _UNDER_WAY, -one.ts.timestamp()),
        )


class Settings(Part[Option]):
    """The options of the daemon and its plugins, by plugin."""

    def __init__(self, model: Model, words: str = "") -> None:
        self._words = words.casefold().split()
        super().__init__(model, "options", lambda one: (section_of(one), one.name), self._fits)

    def filter(self, text: str) -> None:
        """Show what has all these words in its name or help alone."""
        self._words = text.casefold().split()
        self.refresh()

    def _fits(self, one: Option) -> bool:
        hay = f"{one.name}\n{one.help}".casefold()
        return all(word in hay for word in self._words)


def section_of(option: Option) -> str:
    """Return whose option it is: a plugin's name, or a part of the daemon."""
    return option.name.partition(".")[0]


class Occupants(View[Occupant]):
    """Who is in one room, by role and nick; a row's key is the nick."""

    def __init__(self, model: Model, profile: str, jid: str) -> None:
        super().__init__(model)
        self._key = (profile, jid)
        self._refresh()

    @property
    def room(self) -> Room | None:
        """The room itself: its state, subject, and what we are called there."""
        return self.model.state.rooms.get(self._key)

    @property
    def nicks(self) -> list[str]:
        """What everybody is called, for completion."""
        return sorted(self.model.state.occupants.get(self._key, ()), key=str.casefold)

    def _refresh(self) -> None:
        there = self.model.state.occupants.get(self._key, {})
        self.rows.replace((nick, _order(one), one) for nick, one in there.items())

    def _told(self, changes: Changes) -> None:
        mine = [one for one in changes.occupants if one[:2] == self._key]
        if changes.anew or len(mine) > 100:
            self._refresh()
            return
        there = self.model.state.occupants.get(self._key, {})
        for _, _, nick in mine:
            one = there.get(nick)
            if one is None:
                self.rows.drop(nick)
            else:
                self.rows.put(nick, _order(one), one)


def _order(one: Occupant) -> Order:
    return (_ROLES.index(one.role), one.nick.casefold(), one.nick)
