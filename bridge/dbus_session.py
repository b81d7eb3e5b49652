"""A session over D-Bus for an asyncio loop: as :class:`sat.bridge.client.Client`, another way.

dbus-python waits in GLib's main loop; a thread of its own does so, and is all that touches it.
"""

from __future__ import annotations

import asyncio
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
        self._thread = threading.Thread(target=self._run, name="dbus session", daemon=True)
        self._thread.start()

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
        if self._client is not None:
            self._client.wake()
        await self._left.wait()

    # ---- in the loop

    def _do(self, work: Callable[[DBusClient], None]) -> None:
        self._calls.append(work)
        if self._client is not None:
            self._client.wake()

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

    # ---- in the thread

    def _run(self) -> None:
        try:
            client = self._open()
        except CommandError as error:
            self._tell(self._end, error)
            self._tell(self._left.set)
            return
        self._client = client
        self._tell(self._opened)
        try:
            ended: CommandError | None = None
            while ended is None and not self._closing:
                while self._calls:
                    self._calls.popleft()(client)
                found, ended = client.turn()
                if found:
                    self._tell(self._came, found)
            if ended is not None:
                self._tell(self._end, ended)
        finally:
            client.close()
            self._tell(self._left.set)

    def _tell(self, function: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *values)
        except RuntimeError:
            # The loop is closed: nobody is left to be told.
            self._closing = True


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
