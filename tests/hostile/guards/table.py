"""All guards, by rule, and behind them those that belong to none."""

from tests.hostile.guards import Guard
from tests.hostile.guards.caps import CAPS
from tests.hostile.guards.files import FILES
from tests.hostile.guards.history import HISTORY
from tests.hostile.guards.login import LOGIN
from tests.hostile.guards.others import OTHERS
from tests.hostile.guards.pictures import PICTURES
from tests.hostile.guards.remote import REMOTE
from tests.hostile.guards.rooms import ROOMS
from tests.hostile.guards.sessions import SESSIONS

#: Rules of what isn't there yet, so that nothing can be taken away: corrections, OMEMO.
WITHOUT = {11, 24}

#: Groups that stand beside the rules: the bridge for other machines, and pictures of people.
NAMED = {"bridge", "pictures"}

GUARDS: tuple[Guard, ...] = tuple(
    sorted(
        (*SESSIONS, *HISTORY, *LOGIN, *OTHERS, *CAPS, *ROOMS, *FILES, *PICTURES, *REMOTE),
        key=lambda guard: (guard.rule in NAMED, guard.rule),
    )
)
