"""A text with a cursor, as emacs and shells edit it: words, kill ring, undo. It draws nothing."""

import re
from collections import deque
from typing import Literal

from sat.frontends.console.widgets.cells import graphemes

_WORD = re.compile(r"\w+")
#: Control characters have no place in a text; line ends and tabs have.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile("\r\n?|[\u2028\u2029]")

#: What was done last: what is typed in a row is undone at once, what is killed in a row is one.
_Kind = Literal["type", "erase", "kill", "yank", "other"]


class Buffer:
    """A text, and the place in it where something is written.

    ``cursor`` counts code points, and is never within what a person takes for one character.
    """

    #: How many steps can be undone, and how many kills be yanked.
    depth = 100

    def __init__(self) -> None:
        self._text = ""
        self._cursor = 0
        self._done: deque[tuple[str, int]] = deque(maxlen=self.depth)
        self._undone: list[tuple[str, int]] = []
        self._killed: deque[str] = deque(maxlen=self.depth)
        self._last: _Kind = "other"
        self._yanked = (0, 0)

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

    @property
    def cursor(self) -> int:
        """How many code points are before the cursor."""
        return self._cursor

    def move(self, cursor: int) -> bool:
        """Put the cursor elsewhere; tell whether it was elsewhere before."""
        before = self._cursor
        cursor = max(0, min(cursor, len(self._text)))
        self._cursor = self._boundary(cursor)
        self._last = "other"
        return self._cursor != before

    def _paragraph(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _boundary(self, cursor: int) -> int:
        """Return the nearest place at or before this one that is not within a character."""
        if self._text.isascii():
            return cursor
        at = start = self._paragraph(cursor)
        for one in graphemes(self._text[start : cursor + 64]):
            if at + len(one) > cursor:
                break
            at += len(one)
        return at

    def before(self) -> int:
        """Return the place one character to the left."""
        return self._boundary(self._cursor - 1) if self._cursor else 0

    def after(self) -> int:
        """Return the place one character to the right."""
        rest = self._text[self._cursor : self._cursor + 256]
        return self._cursor + len(next(iter(graphemes(rest)), ""))

    def word_left(self) -> int:
        """Return where the word begins that the cursor is in or after."""
        starts = [one.start() for one in _WORD.finditer(self._text, 0, self._cursor)]
        return starts[-1] if starts else 0

    def word_right(self) -> int:
        """Return where the word ends that the cursor is in or before."""
        match = _WORD.search(self._text, self._cursor)
        return match.end() if match else len(self._text)

    def blank_left(self) -> int:
        """Return where the run of what is no space begins, before the cursor."""
        stem = self._text[: self._cursor].rstrip()
        return max((stem.rfind(one) for one in " \n\t"), default=-1) + 1

    def line_start(self) -> int:
        """Return where the line begins that the cursor is in."""
        return self._paragraph(self._cursor)

    def line_end(self) -> int:
        """Return where the line ends that the cursor is in."""
        end = self._text.find("\n", self._cursor)
        return len(self._text) if end < 0 else end

    def replace(self, start: int, end: int, new: str, kind: _Kind = "other") -> bool:
        """Put something in the place of a part, and the cursor after it; tell if that is a change.

        Line ends become U+000A; other control characters are left out.
        """
        new = _CONTROL.sub("", _LINE_END.sub("\n", new))
        if self._text[start:end] == new:
            return False
        if kind != self._last or kind not in ("type", "erase") or new.isspace():
            self._done.append((self._text, self._cursor))
        self._undone.clear()
        self._text = self._text[:start] + new + self._text[end:]
        self._cursor = start + len(new)
        self._last = kind
        return True

    def insert(self, new: str, kind: _Kind = "type") -> bool:
        """Write at the cursor."""
        return self.replace(self._cursor, self._cursor, new, kind)

    def kill(self, start: int, end: int) -> bool:
        """Take out a part, for :meth:`yank`; what is killed in a row is yanked as one."""
        part = self._text[start:end]
        if not part:
            return False
        if self._last != "kill" or not self._killed:
            self._killed.append(part)
        elif end == self._cursor:
            self._killed[-1] = part + self._killed[-1]
        else:
            self._killed[-1] += part
        return self.replace(start, end, "", "kill")

    def yank(self) -> bool:
        """Write what was killed last."""
        if not self._killed:
            return False
        start = self._cursor
        self.insert(self._killed[-1], "yank")
        self._yanked = (start, self._cursor)
        return True

    def yank_pop(self) -> bool:
        """Put what was killed before that in the place of what was just yanked."""
        if self._last != "yank":
            return False
        self._killed.rotate(1)
        start, end = self._yanked
        self.replace(start, end, self._killed[-1], "yank")
        self._yanked = (start, self._cursor)
        self._last = "yank"
        return True

    def undo(self) -> bool:
        """Take back the last change."""
        return self._swap(self._done, self._undone)

    def redo(self) -> bool:
        """Do again what was taken back last."""
        return self._swap(self._undone, self._done)

    def _swap(
        self,
        source: "deque[tuple[str, int]] | list[tuple[str, int]]",
        target: "deque[tuple[str, int]] | list[tuple[str, int]]",
    ) -> bool:
        if not source:
            return False
        target.append((self._text, self._cursor))
        self._text, self._cursor = source.pop()
        self._last = "other"
        return True
