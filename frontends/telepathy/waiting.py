"""Coroutines on GLib's main loop: what is waited for calls back, and nothing here ever blocks."""

import logging
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

_log = logging.getLogger(__name__)


class Waiting(Generic[Value]):
    """A value that comes once, or the error that comes in its place; one coroutine awaits it."""

    def __init__(self) -> None:
        self._value: tuple[Value] | None = None
        self._error: Exception | None = None
        self._resume: Callable[[], None] | None = None

    def __await__(self) -> Generator["Waiting[Any]", None, Value]:
        if self._value is None and self._error is None:
            yield self
        if self._error is not None:
            raise self._error
        assert self._value is not None
        return self._value[0]

    @property
    def is_over(self) -> bool:
        """Whether the value, or the error, has come."""
        return self._value is not None or self._error is not None

    def then(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` once it is over."""
        if self.is_over:
            resume()
        else:
            self._resume = resume

    def give(self, value: Value) -> None:
        """Let the value come; what comes after the first is left out."""
        self._come(value=(value,))

    def fail(self, error: Exception) -> None:
        """Let an error come in its place."""
        self._come(error=error)

    def _come(self, value: tuple[Value] | None = None, error: Exception | None = None) -> None:
        if self.is_over:
            return
        self._value, self._error = value, error
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()


def spawn(
    work: Coroutine[Waiting[Any], None, Value],
    done: Callable[[Value], None],
    failed: Callable[[Exception], None],
) -> None:
    """Begin a coroutine, and tell what it returns or raises, at once if it never waits."""

    def step() -> None:
        try:
            waiting = work.send(None)
        except StopIteration as end:
            done(end.value)
        except Exception as error:
            failed(error)
        else:
            waiting.then(step)

    step()


def log_failure(error: Exception) -> None:
    """Tell the log of an error that nobody else is told of."""
    _log.error("%s", error, exc_info=error)
