"""``sat run``: the daemon in the foreground."""

from __future__ import annotations

import gc
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

from twisted.logger import ILogObserver
from zope.interface import implementer

from sat.bridge.errors import CommandError
from sat.bridge.lock import HomeLock, holder
from sat.bridge.paths import Home
from sat.bridge.paths import home as find_home


def main(arguments: Sequence[str]) -> int:
    """Run the daemon until it is told to end; return its exit code.

    :raises CommandError: if it can't begin
    """
    if arguments:
        raise CommandError("usage.arguments", "sat run takes no arguments. See “sat --help”.")
    home = find_home()
    lock = occupy(home)
    try:
        return _run(home)
    except sqlite3.DatabaseError as error:
        from sat.backend.store import unusable

        raise unusable(home.database, error) from error
    finally:
        lock.release()


def occupy(home: Home) -> HomeLock:
    """Make a home's folders, and return its lock, which is held.

    :raises CommandError: ``failed.running`` if another daemon has it
    """
    home.prepare()
    lock = HomeLock(home.lock)
    if not lock.acquire():
        pid = holder(home.lock)
        raise CommandError(
            "failed.running",
            f"A daemon (pid {pid}) runs in this home ({home.data}) already: “sat status” shows it, "
            "“sat stop” ends it.",
        )
    return lock


def _run(home: Home) -> int:
    reactor = install_reactor()
    from twisted.logger import globalLogBeginner, textFileLogObserver

    from sat.backend.daemon import Daemon
    from sat.backend.network import open_socket
    from sat.backend.tasks import spawn

    observer = WorthALine(textFileLogObserver(sys.stderr))
    globalLogBeginner.beginLoggingTo(cast(Any, [observer]), redirectStandardIO=False)
    ending = False

    def stop() -> None:
        nonlocal ending
        if not ending:
            ending = True
            # The answer to the call that asks for the end goes out first.
            reactor.callLater(0.05, lambda: spawn(_end(), "ending the daemon"))

    async def _end() -> None:
        try:
            await daemon.end()
        finally:
            reactor.stop()

    failures: list[Exception] = []

    def begin() -> None:
        # Logged by the reactor alone, it would leave a process that nobody can reach.
        try:
            daemon.begin()
            _collect_less()
        except Exception as error:
            failures.append(error)
            reactor.stop()

    daemon = Daemon(reactor, home, stop, open_socket())
    reactor.callWhenRunning(begin)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: reactor.callFromThread(stop))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    reactor.run(installSignalHandlers=False)
    for failure in failures:
        raise failure
    return 0


def _collect_less() -> None:
    """Look for cycles less often, and never among what is there for good.

    Nearly all that a message leaves is freed by its counts; looking for the rest a thousand times a
    second costs a fifth of all that is done for it.
    """
    gc.collect()
    gc.freeze()
    # More than the messages of a few turns of the reactor are made of.
    gc.set_threshold(50_000, 10, 10)


def install_reactor() -> Any:
    """Install the reactor that omemo and aiortc can share, before anything else of Twisted."""
    from twisted.internet import asyncioreactor

    install: Any = asyncioreactor.install
    install()
    from twisted.internet import reactor as installed

    reactor: Any = installed
    # Twisted's own is the wall clock: set back by an hour, every timer would be an hour late.
    reactor.seconds = time.monotonic
    return reactor


@implementer(ILogObserver)
class WorthALine:
    """Passes on what is worth a line in the log."""

    def __init__(self, observer: Any) -> None:
        self._observer = observer

    def __call__(self, event: Any) -> None:
        """Pass an event on, or not."""
        level = event["log_level"].name
        # Twisted tells of each factory that it starts; what goes wrong in it is worth a line.
        ours = event.get("log_namespace", "").startswith("sat")
        if level != "debug" and (ours or level != "info"):
            self._observer(event)
