"""The daemon inside the process of a frontend: ``sat standalone``, and the same for programs.

It is the daemon of its home like any other, in a thread of its own: other frontends may attach to
it over the socket as long as it is there. The frontend has the same bridge as ever, the line of
which is a pair of connected sockets.
"""

from __future__ import annotations

import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self, TypeVar

from sat.bridge import blocking, client
from sat.bridge.errors import CommandError
from sat.bridge.lock import HomeLock
from sat.bridge.paths import Home
from sat.bridge.paths import home as find_home

if TYPE_CHECKING:
    from sat.backend.daemon import Daemon

#: Seconds in which a daemon that is asked to end has closed its streams.
_END_LIMIT = 30.0
#: As a shell counts a program that was ended by SIGTERM.
_TERMINATED = 143

Result = TypeVar("Result")


class Standalone:
    """A daemon in this process, from ``start`` (or entering it as a context) to ``stop``.

    Twisted's reactor runs in a thread, with an asyncio loop of its own: a program that runs the
    reactor itself can't have it. May be used from any other thread.

    :param place: the home; that of the environment if it is missing
    """

    def __init__(self, place: Home | None = None) -> None:
        self._place = find_home() if place is None else place
        self._daemon: Daemon | None = None
        self._lock: HomeLock | None = None
        self._log: IO[str] | None = None
        self._observer: Callable[[Any], None] | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the daemon, and return once it accepts.

        :raises CommandError: ``failed.running`` if one runs in this home; why it can't begin
        """
        from sat.backend.run import occupy

        _Reactor.run()
        self._lock = occupy(self._place)
        self._ended.clear()
        try:
            _Reactor.call(self._begin)
        except BaseException as error:
            # Whatever it has begun with ends: a thread that is left would keep the process.
            _Reactor.call(self._abandon)
            self._ended.wait(_END_LIMIT)
            if isinstance(error, sqlite3.DatabaseError):
                from sat.backend.store import unusable

                raise unusable(self._place.database, error) from error
            raise

    def stop(self) -> None:
        """End the daemon, and return when what has arrived is stored and the streams are closed.

        Nothing is done if it has ended, as when somebody called ``daemon.stop``.
        """
        if self._lock is not None:
            _Reactor.call(self._end)
            self._ended.wait(_END_LIMIT)

    def connect(self, name: str = "client", timeout: float | None = 60.0) -> blocking.Client:
        """Open a session, for a program that waits for each answer.

        :param name: what the daemon's log calls this frontend
        :param timeout: seconds that a call may take; None for no limit
        :raises CommandError: ``daemon.missing`` if it has ended
        """
        return _Client(self.line(), name, timeout)

    async def open(self, name: str = "client") -> client.Client:
        """Open a session, for a program that runs in asyncio.

        :raises CommandError: ``daemon.missing`` if it has ended
        """
        return await client.converse(self.line(), name=name)

    def line(self) -> socket.socket:
        """Return a connected socket that speaks the wire of the bridge, for another client.

        :raises CommandError: ``daemon.missing`` if it has ended
        """
        near, far = socket.socketpair(socket.AF_UNIX)
        try:
            _Reactor.call(lambda: self._serve(far))
        except BaseException:
            near.close()
            far.close()
            raise
        return near

    # ---- in the reactor's thread

    def _begin(self) -> None:
        from twisted.internet import reactor
        from twisted.logger import globalLogPublisher, textFileLogObserver

        from sat.backend.daemon import Daemon
        from sat.backend.network import open_socket
        from sat.backend.run import WorthALine

        self._log = log = open(self._place.log, "a", encoding="utf-8")  # noqa: PTH123, SIM115
        self._observer = WorthALine(textFileLogObserver(log))
        globalLogPublisher.addObserver(self._observer)  # type: ignore[arg-type]
        running: Any = reactor
        self._daemon = daemon = Daemon(
            running,
            self._place,
            # The answer to the call that asks for the end goes out first.
            lambda: running.callLater(0.05, self._end),
            open_socket(),
        )
        daemon.begin()

    def _serve(self, connection: socket.socket) -> None:
        if self._daemon is None:
            raise CommandError("daemon.missing", "The daemon of this program has ended.")
        self._daemon.serve(connection)

    def _end(self) -> None:
        from sat.backend.tasks import spawn

        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            ending = spawn(daemon.end(), "ending the daemon")
            ending.addBoth(lambda _: self._release())

    def _abandon(self) -> None:
        if self._daemon is None:
            self._release()
        else:
            self._end()

    def _release(self) -> None:
        from twisted.logger import globalLogPublisher

        self._daemon = None
        observer, self._observer = self._observer, None
        if observer is not None:
            globalLogPublisher.removeObserver(observer)  # type: ignore[arg-type]
        log, self._log = self._log, None
        if log is not None:
            log.close()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
        self._ended.set()


class _Reactor:
    """The reactor of this process, once it is needed: it can't be run a second time."""

    _begun = threading.Lock()
    _thread: threading.Thread | None = None

    @classmethod
    def run(cls) -> None:
        """Run it, unless it runs.

        :raises CommandError: ``failed.reactor`` if the program has one of its own
        """
        with cls._begun:
            if cls._thread is None:
                cls._thread = cls._start()

    @classmethod
    def call(cls, function: Callable[[], Result]) -> Result:
        """Call a function in the reactor's thread, and return what it returns."""
        from twisted.internet import reactor

        answer: Future[Result] = Future()

        def call() -> None:
            try:
                answer.set_result(function())
            except BaseException as error:
                answer.set_exception(error)

        running: Any = reactor
        running.callFromThread(call)
        return answer.result()

    @staticmethod
    def _start() -> threading.Thread:
        running: Future[None] = Future()

        def run() -> None:
            import asyncio

            from twisted.internet.error import ReactorAlreadyInstalledError

            from sat.backend.run import install_reactor

            asyncio.set_event_loop(asyncio.new_event_loop())
            try:
                reactor = install_reactor()
            except ReactorAlreadyInstalledError:
                running.set_exception(
                    CommandError(
                        "failed.reactor",
                        "This program has a reactor of Twisted itself: a daemon can't run in it.",
                    )
                )
                return
            _log_nothing_else()
            reactor.callWhenRunning(running.set_result, None)
            reactor.run(installSignalHandlers=False)

        # It does not keep a program that has come to its end.
        thread = threading.Thread(target=run, name="sat-reactor", daemon=True)
        thread.start()
        running.result()
        return thread


class _Client(blocking.Client):
    """A session over a line that is there already."""

    def __init__(self, line: socket.socket, name: str, timeout: float | None) -> None:
        self._line = line
        super().__init__("", name=name, timeout=timeout)

    def _open(self, path: str) -> socket.socket:
        return self._line


def _log_nothing_else() -> None:
    """Keep Twisted from writing to the terminal, which is the frontend's."""
    from twisted.logger import globalLogBeginner

    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)


def main(arguments: Sequence[str]) -> int:
    """Run a frontend, and the daemon in the same process; return the frontend's exit code.

    :raises CommandError: if it isn't known, or a daemon runs in this home
    """
    from sat.frontends.jp.main import guarded as jp

    frontends = {"jp": jp}
    if not arguments or arguments[0] not in frontends:
        raise CommandError(
            "usage.arguments", f"sat standalone takes a frontend: {', '.join(frontends)}."
        )
    # As at the end of ``sat run``, and with the frontend's own way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    with Standalone():
        return frontends[arguments[0]](arguments[1:])
