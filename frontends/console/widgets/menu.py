"""Items to choose from: a menu, or a palette of commands that typing filters."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

import urwid

from sat.frontends.console.widgets.acting import Picking, steps
from sat.frontends.console.widgets.cells import clean, line, width
from sat.frontends.console.widgets.fuzzy import Found, search
from sat.frontends.console.widgets.keys import KeyMap
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.console.widgets.paste import written


class Item(NamedTuple):
    """What can be chosen: its title, a hint beside it (such as its key), and what it stands for."""

    title: str
    hint: str
    action: Hashable


class Menu(Picking):
    """A box widget of items to choose from; as a palette, what is typed filters them.

    What is typed is found in titles in its order, though not side by side; the best come first.

    Signal: ``chosen`` (menu, action).

    Attributes of the display: ``menu``, ``menu chosen``, ``menu hint``, ``menu hint chosen``,
    ``menu found`` (letters that were typed), ``menu prompt``.

    Actions: ``up``, ``down``, ``page-up``, ``page-down``, ``choose``, ``erase``, ``erase-all``.
    A click chooses.

    :param items: what can be chosen
    :param palette: whether typing filters
    """

    signals: ClassVar[list[str]] = ["chosen"]
    KEYS: ClassVar[KeyMap] = {
        "up": ("up", "ctrl p", "shift tab"),
        "down": ("down", "ctrl n", "tab"),
        "page-up": ("page up",),
        "page-down": ("page down",),
        "choose": ("enter",),
        "erase": ("backspace", "ctrl h"),
        "erase-all": ("ctrl u",),
    }

    def __init__(self, items: Sequence[Item], palette: bool = False) -> None:
        super().__init__()
        self._items = [Item(line(title), line(hint), action) for title, hint, action in items]
        self._palette = palette
        self._text = ""
        self._found: list[Found] = []
        self._search()

    @property
    def text(self) -> str:
        """What was typed."""
        return self._text

    @property
    def columns(self) -> int:
        """How wide it would be."""
        return max((width(one.title) + width(one.hint) + 4 for one in self._items), default=20)

    @property
    def rows_wanted(self) -> int:
        """How high it would be, with all its items."""
        return len(self._items) + self._palette

    def _search(self) -> None:
        self._found = search([one.title for one in self._items], self._text)
        self._at = 0
        self._invalidate()

    def act(self, action: str) -> bool:
        """Do an action by name."""
        moves = steps(self._height)
        last = len(self._found) - 1
        if action in ("up", "down") and last >= 0:
            self._at = (self._at + moves[action]) % (last + 1)
        elif action in moves:
            self._at = max(0, min(self._at + moves[action], last))
        elif action == "choose":
            if 0 <= self._at <= last:
                self._emit("chosen", self._items[self._found[self._at].item].action)
        elif action in ("erase", "erase-all") and self._palette and self._text:
            self._text = self._text[:-1] if action == "erase" else ""
            self._search()
        else:
            return False
        self._invalidate()
        return True

    def typed(self, key: str) -> str | None:
        """Add a key to what was typed."""
        text = written(key) if self._palette else ""
        if not text:
            return key
        self._text += text
        self._search()
        return None

    @property
    def _height(self) -> int:
        rows = self._size[1]
        return rows - self._palette if rows > 1 else 1

    def clicked(self, col: int, row: int) -> bool:
        """Choose what is clicked."""
        at = self._entry(row, len(self._found))
        if at is None:
            return False
        self._at = at
        return self.act("choose")

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw what was typed, and the items that fit it."""
        columns, height = size
        self._size = size
        self._scroll()
        drawn: list[list[Span]] = []
        cursor = None
        if self._height < height:
            prompt = f"> {clean(self._text)}"
            drawn.append([("menu prompt", prompt)])
            cursor = (min(width(prompt), columns - 1), 0) if focus else None
        window = self._found[self._top : self._top + self._height]
        for at, found in enumerate(window, self._top):
            drawn.append(self._spans(found, columns, at == self._at))
        return paint(drawn, columns, height, cursor)

    def _spans(self, found: Found, columns: int, chosen: bool) -> list[Span]:
        item = self._items[found.item]
        end = " chosen" if chosen else ""
        hint = f" {item.hint} " if item.hint else ""
        room = max(1, columns - width(hint))
        spans: list[Span] = [(f"menu{end}", " ")]
        for at, letter in enumerate(item.title):
            name = "menu found" if at in found.letters else f"menu{end}"
            if spans[-1][0] == name:
                spans[-1] = (name, spans[-1][1] + letter)
            else:
                spans.append((name, letter))
        taken = 1 + width(item.title)
        spans.append((f"menu{end}", " " * max(0, room - taken)))
        return [*spans, (f"menu hint{end}", hint)] if taken <= room else spans
