"""What keys do, in chapters."""

from collections.abc import Sequence
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.acting import Acting, steps
from sat.frontends.console.widgets.cells import clean, fill, line, width
from sat.frontends.console.widgets.keys import KeyMap
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.painting import Span, paint


class HelpPage(Acting):
    """A box widget with chapters of keys and what they do, to be scrolled.

    Attributes of the display: ``help heading``, ``help key``, ``help text``.

    Actions: ``up``, ``down``, ``page-up``, ``page-down``, ``first``, ``last``.

    :param chapters: each a heading, and pairs of keys and sentences
    """

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
        moves = {**steps(self._size[1]), "first": -last, "last": last}
        if action not in moves:
            return False
        self._top = max(0, min(self._top + moves[action], last))
        self._invalidate()
        return True

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
