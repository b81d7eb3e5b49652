"""Rows of attributed text as a canvas of exactly the wanted size."""

from collections.abc import Hashable, Sequence
from typing import Literal

import urwid

from sat.frontends.console.widgets.cells import END_ISOLATE, ISOLATE, cut, isolate, width

#: An attribute's name (None is the terminal's own) and a safe text (see ``cells``).
Span = tuple[Hashable, str]


def paint(
    rows: Sequence[Sequence[Span]],
    columns: int,
    height: int | None = None,
    cursor: tuple[int, int] | None = None,
) -> urwid.TextCanvas:
    """Draw rows of spans; what is too long or too much is cut, the rest is filled with spaces.

    :param rows: each row's spans, from left to right; the last one's attribute fills the row
    :param columns: the width in cells
    :param height: the height in rows; None is as many as are given
    :param cursor: its column and row; outside of the canvas it is not shown
    """
    texts: list[bytes] = []
    attributes: list[list[tuple[Hashable, int]]] = []
    charsets: list[list[tuple[Literal["0", "U"] | None, int]]] = []
    height = len(rows) if height is None else height
    for row in [*rows[:height], *([()] * (height - len(rows)))]:
        text, attribute, charset = b"", [], []
        left = columns
        last: Hashable = None
        for last, part in row:
            if left <= 0:
                break
            part = cut(part, left, "")
            left -= width(part)
            part = isolate(part)
            if part.count(ISOLATE) > part.count(END_ISOLATE):
                # What was cut with its end would put what stands beside it in another order.
                part += END_ISOLATE
            encoded, runs = urwid.apply_target_encoding(part)
            text += encoded
            attribute.append((last, len(encoded)))
            charset += runs
        if left > 0:
            text += b" " * left
            attribute.append((last, left))
            charset.append((None, left))
        texts.append(text)
        attributes.append([one for one in attribute if one[1]])
        charsets.append([one for one in charset if one[1]])
    if cursor is not None and not (0 <= cursor[0] < columns and 0 <= cursor[1] < height):
        cursor = None
    return urwid.TextCanvas(texts, attributes, charsets, cursor=cursor, maxcol=columns)
