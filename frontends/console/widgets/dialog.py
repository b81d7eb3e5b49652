"""A text with answers below it, and a text alone, which scroll."""

from collections.abc import Sequence
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.acting import Acting, steps
from sat.frontends.console.widgets.cells import clean, line, width
from sat.frontends.console.widgets.keys import KeyMap
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.menu import Item
from sat.frontends.console.widgets.painting import Span, paint


class Dialog(Acting):
    """A box widget with a text, and answers of which one is chosen; without any, a text to read.

    Signal: ``chosen`` (dialog, action).

    Attributes of the display: ``dialog text``, ``button``, ``button chosen``.

    Actions: ``next``, ``previous`` (answer), ``choose``, ``up``, ``down``, ``page-up``,
    ``page-down`` (in the text). A click chooses; the wheel scrolls.

    :param text: what is said or asked; it is made safe
    :param answers: what can be chosen; the first one is, at first
    """

    signals: ClassVar[list[str]] = ["chosen"]
    KEYS: ClassVar[KeyMap] = {
        "next": ("right", "tab"),
        "previous": ("left", "shift tab"),
        "choose": ("enter",),
        "up": ("up",),
        "down": ("down",),
        "page-up": ("page up",),
        "page-down": ("page down",),
    }

    def __init__(self, text: str, answers: Sequence[Item] = ()) -> None:
        super().__init__()
        self._text = urwid.Text(("dialog text", clean(text)), layout=ISOLATING)
        self._answers = [Item(line(title), line(hint), action) for title, hint, action in answers]
        self._at = self._top = 0

    @property
    def columns(self) -> int:
        """How wide it would be, at most 60 for its text."""
        longest = max(map(width, str(self._text.text).split("\n")))
        return max(min(longest, 60), sum(width(one.title) + 5 for one in self._answers))

    def rows_wanted(self, columns: int) -> int:
        """Return how high it would be, with all its text."""
        below = self._answer_rows(columns)
        return self._text.rows((columns,)) + (len(below) + 1 if below else 0)

    def _answer_rows(self, columns: int) -> list[list[tuple[int, str]]]:
        """Return the answers by rows, each with its place and what is drawn."""
        rows: list[list[tuple[int, str]]] = []
        taken = columns
        for at, one in enumerate(self._answers):
            drawn = f"[ {one.title} ]"
            if taken + width(drawn) + 1 > columns:
                rows.append([])
                taken = 0
            rows[-1].append((at, drawn))
            taken += width(drawn) + 1
        return rows

    def _text_rows(self, size: tuple[int, int]) -> int:
        below = self._answer_rows(size[0])
        return max(0, size[1] - len(below) - 1) if below else size[1]

    def act(self, action: str) -> bool:
        """Do an action by name."""
        moves = steps(self._text_rows(self._size))
        if action in moves:
            self._top = max(0, self._top + moves[action])
        elif action in ("next", "previous") and self._answers:
            step = 1 if action == "next" else -1
            self._at = (self._at + step) % len(self._answers)
        elif action == "choose" and self._answers:
            self._emit("chosen", self._answers[self._at].action)
        else:
            return False
        self._invalidate()
        return True

    def clicked(self, col: int, row: int) -> bool:
        """Choose the answer that is clicked."""
        shown, first = self._below(self._size)
        if not first <= row < first + len(shown):
            return False
        at = 0
        for answer, drawn in shown[row - first]:
            if at <= col < at + width(drawn):
                self._at = answer
                return self.act("choose")
            at += width(drawn) + 1
        return False

    def _below(self, size: tuple[int, int]) -> tuple[list[list[tuple[int, str]]], int]:
        """Return the rows of answers there is room for, and where they begin."""
        below = self._answer_rows(size[0])
        chosen = next(
            (at for at, row in enumerate(below) if self._at in (one for one, _ in row)), 0
        )
        first = max(0, min(chosen, len(below) - size[1]))
        shown = below[first : first + size[1]]
        return shown, size[1] - len(shown)

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the text, and the answers at the bottom."""
        self._size = size
        columns = size[0]
        shown, first = self._below(size)
        rows: list[list[Span]] = []
        for row in shown:
            rows.append([])
            for at, drawn in row:
                name = "button chosen" if at == self._at else "button"
                rows[-1] += [(name, drawn), ("dialog text", " ")]
        if not first:
            return paint(rows, *size)
        height = self._text_rows(size)
        text = urwid.CompositeCanvas(self._text.render((columns,)))
        self._top = max(0, min(self._top, text.rows() - height))
        if not height:
            text = urwid.CompositeCanvas(paint([], columns, first))
        else:
            text.trim(self._top, min(height, text.rows() - self._top))
            text.pad_trim_top_bottom(0, first - text.rows())
        return urwid.CanvasCombine(
            [(text, None, False), *([(paint(rows, columns), None, True)] if rows else [])]
        )
