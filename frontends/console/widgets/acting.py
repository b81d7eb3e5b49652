"""What widgets with keys share: a key does an action, the wheel scrolls, a click chooses."""

from collections.abc import Mapping

import urwid

from sat.frontends.console.widgets.keys import Keyed


class Acting(Keyed, urwid.Widget):
    """A box widget whose keys are actions; what it does is in :meth:`act` and :meth:`clicked`.

    ``_size`` is the size that it was last drawn, or pressed, in.
    """

    _selectable = True
    _sizing = frozenset([urwid.BOX])
    _size: tuple[int, int] = (80, 24)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what the key means; return it if it means nothing here."""
        self._size = size
        return None if self.does(key) else self.typed(key)

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Choose what is clicked; scroll by the wheel."""
        self._size = size
        if event != "mouse press":
            return False
        if button in (4, 5):
            return self.wheeled(-1 if button == 4 else 1)
        return button == 1 and self.clicked(col, row)

    def typed(self, key: str) -> str | None:
        """Write a key that means no action; return it if nothing can be written here."""
        return key

    def wheeled(self, step: int) -> bool:
        """Scroll up (-1) or down (1); tell whether there was anything to do."""
        return self.act("page-up" if step < 0 else "page-down")

    def clicked(self, col: int, row: int) -> bool:
        """Do what a click at a cell means; tell whether it means anything."""
        return False


class Picking(Acting):
    """A widget with entries, one a row and one of them chosen, below lines that are no entries.

    ``_at`` is the number of the chosen one, ``_top`` of the first in view.
    """

    def __init__(self) -> None:
        super().__init__()
        self._at = self._top = 0

    @property
    def _height(self) -> int:
        """How many rows there are for entries."""
        return max(1, self._size[1])

    def _entry(self, row: int, count: int) -> int | None:
        """Return which of so many entries is drawn in a row."""
        at = self._top + row - (self._size[1] - self._height)
        return at if self._top <= at < count else None

    def _scroll(self) -> None:
        """Move the view as little as needed for the chosen one to be in it."""
        self._top = max(0, min(self._top, self._at), self._at - self._height + 1)


def steps(rows: int) -> Mapping[str, int]:
    """Return by how many entries, or lines, each action moves where so many rows are in view."""
    page = max(1, rows - 1)
    return {"up": -1, "down": 1, "page-up": -page, "page-down": page}
