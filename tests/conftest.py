"""Runs tests that are coroutines in Twisted's reactor, and fails those that log an error."""

import asyncio
import inspect

import pytest
from twisted.internet import asyncioreactor

_loop = asyncio.new_event_loop()
asyncioreactor.install(_loop)

from twisted.internet import reactor as _reactor  # noqa: E402
from twisted.internet.defer import Deferred  # noqa: E402
from twisted.logger import globalLogPublisher  # noqa: E402

#: Seconds that a coroutine test may take, unless it is marked ``@pytest.mark.seconds(n)``.
DEADLINE = 60.0

_logged: list[dict] = []


def _note(event: dict) -> None:
    if "log_failure" in event or event.get("isError"):
        _logged.append(event)


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): how long a coroutine test may take")
    # Twisted 26 with the newest pyOpenSSL, nothing of ours.
    config.addinivalue_line(
        "filterwarnings", "ignore:Passing pyOpenSSL \\w+ objects is deprecated:DeprecationWarning"
    )
    globalLogPublisher.addObserver(_note)


def pytest_sessionfinish():
    if _reactor._started:  # as reactor.run() does it at its end: threads must be joined
        _reactor.fireSystemEvent("shutdown")


@pytest.fixture(scope="session")
def reactor():
    """The reactor, started: it goes on while a coroutine test runs."""
    if not _reactor._started:
        _reactor.startRunning(installSignalHandlers=False)
    return _reactor


@pytest.fixture
def logged():
    """The errors logged so far in this test; a test that expects some must clear the list."""
    return _logged


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    mark = pyfuncitem.get_closest_marker("seconds")
    _logged.clear()

    async def run() -> None:
        test = Deferred.fromCoroutine(function(**arguments))
        test.addTimeout(mark.args[0] if mark else DEADLINE, _reactor)
        await test.asFuture(_loop)

    _loop.run_until_complete(run())
    if _logged:
        texts = [str(event.get("log_failure", event.get("log_format"))) for event in _logged]
        pytest.fail("An error was logged: " + "; ".join(texts))
    return True
