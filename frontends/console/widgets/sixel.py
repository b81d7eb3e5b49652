"""Pictures that the terminal draws itself (sixel, DEC STD 070): a strip for each row of cells.

urwid writes cells alone. So a picture's cells are blanks, each row of them with an attribute of its
own, by which :class:`SixelScreen` finds where on the screen they are, and what is drawn there: it
scrolls, is cut and goes away as text does.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import urwid

from sat.frontends.console.widgets.paste import PastingScreen
from sat.frontends.console.widgets.thin import ThinScreen


class Strips(NamedTuple):
    """A picture: how many cells it is wide, and the sequence that draws each row of them."""

    columns: int
    rows: Sequence[bytes]


class _Strip(urwid.AttrSpec):
    """The attribute of one row of one picture; it is equal to no other."""

    __slots__ = ("columns", "sequence")

    def __init__(self, columns: int, sequence: bytes) -> None:
        super().__init__("default", "default")
        self.columns = columns
        self.sequence = sequence

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Sixel(urwid.Widget):
    """A flow widget that a :class:`SixelScreen` draws as a picture, where there is room for it.

    :param strips: what is drawn
    :param narrow: a flow widget for where there is less room
    """

    _sizing = frozenset([urwid.FLOW])
    ignore_focus = True

    def __init__(self, strips: Strips, narrow: urwid.Widget) -> None:
        super().__init__()
        self._columns = strips.columns
        self._strips = [_Strip(strips.columns, one) for one in strips.rows]
        self._narrow = narrow

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many rows it takes."""
        if size[0] < self._columns:
            return int(self._narrow.rows(size))  # type: ignore[attr-defined]
        return len(self._strips)

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Return blanks, which the screen draws over."""
        columns = size[0]
        if columns < self._columns:
            return urwid.CompositeCanvas(self._narrow.render(size))
        rest = columns - self._columns
        attributes: list[list[tuple[Hashable, int]]] = [
            [(one, self._columns), *([(None, rest)] if rest else [])] for one in self._strips
        ]
        return urwid.TextCanvas([b" " * columns] * len(self._strips), attributes, maxcol=columns)


class SixelScreen(ThinScreen, PastingScreen):
    """urwid's raw screen, which draws pictures where :class:`Sixel` has left room for them."""

    #: Whether there may be any: until then drawing costs nothing more.
    draws_sixel = False

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._drawn: dict[tuple[int, int], tuple[_Strip, Any]] = {}

    def draw_screen(self, size: tuple[int, int], canvas: urwid.Canvas) -> None:
        """Draw text, and with it the pictures that are new, or that text is written over."""
        if not self.draws_sixel:
            super().draw_screen(size, canvas)
            return
        if self.screen_buf is None:
            self._drawn = {}
        wanted: dict[tuple[int, int], tuple[_Strip, Any]] = {}
        sequences = []
        for line, row in enumerate(canvas.content()):
            for column, strip in _strips(row):
                place = line, column
                # The whole row: all of one in which something has changed is written.
                wanted[place] = strip, row
                if self._drawn.get(place) != wanted[place]:
                    where = f"\x1b[{line + 1};{column + 1}H"
                    sequences.append(where + strip.sequence.decode("ascii"))
        self.kept = {line for line, _ in (*self._drawn, *wanted)}
        # Blanks that were under a picture are no other than those that follow: it would stay.
        self.soiled = {
            place[0]
            for place, (strip, _) in self._drawn.items()
            if place not in wanted or wanted[place][0] is not strip
        }
        self.after = "".join(["\x1b7", *sequences, "\x1b8"]) if sequences else ""
        super().draw_screen(size, canvas)
        if not self.after:
            self._drawn = wanted


def _strips(row: Any) -> Iterator[tuple[int, _Strip]]:
    """Yield where in a row of the screen pictures are that are seen in their whole width."""
    column = 0
    for attribute, _charset, text in row:
        cells = urwid.calc_width(text, 0, len(text))
        if isinstance(attribute, _Strip) and cells == attribute.columns:
            yield column, attribute
        column += cells
