"""Who is in a room: moderators first, each in the colour of the nick."""

from typing import TYPE_CHECKING

import urwid

from sat.bridge.model import Occupant
from sat.frontends.console import message
from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.core.state import Key
from sat.frontends.core.views.parts import Occupants

if TYPE_CHECKING:
    from sat.frontends.console.app import App

_ROLES = {"moderator": "@", "participant": " ", "visitor": "-", "none": " "}


class OccupantList(urwid.Widget):
    """A column of nicks; the wheel scrolls, a click talks to somebody in private.

    :param app: the program
    :param key: the room's profile and JID
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = False

    def __init__(self, app: "App", key: Key) -> None:
        super().__init__()
        self._app = app
        self._key = key
        self.view = Occupants(app.model, *key)
        self._end = self.view.rows.observe(self)
        self._top = 0

    def close(self) -> None:
        """Follow the room no more."""
        self._end()
        self.view.close()

    def added(self, index: int, row: Occupant) -> None:
        """Draw anew."""
        self._invalidate()

    def changed(self, index: int, row: Occupant) -> None:
        """Draw anew."""
        self._invalidate()

    def removed(self, index: int, row: Occupant) -> None:
        """Draw anew."""
        self._invalidate()

    def reset(self) -> None:
        """Draw anew."""
        self._invalidate()

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw those that there is room for."""
        columns, height = size
        self._top = max(0, min(self._top, len(self.view.rows) - height))
        shown = self.view.rows[self._top : self._top + height]
        return paint([self._row(one, columns) for one in shown], columns, height)

    def _row(self, one: Occupant, columns: int) -> list[Span]:
        char, look, _word = PRESENCE[one.show]
        settings = self._app.screen
        name = message.name_attribute(one.nick, settings.theme, settings.colours)
        nick = cells.isolate(cells.cut(cells.line(one.nick), max(1, columns - 3)))
        return [("dim", _ROLES[one.role]), (look, sign(char)), ("text", " "), (name, nick)]

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Scroll, or open a conversation with who is clicked."""
        if event != "mouse press":
            return False
        if button in (4, 5):
            self._top = max(0, self._top + (3 if button == 5 else -3))
            self._invalidate()
            return True
        place = self._top + row
        if button == 1 and place < len(self.view.rows):
            nick = self.view.rows[place].nick
            self._app.workspace.open((self._key[0], f"{self._key[1]}/{nick}"))
            return True
        return False
