"""What a session may do: a level for everything, or one for each of some profiles."""

from __future__ import annotations

from datetime import datetime

from sat.bridge.model import Level, Model


class Grant(Model, frozen=True, kw_only=True):
    """What a session may do.

    :param level: for every profile and the daemon itself, where ``profiles`` is None
    :param profiles: the profiles that it may use, each with a level; it learns nothing of others,
        and of the daemon itself it may only ask how it is
    :param holder: the id of the token that stands for it; empty for a program of the same user
    """

    level: Level = Level.READ
    profiles: dict[str, Level] | None = None
    holder: str = ""

    def level_of(self, profile: str | None) -> Level | None:
        """Return the level for a profile, or (None) the daemon itself; None if there is none."""
        if self.profiles is None:
            return self.level
        return self.profiles.get(profile) if profile is not None else Level.READ

    def allows(self, needed: Level, profile: str | None) -> bool:
        """Tell whether what needs a level may be done with a profile, or (None) the daemon."""
        if self.profiles is None:
            return self.level.allows(needed)
        level = self.level_of(profile)
        return level is not None and level.allows(needed)

    def allows_anywhere(self, needed: Level) -> bool:
        """Tell whether what needs a level may be done with any profile."""
        if self.profiles is None:
            return self.level.allows(needed)
        return any(level.allows(needed) for level in self.profiles.values())

    def shows(self, profile: str) -> bool:
        """Tell whether it may know of a profile; the daemon's own is the empty one."""
        return self.profiles is None or not profile or profile in self.profiles

    def visible(self, profiles: frozenset[str] | None) -> frozenset[str] | None:
        """Return which of the wanted profiles it may know of; None for all, in both."""
        if self.profiles is None:
            return profiles
        return frozenset(self.profiles) if profiles is None else profiles & frozenset(self.profiles)

    def cursor(self, name: str) -> str:
        """Return a cursor's name as the log has it: the holder of a token has names of its own."""
        return f"{self.holder}/{name}" if self.holder else name


class Invitation(Model, frozen=True, kw_only=True):
    """How a program of another machine gets in, once: ``url`` holds all that it needs."""

    url: str
    expires: datetime


class Pairing(Model, frozen=True, kw_only=True):
    """A program of another machine that was let in, and what it may do.

    ``level`` is for all profiles; where there are ``profiles``, it may use those alone.
    """

    id: str
    name: str
    level: Level
    profiles: dict[str, Level] | None = None
    created: datetime
    used: datetime | None = None


#: What a program of the same user may do.
EVERYTHING = Grant(level=Level.ADMIN)
