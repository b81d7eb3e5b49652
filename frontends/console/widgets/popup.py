"""Frames over the rest of the screen, for a while: dialogs, menus, a palette of commands, help."""

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

import urwid

from sat.frontends.console.widgets.cells import fill, line, width
from sat.frontends.console.widgets.guarding import Broken, sentence
from sat.frontends.console.widgets.keys import Keyed, KeyMap
from sat.frontends.console.widgets.painting import Span, paint

Shown = TypeVar("Shown", bound=urwid.Widget)


class Popup(Keyed, urwid.Widget, Generic[Shown]):
    """A box widget in a frame, for :class:`Overlays`; never larger than the screen.

    Signal: ``closed`` (popup).

    Attributes of the display: ``popup`` (the frame), ``popup title``.

    Actions: ``close``.

    :param body: a box widget; it has each key first
    :param title: shown in the frame
    :param columns: how wide the body wants to be
    :param rows: how high the body wants to be; a function is asked each time, with the columns
    """

    _selectable = True
    _sizing = frozenset([urwid.BOX])
    signals: ClassVar[list[str]] = ["closed"]
    KEYS: ClassVar[KeyMap] = {"close": ("esc",)}

    def __init__(
        self, body: Shown, title: str, columns: int, rows: int | Callable[[int], int]
    ) -> None:
        super().__init__()
        self.body = body
        self.title = line(title)
        self._columns = columns
        self._rows = rows

    def wanted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return its columns and rows on a screen of this size."""
        columns = min(size[0], max(self._columns, width(self.title) + 2) + 2)
        inner = max(1, columns - 2)
        rows = self._rows if isinstance(self._rows, int) else self._rows(inner)
        return columns, min(size[1], max(1, rows) + 2)

    @staticmethod
    def _inner(size: tuple[int, int]) -> tuple[int, int] | None:
        """Return the size of the body, or None if there is no room for the frame."""
        return (size[0] - 2, size[1] - 2) if size[0] > 2 and size[1] > 2 else None

    def act(self, action: str) -> bool:
        """Do an action by name."""
        if action != "close":
            return False
        self._emit("closed")
        return True

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Give a key to the body first."""
        left = self.body.keypress(self._inner(size) or size, key)
        return None if left is None or self.does(left) else left

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Give the body what happens in it."""
        inner = self._inner(size)
        if inner is None:
            return bool(self.body.mouse_event(size, event, button, col, row, focus))
        col, row = col - 1, row - 1
        if 0 <= col < inner[0] and 0 <= row < inner[1]:
            return bool(self.body.mouse_event(inner, event, button, col, row, focus))
        return False

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the frame and the body; where there is no room for a frame, the body alone."""
        inner = self._inner(size)
        if inner is None:
            return urwid.CompositeCanvas(self.body.render(size, focus))
        columns = inner[0]
        title = f" {self.title} " if self.title else ""
        title = fill(title, columns) if width(title) > columns else title
        above: list[Span] = [
            ("popup", "┌"),
            ("popup title", title),
            ("popup", "─" * (columns - width(title)) + "┐"),
        ]
        side = paint([[("popup", "│")]] * inner[1], 1)
        body = self.body.render(inner, focus)
        parts = [(side, None, False, 1), (body, None, True, columns), (side, None, False, 1)]
        below = [("popup", "└" + "─" * columns + "┘")]
        return urwid.CanvasCombine(
            [
                (paint([above], size[0]), None, False),
                (urwid.CanvasJoin(parts), None, True),
                (paint([below], size[0]), None, False),
            ]
        )


class Overlays(urwid.Widget):
    """A box widget, and popups over it, of which the last has all keys.

    A click beside the popup closes it. Attribute of the display: ``broken``, for the sentence in
    the place of a popup that can't be drawn.

    :param below: what is shown where there is no popup
    :param broken: takes note of an error of a popup, and returns the sentence; without it, the
        error is raised
    """

    _selectable = True
    _sizing = frozenset([urwid.BOX])

    def __init__(self, below: urwid.Widget, broken: Broken | None = None) -> None:
        super().__init__()
        self.below = below
        self._broken = broken
        self._popups: list[Popup[urwid.Widget]] = []

    @property
    def top(self) -> "Popup[urwid.Widget] | None":
        """The popup that has the keys, or None."""
        return self._popups[-1] if self._popups else None

    def show(self, popup: "Popup[Shown]") -> "Popup[Shown]":
        """Show a popup over all others, until it is closed; return it."""
        self._popups.append(popup)  # type: ignore[arg-type]
        urwid.disconnect_signal(popup, "closed", self.hide)
        urwid.connect_signal(popup, "closed", self.hide)
        self._invalidate()
        return popup

    def hide(self, popup: "Popup[urwid.Widget]") -> None:
        """Take a popup away; nothing happens if it is away."""
        if popup in self._popups:
            self._popups.remove(popup)
            self._invalidate()

    def _place(
        self, popup: "Popup[urwid.Widget]", size: tuple[int, int]
    ) -> tuple[int, int, int, int]:
        columns, rows = popup.wanted(size)
        return (size[0] - columns) // 2, (size[1] - rows) // 2, columns, rows

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Give a key to the last popup, or to what is below if there is none."""
        if self.top is None:
            return self.below.keypress(size, key)
        return self.top.keypress(self._place(self.top, size)[2:], key)

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Give an event to the last popup; a click beside it closes it."""
        popup = self.top
        if popup is None:
            return bool(self.below.mouse_event(size, event, button, col, row, focus))
        left, top, columns, rows = self._place(popup, size)
        if left <= col < left + columns and top <= row < top + rows:
            inner = (columns, rows)
            return popup.mouse_event(inner, event, button, col - left, row - top, focus)
        return event == "mouse press" and button == 1 and popup.act("close")

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw all, the last popup over the others."""
        canvas = urwid.CompositeCanvas(self.below.render(size, focus and not self._popups))
        for popup in self._popups:
            try:
                left, top, columns, rows = self._place(popup, size)
                picture = popup.render((columns, rows), focus and popup is self.top)
            except Exception as error:
                if self._broken is None:
                    raise
                text = sentence(self._broken(error))
                columns, left = size[0], 0
                rows = min(size[1], text.rows((columns,)))
                top = (size[1] - rows) // 2
                picture = urwid.CompositeCanvas(text.render((columns,)))
                picture.trim(0, rows)
            canvas = urwid.CanvasOverlay(picture, canvas, left, top)
        return canvas
