"""A picture in half blocks: two pixels in a cell, one over the other.

Any terminal with colours shows it. What the terminal draws itself is in ``sixel``.
"""

from collections.abc import Hashable
from functools import lru_cache
from typing import NamedTuple

import urwid

_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:*#"
#: How many pixels are looked at in each direction for one that is drawn: time doesn't depend on
#: how large a picture is.
_SAMPLES = 3

Colour = tuple[int, int, int]


class Picture(NamedTuple):
    """Pixels of red, green and blue, row by row: 3 bytes each."""

    columns: int
    rows: int
    pixels: bytes

    def average(self, left: float, top: float, right: float, bottom: float) -> Colour:
        """Return the mean colour of some pixels of a part, whose bounds are pixels."""
        red = green = blue = 0
        for down in range(_SAMPLES):
            y = min(int(top + (bottom - top) * (down + 0.5) / _SAMPLES), self.rows - 1)
            for across in range(_SAMPLES):
                x = min(int(left + (right - left) * (across + 0.5) / _SAMPLES), self.columns - 1)
                at = 3 * (y * self.columns + x)
                red += self.pixels[at]
                green += self.pixels[at + 1]
                blue += self.pixels[at + 2]
        count = _SAMPLES * _SAMPLES
        return red // count, green // count, blue // count


class HalfBlocks(urwid.Widget):
    """A flow widget that draws a picture, as large as there is room for, and never larger than it.

    Its attributes are colours themselves; with less than 256 of them, or without UTF-8, it is drawn
    in shades of the attribute ``picture``.

    :param picture: what is drawn
    :param max_columns: the most cells in a row
    :param max_rows: the most rows
    :param colours: how many the terminal has (``screen.colors``)
    :raises ValueError: if there are not as many pixels as it says, or none
    """

    _sizing = frozenset([urwid.FLOW])
    ignore_focus = True

    def __init__(
        self, picture: Picture, max_columns: int = 60, max_rows: int = 20, colours: int = 1 << 24
    ) -> None:
        super().__init__()
        if picture.columns < 1 or picture.rows < 1:
            raise ValueError("a picture has at least one pixel")
        if len(picture.pixels) != 3 * picture.columns * picture.rows:
            raise ValueError("a picture has three bytes for each of its pixels")
        self._picture = picture
        self._most = max_columns, max_rows
        self._colours = colours

    def drawn_size(self, columns: int) -> tuple[int, int]:
        """Return how many cells in how many rows it takes where there are so many columns."""
        picture = self._picture
        across = max(1, min(columns, self._most[0], picture.columns))
        rows = self._rows(across)
        if rows > self._most[1]:
            rows = max(1, self._most[1])
            across = max(1, min(across, rows * 2 * picture.columns // picture.rows))
        return across, rows

    def _rows(self, across: int) -> int:
        return max(1, -(-across * self._picture.rows // (self._picture.columns * 2)))

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many rows it takes."""
        return self.drawn_size(size[0])[1]

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it from the left."""
        across, rows = self.drawn_size(size[0])
        texts: list[bytes] = []
        attributes: list[list[tuple[Hashable, int]]] = []
        rest = size[0] - across
        for row in range(rows):
            text, runs = "", []
            for column in range(across):
                letter, name = self._cell(column, row, across, rows)
                text += letter
                runs.append((name, len(letter.encode())))
            texts.append(text.encode() + b" " * rest)
            attributes.append([*runs, (None, rest)] if rest else runs)
        return urwid.TextCanvas(texts, attributes, maxcol=size[0])

    def _cell(self, column: int, row: int, across: int, rows: int) -> tuple[str, Hashable]:
        picture = self._picture
        wide, high = picture.columns / across, picture.rows / (rows * 2)
        left, right, top = column * wide, (column + 1) * wide, 2 * row * high
        upper = picture.average(left, top, right, top + high)
        lower = picture.average(left, top + high, right, top + 2 * high)
        blocks = urwid.get_encoding_mode() == "utf8"
        if self._colours < 256 or not blocks:
            light = sum(_light(one) for one in (upper, lower)) / 2
            shades = _SHADES if blocks else _ASCII_SHADES
            return shades[min(len(shades) - 1, int(light * len(shades)))], "picture"
        digits = 2 if self._colours > 256 else 1
        return "▀", _attribute(_name(upper, digits), _name(lower, digits), self._colours)


def _light(colour: Colour) -> float:
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def _name(colour: Colour, digits: int) -> str:
    if digits == 1:
        return "#" + "".join(f"{(one * 15 + 127) // 255:x}" for one in colour)
    return "#" + "".join(f"{one:02x}" for one in colour)


@lru_cache(4096)
def _attribute(upper: str, lower: str, colours: int) -> urwid.AttrSpec:
    if colours == 256:
        return urwid.AttrSpec(upper, lower, 256)
    return urwid.AttrSpec(upper, lower, 16777216)
