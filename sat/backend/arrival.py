"""Which stanza of which stream: what must be noted once it is dealt with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """A stanza's number (XEP-0198) within a profile's ``stream``-th stream since the start."""

    stream: int
    number: int
