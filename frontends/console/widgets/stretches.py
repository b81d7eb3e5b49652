"""Rows of a screen as cells, and the least that makes of those which a terminal shows others.

Sequences are those of the VT102 and what xterm, tmux, screen and the Linux console all know beside
them (CHA): CUP, CUF, CHA, SGR, EL, DECSTBM, IL, DL (ECMA-48, DEC STD 070).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from operator import ne, or_
from typing import NamedTuple

#: What urwid writes for its default attribute.
PLAIN = "\x1b[0;39;49m"
#: The second cell of a wide character.
HALF = "\0"
_ERASE = "\x1b[K"
#: So many cells that are right already are written again: to pass over them is no shorter.
_GAP = 4
#: Bytes of a sequence that goes to a cell, about.
_MOVE = 7

_CHANGED = re.compile(b"\x01+")


class Row:
    """A row of a screen.

    :param raw: what draws all of it, from its first column, beginning with its attribute (SGR)
    :param last: the attribute that holds after that
    :param chars: for each cell a character with its marks, or :data:`HALF`; empty where it isn't
        sure in which cells a terminal shows them: such a row is only ever drawn whole
    :param attributes: the sequence for each cell
    """

    __slots__ = ("attributes", "chars", "last", "raw", "tail", "text")

    def __init__(
        self, raw: str, last: str, chars: Sequence[str] = (), attributes: Sequence[str] = ()
    ) -> None:
        self.raw = raw
        self.last = last
        self.chars = chars
        self.attributes = attributes
        self.text = "".join(chars)
        #: From where on it can be erased.
        self.tail = self._tail()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        if not (self.chars and other.chars):
            return not (self.chars or other.chars) and self.raw == other.raw
        return self.chars == other.chars and self.attributes == other.attributes

    __hash__ = None  # type: ignore[assignment]

    def _tail(self) -> int:
        attributes = self.attributes
        columns = len(attributes)
        blanks = len(self.text) - len(self.text.rstrip(" "))
        if not blanks or not is_erasable(attributes[-1]):
            return columns
        attribute = attributes[-1]
        begin = columns - blanks
        if attributes[begin:].count(attribute) != blanks:
            while attributes[columns - 1] == attribute and columns > begin:
                columns -= 1
            return columns
        return begin


def blank(columns: int) -> Row:
    """Return the row that a terminal puts where rows have moved away."""
    return Row(PLAIN + _ERASE, PLAIN, [" "] * columns, [PLAIN] * columns)


@lru_cache(1024)
def _parameters(attribute: str) -> tuple[tuple[str, ...], str]:
    """Return the parts of an SGR sequence that begins with 0, without what 0 means already.

    The second is the part that sets the background, or nothing.
    """
    left = attribute[2:-1].split(";")
    kept, background = ["0"], ""
    at = 1
    while at < len(left):
        if left[at] in ("38", "48"):
            end = at + (3 if left[at + 1 : at + 2] == ["5"] else 5)
            part = ";".join(left[at:end])
        else:
            end = at + 1
            part = left[at]
        if part not in ("39", "49", ""):
            kept.append(part)
            if part.startswith(("4", "10")) and len(part) > 1:
                background = part
        at = end
    return tuple(kept), background


@lru_cache(1024)
def shorten(attribute: str) -> str:
    """Return a shorter sequence that sets the same attribute."""
    parts, _ = _parameters(attribute)
    return "\x1b[m" if len(parts) == 1 else f"\x1b[{';'.join(parts)}m"


@lru_cache(1024)
def is_blank(attribute: str) -> bool:
    """Return whether a space looks as what is erased with this attribute does, if that has colour.

    An erased cell isn't underlined, nor struck through, nor does it stand out.
    """
    return not {"4", "5", "7", "9"}.intersection(_parameters(attribute)[0])


@lru_cache(1024)
def is_erasable(attribute: str) -> bool:
    """Return whether an erased cell looks as a space does, on terminals without BCE too."""
    return is_blank(attribute) and not _parameters(attribute)[1]


class Stretch(NamedTuple):
    """A part of a row that is written.

    :param column: where it begins
    :param attribute: that of its first cell
    :param text: what is written, with the sequences for its further attributes
    :param last: the attribute of its last cell
    :param end: the column behind it, or less than 0 if that can't be said
    """

    column: int
    attribute: str
    text: str
    last: str
    end: int

    @property
    def cost(self) -> int:
        """Bytes, about."""
        text = self.text
        length = len(text) if text.isascii() else len(text.encode())
        return length + len(shorten(self.attribute)) + _MOVE


def _cost(stretches: Sequence[Stretch]) -> int:
    return sum(one.cost for one in stretches)


def whole(row: Row) -> list[Stretch]:
    """Return what draws a row whatever is there."""
    return [Stretch(0, "", row.raw, row.last, -1)]


def _mask(old: Row, new: Row) -> bytes:
    """Return for each cell 1 if it is another, else 0."""
    mask = bytes(map(ne, old.chars, new.chars))
    if old.attributes != new.attributes:
        return bytes(map(or_, mask, map(ne, old.attributes, new.attributes)))
    return mask


def estimate(old: Row, new: Row) -> int:
    """Return about how many bytes make of a row that is shown another."""
    if old is new or old == new:
        return 0
    if not new.chars or len(old.chars) != len(new.chars):
        return len(new.raw)
    mask = _mask(old, new)
    tail = new.tail
    most = len(_ERASE) + _MOVE if mask.find(1, tail) >= 0 else 0
    parts = mask.count(b"\0\1", 0, tail) + mask[0]
    return min(most + mask.count(1, 0, tail) + parts * _MOVE, len(new.raw) + _MOVE)


def changes(old: Row, new: Row, bottom: bool = False) -> list[Stretch]:
    """Return what makes of a row that is shown another.

    :param bottom: it is the last row, whose last cell isn't written but as urwid writes it
    """
    if old is new or old == new:
        return []
    chars, attributes = new.chars, new.attributes
    alone = whole(new)
    if not chars or len(old.chars) != len(chars):
        return alone
    mask = _mask(old, new)
    limit = len(chars)
    erased = mask.find(1, new.tail)
    if erased >= 0 and mask.rfind(1) - erased >= len(_ERASE):
        limit = erased
    else:
        erased = -1
    if bottom and erased < 0 and mask[-1]:
        return alone
    found = [_write(new, *span) for span in _spans(mask, new, limit)]
    if erased >= 0:
        attribute = attributes[erased]
        found.append(Stretch(erased, attribute, _ERASE, attribute, erased))
    return found if _cost(found) <= _cost(alone) else alone


def _spans(mask: bytes, row: Row, limit: int) -> list[tuple[int, int]]:
    """Return where a row has changed, those together between which there is little."""
    chars, attributes = row.chars, row.attributes
    spans: list[tuple[int, int]] = []
    for one in _CHANGED.finditer(mask, 0, limit):
        begin, end = one.span()
        while end < len(chars) and chars[end] == HALF:
            end += 1
        if spans and begin - spans[-1][1] <= _GAP:
            before = attributes[spans[-1][1] - 1]
            if all(one == before for one in attributes[spans[-1][1] : begin]):
                spans[-1] = spans[-1][0], end
                continue
        spans.append((begin, end))
    return spans


def _write(row: Row, begin: int, end: int) -> Stretch:
    attributes = row.attributes
    text: list[str] = []
    at = begin
    current = attributes[begin]
    same = attributes[begin:end].count(current) == end - begin
    for column in () if same else range(begin, end):
        if attributes[column] != current:
            text += row.chars[at:column]
            current = attributes[column]
            text.append(shorten(current))
            at = column
    text += row.chars[at:end]
    return Stretch(begin, attributes[begin], "".join(text).replace(HALF, ""), current, end)
