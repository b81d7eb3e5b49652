"""Ordered rows by key, of which one changes at a time, however many there are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from sat.frontends.core.observers import enter

RowT = TypeVar("RowT")
_Seen = TypeVar("_Seen", contravariant=True)
#: What rows are sorted by: what stands in the same place is comparable, the last part unique.
Order = tuple[Any, ...]


class RowObserver(Protocol[_Seen]):
    """Draws rows: is told of each change once it has happened, with the place in the list."""

    def added(self, index: int, row: _Seen) -> None:
        """Draw a row at this place; those after it have moved."""

    def changed(self, index: int, row: _Seen) -> None:
        """Draw a row again: it is another value of the same key."""

    def removed(self, index: int, row: _Seen) -> None:
        """Draw no more the row that stood at this place. One that moves is added again."""

    def reset(self) -> None:
        """Read all rows again: they are others."""


class Rows(Sequence[RowT], Generic[RowT]):
    """Rows in order, each with a key; a view holds one, and it alone changes it.

    To change, add or remove a row costs a search in the order and the shifting of a list.
    """

    def __init__(self) -> None:
        self._order: list[Order] = []
        self._keys: list[Hashable] = []
        self._known: dict[Hashable, tuple[Order, RowT]] = {}
        self._observers: list[RowObserver[RowT]] = []

    def observe(self, observer: RowObserver[RowT]) -> Callable[[], None]:
        """Tell somebody of each change from now on; return what ends that."""
        return enter(self._observers, observer)

    # ---- reading

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._known[key][1] for key in self._keys[index]]
        return self._known[self._keys[index]][1]

    def __iter__(self) -> Iterator[RowT]:
        return (self._known[key][1] for key in self._keys)

    def get(self, key: Hashable) -> RowT | None:
        """Return the row of a key, if there is one."""
        found = self._known.get(key)
        return None if found is None else found[1]

    def index_of(self, key: Hashable) -> int | None:
        """Return the place of a key's row, if there is one."""
        found = self._known.get(key)
        return None if found is None else bisect_left(self._order, found[0])

    def place_of(self, order: Order) -> int:
        """Return the place that a row with this order has, or would have."""
        return bisect_left(self._order, order)

    @property
    def keys(self) -> Sequence[Hashable]:
        """The keys, in the order of the rows."""
        return self._keys

    # ---- changing

    def put(self, key: Hashable, order: Order, row: RowT) -> None:
        """Add a row, or let it take the place of the one with this key."""
        old = self._known.get(key)
        if old is not None:
            if old[0] == order:
                if old[1] != row:
                    self._known[key] = (order, row)
                    index = bisect_left(self._order, order)
                    for observer in (*self._observers,):
                        observer.changed(index, row)
                return
            self.drop(key)
        index = bisect_left(self._order, order)
        self._order.insert(index, order)
        self._keys.insert(index, key)
        self._known[key] = (order, row)
        for observer in (*self._observers,):
            observer.added(index, row)

    def drop(self, key: Hashable) -> None:
        """Remove the row of a key, if there is one."""
        old = self._known.pop(key, None)
        if old is None:
            return
        index = bisect_left(self._order, old[0])
        del self._order[index], self._keys[index]
        for observer in (*self._observers,):
            observer.removed(index, old[1])

    def replace(self, found: Iterable[tuple[Hashable, Order, RowT]]) -> None:
        """Let these be all rows."""
        rows = sorted(found, key=lambda one: one[1])
        self._order = [order for _, order, _ in rows]
        self._keys = [key for key, _, _ in rows]
        self._known = {key: (order, row) for key, order, row in rows}
        for observer in (*self._observers,):
            observer.reset()
