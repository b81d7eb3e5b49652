"""A session over D-Bus for an asyncio loop: as :class:`sat.bridge.client.Client`, another way.

dbus-python waits in GLib's main loop, of which a process has one. A thread runs it, for all
sessions, and is all that touches it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from sat.bridge.client import API, Attached, Hello, Received, received, result_of
from sat.bridge.errors import CommandError
from sat.bridge.types import encode_hook

if TYPE_CHECKING:
    from sat.bridge.dbus_client import DBusClient

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")
_Waiting = asyncio.Future[bytes]


class DBusSession:
    """One session through ``sat-dbus``: make one with :func:`connect`."""

    #: The bus passes open files on.
    is_local = True

    def __init__(self, opened: Callable[[], DBusClient]) -> None:
        # Who has the session's bus, may do everything: sat-dbus says so little of itself.
        self.hello = Hello(API, "", "admin", "", 0, 0)
        self._loop = asyncio.get_running_loop()
        self._open = opened
        self._client: DBusClient | None = None
        self._calls: deque[Callable[[DBusClient], None]] = deque()
        self._events: deque[Received] = deque()
        self._something = asyncio.Event()
        self._waiting: set[_Waiting] = set()
        self._ended: CommandError | None = None
        self._closing = False
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._left = asyncio.Event()
        _thread.add(self)

    async def call(self, method: str, result_type: type[_Result], /, **params: object) -> _Result:
        """Call a method, as :meth:`sat.bridge.client.Client.call`."""
        return await self.call_with_files((), method, result_type, **params)

    async def call_with_files(
        self,
        descriptors: Sequence[int],
        method: str,
        result_type: type[_Result],
        /,
        **params: object,
    ) -> _Result:
        """Call a method and pass open descriptors along; they stay open here."""
        if self._ended is not None:
            raise self._ended
        given = msgspec.to_builtins(params, enc_hook=encode_hook)
        answer: _Waiting = self._loop.create_future()

        def done(value: object, error: CommandError | None) -> None:
            self._tell(self._answered, answer, value, error)

        def begin(client: DBusClient) -> None:
            try:
                client.start(method, given, descriptors, done)
            except CommandError as error:
                done(None, error)

        self._waiting.add(answer)
        try:
            self._do(begin)
            return result_of(method, await answer, result_type)
        finally:
            self._waiting.discard(answer)

    async def attach(
        self, mode: Literal["state", "events"] = "state", *, resume: tuple[str, int] | None = None
    ) -> Attached:
        """Ask for events, as :meth:`sat.bridge.client.Client.attach`."""
        place = {} if resume is None else {"resume": {"epoch": resume[0], "seq": resume[1]}}
        return await self.call("state.attach", Attached, mode=mode, **place)

    async def batches(self, most: int = 1000) -> AsyncIterator[list[Received]]:
        """Yield events as they come, all that are here at once.

        :raises CommandError: ``daemon.gone`` when the daemon, or sat-dbus, ends
        """
        while True:
            if self._events:
                yield [self._events.popleft() for _ in range(min(most, len(self._events)))]
            elif self._ended is not None:
                if self._ended.name != "daemon.closed":
                    raise self._ended
                return
            else:
                self._something.clear()
                await self._something.wait()

    async def close(self) -> None:
        """End the session; what the daemon was asked to do goes on."""
        self._end(CommandError("daemon.closed", "The session with the daemon was closed."))
        self._closing = True
        self.wake()
        await self._left.wait()

    # ---- in the loop

    def _do(self, work: Callable[[DBusClient], None]) -> None:
        self._calls.append(work)
        self.wake()

    def _answered(self, answer: _Waiting, value: object, error: CommandError | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(msgspec.json.encode(value))

    def _came(self, found: list[dict[str, object]]) -> None:
        self._events.extend(received(msgspec.json.encode(one)) for one in found)
        self._something.set()

    def _end(self, reason: CommandError) -> None:
        if self._ended is None:
            self._ended = reason
            self._something.set()
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(self._ended)
        if not self.ready.done():
            self.ready.set_exception(self._ended)

    def _opened(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    # ---- for the thread

    def wake(self) -> None:
        """Let the thread look at what is to be done; from any thread."""
        client = self._client
        if client is not None:
            client.wake()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be done before the bus says something."""
        return not self._calls and not self._closing

    def serve(self) -> DBusClient | None:
        """Open the session, or make the calls that wait; return its client, None if it is over."""
        try:
            if self._closing:
                self._leave()
                return None
            if self._client is None:
                self._client = self._open()
                self._tell(self._opened)
            while self._calls:
                self._calls.popleft()(self._client)
        except CommandError as error:
            self._fail(error)
            return None
        except Exception as error:
            # The other sessions go on.
            _log.exception("A session over D-Bus has failed")
            self._fail(CommandError("daemon.bus", f"The session over D-Bus has failed: {error}"))
            return None
        return self._client

    def deliver(self) -> None:
        """Tell what came."""
        if self._client is None:
            return
        found, ended = self._client.taken()
        if found:
            self._tell(self._came, found)
        if ended is not None:
            self._tell(self._end, ended)
            self._closing = True

    def _fail(self, error: CommandError) -> None:
        self._tell(self._end, error)
        self._leave()

    def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
        self._tell(self._left.set)

    def _tell(self, function: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *values)
        except RuntimeError:
            # The loop is closed: nobody is left to be told.
            self._closing = True


class _Thread:
    """Runs GLib's main loop as long as there are sessions."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._sessions: list[DBusSession] = []
        self._runs = False

    def add(self, session: DBusSession) -> None:
        """Serve a session until it is over."""
        with self._changing:
            others = list(self._sessions)
            self._sessions.append(session)
            runs, self._runs = self._runs, True
        for one in others:
            one.wake()
        if not runs:
            threading.Thread(target=self._run, name="dbus sessions", daemon=True).start()

    def _run(self) -> None:
        while sessions := self._present():
            client = None
            for session in sessions:
                served = session.serve()
                if served is None:
                    self._remove(session)
                client = served or client
            # A wake-up counts for the loop, whoever runs it: a call that is made waits in it too.
            if client is not None and all(session.is_idle for session in sessions):
                client.turn()
            for session in sessions:
                session.deliver()

    def _present(self) -> list[DBusSession]:
        with self._changing:
            self._runs = bool(self._sessions)
            return list(self._sessions)

    def _remove(self, session: DBusSession) -> None:
        with self._changing:
            self._sessions.remove(session)


_thread = _Thread()


async def connect(opened: Callable[[], DBusClient]) -> DBusSession:
    """Open a session.

    :param opened: opens the bus; it is called in another thread, and may wait
    :raises CommandError: what that raises
    """
    session = DBusSession(opened)
    try:
        await session.ready
    except BaseException:
        await session.close()
        raise
    return session
