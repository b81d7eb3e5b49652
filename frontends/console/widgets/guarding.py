"""What can't be drawn has a sentence in its place, and all beside it is drawn."""

from collections.abc import Callable

import urwid

from sat.frontends.console.widgets.cells import clean
from sat.frontends.console.widgets.layout import ISOLATING

#: Takes note of an error, and returns the sentence that stands in the place of what raised it.
Broken = Callable[[Exception], str]


def sentence(text: str) -> urwid.Text:
    """Return a flow widget that draws a sentence; its attribute is ``broken``."""
    return urwid.Text(("broken", clean(text)), layout=ISOLATING)


def drawn(
    widget: urwid.Widget, size: tuple[int, int], focus: bool, broken: Broken
) -> urwid.CompositeCanvas:
    """Return what a box widget draws, or a sentence in its place."""
    try:
        return urwid.CompositeCanvas(widget.render(size, focus))
    except Exception as error:
        columns, rows = size
        canvas = urwid.CompositeCanvas(sentence(broken(error)).render((columns,)))
        canvas.pad_trim_top_bottom(0, rows - canvas.rows())
        return canvas


class Guarded(urwid.Widget):
    """A flow widget that draws another one, or a sentence from when on that has raised an error.

    :param make: returns the widget; it may raise as well
    :param broken: takes note of an error
    """

    _sizing = frozenset([urwid.FLOW])
    _selectable = False

    def __init__(self, make: Callable[[], urwid.Widget], broken: Broken) -> None:
        super().__init__()
        self._broken = broken
        self._is_broken = False
        self._widget: urwid.Widget
        try:
            self._widget = make()
        except Exception as error:
            self._break(error)

    def _break(self, error: Exception) -> None:
        self._is_broken = True
        self._widget = sentence(self._broken(error))
        self._invalidate()

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many lines it takes."""
        try:
            return int(self._widget.rows(size, focus))  # type: ignore[attr-defined]
        except Exception as error:
            self._break(error)
            return int(self._widget.rows(size, focus))  # type: ignore[attr-defined]

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        try:
            return urwid.CompositeCanvas(self._widget.render(size, focus))
        except Exception as error:
            self._break(error)
            return urwid.CompositeCanvas(self._widget.render(size, focus))

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Give it what happens in it."""
        if self._is_broken:
            return False
        return bool(self._widget.mouse_event(size, event, button, col, row, focus))
