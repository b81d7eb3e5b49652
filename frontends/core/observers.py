"""Those who want to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Observer = TypeVar("_Observer")


def enter(observers: list[_Observer], observer: _Observer) -> Callable[[], None]:
    """Add an observer to a list; return what takes it away again, once."""
    observers.append(observer)
    there = True

    def end() -> None:
        nonlocal there
        if there:
            there = False
            observers.remove(observer)

    return end
