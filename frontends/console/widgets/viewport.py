"""Which rows of a source are in view, and at which line each begins."""

from collections.abc import Hashable
from typing import NamedTuple, Protocol

import urwid

from sat.frontends.console.widgets.rowcache import RowCache


class Source(Protocol):
    """Rows in an order, by keys that are hashable and not None.

    A source may hold a part of what there is, and grow at either end when it is asked to; then it
    calls :meth:`~sat.frontends.console.widgets.messages.MessageList.changed`.
    """

    @property
    def live(self) -> bool:
        """Whether the last row is the newest there is: the list then stays at the end."""

    def __contains__(self, key: object, /) -> bool:
        """Tell whether there is a row with this key."""

    def first(self) -> Hashable:
        """Return the key of the first row, or None if there is none."""

    def last(self) -> Hashable:
        """Return the key of the last row, or None if there is none."""

    def before(self, key: Hashable, /) -> Hashable:
        """Return the key of the row before this one, or None if it is the first."""

    def after(self, key: Hashable, /) -> Hashable:
        """Return the key of the row after this one, or None if it is the last."""

    def widget(self, key: Hashable, /) -> urwid.Widget:
        """Return a new flow widget which draws the row; its text is safe."""


class Placed(NamedTuple):
    """A row, and where it is: its first line may be above the view (below 0)."""

    key: Hashable
    widget: urwid.Widget
    top: int
    rows: int


class Viewport:
    """The place of the view: one row's key, and the line of the view where it begins.

    :param source: where rows come from
    :param cache: their widgets
    """

    def __init__(self, source: Source, cache: RowCache) -> None:
        self.source = source
        self.sticks = True
        self._cache = cache
        self._anchor: Hashable = None
        self._top = 0
        self._columns = 0
        self._last: list[Hashable] = []

    def to_start(self) -> None:
        """Show the first row at the top."""
        self._anchor, self._top, self.sticks = self.source.first(), 0, False

    def to_end(self) -> None:
        """Show the last row at the bottom, and stay there."""
        self._anchor, self.sticks = None, True

    def place(self, key: Hashable, top: int) -> None:
        """Show a row at a line of the view."""
        self._anchor, self._top, self.sticks = key, top, False

    def scroll(self, size: tuple[int, int], lines: int, focus: Hashable) -> None:
        """Move the view by lines; at the end of what is newest it stays there."""
        placed = self.layout(size, focus)
        if not placed:
            return
        self._anchor, self._top, self.sticks = placed[0].key, placed[0].top - lines, False
        placed = self.layout(size, focus)
        final = placed[-1]
        if lines > 0 and final.top + final.rows <= size[1]:
            self.sticks = self.source.live and self.source.after(final.key) is None

    def reveal(self, size: tuple[int, int], key: Hashable, focus: Hashable) -> None:
        """Move the view as little as needed for a row to be in it, from its first line on."""
        height = size[1]
        for one in self.layout(size, focus):
            if one.key == key:
                if one.top < 0:
                    self.place(key, 0 if one.rows <= height else min(0, one.top))
                elif one.top + one.rows > height:
                    self.place(key, max(0, height - one.rows))
                return
        rows = self._rows(key, size[0], focus)
        follows = bool(self._last) and self._follows(self._last[-1], key)
        self.place(key, max(0, height - rows) if follows else min(0, height - rows))

    def _follows(self, first: Hashable, key: Hashable) -> bool:
        return first in self.source and self.source.after(first) == key

    def hidden(self, size: tuple[int, int], key: Hashable, step: int) -> int:
        """Return how many lines of a row are beyond the view in the direction of the step."""
        for one in self.layout(size, key):
            if one.key == key:
                return max(0, -one.top if step < 0 else one.top + one.rows - size[1])
        return 0

    def _rows(self, key: Hashable, columns: int, focus: Hashable) -> int:
        rows: int = self._cache[key].rows((columns,), key == focus)  # type: ignore[attr-defined]
        return rows

    def layout(self, size: tuple[int, int], focus: Hashable) -> list[Placed]:
        """Return the rows that are in view, from top to bottom.

        :param focus: the key of the row that is drawn as in focus
        """
        columns, height = size
        anchor, top = self._start(columns, height, focus)
        if anchor is None:
            self._last = []
            return []
        placed = [Placed(anchor, self._cache[anchor], top, self._rows(anchor, columns, focus))]
        self._fill_up(placed, columns, focus)
        if placed[0].top > 0:
            _shift(placed, -placed[0].top)
        self._fill_down(placed, columns, height, focus)
        gap = height - placed[-1].top - placed[-1].rows
        if gap > 0:
            _shift(placed, gap)
            self._fill_up(placed, columns, focus)
        placed = [
            one for one in placed if one.top < height and one.top + one.rows > max(0, one.top)
        ]
        self._hold(placed, focus)
        self._columns = columns
        return placed

    def _start(self, columns: int, height: int, focus: Hashable) -> tuple[Hashable, int]:
        last = self.source.last()
        if last is None:
            return None, 0
        if not self.sticks and self._anchor not in self.source:
            self._reanchor()
        if self.sticks or self._anchor is None:
            return last, height - self._rows(last, columns, focus)
        if self._top < 0 and columns != self._columns and self._columns:
            # What is looked at within a long row stays in view when its lines are divided anew.
            self._top = self._top * self._columns // columns
            self._top = max(self._top, 1 - self._rows(self._anchor, columns, focus))
        return self._anchor, self._top

    def _reanchor(self) -> None:
        """Hold to what was nearest to a row that went."""
        at = self._last.index(self._anchor) if self._anchor in self._last else 0
        near = sorted(range(len(self._last)), key=lambda one: abs(one - at))
        self._anchor = next(
            (self._last[one] for one in near if self._last[one] in self.source), None
        )
        self.sticks = self._anchor is None

    def _hold(self, placed: list[Placed], focus: Hashable) -> None:
        """Remember the row that keeps its place.

        It is the selected one, or the one that had it before, or the first which begins in view.
        """
        self._last = [one.key for one in placed]
        begins = [one for one in placed if one.top >= 0] or placed
        by_key = {one.key: one for one in begins}
        held = by_key.get(focus) or by_key.get(self._anchor) or begins[0]
        self._anchor, self._top = held.key, held.top

    def _fill_up(self, placed: list[Placed], columns: int, focus: Hashable) -> None:
        above: list[Placed] = []
        key, top = placed[0].key, placed[0].top
        while top > 0:
            key = self.source.before(key)
            if key is None:
                break
            rows = self._rows(key, columns, focus)
            top -= rows
            above.append(Placed(key, self._cache[key], top, rows))
        placed[:0] = reversed(above)

    def _fill_down(self, placed: list[Placed], columns: int, height: int, focus: Hashable) -> None:
        key, bottom = placed[-1].key, placed[-1].top + placed[-1].rows
        while bottom < height:
            key = self.source.after(key)
            if key is None:
                break
            rows = self._rows(key, columns, focus)
            placed.append(Placed(key, self._cache[key], bottom, rows))
            bottom += rows

    def near_ends(self, placed: list[Placed], height: int) -> tuple[Hashable, Hashable]:
        """Return the keys of the first and the last row, each if it is near the view, else None."""
        ends: list[Hashable] = []
        for key, step in (placed[0].key, self.source.before), (placed[-1].key, self.source.after):
            end: Hashable = key
            for _ in range(height):
                further = step(end)
                if further is None:
                    break
                end = further
            ends.append(end if step(end) is None else None)
        return ends[0], ends[1]


def _shift(placed: list[Placed], lines: int) -> None:
    placed[:] = [one._replace(top=one.top + lines) for one in placed]
