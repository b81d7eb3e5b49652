"""Where the lines of a text are divided, and in which cell each of its characters is."""

from functools import lru_cache
from typing import NamedTuple

from sat.frontends.console.widgets.cells import clean, graphemes, width


class Row(NamedTuple):
    """A row of the screen: from which code point to which it shows."""

    start: int
    end: int


@lru_cache(1024)
def shown(grapheme: str) -> str:
    """Return what is drawn for a character of a text that is being edited."""
    return clean(grapheme).replace("\n", "")


@lru_cache(8)
def wrap(text: str, columns: int) -> tuple[Row, ...]:
    """Divide a text after spaces, and within words that are longer than a row.

    A last row that is full is followed by an empty one, for the cursor. The same text in the same
    width is divided once, however often a key has it asked for.
    """
    found: list[Row] = []
    start = 0
    for paragraph in text.split("\n"):
        found += (Row(start + low, start + high) for low, high in _wrap(paragraph, columns))
        start += len(paragraph) + 1
    return tuple(found)


@lru_cache(256)
def _wrap(text: str, columns: int) -> tuple[tuple[int, int], ...]:
    plain = text.isascii() and "\t" not in text
    found: list[tuple[int, int]] = []
    start = 0
    if plain:
        while len(text) - start > columns:
            space = text.rfind(" ", start, start + columns + 1)
            end = space + 1 if space >= start else start + columns
            found.append((start, end))
            start = end
        found.append((start, len(text)))
        if len(text) - start == columns:
            found.append((len(text), len(text)))
        return tuple(found)
    at = start
    taken = 0
    space, space_taken = -1, 0
    for one in graphemes(text):
        cells = width(shown(one))
        while taken + cells > columns and at > start and not (one == " " and taken == columns):
            end, rest = (space, taken - space_taken) if space > start else (at, 0)
            found.append((start, end))
            start, taken, space = end, rest, -1
        at += len(one)
        taken += cells
        if one == " ":
            space, space_taken = at, taken
    found.append((start, at))
    if taken >= columns:
        found.append((at, at))
    return tuple(found)


def column(text: str, start: int, at: int) -> int:
    """Return how many cells a part of the text takes."""
    part = text[start:at]
    if part.isascii() and "\t" not in part:
        return len(part)
    return sum(width(shown(one)) for one in graphemes(part))


def place(text: str, row: Row, cell: int) -> int:
    """Return the code point that is drawn at a cell of a row, or the row's end."""
    at, taken = row.start, 0
    for one in graphemes(text[row.start : row.end]):
        taken += width(shown(one))
        if taken > cell:
            break
        at += len(one)
    return at
