"""What views of a part of the state have in common."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from sat.frontends.core.model import Model
from sat.frontends.core.state import Changes
from sat.frontends.core.views.rows import Order, Rows

_Row = TypeVar("_Row")
_Object = TypeVar("_Object")


class View(Generic[_Row]):
    """Rows that follow the state until :meth:`close`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.rows: Rows[_Row] = Rows()
        self._end = model.observe(self._told)

    def close(self) -> None:
        """Follow the state no more."""
        self._end()

    def _told(self, changes: Changes) -> None:
        raise NotImplementedError


class Part(View[_Object]):
    """One part of the state, whose rows are its objects themselves.

    :param part: the name in :class:`sat.frontends.core.state.State`
    :param order: what an object is sorted by; its key comes after that
    :param shown: tells whether an object is to be seen at all
    """

    def __init__(
        self,
        model: Model,
        part: str,
        order: Callable[[_Object], Order],
        shown: Callable[[_Object], bool] = lambda _: True,
    ) -> None:
        super().__init__(model)
        self._part = part
        self._order = order
        self._shown = shown
        self.refresh()

    def refresh(self) -> None:
        """Look at all objects again: what is to be seen has changed."""
        found: Mapping[Any, _Object] = getattr(self.model.state, self._part)
        self.rows.replace(
            (key, (*self._order(one), key), one) for key, one in found.items() if self._shown(one)
        )

    def _told(self, changes: Changes) -> None:
        if changes.anew:
            self.refresh()
            return
        found: Mapping[Any, _Object] = getattr(self.model.state, self._part)
        for key in getattr(changes, self._part):
            one = found.get(key)
            if one is not None and self._shown(one):
                self.rows.put(key, (*self._order(one), key), one)
            else:
                self.rows.drop(key)


class Filtered(View[_Row]):
    """Rows of subjects (a profile and a JID each), of which those are shown that fit a text.

    A subclass makes the rows of a subject in ``_make``, and calls ``_refresh`` at its start.
    """

    #: Above this share of all subjects it costs less to make all rows again.
    _MANY = 4

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._keys: dict[Hashable, tuple[Hashable, ...]] = {}
        self._words: tuple[str, ...] = ()

    def filter(self, text: str) -> None:
        """Show what has all these words in its name, JID or group alone; all, without any."""
        words = tuple(text.casefold().split())
        if words != self._words:
            self._words = words
            self._refresh()

    def _subjects(self) -> Iterable[Hashable]:
        raise NotImplementedError

    def _make(self, subject: Any) -> Iterable[tuple[Hashable, Order, _Row]]:
        """Return the rows of a subject, each with its key and order; none if it isn't shown."""
        raise NotImplementedError

    def _fits(self, *texts: str) -> bool:
        if not self._words:
            return True
        hay = "\n".join(texts).casefold()
        return all(word in hay for word in self._words)

    def _refresh(self) -> None:
        self._keys = {}
        found = []
        for subject in self._subjects():
            made = [*self._make(subject)]
            if made:
                self._keys[subject] = tuple(key for key, _, _ in made)
                found += made
        self.rows.replace(found)

    def _touch(self, subjects: set[Hashable]) -> None:
        if len(subjects) > 50 and len(subjects) * self._MANY > len(self._keys):
            self._refresh()
            return
        for subject in subjects:
            made = [*self._make(subject)]
            old, new = self._keys.get(subject, ()), tuple(key for key, _, _ in made)
            for key in old:
                if key not in new:
                    self.rows.drop(key)
            for key, order, row in made:
                self.rows.put(key, order, row)
            if new:
                self._keys[subject] = new
            else:
                self._keys.pop(subject, None)
