"""The line above a conversation: who it is with, and what they show."""

from typing import TYPE_CHECKING

import urwid

from sat.bridge.model import Presence
from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.texts import _, mark
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.core.state import Key
from sat.frontends.core.views.contacts import best
from sat.frontends.core.views.names import bare, kind_of, name_of

if TYPE_CHECKING:
    from sat.frontends.console.app import App

#: Characters of a topic or a status that are looked at for one line.
MOST = 1000

#: Where a room is, where its own sentence doesn't say.
ROOM_STATES = {
    "joined": mark("you are in it"),
    "left": mark("you have left it; /join goes in again"),
    "waiting": mark("waits for the connection"),
    "joining": mark("asking to be let in…"),
    "refused": mark("you were not let in"),
    "removed": mark("you were put out; /join goes in again"),
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
        title = cells.line(name_of(state, *self._key))
        if kind == "room":
            room = state.rooms[self._key]
            count = len(state.occupants.get(self._key, ()))
            spans += [(look, "# "), (look, title), (rest, f" ({count})" if count else "")]
            if room.state != "joined":
                why = room.sentence or _(ROOM_STATES.get(room.state, room.state))
                spans.append((rest, f"  {cells.line(why)}"))
            elif room.subject:
                spans += [(rest, "  "), (rest, _beginning(room.subject))]
        else:
            shown = best(self._presences())
            char, _look, word = PRESENCE[shown.show if shown is not None else "unavailable"]
            spans += [(look, f"{sign(char)} "), (look, title)]
            if title != self._key[1]:
                spans.append((rest, f"  {cells.line(self._key[1])}"))
            if shown is not None and shown.status:
                spans += [(rest, "  "), (rest, _beginning(shown.status))]
            elif shown is not None and shown.show not in ("available", "chat"):
                spans.append((rest, f"  {_(word)}"))
        spans.append((rest, " "))
        if len(self._app.profiles) > 1:
            tail = f" {cells.line(self._key[0])} "
            room_left = size[0] - cells.width(tail)
            if room_left > 20:
                canvas = paint([_fitted(spans, room_left)], room_left, 1)
                end = paint([[(rest, tail)]], cells.width(tail), 1)
                return urwid.CanvasJoin(
                    [(canvas, None, False, room_left), (end, None, False, cells.width(tail))]
                )
        return paint([_fitted(spans, size[0])], size[0], 1)

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


def _beginning(text: str) -> str:
    """Return a text's beginning as a line; of ten thousand marks on a letter few are drawn."""
    return cells.line(text[:MOST]) + (sign("…") if len(text) > MOST else "")


def _fitted(spans: list[Span], columns: int) -> list[Span]:
    """Return spans that fit, with a mark where something is left out."""
    left = columns
    for place, (look, text) in enumerate(spans):
        if cells.width(text) > left:
            return [*spans[:place], (look, cells.cut(text, left))]
        left -= cells.width(text)
    return spans
