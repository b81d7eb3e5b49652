"""One frontend's session, the same over every transport.

A session says hello first; then it may call, and attach to the events. Whatever it has been told
is a number in the log (``cursor``): a frontend that reads slowly costs no more than that number,
for what it has not read is read again from the log once it drains.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from sat.bridge.call import Call
from sat.bridge.dispatcher import Dispatcher, encode_result
from sat.bridge.errors import CommandError
from sat.bridge.log import EventLog, LoggedEvent, VolatileEvent
from sat.bridge.model import Level

#: The version of the API: the first number changes when something is taken away.
API_VERSION = "1.0"
#: What a session may ask for beyond calls and events.
FEATURES = ("events", "snapshot", "resume", "cursor", "txn", "descriptors")
#: The longest line, in bytes, in either direction.
MAX_LINE = 16 * 1024 * 1024
#: A frontend further behind than this gets a snapshot rather than the tail of the log.
MAX_TAIL = 5000

_MAX_RUNNING = 256
_MAX_DESCRIPTORS = 16
_PAGE = 200

Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class Line(Protocol):
    """The way to a frontend: what a transport provides."""

    def write(self, data: bytes) -> None:
        """Queue bytes; may call the session's ``output_paused`` at once."""

    def pause_reading(self) -> None:
        """Deliver no more lines for now."""

    def resume_reading(self) -> None:
        """Deliver lines again."""

    def close(self) -> None:
        """End the session once what is queued is written."""


class _Request(msgspec.Struct):
    method: str
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"{}")
    descriptors: Annotated[int, msgspec.Meta(ge=0)] = 0


class _Hello(msgspec.Struct):
    api: str
    client: str = ""


class _Resume(msgspec.Struct):
    epoch: str
    seq: int


class _Attach(msgspec.Struct):
    mode: str = "state"
    scopes: frozenset[str] | None = None
    profiles: frozenset[str] | None = None
    types: frozenset[str] | None = None
    resume: _Resume | None = None
    cursor: str | None = None
    volatile: bool = True


class _Ack(msgspec.Struct):
    cursor: str
    seq: int


class Session:
    """One frontend, from hello to the end of its line.

    :param describe: returns what ``api.describe`` answers
    :param spawn: starts a coroutine and logs its failure
    """

    def __init__(
        self,
        line: Line,
        dispatcher: Dispatcher,
        log: EventLog,
        level: Level,
        describe: Callable[[], object],
        spawn: Spawn,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.client = ""
        self.level = level
        self._line = line
        self._dispatcher = dispatcher
        self._log = log
        self._describe = describe
        self._spawn = spawn
        self._greeted = False
        self._open = True
        self._input_ended = False
        self._running = 0
        self._output_paused = False
        self._attached: _Attach | None = None
        self._cursor = 0
        self._prev = 0
        self._pumping = False
        self._missed_volatile = False
        self._held: list[tuple[int, bytes]] = []
        self._descriptors: list[int] = []

    # ---- what the transport tells

    def descriptor_received(self, descriptor: int) -> None:
        """Own an open descriptor; the request that says ``descriptors: N`` takes the first N."""
        if len(self._descriptors) >= _MAX_DESCRIPTORS:
            os.close(descriptor)
        else:
            self._descriptors.append(descriptor)

    def line_received(self, line: bytes) -> None:
        """Take one request."""
        call = Call(self.id, "", self.level)
        try:
            request = msgspec.json.decode(line, type=_Request)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            name = "usage.request" if isinstance(error, msgspec.ValidationError) else "usage.json"
            self._answer_error(
                None, CommandError(name, f"this line is not a JSON-RPC request: {error}")
            )
            return
        call.method = request.method
        call.descriptors = self._descriptors[: request.descriptors]
        del self._descriptors[: request.descriptors]
        self._running += 1
        if self._running >= _MAX_RUNNING:
            self._line.pause_reading()
        self._spawn(self._serve(request, call), request.method)

    def line_too_long(self) -> None:
        """Refuse a line over the limit, and end the session."""
        self._answer_error(
            None,
            CommandError(
                "usage.line",
                f"a line is at most {MAX_LINE} bytes: send large data as a file or in pages",
            ),
        )
        self._line.close()

    def output_paused(self) -> None:
        """Write nothing for now: the frontend does not keep up."""
        self._output_paused = True
        self._line.pause_reading()

    def output_resumed(self) -> None:
        """Go on: what was held back fits now."""
        self._output_paused = False
        if self._running < _MAX_RUNNING:
            self._line.resume_reading()
        self.wake()
        if self._missed_volatile and not self._output_paused:
            self._missed_volatile = False
            self._send_volatile_state()

    def input_ended(self) -> None:
        """End once every call is answered; who attached goes on getting events."""
        self._input_ended = True
        self._close_if_done()

    def closed(self) -> None:
        """Forget the frontend: its line is gone. Calls that run go on."""
        self._open = False
        self._attached = None
        self._held.clear()
        while self._descriptors:
            os.close(self._descriptors.pop())

    # ---- what the log tells

    def wake(self) -> None:
        """Send what the log holds after the cursor, as far as the frontend keeps up."""
        if self._pumping or self._attached is None:
            return
        while self._attached is not None and not self._output_paused:
            if self._cursor >= self._log.head:
                break
            events = self._log.recent(self._cursor)
            if events is None:
                self._pumping = True
                self._spawn(self._catch_up(), "catching up with the log")
                return
            self._send(events)
        self._release_held()

    def volatile(self, event: VolatileEvent) -> None:
        """Send an event that is not in the log, or drop it if the frontend does not keep up."""
        wanted = self._attached
        if wanted is None or not wanted.volatile or not self._wants(event):
            return
        if self._output_paused:
            self._missed_volatile = True
        else:
            self._line.write(event.line)

    # ---- requests

    async def _serve(self, request: _Request, call: Call) -> None:
        try:
            try:
                result = await self._run(request, call)
            except CommandError as error:
                if request.id is not msgspec.UNSET:
                    self._answer_error(request.id, error)
            else:
                if request.id is not msgspec.UNSET:
                    self._answer(request.id, result)
        except Exception:
            self._answer_error(
                None if request.id is msgspec.UNSET else request.id,
                CommandError(
                    "failed.internal",
                    f"{call.method} failed by a fault of the daemon; its log (sat logs) tells more",
                ),
            )
            raise
        finally:
            call.close()
            self._running -= 1
            if self._running == _MAX_RUNNING - 1 and not self._output_paused:
                self._line.resume_reading()
            self._close_if_done()

    def _close_if_done(self) -> None:
        if self._input_ended and self._open and not self._running and self._attached is None:
            self._line.close()

    async def _run(self, request: _Request, call: Call) -> bytes | None:
        """Return the result as JSON; None if the answer is written already."""
        if request.method == "session.hello":
            return self._hello(_decode(request, _Hello))
        if not self._greeted:
            raise CommandError("usage.hello", "say session.hello first, with the api you speak")
        if request.method == "api.describe":
            return encode_result(self._describe())
        if request.method == "state.attach":
            await self._attach(request, _decode(request, _Attach))
            return None
        if request.method == "state.ack":
            ack = _decode(request, _Ack)
            if not 0 <= ack.seq <= self._log.head:
                raise CommandError("unknown.seq", f"the log has no event {ack.seq}")
            await self._log.set_cursor(ack.cursor, ack.seq)
            return b"null"
        return await self._dispatcher.run(call, request.params)

    def _hello(self, hello: _Hello) -> bytes:
        major = hello.api.partition(".")[0]
        if major != API_VERSION.partition(".")[0]:
            raise CommandError(
                "usage.api",
                f"this daemon speaks version {API_VERSION} of the API, not {hello.api}: "
                "restart it if it was upgraded, else upgrade it",
            )
        self._greeted = True
        self.client = hello.client
        return encode_result(
            {
                "api": API_VERSION,
                "features": FEATURES,
                "session": self.id,
                "level": self.level.value,
                "epoch": self._log.epoch,
                "head": self._log.head,
                "oldest": self._log.oldest,
            }
        )

    # ---- attaching

    async def _attach(self, request: _Request, wanted: _Attach) -> None:
        if wanted.mode not in ("state", "events"):
            raise CommandError("usage.params", f"there is no mode {wanted.mode!r} of attaching")
        self._attached = None
        log = self._log
        start = await self._start(wanted)
        if start is not None:
            answer = {"mode": "resumed", "epoch": log.epoch, "seq": start}
            state = None
        else:
            start, state = await log.snapshot(wanted.scopes, wanted.profiles)
            answer = {"mode": "snapshot", "epoch": log.epoch, "seq": start}
        if not self._open:
            return
        if request.id is not msgspec.UNSET:
            result = encode_result(answer)
            if state is not None:
                result = result[:-1] + b',"state":' + state + b"}"
            self._line.write(_result_line(request.id, result))
        self._attached = wanted
        self._cursor = self._prev = start
        if wanted.volatile:
            self._send_volatile_state()
        self.wake()

    async def _start(self, wanted: _Attach) -> int | None:
        """Return the number after which events are sent; None if only a snapshot will do."""
        log = self._log
        start: int | None = None
        if wanted.cursor is not None:
            start = await log.cursor(wanted.cursor)
        if wanted.resume is not None:
            known = wanted.resume.epoch == log.epoch and wanted.resume.seq <= log.head
            start = wanted.resume.seq if known else -1
        if wanted.mode == "state":
            near = start is not None and start >= max(log.oldest - 1, log.head - MAX_TAIL)
            return start if near else None
        if start is None:
            return log.head
        if start < log.oldest - 1:
            raise CommandError(
                "log.trimmed",
                "the log does not reach back to there: some events are gone; "
                f"its oldest is {log.oldest}, its epoch {log.epoch}",
                {"oldest": log.oldest, "epoch": log.epoch},
            )
        return start

    async def _catch_up(self) -> None:
        try:
            while self._attached is not None and not self._output_paused:
                if self._cursor >= self._log.head or self._log.recent(self._cursor) is not None:
                    break
                self._send(await self._log.read(self._cursor, _PAGE))
        finally:
            self._pumping = False
        self.wake()

    def _send(self, events: Sequence[LoggedEvent]) -> None:
        for event in events:
            if self._attached is None or self._output_paused:
                return
            self._cursor = event.seq
            if self._wants(event):
                self._line.write(event.line(self._prev))
                self._prev = event.seq

    def _send_volatile_state(self) -> None:
        for event in self._log.volatile():
            self.volatile(event)

    def _wants(self, event: LoggedEvent | VolatileEvent) -> bool:
        wanted = self._attached
        return (
            wanted is not None
            and (wanted.types is None or event.type in wanted.types)
            and (wanted.scopes is None or event.scope in wanted.scopes)
            and (wanted.profiles is None or not event.profile or event.profile in wanted.profiles)
        )

    # ---- answers

    def _answer(self, id_: int | str | None, result: bytes | None) -> None:
        if result is None or not self._open:
            return
        line = _result_line(id_, result)
        if len(line) > MAX_LINE:
            too_large = "the answer is too large for a line: ask for less at a time"
            self._answer_error(id_, CommandError("failed.size", too_large))
        else:
            self._write_in_turn(line)

    def _answer_error(self, id_: int | str | None, error: CommandError) -> None:
        if not self._open:
            return
        body = {
            "jsonrpc": "2.0",
            "id": id_,
            "error": {
                "code": error.rpc_code,
                "message": error.sentence,
                "data": {"name": error.name, **error.data},
            },
        }
        self._write_in_turn(msgspec.json.encode(body) + b"\n")

    def _write_in_turn(self, line: bytes) -> None:
        """Write an answer after the events that led to it."""
        if self._attached is not None and self._cursor < self._log.head:
            self._held.append((self._log.head, line))
        else:
            self._line.write(line)

    def _release_held(self) -> None:
        while self._held and (self._attached is None or self._held[0][0] <= self._cursor):
            self._line.write(self._held.pop(0)[1])


def _result_line(id_: int | str | None, result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":' + msgspec.json.encode(id_) + b',"result":' + result + b"}\n"


_Params = TypeVar("_Params")


def _decode(request: _Request, kind: type[_Params]) -> _Params:
    try:
        return msgspec.json.decode(bytes(request.params) or b"{}", type=kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise CommandError("usage.params", f"{request.method}: {error}") from error
