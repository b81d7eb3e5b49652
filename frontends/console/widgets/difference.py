"""What makes of the screen that a terminal has another: rows that move, then what has changed.

Both are computed, and that is taken which is less to send.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from sat.frontends.console.widgets.stretches import (
    PLAIN,
    Row,
    blank,
    changes,
    estimate,
    shorten,
    whole,
)

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


def _pieces(row: Row) -> Iterable[tuple[int, str]]:
    """Return what is where in a row."""
    text = row.text
    return [(at, text[at : at + _PIECE]) for at in range(0, len(text), _PIECE)]


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
            # What stands where it stood has gone nowhere.
            for place, new in zip_longest(_pieces(self._old[line]), _pieces(self._new[line])):
                if place is not None and place != new:
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
