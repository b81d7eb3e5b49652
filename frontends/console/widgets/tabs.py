"""Widgets of which one is shown, with their names above it."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.cells import cut, line, width
from sat.frontends.console.widgets.keys import Keyed, KeyMap
from sat.frontends.console.widgets.painting import Span, paint


@dataclass
class _Tab:
    title: str
    widget: urwid.Widget
    mark: str = ""
    count: int = 0


class Tabs(Keyed, urwid.Widget):
    """Box widgets by key, each with a title, of which one is shown below the row of titles.

    Where there is a single row, it is the widget's. What titles there is no room for is told by
    ``‹`` and ``›``.

    Signals, each with the tabs first: ``chosen`` (key), ``closing`` (key; closing is the
    program's to do, by :meth:`remove`).

    Attributes of the display: ``tab``, ``tab chosen``, and ``tab MARK`` for each mark that is set.

    Actions: ``next``, ``previous``, ``first`` to ``ninth``, ``move-left``, ``move-right``,
    ``close``. A click chooses; a click of the middle button closes.
    """

    _selectable = True
    _sizing = frozenset([urwid.BOX])
    signals: ClassVar[list[str]] = ["chosen", "closing"]
    _NUMBERS: ClassVar[tuple[str, ...]] = (
        *("first", "second", "third", "fourth", "fifth"),
        *("sixth", "seventh", "eighth", "ninth"),
    )
    KEYS: ClassVar[KeyMap] = {
        "next": ("meta n", "ctrl page down"),
        "previous": ("meta p", "ctrl page up"),
        **{name: (f"meta {at}",) for at, name in enumerate(_NUMBERS, 1)},
        "move-left": ("meta ,",),
        "move-right": ("meta .",),
        "close": ("meta c",),
    }
    #: The most cells of a title.
    longest = 20

    def __init__(self) -> None:
        super().__init__()
        self._tabs: dict[Hashable, _Tab] = {}
        self._key: Hashable = None
        self._first = 0

    @property
    def tabs(self) -> tuple[Hashable, ...]:
        """The keys, from left to right."""
        return tuple(self._tabs)

    @property
    def chosen(self) -> Hashable:
        """The key of the one that is shown, or None if there is none."""
        return self._key

    @property
    def focus(self) -> urwid.Widget | None:
        """The widget that is shown."""
        return self._tabs[self._key].widget if self._key in self._tabs else None

    def add(self, key: Hashable, title: str, widget: urwid.Widget) -> None:
        """Add one at the right, or give one that is there another title and widget."""
        self._tabs[key] = _Tab(line(title), widget)
        if self._key is None:
            self.choose(key)
        self._invalidate()

    def remove(self, key: Hashable) -> None:
        """Take one away; its neighbour is shown if it was.

        :raises KeyError: if there is none with this key
        """
        at = self.tabs.index(key) if key in self._tabs else 0
        del self._tabs[key]
        self._invalidate()
        if key == self._key:
            self._key = None
            if self._tabs:
                self.choose(self.tabs[max(0, at - 1)])

    def rename(self, key: Hashable, title: str) -> None:
        """Give one another title.

        :raises KeyError: if there is none with this key
        """
        self._tabs[key].title = line(title)
        self._invalidate()

    def mark(self, key: Hashable, mark: str = "", count: int = 0) -> None:
        """Draw a title as ``tab MARK``, with a number after it unless that is 0.

        :raises KeyError: if there is none with this key
        """
        tab = self._tabs[key]
        if (tab.mark, tab.count) != (mark, count):
            tab.mark, tab.count = mark, count
            self._invalidate()

    def choose(self, key: Hashable) -> None:
        """Show one.

        :raises KeyError: if there is none with this key
        """
        if key not in self._tabs:
            raise KeyError(key)
        if key != self._key:
            self._key = key
            self._invalidate()
            self._emit("chosen", key)

    def act(self, action: str) -> bool:
        """Do an action by name."""
        order = self.tabs
        if not order:
            return False
        at = order.index(self._key)
        match action:
            case "next" | "previous" if len(order) > 1:
                self.choose(order[(at + (1 if action == "next" else -1)) % len(order)])
            case "move-left" if at > 0:
                self._swap(at - 1, at)
            case "move-right" if at < len(order) - 1:
                self._swap(at, at + 1)
            case "close":
                self._emit("closing", self._key)
            case _ if action in self._NUMBERS and self._NUMBERS.index(action) < len(order):
                self.choose(order[self._NUMBERS.index(action)])
            case _:
                return False
        return True

    def _swap(self, left: int, right: int) -> None:
        order = list(self._tabs.items())
        order[left], order[right] = order[right], order[left]
        self._tabs = dict(order)
        self._invalidate()

    def _titles(self) -> list[str]:
        titles = []
        for tab in self._tabs.values():
            count = f" {tab.count}" if tab.count else ""
            titles.append(f" {cut(tab.title, self.longest)}{count} ")
        return titles

    def _shown(self, columns: int) -> tuple[int, int]:
        """Return from which to which title there is room, with the chosen one among them."""
        widths = [width(one) for one in self._titles()]
        at = self.tabs.index(self._key) if self._tabs else 0
        first = min(self._first, at)
        while first < at and sum(widths[first : at + 1]) > columns - 2:
            first += 1
        last = first + 1
        while last < len(widths) and sum(widths[first : last + 1]) <= columns - 2:
            last += 1
        if sum(widths) <= columns:
            first, last = 0, len(widths)
        self._first = first
        return first, min(last, len(widths))

    def _bar(self, columns: int) -> tuple[list[Span], list[tuple[int, Hashable]]]:
        """Return what the row of titles shows, and up to which column each is."""
        first, last = self._shown(columns)
        spans: list[Span] = [("tab", "‹")] if first else []
        ends: list[tuple[int, Hashable]] = []
        at = len(spans)
        titles = self._titles()
        for key, tab, title in list(zip(self._tabs, self._tabs.values(), titles, strict=True))[
            first:last
        ]:
            name = f"tab {tab.mark}" if tab.mark else "tab"
            spans.append(("tab chosen" if key == self._key else name, title))
            at += width(title)
            ends.append((at, key))
        if last < len(titles):
            spans.append(("tab", "›"))
        spans.append(("tab", ""))
        return spans, ends

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Give a key to the one that is shown; if it means nothing there, do what it means here."""
        widget = self.focus
        if widget is not None and widget.selectable():
            left = widget.keypress(self._inner(size), key)
            if left is None:
                return None
            key = left
        return None if self.does(key) else key

    @staticmethod
    def _inner(size: tuple[int, int]) -> tuple[int, int]:
        return size[0], max(1, size[1] - 1)

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Choose what is clicked in the row of titles; what is below is the widget's."""
        if size[1] > 1 and row == 0:
            if event != "mouse press" or button not in (1, 2):
                return False
            for end, key in self._bar(size[0])[1]:
                if col < end:
                    self.choose(key) if button == 1 else self._emit("closing", key)
                    return True
            return False
        if self.focus is None:
            return False
        above = 1 if size[1] > 1 else 0
        inner = self._inner(size)
        return bool(self.focus.mouse_event(inner, event, button, col, row - above, focus))

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the titles, and the widget that is shown."""
        inner = self._inner(size)
        widget = self.focus
        body = urwid.SolidCanvas(" ", *inner) if widget is None else widget.render(inner, focus)
        if size[1] == 1:
            return urwid.CompositeCanvas(body)
        bar = paint([self._bar(size[0])[0]], size[0], 1)
        return urwid.CanvasCombine([(bar, None, False), (body, None, True)])
