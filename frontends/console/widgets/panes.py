"""Widgets side by side and one over another, as a person divides the screen."""

from collections.abc import Hashable
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.keys import Keyed, KeyMap
from sat.frontends.console.widgets.splits import (
    Box,
    Leaf,
    Node,
    Split,
    boxes,
    fitting,
    leaves,
    neighbour,
    path,
    shares,
)

_STEPS = {
    "focus-left": (-1, 0),
    "focus-right": (1, 0),
    "focus-up": (0, -1),
    "focus-down": (0, 1),
}

#: So often a size is brought nearer to where the mouse is, at each of its moves.
_STEPS_OF_DRAG = 12


class Panes(Keyed, urwid.Widget):
    """Box widgets by key, divided by lines; where there is no room for all, the one in focus.

    Signals, each with the panes first: ``focused`` (key), ``closed`` (key).

    Attributes of the display: ``divider``, ``divider focus`` (beside what is in focus).

    Actions: ``focus-left``, ``focus-right``, ``focus-up``, ``focus-down``, ``focus-next``,
    ``focus-previous``, ``wider``, ``narrower``, ``higher``, ``lower``, ``equal``, ``zoom`` (show
    one alone, and all again), ``close`` (never the last one). A click puts the focus; a line
    is drawn to where it is wanted.

    :param key: the first one's key
    :param widget: the first one
    """

    _selectable = True
    _sizing = frozenset([urwid.BOX])
    signals: ClassVar[list[str]] = ["focused", "closed"]
    KEYS: ClassVar[KeyMap] = {
        "focus-left": ("meta h",),
        "focus-right": ("meta l",),
        "focus-up": ("meta k",),
        "focus-down": ("meta j",),
        "focus-next": ("meta o",),
        "focus-previous": ("meta O",),
        "wider": ("meta L",),
        "narrower": ("meta H",),
        "higher": ("meta J",),
        "lower": ("meta K",),
        "equal": ("meta =",),
        "zoom": ("meta z",),
        "close": ("meta w",),
    }
    #: Parts that would be smaller are not shown beside others.
    least_columns, least_rows = 12, 4

    def __init__(self, key: Hashable, widget: urwid.Widget) -> None:
        super().__init__()
        self._widgets: dict[Hashable, urwid.Widget] = {key: widget}
        self._root: Node = Leaf(key)
        self._key = key
        self._zoomed = False
        self._dragged: tuple[Hashable, bool] | None = None
        self._size = (80, 24)

    @property
    def panes(self) -> dict[Hashable, urwid.Widget]:
        """The widgets by key, from left to right and from top to bottom."""
        return {one.key: self._widgets[one.key] for one in leaves(self._root)}

    @property
    def focus_key(self) -> Hashable:
        """The key of the one in focus."""
        return self._key

    @property
    def focus(self) -> urwid.Widget:
        """The widget in focus."""
        return self._widgets[self._key]

    def focus_on(self, key: Hashable) -> None:
        """Put one in focus.

        :raises KeyError: if there is none with this key
        """
        if key not in self._widgets:
            raise KeyError(key)
        if key != self._key:
            self._key = key
            self._invalidate()
            self._emit("focused", key)

    def split(self, key: Hashable, widget: urwid.Widget, *, beside: bool) -> None:
        """Divide the one in focus in two halves, of which the second is a new one, in focus.

        :param beside: whether it is to the right, and not below
        :raises KeyError: if the key is there already
        """
        if key in self._widgets:
            raise KeyError(key)
        self._widgets[key] = widget
        above = path(self._root, self._key)
        leaf = next(one for one in leaves(self._root) if one.key == self._key)
        new = Leaf(key, leaf.weight)
        if above and above[-1].beside == beside:
            above[-1].parts.insert(above[-1].parts.index(leaf) + 1, new)
        else:
            split = Split(beside, [leaf, new], leaf.weight)
            if above:
                above[-1].parts[above[-1].parts.index(leaf)] = split
            else:
                self._root = split
            leaf.weight = new.weight = 1.0
        self._zoomed = False
        self.focus_on(key)
        self._invalidate()

    def show(self, key: Hashable, widget: urwid.Widget) -> None:
        """Put another widget in the place of the one in focus.

        :raises KeyError: if the key is that of another pane
        """
        if key in self._widgets and key != self._key:
            raise KeyError(key)
        for leaf in leaves(self._root):
            if leaf.key == self._key:
                leaf.key = key
                break
        del self._widgets[self._key]
        self._widgets[key] = widget
        self._key = key
        self._invalidate()
        self._emit("focused", key)

    def close(self, key: Hashable) -> bool:
        """Take one away; what was beside it gets its place. The last one stays: False.

        :raises KeyError: if there is none with this key
        """
        above = path(self._root, key)
        if not above:
            return False
        order = [one.key for one in leaves(self._root)]
        at = order.index(key)
        split = above[-1]
        split.parts = [one for one in split.parts if not (isinstance(one, Leaf) and one.key == key)]
        if len(split.parts) == 1:
            self._unwrap(above)
        del self._widgets[key]
        self._zoomed = False
        self._invalidate()
        if self._key == key:
            self.focus_on(order[at - 1] if at else order[1])
        self._emit("closed", key)
        return True

    def _unwrap(self, above: list[Split]) -> None:
        """Put the only part of a split in the split's place."""
        split = above[-1]
        (only,) = split.parts
        only.weight = split.weight
        if len(above) == 1:
            self._root = only
            return
        outer = above[-2]
        at = outer.parts.index(split)
        if isinstance(only, Split) and only.beside == outer.beside:
            whole = sum(one.weight for one in only.parts)
            for one in only.parts:
                one.weight *= only.weight / whole
            outer.parts[at : at + 1] = only.parts
        else:
            outer.parts[at] = only

    def resize(self, *, beside: bool, factor: float) -> bool:
        """Give the one in focus more of what it shares with others, or less.

        :param beside: whether that is columns, and not rows
        :param factor: by how much; 1.25 is a quarter more
        """
        return self._resize(self._key, beside, factor)

    def _resize(self, key: Hashable, beside: bool, factor: float) -> bool:
        chain = path(self._root, key)
        if not chain:
            return False
        parts: list[Node] = [
            *chain[1:],
            *(one for one in leaves(self._root) if one.key == key),
        ]
        for split, part in zip(reversed(chain), reversed(parts), strict=True):
            if split.beside == beside:
                mean = sum(one.weight for one in split.parts) / len(split.parts)
                part.weight = min(max(part.weight * factor, mean / 16), mean * 16)
                self._invalidate()
                return True
        return False

    def act(self, action: str) -> bool:
        """Do an action by name."""
        order = [one.key for one in leaves(self._root)]
        at = order.index(self._key)
        match action:
            case "focus-left" | "focus-right" | "focus-up" | "focus-down":
                found = neighbour(self.boxes(self._size, every=True), self._key, *_STEPS[action])
                if found is None:
                    return False
                self.focus_on(found)
            case "focus-next" | "focus-previous" if len(order) > 1:
                self.focus_on(order[(at + (1 if action == "focus-next" else -1)) % len(order)])
            case "wider" | "narrower":
                return self.resize(beside=True, factor=1.25 if action == "wider" else 0.8)
            case "higher" | "lower":
                return self.resize(beside=False, factor=1.25 if action == "higher" else 0.8)
            case "equal":
                _equalize(self._root)
                self._invalidate()
            case "zoom" if len(order) > 1:
                self._zoomed = not self._zoomed
                self._invalidate()
            case "close":
                return self.close(self._key)
            case _:
                return False
        return True

    def boxes(self, size: tuple[int, int], *, every: bool = False) -> dict[Hashable, Box]:
        """Return where each is that is shown.

        :param every: as if there were room for all
        """
        whole = Box(0, 0, *size)
        if every:
            return boxes(self._root, Box(0, 0, 1 << 12, 1 << 12), self._key, self._least)
        if self._zoomed:
            return {self._key: whole}
        return boxes(self._root, whole, self._key, self._least)

    @property
    def _least(self) -> Box:
        return Box(0, 0, self.least_columns, self.least_rows)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Give a key to the one in focus; if it means nothing there, do what it means here."""
        self._size = size
        box = self.boxes(size)[self._key]
        if self.focus.selectable():
            left = self.focus.keypress((box.columns, box.rows), key)
            if left is None:
                return None
            key = left
        return None if self.does(key) else key

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Put the focus where a click is, and give it the event."""
        self._size = size
        if event in ("mouse press", "mouse release"):
            self._dragged = None
        if event == "mouse drag" and self._dragged is not None:
            return self._drag(*self._dragged, col, row)
        for key, box in self.boxes(size).items():
            x, y = col - box.left, row - box.top
            if 0 <= x < box.columns and 0 <= y < box.rows:
                if event == "mouse press" and button == 1:
                    self.focus_on(key)
                widget = self._widgets[key]
                inner = (box.columns, box.rows)
                handled = widget.mouse_event(inner, event, button, x, y, focus and key == self._key)
                return bool(handled) or (event == "mouse press" and button == 1)
        if event == "mouse press" and button == 1:
            self._dragged = self._divided(col, row)
            return self._dragged is not None
        return False

    def _divided(self, col: int, row: int) -> tuple[Hashable, bool] | None:
        """Return what ends at the line at a cell, and whether that parts columns."""
        for key, box in self.boxes(self._size).items():
            x, y = col - box.left, row - box.top
            if x == box.columns and 0 <= y < box.rows:
                return key, True
            if y == box.rows and 0 <= x < box.columns:
                return key, False
        return None

    def _drag(self, key: Hashable, beside: bool, col: int, row: int) -> bool:
        """Let one end at a cell, as nearly as the others leave room for."""
        # Sizes are shares of a whole: each step comes nearer.
        for _step in range(_STEPS_OF_DRAG):
            box = self.boxes(self._size).get(key)
            if box is None:
                return False
            have, want = (box.columns, col - box.left) if beside else (box.rows, row - box.top)
            if have == want or not self._resize(key, beside, max(want, 1) / max(have, 1)):
                break
        return True

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw all that there is room for, and lines between them."""
        self._size = size
        root: Node = Leaf(self._key) if self._zoomed else self._root
        return urwid.CompositeCanvas(self._draw(root, size, focus))

    def _draw(self, node: Node, size: tuple[int, int], focus: bool) -> urwid.Canvas:
        if isinstance(node, Leaf):
            return self._widgets[node.key].render(size, focus and node.key == self._key)
        columns, rows = size
        parts = fitting(node, size, self._key, self._least)
        length = (columns if node.beside else rows) - len(parts) + 1
        each = self.least_columns if node.beside else self.least_rows
        lengths = shares(length, [one.weight for one in parts], each)
        focused = [self._key in (one.key for one in leaves(part)) for part in parts]
        drawn: list[tuple[urwid.Canvas, int, bool]] = []
        for at, (part, share) in enumerate(zip(parts, lengths, strict=True)):
            if at:
                name = "divider focus" if focused[at - 1] or focused[at] else "divider"
                drawn.append(
                    (_line(node.beside, 1 if node.beside else columns, rows, name), 1, False)
                )
            inner = (share, rows) if node.beside else (columns, share)
            drawn.append((self._draw(part, inner, focus), share, focused[at]))
        if node.beside:
            return urwid.CanvasJoin(
                [(one, None, is_focus, cells) for one, cells, is_focus in drawn]
            )
        return urwid.CanvasCombine([(one, None, is_focus) for one, _, is_focus in drawn])


def _line(beside: bool, columns: int, rows: int, name: str) -> urwid.Canvas:
    solid = urwid.SolidCanvas("│" if beside else "─", columns, rows if beside else 1)
    canvas = urwid.CompositeCanvas(solid)
    canvas.fill_attr(name)
    return canvas


def _equalize(node: Node) -> None:
    node.weight = 1.0
    if isinstance(node, Split):
        for part in node.parts:
            _equalize(part)
