"""Starting coroutines from code that isn't one."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")

_log = Logger("sat.tasks")


def start(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Run a coroutine until it ends; its result or failure is the Deferred's."""
    return Deferred.fromCoroutine(work)


def spawn(work: Coroutine[Any, Any, None], what: str) -> Deferred[None]:
    """Run a coroutine that nobody waits for; a failure is logged with ``what`` it did."""

    def failed(failure: Failure) -> None:
        if not isinstance(failure.value, CancelledError):
            _log.failure("{what} failed", failure=failure, what=what)

    return start(work).addErrback(failed)


def go(work: Coroutine[Any, Any, None], what: str) -> None:
    """Run a coroutine that nobody waits for, nor calls off; a failure is logged.

    It does as :func:`spawn` for a third of the cost, which counts where each call is one.
    """
    _step(None, work, what)


def _step(result: object, work: Coroutine[Any, Any, None], what: str) -> None:
    try:
        if isinstance(result, Failure):
            waiting = result.throwExceptionIntoGenerator(work)  # type: ignore[no-untyped-call]
        else:
            waiting = work.send(None)
    except StopIteration:
        return
    except CancelledError:
        return
    except Exception:
        _log.failure("{what} failed", what=what)
        return
    # What is awaited takes its result from the Deferred itself.
    waiting.addBoth(_step, work, what)
