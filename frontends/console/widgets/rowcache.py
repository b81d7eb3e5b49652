"""The widgets of rows that are near the view."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable

import urwid


class RowCache:
    """Widgets by key, made when they are asked for, and forgotten when they were not for long."""

    def __init__(self, make: Callable[[Hashable], urwid.Widget]) -> None:
        self._make = make
        self._widgets: OrderedDict[Hashable, urwid.Widget] = OrderedDict()

    def __len__(self) -> int:
        return len(self._widgets)

    def __getitem__(self, key: Hashable) -> urwid.Widget:
        widget = self._widgets.get(key)
        if widget is None:
            widget = self._widgets[key] = self._make(key)
        else:
            self._widgets.move_to_end(key)
        return widget

    def forget(self, keys: Iterable[Hashable]) -> None:
        """Have the widgets of these keys made anew."""
        for key in keys:
            self._widgets.pop(key, None)

    def clear(self) -> None:
        """Have all widgets made anew."""
        self._widgets.clear()

    def keep(self, keys: Iterable[Hashable], most: int) -> None:
        """Forget those that were asked for longest ago, but never one of these keys.

        :param most: how many may stay, besides these
        """
        for key in keys:
            self._widgets.move_to_end(key)
        while len(self._widgets) > most:
            self._widgets.popitem(last=False)
