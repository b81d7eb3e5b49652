"""Rows of a screen as cells, and the least that makes of those which a terminal shows others.

Sequences are those of the VT102 and what xterm, tmux, screen and the Linux console all know beside
them (CHA): CUP, CUF, CHA, SGR, EL, DECSTBM, IL, DL (ECMA-48, DEC STD 070).
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
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
#: Bytes that moving rows costs, about.
_SCROLL = 24
#: How much there has to be to send before it is looked whether rows have moved.
_WORTH = 120
#: By pieces of so many cells it is seen where rows went.
_PIECE = 12
#: One that is in more rows than that tells nothing.
_COMMON = 4
#: It isn't looked where rows went, if fewer have changed.
_LEAST = 3
#: How many rows are looked for.
_ASKED = 16

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


def _pieces(row: Row) -> Iterable[tuple[int, str]]:
    """Return what is where in a row."""
    text = row.text
    return [(at, text[at : at + _PIECE]) for at in range(0, len(text), _PIECE)]


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


class Scroll(NamedTuple):
    """Rows from ``top`` to before ``end`` move up by so many; down, where that is less than 0."""

    top: int
    end: int
    by: int

    def apply(self, rows: list[Row], empty: Row) -> None:
        """Move rows as a terminal does."""
        top, end, by = self
        kept = rows[top + by : end] if by > 0 else rows[top : end + by]
        new = [empty] * abs(by)
        rows[top:end] = [*kept, *new] if by > 0 else [*new, *kept]

    def sequence(self, lines: int) -> str:
        """Return what makes a terminal of so many lines move them; the cursor is anywhere then."""
        top, end, by = self
        what = f"\x1b[{abs(by) if abs(by) > 1 else ''}{'M' if by > 0 else 'L'}"
        # What moves in takes the background that holds.
        move = "\x1b[m" + go(top, 0) + what
        # Without a region it is all below that moves.
        return move if end == lines else f"\x1b[{top + 1};{end}r{move}\x1b[r"


def go(line: int, column: int) -> str:
    """Return what moves the cursor to a cell."""
    if column:
        return f"\x1b[{line + 1};{column + 1}H"
    return f"\x1b[{line + 1}H" if line else "\x1b[H"


class Difference:
    """What makes a screen another.

    :param old: its rows; they are moved here as the terminal is to move them
    :param new: as many that are to be shown
    :param kept: which of them are never moved
    :param drawn: which of them are drawn whole in any case
    """

    def __init__(
        self,
        old: list[Row],
        new: Sequence[Row],
        kept: Collection[int] = (),
        drawn: Collection[int] = (),
    ) -> None:
        self._old = old
        self._new = new
        self._kept = kept
        self._drawn = drawn
        self._costs: dict[tuple[int, int], tuple[Row, int]] = {}

    def sequence(self) -> tuple[str, int]:
        """Return the bytes to send, as text, and how many stretches and moves that is."""
        scrolls = self._scrolls()
        lines = len(self._new)
        parts = [one.sequence(lines) for one in scrolls]
        attribute = PLAIN if scrolls else ""
        count = len(scrolls)
        for line, (old, new) in enumerate(zip(self._old, self._new, strict=True)):
            if line in self._drawn:
                found = whole(new)
            elif old is new:
                continue
            else:
                found = changes(old, new, line == lines - 1)
            column = -1
            for one in found:
                parts.append(_step(line, column, one.column))
                if one.attribute and one.attribute != attribute:
                    parts.append(shorten(one.attribute))
                parts.append(one.text)
                attribute, column = one.last, one.end
                count += 1
        return "".join(parts), count

    def _cost(self, line: int, old: Row) -> int:
        """Return about how many bytes a line takes if a row is there."""
        if old is self._new[line]:
            return 0
        key = line, id(old)
        if key not in self._costs:
            # The row is kept, so that no other has its id.
            self._costs[key] = old, estimate(old, self._new[line])
        return self._costs[key][1]

    def _scrolls(self) -> list[Scroll]:
        """Move rows while that makes it less, and return how."""
        done: list[Scroll] = []
        empty = blank(max((len(one.chars) for one in self._new), default=0))
        worth = _WORTH
        while len(done) < 2:
            shifts = self._shifts()
            costs = [self._cost(line, row) for line, row in enumerate(self._old)] if shifts else []
            total = sum(costs)
            if total < worth:
                break
            worth = max(worth, total // 3)
            best, most = None, 0
            for by in shifts:
                scroll, saved = self._region(by, costs, empty)
                if scroll is not None and saved > most:
                    best, most = scroll, saved
                    if most > total // 2:
                        break
            if best is None:
                break
            best.apply(self._old, empty)
            done.append(best)
            if total - most < worth:
                break
        return done

    def _shifts(self) -> list[int]:
        """Return by how many rows pieces seem to have moved, at most two ways."""
        places: dict[tuple[int, str], list[int]] = {}
        changed = [
            line
            for line, (old, new) in enumerate(zip(self._old, self._new, strict=True))
            if old is not new and line not in self._kept
        ]
        if len(changed) < _LEAST:
            return []
        for line in changed:
            for place in _pieces(self._old[line]):
                places.setdefault(place, []).append(line)
        votes: Counter[int] = Counter()
        # Some tell where all went.
        for line in changed[:: 1 + len(changed) // _ASKED]:
            for place in _pieces(self._new[line]):
                found = places.get(place)
                if found is not None and len(found) <= _COMMON:
                    votes.update(other - line for other in found)
        votes.pop(0, None)
        return [by for by, count in votes.most_common(2) if count * _PIECE > _SCROLL]

    def _region(self, by: int, costs: list[int], empty: Row) -> tuple[Scroll | None, int]:
        """Return the rows which, moved so, save most, and how many bytes that saves."""
        lines = len(costs)
        best, most = None, 0
        begin = saved = 0
        first, last = max(0, -by), min(lines, lines - by)
        usable = [line not in self._kept for line in range(lines)]
        for line in range(first, last):
            low, high = min(line, line + by), max(line, line + by)
            if saved <= 0:
                begin, saved = line, 0
            if not all(usable[low : high + 1]):
                saved = 0
                begin = line + 1
                continue
            saved += costs[line] - self._cost(line, self._old[line + by])
            if saved > most:
                best, most = (begin, line), saved
        if best is None:
            return None, 0
        begin, end = best[0], best[1] + 1
        top, bottom = (begin, end + by) if by > 0 else (begin + by, end)
        left = range(end, bottom) if by > 0 else range(top, begin)
        most += sum(costs[line] - self._cost(line, empty) for line in left)
        return Scroll(top, bottom, by), most - _SCROLL


def _step(line: int, column: int, to: int) -> str:
    """Return what moves the cursor within a line, or to it from a column that is less than 0."""
    if column < 0:
        return go(line, to)
    by = to - column
    if not by:
        return ""
    right = f"\x1b[{by if by > 1 else ''}C"
    absolute = f"\x1b[{to + 1}G"
    return right if len(right) <= len(absolute) else absolute
