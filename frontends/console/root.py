"""What is on the screen: contacts, conversations, and the lines at the bottom."""

from collections.abc import Callable
from typing import Protocol

import urwid

from sat.frontends.console.prompt import Prompt
from sat.frontends.console.signs import sign
from sat.frontends.console.widgets.guarding import drawn

#: Narrower screens show either the contacts or the conversations.
BOTH = 60


class Line(Protocol):
    """A flow widget at the bottom."""

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many lines it takes."""

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:
        """Draw it."""


class Doer(Protocol):
    """Does what keys mean anywhere."""

    def key(self, key: str) -> bool:
        """Do what a key means whatever has the focus; tell whether it means anything."""

    def click(self) -> None:
        """Take note that the person is there."""

    def fault(self, error: Exception) -> str:
        """Take note of an error, and return what is told of it."""


class Root(urwid.Widget):
    """The whole screen.

    :param contacts: the list at the left
    :param workspace: the conversations
    :param bottom: lines at the bottom, flow widgets
    :param doer: is asked first what a key means
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(
        self,
        contacts: urwid.Widget,
        workspace: urwid.Widget,
        bottom: list[Line],
        doer: Doer,
    ) -> None:
        super().__init__()
        self.contacts = contacts
        self.workspace = workspace
        self._bottom = bottom
        self._doer = doer
        self._in_contacts = False
        #: What asks for a line; it gets all keys.
        self.prompt: Prompt | None = None
        #: Whether the list is shown where there is room for both.
        self.shows_contacts = True
        self.on_focus: Callable[[], None] = lambda: None

    @property
    def in_contacts(self) -> bool:
        """Whether the list of contacts has the focus."""
        return self._in_contacts

    @in_contacts.setter
    def in_contacts(self, value: bool) -> None:
        if value != self._in_contacts:
            self._in_contacts = value
            self._invalidate()
            self.on_focus()

    def changed(self) -> None:
        """Take note that a line at the bottom came or went."""
        self._invalidate()

    def _widths(self, columns: int) -> tuple[int, int]:
        """Return the columns of the list and of the conversations; there may be none for one."""
        if columns < BOTH:
            return (columns, 0) if self._in_contacts else (0, columns)
        if not self.shows_contacts and not self._in_contacts:
            return 0, columns
        left = max(20, min(32, columns // 4))
        return left, columns - left - 1

    @property
    def bottom(self) -> list[Line]:
        """The lines at the bottom."""
        return [*self._bottom[:-1], *([self.prompt] if self.prompt else []), self._bottom[-1]]

    def _heights(self, size: tuple[int, int]) -> tuple[int, list[int]]:
        """Return the lines of the middle, and those of each part of the bottom that fits."""
        left, found = size[1], []
        for widget in reversed(self.bottom):
            rows = min(widget.rows((size[0],)), left - 1)
            found.append(max(0, rows))
            left -= max(0, rows)
        return left, found[::-1]

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw all of it."""
        columns, _height = size
        focus = focus and self.prompt is None
        middle, below = self._heights(size)
        left, right = self._widths(columns)
        parts = []
        if left:
            focused = focus and self._in_contacts
            shown = drawn(self.contacts, (left, middle), focused, self._doer.fault)
            parts.append((shown, None, focused, left))
        if left and right:
            look = "line.focus" if self._in_contacts else "line"
            bar = urwid.AttrMap(urwid.SolidFill(sign("│")), look).render((1, middle))
            parts.append((bar, None, False, 1))
        if right:
            focused = focus and not self._in_contacts
            shown = drawn(self.workspace, (right, middle), focused, self._doer.fault)
            parts.append((shown, None, focused, right))
        rows = [(urwid.CanvasJoin(parts), None, True)]
        for widget, lines in zip(self.bottom, below, strict=True):
            if lines:
                canvas = urwid.CompositeCanvas(widget.render((columns,), widget is self.prompt))
                canvas.trim(canvas.rows() - lines, lines)
                rows.append((canvas, None, widget is self.prompt))
        return urwid.CanvasCombine(rows)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what a key means anywhere, else give it to what has the focus."""
        if self.prompt is not None:
            return self.prompt.keypress((size[0],), key)
        if self._doer.key(key):
            return None
        middle, _below = self._heights(size)
        left, right = self._widths(size[0])
        if self._in_contacts:
            return self.contacts.keypress((left, middle), key)
        return self.workspace.keypress((right, middle), key)

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Give a click to what is there, and the focus with it."""
        self._doer.click()
        middle, _below = self._heights(size)
        left, right = self._widths(size[0])
        if row >= middle:
            if self.prompt is not None and event == "mouse press":
                self.prompt.mouse_event((size[0],), event, button, col, 0, True)
            return False
        pressed = event.endswith("mouse press") and button == 1
        if col < left:
            if pressed:
                self.in_contacts = True
            return bool(self.contacts.mouse_event((left, middle), event, button, col, row, True))
        start = left + 1 if left and right else left
        if col < start:
            return False
        if pressed:
            self.in_contacts = False
        return bool(
            self.workspace.mouse_event((right, middle), event, button, col - start, row, True)
        )
