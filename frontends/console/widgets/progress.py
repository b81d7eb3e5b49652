"""A bar with a text in it."""

import urwid

from sat.frontends.console.widgets.cells import fill, graphemes, line, width
from sat.frontends.console.widgets.painting import Span, paint

_EIGHTHS = " ▏▎▍▌▋▊▉"


class Progress(urwid.Widget):
    """A flow widget of one row, which is drawn as done from the left on, in eighths of a cell.

    Attributes of the display: ``progress`` (not yet done), ``progress done``, ``progress edge``
    (the cell that is partly done; its foreground is what is done).

    :param text: shown in the bar, from the left
    :param done: how much is done, from 0 to 1; None is not known, and nothing is drawn as done
    """

    _sizing = frozenset([urwid.FLOW])

    def __init__(self, text: str = "", done: float | None = None) -> None:
        super().__init__()
        self._text = line(text)
        self._done = done

    def set(self, done: float | None, text: str | None = None) -> None:
        """Show how much is done now; the text stays if it is None."""
        text = self._text if text is None else line(text)
        if (done, text) != (self._done, self._text):
            self._done, self._text = done, text
            self._invalidate()

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return 1."""
        return 1

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the bar."""
        done = self._done if self._done is not None and self._done > 0 else 0.0
        eighths = int(min(1.0, done) * size[0] * 8)
        whole, part = divmod(eighths, 8)
        spans: list[Span] = []
        at = 0
        for one in graphemes(fill(self._text, size[0])):
            cells = width(one)
            if at + cells <= whole:
                spans.append(("progress done", one))
            elif at == whole and part and one == " ":
                spans.append(("progress edge", _EIGHTHS[part]))
            else:
                spans.append(("progress", one))
            at += cells
        return paint([_joined(spans)], size[0], 1)


def _joined(spans: list[Span]) -> list[Span]:
    found: list[Span] = []
    for name, text in spans:
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + text)
        else:
            found.append((name, text))
    return found
