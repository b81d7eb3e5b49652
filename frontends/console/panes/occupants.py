"""Who is in a room: moderators first, each in the colour of the nick, and one of them chosen."""

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
    """A column of nicks; the wheel scrolls, a click tells what can be done with somebody.

    :param app: the program
    :param key: the room's profile and JID
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(self, app: "App", key: Key) -> None:
        super().__init__()
        self._app = app
        self._key = key
        self.view = Occupants(app.model, *key)
        self._end = self.view.rows.observe(self)
        self._top = 0
        self._height = 1
        #: The nick that is chosen, while keys move here.
        self._nick: str | None = None

    @property
    def chosen(self) -> Occupant | None:
        """Who is chosen; None if nobody is, or they left."""
        return self.view.rows.get(self._nick) if self._nick is not None else None

    @property
    def _place(self) -> int:
        """The row of who is chosen; of the first one if they left."""
        keys = self.view.rows.keys
        return keys.index(self._nick) if self.chosen is not None else 0

    def enter(self) -> None:
        """Let keys move here: somebody is chosen, who was before or the first."""
        if self.view.rows:
            self._nick = self.view.rows[self._place].nick
        self._invalidate()

    def act(self, action: str) -> None:
        """Choose somebody else: ``up``, ``down``, ``page-up``, ``page-down``, ``first``, ``last``.

        Who left is no longer chosen; the first one is.
        """
        if not self.view.rows:
            return
        page = max(1, self._height - 1)
        last = len(self.view.rows) - 1
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -last,
                 "last": last}  # fmt: skip
        place = max(0, min(self._place + steps[action], last))
        self._nick = self.view.rows[place].nick
        self._top = max(place - self._height + 1, min(self._top, place))
        self._invalidate()

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what a key means here."""
        self._height = size[1]
        action = self._app.keys.action("occupants", key)
        return None if action is not None and self._app.do(action) else key

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
        self._height = height
        self._top = max(0, min(self._top, len(self.view.rows) - height))
        shown = self.view.rows[self._top : self._top + height]
        nick = shown and focus and self.view.rows[self._place].nick
        return paint([self._row(one, columns, one.nick == nick) for one in shown], columns, height)

    def _row(self, one: Occupant, columns: int, chosen: bool) -> list[Span]:
        char, look, _word = PRESENCE[one.show]
        settings = self._app.screen
        name = message.name_attribute(one.nick, settings.theme, settings.colours)
        nick = cells.isolate(cells.cut(cells.line(one.nick), max(1, columns - 3)))
        if chosen:
            told = f"{_ROLES[one.role]}{sign(char)} {nick}"
            return [("menu chosen", told + " " * max(0, columns - cells.width(told)))]
        return [("dim", _ROLES[one.role]), (look, sign(char)), ("text", " "), (name, nick)]

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Scroll, or tell what can be done with who is clicked."""
        if event != "mouse press":
            return False
        if button in (4, 5):
            self._top = max(0, self._top + (3 if button == 5 else -3))
            self._invalidate()
            return True
        place = self._top + row
        if button == 1 and place < len(self.view.rows):
            from sat.frontends.console.windows import occupant

            self._nick = self.view.rows[place].nick
            self._invalidate()
            occupant.menu(self._app, self._key, self.view.rows[place])
            return True
        return False
