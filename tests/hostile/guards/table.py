"""All guards, by rule."""

from tests.hostile.guards import Guard
from tests.hostile.guards.history import HISTORY
from tests.hostile.guards.login import LOGIN
from tests.hostile.guards.others import OTHERS
from tests.hostile.guards.rooms import ROOMS
from tests.hostile.guards.sessions import SESSIONS

#: Rules of what isn't there yet (corrections, OMEMO, files that are received), and rule 20, whose
#: guards come with the cache of capabilities.
WITHOUT = {11, 20, 24, 26, 27}

GUARDS: tuple[Guard, ...] = tuple(
    sorted((*SESSIONS, *HISTORY, *LOGIN, *OTHERS, *ROOMS), key=lambda guard: guard.rule)
)
