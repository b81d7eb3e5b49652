"""A raw screen for thin lines: what is sent is what differs, and rows that have moved are moved.

urwid writes each row that has changed, whole: a line more at the end of a list is the whole
screen, nine seconds at 9,600 baud. Here urwid draws into a memory, and what is sent makes of the
screen that the terminal has what urwid would have drawn.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import urwid
import wcwidth
from urwid.display import raw

from sat.frontends.console.widgets.difference import Difference, go
from sat.frontends.console.widgets.stretches import HALF, PLAIN, Row, is_blank

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
#: Synchronized updates (DEC private mode 2026); who doesn't know a private mode, ignores it.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"

_PART = re.compile(
    r"(?P<attribute>\x1b\[0;[0-9;]*m)?(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<alone>\x1b\[0;[0-9;]*m)"
    r"|\x1b\[(?P<line>\d+);(?P<column>\d+)H"
    r"|(?P<erase>\x1b\[K)"
    r"|(?P<back>\x08+)"
    r"|\x1b\[4(?P<insert>[hl])"
    r"|\x1b\[\?25(?P<cursor>[hl])"
    r"|(?P<home>\x1b\[H)"
    r"|\x1b\)0|\x1b\[\?2026[hl]"
)
# Joins with what is beside it: halves of flags, shades of skin, parts of Hangul syllables.
_JOINING = (
    range(0x1F1E6, 0x1F200),
    range(0x1F3FB, 0x1F400),
    range(0x1100, 0x1200),
    range(0xA960, 0xA980),
    range(0xD7B0, 0xD800),
    range(0x302E, 0x3030),
)
_MARK = 0
#: A virama joins letters; canonical combining class 9.
_VIRAMA = 9


@lru_cache(4096)
def _cells(char: str) -> int:
    """Return how many cells a character takes, 0 for a mark, or less than 0 if terminals differ."""
    category = unicodedata.category(char)
    joins = any(ord(char) in one for one in _JOINING)
    if joins or category in ("Mc", "Me") or category[0] == "C":
        return -1
    if category == "Mn":
        return -1 if unicodedata.combining(char) in (0, _VIRAMA) else _MARK
    width = urwid.calc_width(char, 0, 1)
    return width if width == wcwidth.wcwidth(char) and width in (1, 2) else -1


class Frame:
    """What urwid has written to draw a screen: rows by line, and where the cursor is seen."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.cursor: tuple[int, int] | None = None


class _Line:
    """A row while it is read."""

    def __init__(self, attribute: str) -> None:
        self.raw = [attribute]
        self.chars: list[str] = []
        self.attributes: list[str] = []
        self.at = 0
        self.sure = True

    def put(self, text: str, attribute: str, insert: bool) -> None:
        """Write a text as a terminal does."""
        cells: list[str] = []
        if text.isascii():
            if self.at == len(self.chars):
                self.chars += text
                self.attributes += [attribute] * len(text)
                self.at += len(text)
                return
            cells += text
        else:
            for char in text:
                width = _cells(char)
                if width < 0 or (not width and not (cells or self.at)):
                    self.sure = False
                    return
                if width:
                    cells += (char, HALF)[:width]
                    continue
                before = cells or self.chars
                place = (len(cells) or self.at) - 1
                before[place - (before[place] == HALF)] += char
        if self.at != len(self.chars) and not insert:
            self.sure = False
            return
        self.chars[self.at : self.at] = cells
        self.attributes[self.at : self.at] = [attribute] * len(cells)
        self.at += len(cells)

    def end(self, columns: int, attribute: str) -> Row:
        """Return the row that was read."""
        raw = "".join(self.raw)
        if self.sure and len(self.chars) == columns:
            return Row(raw, attribute, self.chars, self.attributes)
        return Row(raw, attribute)


def read_frame(written: str, columns: int) -> Frame | None:
    """Return what urwid has drawn, or None if there is something in it that isn't known."""
    frame = Frame()
    attribute = PLAIN
    line = column = 0
    row: _Line | None = None
    insert = False
    end = 0
    for part in _PART.finditer(written):
        if part.start() != end:
            return None
        end = part.end()
        kind = part.lastgroup
        if kind == "text":
            said, text = part["attribute"], part["text"]
            attribute = said or attribute
            if row is None:
                if column or line in frame.rows:
                    return None
                row = _Line(attribute)
                row.raw.append(text)
            else:
                row.raw.append(part[0])
            row.put(text, attribute, insert)
        elif kind in ("erase", "back", "insert"):
            if row is None:
                if column or line in frame.rows:
                    return None
                row = _Line(attribute)
            row.raw.append(part[0])
            if kind == "back":
                row.at -= len(part[0])
                row.sure &= row.at > 0
            elif kind == "insert":
                insert = part["insert"] == "h"
            else:
                _erase(row, columns, attribute)
        elif kind == "alone":
            attribute = part[0]
            if row is not None:
                row.raw.append(attribute)
        elif kind == "cursor":
            frame.cursor = (line, column) if part["cursor"] == "h" else None
        elif kind in ("column", "home"):
            if row is not None:
                frame.rows[line] = row.end(columns, attribute)
                row = None
            line, column = int(part["line"] or 1) - 1, int(part["column"] or 1) - 1
    if end != len(written):
        return None
    if row is not None:
        frame.rows[line] = row.end(columns, attribute)
    return frame


def _erase(row: _Line, columns: int, attribute: str) -> None:
    left = columns - len(row.chars)
    # An erased cell isn't struck through as a space is.
    if row.at != len(row.chars) or not is_blank(attribute):
        row.sure = False
    row.put(" " * left, attribute, False)


class ThinScreen(raw.Screen):
    """urwid's raw screen, which sends the least that shows what is drawn.

    It takes the place of ``urwid.display.raw.Screen``; on every terminal that this serves, and with
    every option, the same is seen. Where urwid writes what isn't known here (other encodings than
    UTF-8, part of the screen alone, links), it is sent as urwid writes it.
    """

    #: Lines with what isn't text: drawn whole where they change, and never moved.
    kept: Collection[int] = ()
    #: Lines that are drawn whole in the next picture, whatever is in them.
    soiled: Collection[int] = ()
    #: What is sent after the next picture, so that both are seen at once; empty when it was.
    after = ""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._rows: list[Row] | None = None
        self._measures: tuple[int, int] | None = None
        self._visible = False

    def draw_screen(self, size: tuple[int, int], canvas: urwid.Canvas) -> None:
        """Draw a picture of the whole screen."""
        if size != self._measures:
            self.clear()
        anew = self.screen_buf is None
        written = self._captured(size, canvas)
        if not written:
            return
        if self.screen_buf is None:
            # The size has changed meanwhile, and nothing was drawn.
            self._send(written)
            return
        self._measures = size
        try:
            self._send(self._with_after(*self._least(written, size, anew)))
        except OSError:
            self.clear()
            raise

    def _captured(self, size: tuple[int, int], canvas: urwid.Canvas) -> str:
        """Return what urwid writes."""
        written: list[str] = []
        # On this object, and not by a method: others override these to see what is sent.
        own: dict[str, Any] = vars(self)
        before: dict[str, Any] = {name: own[name] for name in ("write", "flush") if name in own}
        own["write"], own["flush"] = written.append, lambda: None
        try:
            super().draw_screen(size, canvas)
        finally:
            del own["write"], own["flush"]
            own.update(before)
        return "".join(written)

    def _send(self, text: str) -> None:
        if text:
            self.write(text)
            self.flush()

    def _least(self, written: str, size: tuple[int, int], anew: bool) -> tuple[str, bool]:
        """Return what is sent in place of what urwid has written, and if it is seen at once."""
        columns, lines = size
        old = None if anew else self._rows
        frame = read_frame(written, columns) if anew or old is not None else None
        self._rows = None
        if frame is None or (old is None and len(frame.rows) != lines):
            return written, False
        new = [frame.rows[line] for line in range(lines)] if old is None else [*old]
        seen, self._visible = self._visible, frame.cursor is not None
        self._rows = new
        if old is None:
            return written, False
        for line, row in frame.rows.items():
            new[line] = row
        drawn = {*self.soiled, *(line for line in self.kept if line in frame.rows)}
        text, count = Difference(old, new, self.kept, drawn).sequence()
        # One stretch is written where the cursor is seen to be: nothing flickers.
        hide = seen and (count > 1 or not self._visible)
        if hide:
            text = _HIDE + text
        if frame.cursor is not None:
            text += go(*frame.cursor) + (_SHOW if hide or not seen else "")
        return text, count > 1 and written.startswith(_BEGIN)

    def _with_after(self, text: str, at_once: bool) -> str:
        after, self.after = self.after, ""
        self.soiled = ()
        if not (after or at_once):
            return text
        text = text.replace(_BEGIN, "").replace(_END, "")
        return f"{_BEGIN}{text}{after}{_END}"
