"""What is told of a call to those that watch: see :mod:`sat.bridge.trace`."""

from __future__ import annotations

from typing import Any

import msgspec

from sat.bridge.model import Model


class Traced(Model, frozen=True, kw_only=True):
    """A call as it begins (``state`` is ``begun``), or as it ends: ``done`` or ``failed``.

    ``id`` is the same in both. ``params`` are there at the beginning, without secrets, long texts
    cut; at the end ``profile``, if it was for one, the name of the ``error``, and the ``seconds``
    that it took. ``missed`` counts what was not told before this, since it was not read in time.
    """

    id: int
    session: str
    client: str
    method: str
    state: str
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    profile: str = ""
    error: str = ""
    seconds: float = 0.0
    missed: int = 0
