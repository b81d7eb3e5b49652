"""The line above a conversation: who it is with, and what they show."""

from typing import TYPE_CHECKING

import urwid

from sat.bridge.model import Presence
from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.core.state import Key
from sat.frontends.core.views.contacts import best
from sat.frontends.core.views.names import bare, kind_of, name_of

if TYPE_CHECKING:
    from sat.frontends.console.app import App

#: Why a room isn't joined, where its own sentence doesn't say.
_ROOM_STATES = {
    "left": _("you have left it; /join goes in again"),
    "waiting": _("waits for the connection"),
    "joining": _("asking to be let in…"),
    "refused": _("you were not let in"),
    "removed": _("you were put out; /join goes in again"),
}


class Header(urwid.Widget):
    """One line.

    :param app: the program
    :param key: the conversation's profile and peer
    """

    _sizing = frozenset([urwid.FLOW])
    _selectable = False

    def __init__(self, app: "App", key: Key) -> None:
        super().__init__()
        self._app = app
        self._key = key

    def refresh(self) -> None:
        """Draw it anew: something has changed."""
        self._invalidate()

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return 1."""
        return 1

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        state = self._app.attachment.state
        look, rest = "title" if focus else "title.dim", "title.dim"
        spans: list[Span] = [(look, " ")]
        kind = kind_of(state, *self._key)
        title = cells.isolate(cells.line(name_of(state, *self._key)))
        if kind == "room":
            room = state.rooms[self._key]
            count = len(state.occupants.get(self._key, ()))
            spans += [(look, f"# {title}"), (rest, f" ({count})" if count else "")]
            if room.state != "joined":
                why = room.sentence or _ROOM_STATES.get(room.state, room.state)
                spans.append((rest, f"  {cells.line(why)}"))
            elif room.subject:
                spans.append((rest, f"  {cells.isolate(cells.line(room.subject))}"))
        else:
            shown = best(self._presences())
            char, _look, word = PRESENCE[shown.show if shown is not None else "unavailable"]
            spans += [(look, f"{sign(char)} {title}")]
            if title != self._key[1]:
                spans.append((rest, f"  {cells.line(self._key[1])}"))
            if shown is not None and shown.status:
                spans.append((rest, f"  {cells.isolate(cells.line(shown.status))}"))
            elif shown is not None and shown.show not in ("available", "chat"):
                spans.append((rest, f"  {_(word)}"))
        spans.append((rest, " "))
        if len(self._app.profiles) > 1:
            tail = f" {cells.line(self._key[0])} "
            room_left = size[0] - cells.width(tail)
            if room_left > 20:
                canvas = paint([spans], room_left, 1)
                end = paint([[(rest, tail)]], cells.width(tail), 1)
                return urwid.CanvasJoin(
                    [(canvas, None, False, room_left), (end, None, False, cells.width(tail))]
                )
        return paint([spans], size[0], 1)

    def _presences(self) -> list[Presence]:
        profile, peer = self._key
        state = self._app.attachment.state
        if kind_of(state, profile, peer) == "private":
            nick = peer.partition("/")[2]
            there = state.occupants.get((profile, bare(peer)), {}).get(nick)
            if there is None:
                return []
            return [Presence(profile=profile, jid=peer, show=there.show, status=there.status)]
        return self._app.contacts.view.resources(profile, bare(peer))
