"""What all profiles of the daemon share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from twisted.internet.interfaces import IReactorFromThreads

from sat.backend.blobs import Blobs
from sat.backend.cache import Cache
from sat.backend.descriptions import Descriptions
from sat.backend.hub import Hub
from sat.backend.journal import Journal
from sat.backend.loader import Loader
from sat.backend.options import Options
from sat.backend.passwords import Passwords
from sat.backend.store import Store
from sat.backend.waiters import StateWaiters


@dataclass(frozen=True, slots=True)
class Core:
    """The parts of the daemon that services use; everything outside comes in as an argument.

    ``now`` is the time in seconds since 1970.
    """

    reactor: IReactorFromThreads
    random: Random
    now: Callable[[], float]
    store: Store
    journal: Journal
    hub: Hub
    options: Options
    passwords: Passwords
    plugins: Loader
    waiters: StateWaiters
    blobs: Blobs
    descriptions: Descriptions
    cache: Cache
