"""Which stanza of which session: what must be noted once it is dealt with."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A stanza's number (XEP-0198) within a profile's ``session``-th session since the start."""

    session: int
    number: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The session whose stanzas arrive; ``id`` is what the server calls it if it can be resumed."""

    number: int
    id: str | None
