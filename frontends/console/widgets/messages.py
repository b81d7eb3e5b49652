"""A list of rows without end: it holds what is near the view, and asks a source for the rest."""

import re
from collections.abc import Callable, Hashable, Iterable
from typing import ClassVar, Protocol

import urwid

from sat.frontends.console.widgets.acting import Acting
from sat.frontends.console.widgets.guarding import Broken, Guarded
from sat.frontends.console.widgets.highlight import highlighted
from sat.frontends.console.widgets.keys import KeyMap
from sat.frontends.console.widgets.rowcache import RowCache
from sat.frontends.console.widgets.viewport import Placed, Source, Viewport

__all__ = ["Later", "MessageList", "Source"]


class Later(Protocol):
    """Calls a function after so many seconds, as ``call_later`` of an asyncio loop does."""

    def __call__(self, delay: float, function: Callable[[], None], /) -> object:
        """Have the function called."""


class MessageList(Acting):
    """Rows of any height, of which there can be any number; the newest is at the bottom.

    Rows are named by keys, in an order that the ``source`` knows. The list asks it for the widgets
    of those in view, and forgets them when they are far away: what it takes doesn't depend on how
    many there are. At the end it stays at the end when rows come; elsewhere what is looked at
    keeps its place, whatever comes or changes its height above.

    Signals, each with the list first:

    - ``viewed`` (keys): other rows than before are in view, by their last lines; oldest first
    - ``near-top``, ``near-bottom`` (key): less than a screen is left above or below the view, and
      the source has no more than this row; once for each such row, and again when it is scrolled
    - ``selected`` (key or None), ``activated`` (key)

    Attributes of the display: ``found`` for what is searched for (see :meth:`highlight`); rows have
    their own. The selected row is drawn as in focus.

    Actions: ``line-up``, ``line-down``, ``page-up``, ``page-down``, ``start``, ``end``,
    ``select-up``, ``select-down``, ``unselect``, ``activate``. The wheel scrolls, a click
    selects, and activates what was selected.

    :param source: where rows come from
    :param later: has functions called; None has them called at once, while the list is drawn
    :param pace: seconds between two drawings of what changed by itself; keys are drawn at once
    :param broken: takes note of an error of a row's widget, and returns the sentence that is drawn
        in its place, with the attribute ``broken``; without it, the error is the list's
    """

    signals: ClassVar[list[str]] = ["viewed", "near-top", "near-bottom", "selected", "activated"]
    KEYS: ClassVar[KeyMap] = {
        "line-up": ("up",),
        "line-down": ("down",),
        "page-up": ("page up",),
        "page-down": ("page down",),
        "start": ("home",),
        "end": ("end",),
        "select-up": ("meta up",),
        "select-down": ("meta down",),
        "unselect": ("esc",),
        "activate": ("enter",),
    }
    #: Lines that a turn of the wheel scrolls.
    wheel = 3

    def __init__(
        self,
        source: Source,
        later: Later | None = None,
        pace: float = 0.05,
        broken: Broken | None = None,
    ) -> None:
        super().__init__()
        self._broken = broken
        self._cache = self._make_cache(source)
        self._viewport = Viewport(source, self._cache)
        self._later = later
        self._pace = pace
        self._selected: Hashable = None
        self._pattern: re.Pattern[str] | None = None
        self._seen: tuple[Hashable, ...] = ()
        self._told: dict[str, Hashable] = {}
        self._waits = False
        self._stale = False

    def _make_cache(self, source: Source) -> RowCache:
        broken = self._broken
        if broken is None:
            return RowCache(source.widget)
        return RowCache(lambda key: Guarded(lambda: source.widget(key), broken))

    @property
    def source(self) -> Source:
        """Where rows come from; with another one, the list begins at its end."""
        return self._viewport.source

    @source.setter
    def source(self, source: Source) -> None:
        self._cache = self._make_cache(source)
        self._viewport = Viewport(source, self._cache)
        self._selected, self._seen, self._told = None, (), {}
        self._invalidate()

    @property
    def at_end(self) -> bool:
        """Whether the newest row is in view, so that the next one will be too."""
        return self._viewport.sticks

    @property
    def in_view(self) -> tuple[Hashable, ...]:
        """The keys of the rows whose last lines are in view, as they were last drawn."""
        return self._seen

    @property
    def selected(self) -> Hashable:
        """The key of the selected row, or None."""
        return self._selected

    def changed(self, keys: Iterable[Hashable] = ()) -> None:
        """Take note that rows came or went, and that those with these keys are others now.

        It costs little: however often it is called, the list is drawn once each ``pace`` seconds.
        """
        self._cache.forget(keys)
        if self._later is None:
            self._invalidate()
        elif self._waits:
            self._stale = True
        else:
            self._waits = True
            self._invalidate()
            self._later(self._pace, self._draw_stale)

    def changed_all(self) -> None:
        """Take note that every row is another now: a theme, a width of names."""
        self._cache.clear()
        self._invalidate()

    def _draw_stale(self) -> None:
        self._waits = False
        if self._stale:
            self._stale = False
            self.changed()

    def select(self, key: Hashable) -> None:
        """Select a row, and bring it into view; None selects nothing.

        :raises KeyError: if the source has no such row
        """
        if key is not None and key not in self.source:
            raise KeyError(key)
        if key != self._selected:
            self._selected = key
            self._emit("selected", key)
        if key is not None:
            self._viewport.reveal(self._size, key, self._selected)
        self._invalidate()

    def jump(self, key: Hashable) -> None:
        """Show a row in the upper third of the view.

        :raises KeyError: if the source has no such row
        """
        if key not in self.source:
            raise KeyError(key)
        self._viewport.place(key, self._size[1] // 3)
        self._moved()

    def highlight(self, text: str) -> None:
        """Have what is equal to a text drawn with the attribute ``found``; none if it is empty.

        Capitals are small letters here. What a line's end divides is not found.
        """
        self._pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self._invalidate()

    def scroll(self, lines: int) -> None:
        """Move the view down, or up if there are less than 0 lines."""
        self._viewport.scroll(self._size, lines, self._selected)
        self._moved()

    def _moved(self) -> None:
        self._told.clear()
        self._invalidate()

    def act(self, action: str) -> bool:
        """Do an action by name, in the size that the list was last drawn in."""
        page = max(1, self._size[1] - 2)
        match action:
            case "line-up" | "line-down":
                self.scroll(-1 if action == "line-up" else 1)
            case "page-up" | "page-down":
                self.scroll(-page if action == "page-up" else page)
            case "start" | "end":
                self._viewport.to_start() if action == "start" else self._viewport.to_end()
                self._moved()
            case "select-up" | "select-down":
                self._select_next(-1 if action == "select-up" else 1)
            case "unselect" if self._selected is not None:
                self.select(None)
            case "activate" if self._selected is not None:
                self._emit("activated", self._selected)
            case _:
                return False
        return True

    def _select_next(self, step: int) -> None:
        key, self._told = self._selected, {}
        if key is None or key not in self.source:
            in_view = self._seen or tuple(one.key for one in self._placed())
            if in_view:
                self.select(in_view[-1 if step < 0 else 0])
            return
        if hidden := self._viewport.hidden(self._size, key, step):
            self.scroll(step * min(hidden, max(1, self._size[1] - 1)))
            return
        neighbour = self.source.before(key) if step < 0 else self.source.after(key)
        if neighbour is None:
            self.scroll(step)
        else:
            self.select(neighbour)

    def _placed(self) -> list[Placed]:
        return self._viewport.layout(self._size, self._selected)

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Scroll by the wheel; select by a click, which a row's widget has first."""
        self._size = size
        if not event.endswith("mouse press"):
            return False
        if button in (4, 5):
            self.scroll(-self.wheel if button == 4 else self.wheel)
            return True
        for one in self._placed():
            if one.top <= row < one.top + one.rows:
                at = row - one.top
                if one.widget.mouse_event((size[0],), event, button, col, at, focus):
                    return True
                if button == 1:
                    if one.key == self._selected:
                        return self.act("activate")
                    self.select(one.key)
                    return True
        return False

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw what is in view."""
        self._size = columns, height = size
        if self._selected is not None and self._selected not in self.source:
            self._selected = None
            self._tell("selected", None)
        placed = self._placed()
        self._cache.keep([one.key for one in placed], 4 * height + 32)
        self._look(placed, height)
        if not placed:
            return urwid.SolidCanvas(" ", columns, height)
        canvas = urwid.CanvasCombine(
            [
                (one.widget.render((columns,), one.key == self._selected), None, False)
                for one in placed
            ]
        )
        above = placed[0].top
        if above < 0:
            canvas.trim(-above, min(height, canvas.rows() + above))
            above = 0
        if canvas.rows() + above > height:
            canvas.trim(0, height - above)
        canvas.pad_trim_top_bottom(above, height - above - canvas.rows())
        if self._pattern is not None:
            return highlighted(canvas, self._pattern, "found")
        return canvas

    def _look(self, placed: list[Placed], height: int) -> None:
        """Tell what is in view, and whether it is near an end of what the source has."""
        seen = tuple(one.key for one in placed if 0 < one.top + one.rows <= height)
        if seen != self._seen:
            self._seen = seen
            self._tell("viewed", seen)
        ends = self._viewport.near_ends(placed, height) if placed else (None, None)
        for name, key in zip(("near-top", "near-bottom"), ends, strict=True):
            if key is not None and self._told.get(name) != key:
                self._told[name] = key
                self._tell(name, key)

    def _tell(self, name: str, value: object) -> None:
        if self._later is None:
            self._emit(name, value)
        else:
            self._later(0, lambda: self._emit(name, value))
