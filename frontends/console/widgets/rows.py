"""Rows by key under headings, thousands of them, of which one is selected."""

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import urwid

from sat.frontends.console.widgets.acting import Picking, steps
from sat.frontends.console.widgets.cells import line
from sat.frontends.console.widgets.keys import KeyMap
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.console.widgets.paste import written


class Line(NamedTuple):
    """What is shown of a row, and where it stands.

    ``order`` is compared with those of other rows, so all are of one type; ``spans`` are
    attributes with safe texts; ``words`` is what a filter looks into; ``heading`` is the name of
    the heading it stands under ("" is none).
    """

    order: Any
    spans: Sequence[Span]
    words: str = ""
    heading: str = ""


@dataclass(frozen=True)
class _Heading:
    name: str


class RowList(Picking):
    """A box widget with a line for each key; one of them is selected, wherever it moves to.

    Adding, changing, moving and removing a row take about as long as finding its place; only what
    is in view is drawn. Typing letters filters (``filtering`` set), the first line then shows
    what was typed.

    Signals, each with the list first: ``selected`` (key, or None for a heading; by a person, or by
    :meth:`select`), ``activated`` (key), ``filtered`` (text).

    Attributes of the display: those of the spans, each as ``NAME chosen`` in the selected row
    (``row`` and ``row chosen`` for None); ``heading``, ``heading chosen``, ``filter``.

    Actions: ``up``, ``down``, ``page-up``, ``page-down``, ``first``, ``last``, ``activate``
    (a heading is folded, or unfolded), ``fold``, ``unfold``, ``filter`` (begin to type one),
    ``clear`` (end it), ``erase`` (its last letter). A click selects, and activates what was
    selected; the wheel scrolls.

    :param headings: the order of headings, by name; others come after them, by name
    """

    signals: ClassVar[list[str]] = ["selected", "activated", "filtered"]
    KEYS: ClassVar[KeyMap] = {
        "up": ("up",),
        "down": ("down",),
        "page-up": ("page up",),
        "page-down": ("page down",),
        "first": ("home",),
        "last": ("end",),
        "activate": ("enter",),
        "fold": ("left",),
        "unfold": ("right",),
        "filter": ("/",),
        "clear": ("esc",),
        "erase": ("backspace", "ctrl h"),
    }
    #: Shown before a heading that is unfolded, or folded.
    unfolded_mark, folded_mark = "▾ ", "▸ "

    def __init__(self, headings: Sequence[str] = ()) -> None:
        super().__init__()
        self._headings = {name: at for at, name in enumerate(headings)}
        self._lines: dict[Hashable, Line] = {}
        self._groups: dict[str, list[tuple[Any, int, Hashable]]] = {}
        self._serials: dict[Hashable, int] = {}
        self._next = 0
        self._folded: set[str] = set()
        self._filter = ""
        self._match: set[Hashable] | None = None
        self._rows: list[Hashable] | None = None
        self._selected: Hashable = None
        self.filtering = False

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, key: object) -> bool:
        return key in self._lines

    @property
    def selected(self) -> Hashable:
        """The key of the selected row; None if that is a heading, or there is none."""
        return None if isinstance(self._selected, _Heading) else self._selected

    @property
    def filter(self) -> str:
        """What rows have to have in their words, each part of it somewhere."""
        return self._filter

    @filter.setter
    def filter(self, text: str) -> None:
        if text != self._filter:
            self._filter = text
            self._refilter()
            self._emit("filtered", text)

    @property
    def folded(self) -> frozenset[str]:
        """The names of the headings whose rows are hidden."""
        return frozenset(self._folded)

    def put(self, key: Hashable, row: Line) -> None:
        """Add a row, or change and move the one that has this key."""
        self._put(key, row)
        self._invalidate()

    def _put(self, key: Hashable, row: Line) -> None:
        old = self._lines.get(key)
        self._lines[key] = row
        moved = old is None or old.order != row.order or old.heading != row.heading
        if moved:
            if old is not None:
                self._take(key, old)
            else:
                self._serials[key] = self._next
                self._next += 1
            group = self._groups.setdefault(row.heading, [])
            insort(group, (row.order, self._serials[key], key), key=_place)
        if self._match is not None and (old is None or old.words != row.words):
            fits = self._fits(row)
            moved = moved or fits != (key in self._match)
            (self._match.add if fits else self._match.discard)(key)
        if moved:
            self._rows = None

    def put_all(self, rows: Iterable[tuple[Hashable, Line]]) -> None:
        """Add or change many rows."""
        for key, row in rows:
            self._put(key, row)
        self._invalidate()

    def remove(self, key: Hashable) -> None:
        """Take a row away.

        :raises KeyError: if there is none with this key
        """
        self._take(key, self._lines.pop(key))
        del self._serials[key]
        if self._match is not None:
            self._match.discard(key)
        self._rows = None
        self._invalidate()

    def clear(self) -> None:
        """Take all rows away."""
        self._lines, self._groups, self._serials = {}, {}, {}
        self._match = set() if self._match is not None else None
        self._rows = None
        self._invalidate()

    def _take(self, key: Hashable, row: Line) -> None:
        group = self._groups[row.heading]
        del group[bisect_left(group, (row.order, self._serials[key]), key=_place)]
        if not group:
            del self._groups[row.heading]

    def _fits(self, row: Line) -> bool:
        words = row.words.casefold()
        return all(part in words for part in self._filter.casefold().split())

    def _refilter(self) -> None:
        self._match = None
        if self._filter.strip():
            self._match = {key for key, row in self._lines.items() if self._fits(row)}
        self._rows = None
        self._invalidate()

    def _visible(self) -> list[Hashable]:
        """Return what is to be seen, if there were room: keys, and headings."""
        if self._rows is not None:
            return self._rows
        match = self._match
        found: list[Hashable] = []
        for name in sorted(self._groups, key=self._heading_place):
            group = self._groups[name]
            keys = [key for _, _, key in group if match is None or key in match]
            if keys and name:
                found.append(_Heading(name))
            if name not in self._folded or match is not None:
                found += keys
        self._rows = found
        self._hold(found)
        return found

    def _heading_place(self, name: str) -> tuple[int, int, str]:
        return (name != "", self._headings.get(name, len(self._headings)), name)

    def _hold(self, rows: list[Hashable]) -> None:
        """Keep the selection by key; where it went, select what stands in its place."""
        before = self._selected
        if before in rows:
            self._at = rows.index(before)
            return
        self._at = max(0, min(self._at, len(rows) - 1))
        if self._match is not None:
            self._at = next((at for at, one in enumerate(rows) if not _is_heading(one)), self._at)
        self._selected = rows[self._at] if rows else None

    def select(self, key: Hashable) -> bool:
        """Select a row, unfolding its heading; tell whether it is there, and not filtered out."""
        if key in self._lines:
            self._folded.discard(self._lines[key].heading)
            self._rows = None
        rows = self._visible()
        if key not in rows:
            return False
        self._choose(rows.index(key))
        return True

    def _choose(self, at: int) -> None:
        rows = self._visible()
        if rows:
            self._at = max(0, min(at, len(rows) - 1))
            if rows[self._at] != self._selected:
                self._selected = rows[self._at]
                self._emit("selected", self.selected)
            self._invalidate()

    def fold(self, heading: str, folded: bool = True) -> None:
        """Hide the rows of a heading, or show them again."""
        (self._folded.add if folded else self._folded.discard)(heading)
        rows = self._visible() if self._rows is not None else []
        under = self._lines.get(self._selected)
        if folded and under is not None and under.heading == heading and rows:
            self._selected = _Heading(heading)
        self._rows = None
        self._invalidate()

    def act(self, action: str) -> bool:
        """Do an action by name."""
        rows = self._visible()
        moves = steps(self._height)
        if action in moves or action in ("first", "last"):
            wanted = self._at + moves.get(action, -len(rows) if action == "first" else len(rows))
            wanted = max(0, min(wanted, len(rows) - 1))
            moved = bool(rows) and wanted != self._at
            self._choose(wanted)
            return moved or abs(moves.get(action, moves["page-down"])) > 1
        if action in ("filter", "clear", "erase"):
            return self._edit_filter(action)
        heading = self._heading_of(self._selected)
        match action:
            case "activate" if _is_heading(self._selected):
                self.fold(heading, heading not in self._folded)
            case "activate" if self._selected is not None and rows:
                self._emit("activated", self._selected)
            case "fold" if heading and heading not in self._folded:
                self.fold(heading)
            case "unfold" if heading in self._folded:
                self.fold(heading, False)
            case _:
                return False
        return True

    def _edit_filter(self, action: str) -> bool:
        if action == "filter":
            self.filtering = True
        elif action == "clear":
            if not self.filtering and not self._filter:
                return False
            self.filtering, self.filter = False, ""
        elif not self.filtering:
            return False
        else:
            self.filtering = bool(self._filter)
            self.filter = self._filter[:-1]
        self._invalidate()
        return True

    def _heading_of(self, key: Hashable) -> str:
        if isinstance(key, _Heading):
            return key.name
        return self._lines[key].heading if key in self._lines else ""

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what the key means, or add it to the filter; return it if it means nothing here."""
        text = written(key) if self.filtering else ""
        if not text:
            return super().keypress(size, key)
        self._size = size
        self.filter += text
        return None

    @property
    def _height(self) -> int:
        rows = self._size[1]
        return max(1, rows - 1) if self.filtering or self._filter else rows

    def wheeled(self, step: int) -> bool:
        """Select what is a few rows further."""
        self._choose(self._at + 3 * step)
        return True

    def clicked(self, col: int, row: int) -> bool:
        """Select what is clicked; activate what was selected, fold a heading or unfold it."""
        rows = self._visible()
        at = self._entry(row, len(rows))
        if at is None:
            return False
        again = at == self._at or _is_heading(rows[at])
        self._choose(at)
        return self.act("activate") if again else True

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the rows that are in view."""
        self._size = columns, height = size
        rows = self._visible()
        # Where rows went there is no gap at the end.
        self._top = min(self._top, len(rows) - self._height)
        self._scroll()
        drawn: list[Sequence[Span]] = []
        cursor = None
        if self._height < height:
            text = "/" + line(self._filter) + (" " if self._filter.endswith(" ") else "")
            drawn.append([("filter", text)])
            cursor = (min(len(text), columns - 1), 0) if focus and self.filtering else None
        for at, key in enumerate(rows[self._top : self._top + self._height], self._top):
            drawn.append(self._spans(key, at == self._at))
        return paint(drawn, columns, height, cursor)

    def _spans(self, key: Hashable, chosen: bool) -> Sequence[Span]:
        if isinstance(key, _Heading):
            folded = key.name in self._folded and self._match is None
            mark = self.folded_mark if folded else self.unfolded_mark
            name = "heading chosen" if chosen else "heading"
            return [(name, f"{mark}{line(key.name)} ({len(self._groups[key.name])})")]
        end = " chosen" if chosen else ""
        spans = [(f"{name or 'row'}{end}", text) for name, text in self._lines[key].spans]
        return [*spans, (f"row{end}", "")]


def _place(entry: tuple[Any, ...]) -> tuple[Any, int]:
    return entry[0], entry[1]


def _is_heading(key: Hashable) -> bool:
    return isinstance(key, _Heading)
