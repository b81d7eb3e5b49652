"""The state that a frontend attaches to, as one object."""

from __future__ import annotations

from sat.bridge.model import (
    Contact,
    Conversation,
    Model,
    Option,
    Profile,
    Question,
    Room,
    Transfer,
)


class State(Model, frozen=True, kw_only=True):
    """The state that a frontend attaches to: a list for each scope that it asked for.

    ``conversations`` are the 50 latest of each profile, ``transfers`` those under way. Plugins may
    add scopes of their own.
    """

    profiles: tuple[Profile, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    roster: tuple[Contact, ...] = ()
    rooms: tuple[Room, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    questions: tuple[Question, ...] = ()
    options: tuple[Option, ...] = ()
