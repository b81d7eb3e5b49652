"""An asyncio client of the bridge, for frontends that show state; typed by the contract's types.

It runs in any asyncio loop, Twisted's asyncioreactor included. Programs that ask one thing and end
have :mod:`sat.bridge.blocking`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, TypeVar, cast

import msgspec

from sat.bridge.errors import RESYNC, CommandError, unreached
from sat.bridge.events import CORE_EVENTS, Event
from sat.bridge.log import Origin
from sat.bridge.passing import pass_files
from sat.bridge.paths import socket_path
from sat.bridge.types import decode_hook, encode_hook

#: The version of the API that this client speaks.
API = "1"

#: The longest line, in bytes, in either direction.
MAX_LINE = 16 * 1024 * 1024

Result = TypeVar("Result")


class Hello(msgspec.Struct, frozen=True):
    """How the daemon answers the greeting."""

    api: str
    session: str
    level: str
    epoch: str
    head: int
    oldest: int
    features: tuple[str, ...] = ()


class Attached(msgspec.Struct, frozen=True):
    """How the daemon answers to attaching: a snapshot at ``seq``, or the tail after it.

    ``state`` is the snapshot as JSON, by scope.
    """

    mode: Literal["snapshot", "resumed"]
    epoch: str
    seq: int
    state: msgspec.Raw = msgspec.Raw(b"{}")


class UnknownEvent(Event, frozen=True):
    """An event of a type that the contract of this version doesn't have, as plain JSON."""

    name: str
    data: object


class Received(msgspec.Struct, frozen=True):
    """An event as it came. ``seq`` and ``prev`` are None for a volatile one."""

    event: Event
    ts: datetime
    profile: str = ""
    seq: int | None = None
    prev: int | None = None
    origin: Origin | None = None


class _Params(msgspec.Struct):
    type: str
    ts: datetime
    data: msgspec.Raw
    profile: str = ""
    seq: int | None = None
    prev: int | None = None
    origin: Origin | None = None


class _Error(msgspec.Struct):
    message: str = ""
    data: dict[str, object] = {}


class _Message(msgspec.Struct):
    id: int | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


class Client:
    """One session with the running daemon: make one with :func:`connect`.

    ``hello`` is what the daemon answered to the greeting.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hello: Hello
        self._reader = reader
        self._writer = writer
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._events: asyncio.Queue[Received | None] = asyncio.Queue()
        self._ended: CommandError | None = None
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def call(self, method: str, result_type: type[Result], /, **params: object) -> Result:
        """Call a method and return its result as the type that the contract has for it.

        :param result_type: ``object`` for plain JSON
        :raises CommandError: what the daemon refused or failed with; ``daemon.gone``;
            ``failed.answer`` if the result is not of the type
        """
        return await self._call(method, result_type, params, ())

    async def call_with_files(
        self,
        descriptors: Sequence[int],
        method: str,
        result_type: type[Result],
        /,
        **params: object,
    ) -> Result:
        """Call a method and pass open descriptors along (SCM_RIGHTS); they stay open here.

        :raises CommandError: as :meth:`call`; ``usage.descriptor`` if the daemon is on another
            machine
        """
        return await self._call(method, result_type, params, descriptors)

    async def _call(
        self,
        method: str,
        result_type: type[Result],
        params: dict[str, object],
        descriptors: Sequence[int],
    ) -> Result:
        if self._ended is not None:
            raise self._ended
        self._last_id = id_ = self._last_id + 1
        request: dict[str, object] = {
            "jsonrpc": "2.0",
            "id": id_,
            "method": method,
            "params": params,
        }
        if descriptors:
            request["descriptors"] = len(descriptors)
        line = msgspec.json.encode(request, enc_hook=encode_hook) + b"\n"
        if len(line) > MAX_LINE:
            raise CommandError("usage.line", f"{method}: a call takes at most {MAX_LINE} bytes.")
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = answer
        try:
            if descriptors:
                if not self.is_local:
                    raise CommandError(
                        "usage.descriptor", "A daemon on another machine can't be passed files."
                    )
                line = await pass_files(self._writer, descriptors, line)
            self._writer.write(line)
            with contextlib.suppress(ConnectionError):
                # The reader knows how the session ended, and tells it by the future.
                await self._writer.drain()
            raw = await answer
        finally:
            self._waiting.pop(id_, None)
        return result_of(method, raw, result_type)

    @property
    def is_local(self) -> bool:
        """Whether open files can be passed to the daemon."""
        found = self._writer.get_extra_info("socket")
        return found is not None and found.family == socket.AF_UNIX and type(self) is Client

    async def attach(
        self,
        mode: Literal["state", "events"] = "state",
        *,
        scopes: Sequence[str] | None = None,
        profiles: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        resume: tuple[str, int] | None = None,
        cursor: str | None = None,
    ) -> Attached:
        """Ask for events: after a snapshot (``state``), or as the log has them (``events``).

        :param scopes: parts of the state; all of them where it is missing
        :param resume: epoch and seq of the last event that was seen
        :param cursor: a name under which the daemon keeps how far ``state.ack`` came
        :raises CommandError: ``log.trimmed`` if the log doesn't reach back so far
        """
        wanted = {
            "scopes": scopes,
            "profiles": profiles,
            "types": types,
            "resume": None if resume is None else {"epoch": resume[0], "seq": resume[1]},
            "cursor": cursor,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return await self.call("state.attach", Attached, mode=mode, **given)

    async def events(self) -> AsyncIterator[Received]:
        """Yield events as they come; ends when :meth:`close` is called.

        :raises CommandError: ``daemon.gone`` when the daemon ends
        """
        while (found := await self._events.get()) is not None:
            yield found
        self._events.put_nowait(None)
        if self._ended is not None and self._ended.name != "daemon.closed":
            raise self._ended

    async def batches(self, most: int = 1000) -> AsyncIterator[list[Received]]:
        """Yield events as :meth:`events` does, all that are here at once.

        :param most: how many come together at most
        :raises CommandError: as :meth:`events`
        """
        async for first in self.events():
            batch = [first]
            while len(batch) < most and not self._events.empty():
                following = self._events.get_nowait()
                if following is None:
                    self._events.put_nowait(None)
                    break
                batch.append(following)
            yield batch

    async def close(self) -> None:
        """End the session. Calls that wait fail; what the daemon was asked to do goes on."""
        self._end(CommandError("daemon.closed", "The session with the daemon was closed."))
        self._task.cancel()
        try:
            await asyncio.wait([self._task])
        finally:
            self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        ended = CommandError("daemon.gone", "The daemon ended the session.")
        try:
            while line := await self._reader.readline():
                self._take(msgspec.json.decode(line, type=_Message))
        except (ValueError, msgspec.DecodeError) as error:
            ended = CommandError("failed.line", f"The daemon sent what can't be read: {error}.")
        except OSError as error:
            ended = CommandError("daemon.gone", f"The line to the daemon broke: {error}.")
        except CommandError as error:
            ended = error
        finally:
            self._end(ended)

    def _end(self, reason: CommandError) -> None:
        if self._ended is None:
            self._ended = reason
            self._events.put_nowait(None)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(reason)

    def _take(self, message: _Message) -> None:
        if message.method == "event":
            self._events.put_nowait(received(message.params))
        elif message.method == "resync":
            raise CommandError("log.trimmed", RESYNC, msgspec.json.decode(message.params))
        elif message.method is not None:
            if message.id is not None:
                refusal = {"code": -32601, "message": "this client serves no calls"}
                answer = {"jsonrpc": "2.0", "id": message.id, "error": refusal}
                self._writer.write(msgspec.json.encode(answer) + b"\n")
        elif message.id is None:
            if message.error is not None:
                raise _command_error(message.error)
        elif (waiting := self._waiting.get(message.id)) is not None and not waiting.done():
            if message.error is not None:
                waiting.set_exception(_command_error(message.error))
            else:
                waiting.set_result(message.result)


async def connect(path: str | None = None, *, name: str = "client") -> Client:
    """Open a session and say hello.

    :param path: the daemon's socket; that of this home where it is missing
    :param name: what the daemon calls this client in its log
    :raises CommandError: ``daemon.missing`` if none runs
    """
    path = socket_path() if path is None else path
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
    except OSError as error:
        raise unreached(path, error) from error
    return await greet(Client(reader, writer), name)


async def converse(line: socket.socket, *, name: str = "client") -> Client:
    """Open a session over a connected socket, and say hello.

    :param name: what the daemon calls this client in its log
    :raises CommandError: what the daemon refuses
    """
    reader, writer = await asyncio.open_unix_connection(sock=line, limit=MAX_LINE)
    return await greet(Client(reader, writer), name)


async def greet(client: Client, name: str, **more: object) -> Client:
    """Say hello in a new session, which ends if that is refused; return it.

    :param more: what is said beside the name
    :raises CommandError: what the daemon refuses
    """
    try:
        client.hello = await client.call("session.hello", Hello, api=API, client=name, **more)
    except BaseException:
        await client.close()
        raise
    return client


def received(raw: bytes | msgspec.Raw) -> Received:
    """Read an event's ``params``, as JSON.

    :raises msgspec.DecodeError: if they are none
    """
    params = msgspec.json.decode(raw, type=_Params)
    kind = CORE_EVENTS.get(params.type)
    event: Event
    if kind is None:
        event = UnknownEvent(params.type, msgspec.json.decode(params.data))
    else:
        # The envelope's "data" is the one field of every event of the core.
        event = msgspec.json.decode(
            b'{"data":' + bytes(params.data) + b"}", type=kind, dec_hook=decode_hook
        )
    return Received(event, params.ts, params.profile, params.seq, params.prev, params.origin)


def result_of(method: str, raw: bytes | msgspec.Raw, result_type: type[Result]) -> Result:
    """Read what a method has answered.

    :raises CommandError: ``failed.answer``
    """
    # msgspec knows no type of all objects.
    kind: Any = Any if result_type is object else result_type
    try:
        return cast(Result, msgspec.json.decode(raw, type=kind, dec_hook=decode_hook))
    except msgspec.DecodeError as error:
        raise CommandError(
            "failed.answer", f"{method} answered what this program does not expect: {error}."
        ) from error


def _command_error(error: _Error) -> CommandError:
    more = dict(error.data)
    name = more.pop("name", None)
    return CommandError(name if isinstance(name, str) else "failed.unnamed", error.message, more)
