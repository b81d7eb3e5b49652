"""A text of several lines to be written and sent, with all that a shell's line has."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.cells import clean, cut, fill, graphemes, width
from sat.frontends.console.widgets.completing import Candidate, Choice, Completions
from sat.frontends.console.widgets.editing import Buffer
from sat.frontends.console.widgets.keys import Keyed, KeyMap
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.console.widgets.paste import as_text, pasted
from sat.frontends.console.widgets.recall import Recall
from sat.frontends.console.widgets.wrapping import Row, column, place, shown, wrap

__all__ = ["Candidate", "Completions", "Editor"]

#: Gives candidates for a text with the cursor at a code point, or None.
Completer = Callable[[str, int], Completions | None]

#: What changes the text: each tells whether there was anything to change.
_EDITS: Mapping[str, Callable[[Buffer], bool]] = {
    "delete-left": lambda one: one.replace(one.before(), one.cursor, "", "erase"),
    "delete-right": lambda one: one.replace(one.cursor, one.after(), "", "erase"),
    # At a line's end it is the end that goes.
    "kill-line-end": lambda one: one.kill(
        one.cursor, one.line_end() + (one.cursor == one.line_end())
    ),
    "kill-line-start": lambda one: one.kill(one.line_start(), one.cursor),
    "kill-blank-left": lambda one: one.kill(one.blank_left(), one.cursor),
    "kill-word-left": lambda one: one.kill(one.word_left(), one.cursor),
    "kill-word-right": lambda one: one.kill(one.cursor, one.word_right()),
    "yank": Buffer.yank,
    "yank-pop": Buffer.yank_pop,
    "undo": Buffer.undo,
    "redo": Buffer.redo,
}
#: Where the cursor goes.
_MOVES: Mapping[str, Callable[[Buffer], int]] = {
    "left": Buffer.before,
    "right": Buffer.after,
    "word-left": Buffer.word_left,
    "word-right": Buffer.word_right,
    "line-start": Buffer.line_start,
    "line-end": Buffer.line_end,
    "text-start": lambda one: 0,
    "text-end": lambda one: len(one.text),
}


class Editor(Keyed, urwid.Widget):
    """A flow widget to write in; it grows with the text up to ``max_rows``, then scrolls.

    Signals, each with the editor first:

    - ``change`` (text): the text is another one
    - ``send`` (text): what was written is to be sent; the editor is empty by then
    - ``complete`` (text, cursor): candidates are wanted; :meth:`offer` them, now or later
    - ``refused`` (sentence): nothing was written, for the reason that is said

    Attributes of the display: ``editor`` (the text), ``placeholder``, ``candidate``,
    ``candidate chosen``, ``candidate hint``.

    Actions: see ``KEYS``. ``up`` and ``down`` go on to what was sent before when there is no row
    further; ``cancel`` takes back a completion.

    :param placeholder: shown while there is no text
    :param max_rows: the most rows of text
    :param limit: the most code points
    :param completer: gives candidates at once
    :param lines: whether there can be several; else line ends become spaces
    :param masked: whether asterisks are drawn in the place of what is written
    """

    _selectable = True
    _sizing = frozenset([urwid.FLOW])
    signals: ClassVar[list[str]] = ["change", "send", "complete", "refused"]
    KEYS: ClassVar[KeyMap] = {
        "send": ("enter",),
        "newline": ("meta enter", "ctrl j", "shift enter"),
        "left": ("left", "ctrl b"),
        "right": ("right", "ctrl f"),
        "word-left": ("meta b", "ctrl left", "meta left"),
        "word-right": ("meta f", "ctrl right", "meta right"),
        "line-start": ("home", "ctrl a"),
        "line-end": ("end", "ctrl e"),
        "text-start": ("meta <", "ctrl home"),
        "text-end": ("meta >", "ctrl end"),
        "up": ("up",),
        "down": ("down",),
        "older": ("ctrl p",),
        "newer": ("ctrl n",),
        "delete-left": ("backspace", "ctrl h"),
        "delete-right": ("delete", "ctrl d"),
        "kill-line-end": ("ctrl k",),
        "kill-line-start": ("ctrl u",),
        "kill-blank-left": ("ctrl w",),
        "kill-word-left": ("meta backspace",),
        "kill-word-right": ("meta d",),
        "yank": ("ctrl y",),
        "yank-pop": ("meta y",),
        "undo": ("ctrl _", "meta u"),
        "redo": ("meta r",),
        "complete": ("tab",),
        "complete-back": ("shift tab",),
        "cancel": ("esc",),
    }
    #: The most candidates that are shown at once.
    candidate_rows = 6
    #: What is said of a text that is too long.
    too_long = "The text is too long: {limit:,} characters are the most. Send it as a file."

    def __init__(
        self,
        placeholder: str = "",
        max_rows: int = 8,
        limit: int = 65536,
        completer: Completer | None = None,
        *,
        lines: bool = True,
        masked: bool = False,
    ) -> None:
        super().__init__()
        self.placeholder = clean(placeholder)
        self.max_rows = max_rows
        self.limit = limit
        self.completer = completer
        self._lines = lines
        self._masked = masked
        self.recall = Recall()
        self._buffer = Buffer()
        self._choice: Choice | None = None
        self._paste: list[str] | None = None
        self._top = 0
        self._columns = 80
        self._goal: int | None = None

    @property
    def text(self) -> str:
        """The text; a new one can be undone."""
        return self._buffer.text

    @text.setter
    def text(self, text: str) -> None:
        self._choice = None
        self._edited(self._buffer.replace(0, len(self.text), self._fit(text)))

    @property
    def cursor(self) -> int:
        """How many code points are before the cursor."""
        return self._buffer.cursor

    @cursor.setter
    def cursor(self, cursor: int) -> None:
        self._buffer.move(cursor)
        self._invalidate()

    def insert(self, text: str) -> bool:
        """Write a text at the cursor as a paste does; tell whether there was room for it."""
        if len(self.text) + len(text) > self.limit:
            self._emit("refused", self.too_long.format(limit=self.limit))
            return False
        self._choice = None
        self._edited(self._buffer.insert(self._fit(text), "other"))
        return True

    def _fit(self, text: str) -> str:
        return text if self._lines else " ".join(text.splitlines())

    @property
    def _shown(self) -> str:
        """What is drawn, by as many code points as there are."""
        return "*" * len(self.text) if self._masked else self.text

    def offer(self, completions: Completions | None) -> None:
        """Show candidates; a single one is written at once. None, or none of them, hides them."""
        self._choice = None
        if completions is not None and completions.candidates:
            stem = self.text[completions.start : self.cursor]
            self._choice = Choice(completions, stem)
            if len(completions.candidates) == 1:
                self._choose(1)
                self._choice = None
        self._invalidate()

    @property
    def completing(self) -> bool:
        """Whether candidates are shown."""
        return self._choice is not None

    def _choose(self, step: int) -> None:
        if self._choice is not None:
            start = self._choice.offered.start
            text = self._choice.step(step)
            if len(self.text) + len(text) <= self.limit:
                self._edited(self._buffer.replace(start, self.cursor, text))

    def _edited(self, changed: bool) -> bool:
        self._goal = None
        self._invalidate()
        if changed:
            self._emit("change", self.text)
        return changed

    def act(self, action: str) -> bool:
        """Do an action by name."""
        if action in ("complete", "complete-back"):
            return self._complete(1 if action == "complete" else -1)
        chosen, self._choice = self._choice, None
        if action == "cancel":
            if chosen is None:
                return False
            self._edited(self._buffer.replace(chosen.offered.start, self.cursor, chosen.stem))
            return True
        self._invalidate()
        if action in ("up", "down"):
            return self._vertical(-1 if action == "up" else 1)
        return self._edit(action) or self._move(action) or self._recall(action)

    def _edit(self, action: str) -> bool:
        if action == "send":
            self._send()
            return True
        if action == "newline":
            return self.insert("\n")
        if action not in _EDITS:
            return False
        return self._edited(_EDITS[action](self._buffer)) or bool(self.text)

    def _send(self) -> None:
        text = self.text
        if text.strip():
            if not self._masked:
                self.recall.remember(text)
            self.text = ""
            self._emit("send", text)

    def _move(self, action: str) -> bool:
        if action not in _MOVES:
            return False
        self._goal = None
        return self._buffer.move(_MOVES[action](self._buffer)) or bool(self.text)

    def _recall(self, action: str) -> bool:
        text = None
        if action == "older":
            text = self.recall.older(self.text)
        elif action == "newer":
            text = self.recall.newer(self.text)
        if text is None:
            return False
        self.text = text
        return True

    def _vertical(self, step: int) -> bool:
        rows = wrap(self._shown, self._columns)
        at = self._row(rows)
        if not 0 <= at + step < len(rows):
            return self._recall("older" if step < 0 else "newer")
        if self._goal is None:
            self._goal = column(self._shown, rows[at].start, self.cursor)
        row = rows[at + step]
        goal = self._goal
        cursor = place(self._shown, row, goal)
        follows = rows[at + step + 1 :][:1]
        if row.start < cursor == row.end and follows and follows[0].start == cursor:
            cursor -= 1  # there the next row begins
        self._buffer.move(cursor)
        self._goal = goal
        return True

    def _row(self, rows: Sequence[Row]) -> int:
        return max(0, bisect_right(rows, self.cursor, key=lambda row: row.start) - 1)

    def _complete(self, step: int) -> bool:
        if self._choice is None:
            if self.completer is not None:
                self.offer(self.completer(self.text, self.cursor))
            if self._choice is None:
                self._emit("complete", self.text, self.cursor)
            if self._choice is None:
                return True
        self._choose(step)
        return True

    def keypress(self, size: tuple[int], key: str) -> str | None:  # type: ignore[override]
        """Write what the key is, or do what it means; return it if it means nothing here."""
        self._columns = size[0]
        if key == "begin paste":
            self._paste = []
        elif key == "end paste":
            self.insert("".join(self._paste or ()))
            self._paste = None
        elif self._paste is not None:
            if len(self._paste) <= self.limit:
                self._paste.append(as_text(key))
        elif (text := pasted(key)) is not None:
            self.insert(text)
        elif (action := self.action(key)) is not None:
            return None if self.act(action) else key
        elif len(key) == 1 and key.isprintable():
            self._choice = None
            if len(self.text) >= self.limit:
                self.insert(key)
            else:
                self._edited(self._buffer.insert(key))
        else:
            return key
        return None

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Put the cursor where a click is, or take the candidate that is clicked."""
        if event != "mouse press" or button != 1:
            return False
        self._columns = size[0]
        listed = self._candidates(size[0])
        if row < len(listed):
            if self._choice is not None:
                window = self._choice.window(self.candidate_rows)
                self._choice.index = window[row]
                self._choose(0)
                self._choice = None
        else:
            rows = wrap(self._shown, size[0])
            at = min(len(rows) - 1, self._top + row - len(listed))
            self._buffer.move(place(self._shown, rows[at], col))
            self._goal = None
        self._invalidate()
        return True

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many rows it takes, with the candidates that are shown."""
        text = len(wrap(self._shown or self.placeholder, size[0]))
        return len(self._candidates(size[0])) + min(text, self.max_rows)

    def _candidates(self, columns: int) -> list[list[Span]]:
        if self._choice is None:
            return []
        candidates = self._choice.offered.candidates
        window = self._choice.window(self.candidate_rows)
        labels = [clean(candidates[one].label or candidates[one].text) for one in window]
        room = min(max(map(width, labels)) + 2, max(1, columns * 2 // 3))
        found: list[list[Span]] = []
        for one, label in zip(window, labels, strict=True):
            name = "candidate chosen" if one == self._choice.index else "candidate"
            hint = cut(clean(candidates[one].hint), columns - room)
            label = fill(label.replace("\n", " "), room)
            found.append([(name, label), (name if "chosen" in name else "candidate hint", hint)])
        return found

    def get_cursor_coords(self, size: tuple[int]) -> tuple[int, int]:
        """Return the column and row of the cursor."""
        rows = wrap(self._shown, size[0])
        at = self._row(rows)
        self._scroll(at, len(rows))
        x = column(self._shown, rows[at].start, self.cursor)
        return min(x, size[0] - 1), len(self._candidates(size[0])) + at - self._top

    def _scroll(self, at: int, count: int) -> None:
        height = min(count, self.max_rows)
        self._top = max(0, min(self._top, at, count - height), at - height + 1)

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the text, and the candidates above it."""
        self._columns = size[0]
        found = self._candidates(size[0])
        cursor = self.get_cursor_coords(size) if focus else None
        if not self.text:
            rows = wrap(self.placeholder, size[0])[: self.max_rows]
            text, name, top = self.placeholder, "placeholder", 0
        else:
            rows, text, name = wrap(self._shown, size[0]), self._shown, "editor"
            self._scroll(self._row(rows), len(rows))
            top = self._top
        for row in rows[top : top + self.max_rows]:
            drawn = text[row.start : row.end]
            if not (drawn.isascii() and "\t" not in drawn):
                drawn = "".join(map(shown, graphemes(drawn)))
            found.append([(name, drawn)])
        return paint(found, size[0], cursor=cursor)
