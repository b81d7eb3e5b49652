"""What keys do, in chapters."""

from collections.abc import Sequence
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.cells import clean, fill, line, width
from sat.frontends.console.widgets.keys import Keyed, KeyMap
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.painting import Span, paint


class HelpPage(Keyed, urwid.Widget):
    """A box widget with chapters of keys and what they do, to be scrolled.

    Attributes of the display: ``help heading``, ``help key``, ``help text``.

    Actions: ``up``, ``down``, ``page-up``, ``page-down``, ``first``, ``last``.

    :param chapters: each a heading, and pairs of keys and sentences
    """

    _selectable = True
    _sizing = frozenset([urwid.BOX])
    KEYS: ClassVar[KeyMap] = {
        "up": ("up",),
        "down": ("down",),
        "page-up": ("page up",),
        "page-down": ("page down", " "),
        "first": ("home",),
        "last": ("end",),
    }

    def __init__(self, chapters: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        super().__init__()
        self._chapters = chapters
        self._top = 0
        self._size = (80, 24)

    def _lines(self, columns: int) -> list[list[Span]]:
        found: list[list[Span]] = []
        pairs = [line(key) for _, every in self._chapters for key, _ in every]
        room = min(max(map(width, pairs), default=0) + 2, columns // 2)
        for heading, every in self._chapters:
            found += [[]] if found else []
            if heading:
                found.append([("help heading", line(heading))])
            for key, sentence in every:
                shown = line(key)
                if width(shown) >= room:
                    # Nothing of it is cut: it stands above what it does.
                    found += [[("help key", one)] for one in _rows(shown, columns)]
                    shown = ""
                for row in _rows(sentence, columns - room):
                    found.append([("help key", fill(shown, room)), ("help text", row)])
                    shown = ""
        return found

    def rows_wanted(self, columns: int) -> int:
        """Return how high it would be, with all its text."""
        return len(self._lines(columns))

    def act(self, action: str) -> bool:
        """Do an action by name."""
        last = max(0, len(self._lines(self._size[0])) - self._size[1])
        page = max(1, self._size[1] - 1)
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page}
        steps |= {"first": -last, "last": last}
        if action not in steps:
            return False
        self._top = max(0, min(self._top + steps[action], last))
        self._invalidate()
        return True

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Scroll."""
        self._size = size
        action = self.action(key)
        return None if action is not None and self.act(action) else key

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Scroll by the wheel."""
        self._size = size
        if event != "mouse press" or button not in (4, 5):
            return False
        return self.act("page-up" if button == 4 else "page-down")

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw what is in view."""
        self._size = size
        lines = self._lines(size[0])
        self._top = max(0, min(self._top, len(lines) - size[1]))
        return paint(lines[self._top : self._top + size[1]], *size)


def _rows(text: str, columns: int) -> list[str]:
    """Return a text as lines that are so wide at most."""
    drawn = urwid.Text(clean(text), layout=ISOLATING).render((max(1, columns),))
    return [row.decode(errors="replace") for row in drawn.text]
