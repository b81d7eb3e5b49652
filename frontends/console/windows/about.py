"""A window that tells all of whom a conversation is with: nothing of it is cut."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.frontends.console.panes.header import ROOM_STATES
from sat.frontends.console.signs import PRESENCE
from sat.frontends.console.texts import _, mark
from sat.frontends.console.windows.show import page
from sat.frontends.core.views.names import bare, kind_of, name_of

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.state import Key

#: Characters that are shown of one text.
MOST = 20_000

_SUBSCRIPTIONS = {
    "both": mark("each sees when the other is there"),
    "to": mark("you see when they are there, and they don’t see you"),
    "from": mark("they see when you are there, and you don’t see them"),
    "none": mark("neither sees when the other is there"),
}


def about(app: "App") -> None:
    """Show all about whom the conversation in focus is with.

    :raises CommandError: ``usage.peer`` if none is open
    """
    pane = app.workspace.current
    if pane is None:
        raise CommandError("usage.peer", _("Open a conversation first."))
    state = app.attachment.state
    kind = kind_of(state, *pane.key)
    told = _room(app, pane.key) if kind == "room" else _person(app, pane.key)
    rows = [(_("address"), pane.key[1]), (_("your account"), pane.key[0]), *told]
    page(
        app,
        name_of(state, *pane.key),
        [("", [(one, _bounded(text)) for one, text in rows if text])],
    )


def _room(app: "App", key: "Key") -> Iterator[tuple[str, str]]:
    room = app.attachment.state.rooms[key]
    yield _("topic"), room.subject
    yield _("state"), room.sentence or _(ROOM_STATES.get(room.state, room.state))
    yield _("your name there"), room.nick
    yield _("people"), str(len(app.attachment.state.occupants.get(key, ())))


def _person(app: "App", key: "Key") -> Iterator[tuple[str, str]]:
    profile, peer = key
    state = app.attachment.state
    contact = state.roster.get((profile, bare(peer)))
    if contact is not None and "/" not in peer:
        yield _("groups"), ", ".join(contact.groups)
        yield _("presence"), _(_SUBSCRIPTIONS[contact.subscription])
    if "/" in peer:
        there = state.occupants.get((profile, bare(peer)), {}).get(peer.partition("/")[2])
        if there is not None:
            yield _(PRESENCE[there.show][2]), there.status or "–"
        return
    for one in app.contacts.view.resources(profile, bare(peer)):
        resource = one.jid.partition("/")[2]
        yield resource or "–", f"{_(PRESENCE[one.show][2])}. {one.status}".rstrip(". ")


def _bounded(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST]}…"
