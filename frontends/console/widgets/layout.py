"""How text is divided into rows, each of which keeps its direction to itself."""

from typing import Any

import urwid

from sat.frontends.console.widgets.cells import END_ISOLATE, ISOLATE, RIGHT_TO_LEFT, width


class IsolatingLayout(urwid.StandardTextLayout):
    """Lays text out as urwid does, and isolates each row that has right-to-left letters.

    A terminal that reorders (UAX #9) takes all that is in a row of the screen as one line; without
    isolates it would mix the text with what is drawn beside it. They take no cell.
    """

    def layout(
        self, text: str | bytes, width: int, align: Any, wrap: Any
    ) -> list[list[tuple[int, int, int | bytes] | tuple[int, int | None]]]:
        """Return the rows' segments, as urwid wants them."""
        rows = super().layout(text, width, align, wrap)
        if urwid.get_encoding_mode() != "utf8":
            return rows
        if not isinstance(text, str) or not RIGHT_TO_LEFT.search(text):
            return rows
        return [_isolated(row, text) for row in rows]


def _isolated(row: list[Any], text: str) -> list[Any]:
    shown = [at for at, one in enumerate(row) if len(one) == 3 and isinstance(one[2], int)]
    if not shown or not RIGHT_TO_LEFT.search(text, row[shown[0]][1], row[shown[-1]][2]):
        return row
    # urwid inserts no text without cells, so the isolates go with the first and the last character.
    at = shown[0]
    cells, start, end = row[at]
    after = urwid.move_next_char(text, start, end)
    begun: list[tuple[int, int, int | bytes]] = [_inserted(ISOLATE, text, start, after, "")]
    if after < end:
        begun.append((cells - begun[0][0], after, end))
    row = [*row[:at], *begun, *row[at + 1 :]]
    at = max(at for at, one in enumerate(row) if len(one) == 3)
    cells, start, end = row[at]
    if isinstance(end, bytes):
        return [*row[:at], (cells, start, end + END_ISOLATE.encode()), *row[at + 1 :]]
    before = urwid.move_prev_char(text, start, end)
    ended: list[tuple[int, int, int | bytes]] = [_inserted("", text, before, end, END_ISOLATE)]
    if start < before:
        ended.insert(0, (cells - ended[0][0], start, before))
    return [*row[:at], *ended, *row[at + 1 :]]


def _inserted(before: str, text: str, start: int, end: int, after: str) -> tuple[int, int, bytes]:
    part = f"{before}{text[start:end]}{after}"
    return width(part), start, part.encode()


#: One for all texts: ``urwid.Text(..., layout=ISOLATING)``.
ISOLATING = IsolatingLayout()
