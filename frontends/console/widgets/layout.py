"""How safe text is divided into rows, each of which keeps its direction to itself."""

from collections.abc import Iterator
from typing import Any

import urwid
from urwid.text_layout import trim_line

from sat.frontends.console.widgets.cells import END_ISOLATE, ISOLATE, is_right_to_left, width

_Segment = tuple[int, int, int | bytes] | tuple[int, int | None]


class IsolatingLayout(urwid.StandardTextLayout):
    """Lays text out as urwid does, in linear time, and isolates rows of right-to-left letters.

    urwid's own layout takes half a minute for 100 kB without a space. And a terminal that reorders
    (UAX #9) takes all that is in a row of the screen as one line: without isolates, which take no
    cell, it would mix the text with what is drawn beside it.

    It wants text that is safe (see ``cells``): there a character has few code points.
    """

    def layout(self, text: str | bytes, width: int, align: Any, wrap: Any) -> list[list[_Segment]]:
        """Return the rows' segments, as urwid wants them."""
        if not isinstance(text, str):
            return super().layout(text, width, align, wrap)
        if wrap in (urwid.SPACE, urwid.ANY):
            rows = [_aligned(row, width, align) for row in _divided(text, width, wrap)]
        else:
            # urwid cuts what it clips later, and the isolates with it.
            rows = [
                trim_line(row, text, 0, width) for row in super().layout(text, width, align, wrap)
            ]
        if urwid.get_encoding_mode() != "utf8" or not is_right_to_left(text):
            return rows
        return [_isolated(row, text) for row in rows]


#: The most code points that are looked at for a cell: a letter, its marks, what keeps it apart.
_CODES = 8


def _divided(text: str, columns: int, wrap: Any) -> Iterator[tuple[int, int, int]]:
    """Yield the cells of each row, and from which code point to which it shows."""
    start = 0
    for paragraph in text.split("\n"):
        at, final = start, start + len(paragraph)
        start = final + 1
        while True:
            window = min(final, at + (columns + 2) * _CODES)
            end, cells = urwid.calc_text_pos(text, at, window, columns)
            if end >= final:
                yield cells, at, final
                break
            after = end = max(end, min(final, at + 1))
            breaks = (
                wrap == urwid.ANY or width(text[end : end + 1]) == 2
            )  # ideographs are divided anywhere
            if not breaks and (space := text.rfind(" ", at, end + 1)) >= at:
                end, after = space, space + 1
                cells = width(text[at:end])
            yield cells, at, end
            at = after
            if at >= final:
                break


def _aligned(row: tuple[int, int, int], columns: int, align: Any) -> list[_Segment]:
    cells, start, end = row
    if end == start or cells > columns:
        return [(0, start)]
    spare = columns - cells
    before = {urwid.CENTER: (spare + 1) // 2, urwid.RIGHT: spare}.get(align, 0)
    shown: _Segment = (cells, start, end) if cells else (0, start)
    return [(before, None), shown] if before else [shown]


def _isolated(row: list[Any], text: str) -> list[Any]:
    shown = [at for at, one in enumerate(row) if len(one) == 3 and isinstance(one[2], int)]
    if not shown or not is_right_to_left(text, row[shown[0]][1], row[shown[-1]][2]):
        return row
    # What a row's end divides is ended there, and begun anew in the next one.
    begins, ends = _unpaired(text[row[shown[0]][1] : row[shown[-1]][2]])
    # urwid inserts no text without cells, so the isolates go with the first and the last character.
    at = shown[0]
    cells, start, end = row[at]
    after = _first_cell(text, start, end)
    begun: list[tuple[int, int, int | bytes]] = [
        _inserted(ISOLATE * (1 + ends), text, start, after, "")
    ]
    if after < end:
        begun.append((cells - begun[0][0], after, end))
    row = [*row[:at], *begun, *row[at + 1 :]]
    at = max(at for at, one in enumerate(row) if len(one) == 3)
    cells, start, end = row[at]
    final = END_ISOLATE * (1 + begins)
    if isinstance(end, bytes):
        return [*row[:at], (cells, start, end + final.encode()), *row[at + 1 :]]
    before = _last_cell(text, start, end)
    ended: list[tuple[int, int, int | bytes]] = [_inserted("", text, before, end, final)]
    if start < before:
        ended.insert(0, (cells - ended[0][0], start, before))
    return [*row[:at], *ended, *row[at + 1 :]]


def _unpaired(part: str) -> tuple[int, int]:
    """Return how many isolates a part begins without ending them, and ends without beginning."""
    begins = ends = 0
    for one in part:
        if one == ISOLATE:
            begins += 1
        elif one == END_ISOLATE:
            begins, ends = (begins - 1, ends) if begins else (begins, ends + 1)
    return begins, ends


def _first_cell(text: str, start: int, end: int) -> int:
    """Return where the first character ends that has a cell, with what follows without any."""
    after = start
    while after < end and not width(text[start:after]):
        after = urwid.move_next_char(text, after, end)
    return after if width(text[after:end]) else end


def _last_cell(text: str, start: int, end: int) -> int:
    """Return where the last character begins that has a cell, or what precedes without any."""
    before = end
    while before > start and not width(text[before:end]):
        before = urwid.move_prev_char(text, start, before)
    return before if width(text[start:before]) else start


def _inserted(before: str, text: str, start: int, end: int, after: str) -> tuple[int, int, bytes]:
    part = f"{before}{text[start:end]}{after}"
    return width(part), start, part.encode()


#: One for all texts: ``urwid.Text(..., layout=ISOLATING)``.
ISOLATING = IsolatingLayout()
