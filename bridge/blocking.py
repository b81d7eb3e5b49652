"""A blocking client of the bridge, for programs that start, ask, and end.

It needs neither Twisted nor asyncio nor ``socket`` (17 ms of imports): a call from jp is to cost
little more than the start of the interpreter.
"""

import json
import os
import sys
import time
from _socket import (
    AF_UNIX,
    SCM_RIGHTS,
    SO_PEERCRED,
    SOCK_CLOEXEC,
    SOCK_STREAM,
    SOL_SOCKET,
)
from _socket import socket as Socket

from sat.bridge.errors import RESYNC, CommandError, unreached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

#: The version of the API that this client speaks (its major number is what counts).
API = "1"
#: The longest line, in bytes, that either side may send.
MAX_LINE = 16 * 1024 * 1024

_CHUNK = 256 * 1024
_SLICE = 1.0


class Client:
    """One session with the running daemon.

    ``hello`` is what the daemon answered to the greeting, once a call has been made. Not for use
    by several threads.

    :param path: the daemon's socket
    :param name: what the daemon's log calls this client
    :param timeout: seconds that a call may take; None for no limit
    :raises CommandError: ``daemon.missing`` if none accepts, ``denied.socket`` if it isn't ours
    """

    #: Whether it is on this machine, so that open files can be passed along.
    is_local = True

    def __init__(self, path: str, *, name: str = "client", timeout: float | None = 60.0) -> None:
        self.timeout = timeout
        self.hello: dict[str, object] = {}
        self._name = name
        self._greeted = False
        self._last_id = 0
        self._buffer = bytearray()
        self._searched = 0
        self._events: list[dict[str, object]] = []
        self._socket = self._open(path)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session; what the daemon was asked to do goes on."""
        self._socket.close()

    def call(self, method: str, /, **params: object) -> object:
        """Call a method and return its result, as plain JSON values.

        Events that come meanwhile are kept for :meth:`events`.

        :raises CommandError: what the daemon refused or failed with; ``timeout.answer``;
            ``daemon.gone`` if it ended before it answered
        """
        return self._call(method, params, ())

    def call_with_files(
        self, descriptors: "Sequence[int]", method: str, /, **params: object
    ) -> object:
        """Call a method and pass open descriptors along (SCM_RIGHTS); they stay open here.

        :raises CommandError: as :meth:`call`
        """
        return self._call(method, params, descriptors)

    def events(
        self, timeout: float | None = None, *, reader: int | None = None
    ) -> "Iterator[dict[str, object]]":
        """Yield events as they come, each as the ``params`` object of the wire.

        Attach first (``state.attach``). Ends only with an error.

        :param timeout: seconds after which the wait ends; None for no limit
        :param reader: a pipe that the events are written to: its reader's end ends the wait
        :raises CommandError: ``daemon.gone`` when the daemon ends, ``timeout.event``
        :raises BrokenPipeError: if nobody reads from ``reader`` any more
        """
        limit = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._events:
                yield self._events.pop(0)
                continue
            try:
                if reader is not None and b"\n" not in self._buffer:
                    self._wait(reader, limit)
                self._take(self._read_line(limit))
            except TimeoutError:
                raise CommandError(
                    "timeout.event", f"What was waited for did not come within {timeout:g} seconds."
                ) from None

    @property
    def waiting(self) -> bool:
        """Whether an event is here already, so that :meth:`events` won't block."""
        while not self._events and b"\n" in self._buffer:
            self._take(self._read_line(None))
        return bool(self._events)

    def _wait(self, reader: int, limit: float | None) -> None:
        from select import POLLERR, POLLIN, poll

        if self._has_more():
            return
        watch = poll()
        watch.register(self._socket.fileno(), POLLIN)
        watch.register(reader, 0)
        while not (found := watch.poll(_slice(limit) * 1000)):
            continue
        if any(one == reader and event & POLLERR for one, event in found):
            raise BrokenPipeError

    def _has_more(self) -> bool:
        """Tell whether something has come that poll(2) knows nothing of any more."""
        return False

    def _open(self, path: str) -> Socket:
        found = Socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
        try:
            reach(found, path)
        except BaseException:
            found.close()
            raise
        return found

    def _greeting(self) -> dict[str, object]:
        return {"api": API, "client": self._name, "features": []}

    def _call(self, method: str, params: dict[str, object], descriptors: "Sequence[int]") -> object:
        self._last_id += 1
        request = request_of(self._last_id, method, params)
        if descriptors:
            request["descriptors"] = len(descriptors)
        lines = encode(request)
        if len(lines) > MAX_LINE:
            raise CommandError(
                "usage.line",
                f"{method}: {len(lines)} bytes are too much for one call, which takes at most "
                f"{MAX_LINE}: send large texts as files.",
            )
        if not self._greeted:
            lines = encode(request_of(0, "session.hello", self._greeting())) + lines
        limit = None if self.timeout is None else time.monotonic() + self.timeout
        try:
            self._send(lines, descriptors, limit)
            if not self._greeted:
                answer = self._answer_to(0, limit)
                self.hello = answer if isinstance(answer, dict) else {}
                self._greeted = True
            return self._answer_to(self._last_id, limit)
        except TimeoutError:
            raise _no_answer(method, self.timeout) from None

    def _ask_before_hello(self, method: str, params: dict[str, object]) -> object:
        limit = None if self.timeout is None else time.monotonic() + self.timeout
        self._last_id += 1
        try:
            self._send(encode(request_of(self._last_id, method, params)), (), limit)
            return self._answer_to(self._last_id, limit)
        except TimeoutError:
            raise _no_answer(method, self.timeout) from None

    def _send(self, data: bytes, descriptors: "Sequence[int]", limit: float | None) -> None:
        try:
            self._socket.settimeout(_left(limit))
            if descriptors:
                rights = b"".join(one.to_bytes(4, sys.byteorder) for one in descriptors)
                sent = self._socket.sendmsg([data], [(SOL_SOCKET, SCM_RIGHTS, rights)])
                data = data[sent:]
            if data:
                self._socket.sendall(data)
        except TimeoutError:
            raise
        except OSError as error:
            # A refusal that was written before the line was closed tells more than EPIPE does.
            if not isinstance(error, BrokenPipeError | ConnectionResetError):
                raise self._gone(error) from error

    def _answer_to(self, id_: int, limit: float | None) -> object:
        while True:
            message = self._read_line(limit)
            if "method" in message:
                self._take(message)
                continue
            if message.get("id") not in (id_, None):
                continue
            error = message.get("error")
            if error is not None:
                raise told_error(error)
            if message.get("id") == id_:
                return message.get("result")

    def _take(self, message: dict[str, object]) -> None:
        """Keep an event; answer a call of the daemon, which a client like this can't serve."""
        if "method" not in message:
            if message.get("id") is None and message.get("error") is not None:
                raise told_error(message["error"])
            return
        if message.get("id") is not None:
            refusal = {"code": -32601, "message": "this client serves no calls"}
            answer = {"jsonrpc": "2.0", "id": message["id"], "error": refusal}
            self._send(encode(answer), (), None)
        elif message["method"] == "resync":
            raise CommandError("log.trimmed", RESYNC, _params(message))
        elif message["method"] == "event" and isinstance(message.get("params"), dict):
            self._events.append(message["params"])  # type: ignore[arg-type]

    def _gone(self, error: OSError | None) -> CommandError:
        reason = f" ({error.strerror})" if error is not None and error.strerror else ""
        return CommandError(
            "daemon.gone",
            f"The daemon ended the session before it answered{reason}: see “sat status” and "
            "“sat logs”.",
        )

    def _receive(self, limit: float | None) -> bytes:
        while True:
            self._socket.settimeout(_slice(limit))
            try:
                return self._socket.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError as error:
                raise self._gone(error) from error

    def _read_line(self, limit: float | None) -> dict[str, object]:
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > MAX_LINE:
                raise CommandError("failed.line", "The daemon sent a line that is too long.")
            chunk = self._receive(limit)
            if not chunk:
                raise self._gone(None)
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        try:
            message = json.loads(str(line, "utf-8"))
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise CommandError(
                "failed.line", "What answers on the daemon's socket does not speak its language."
            )
        return message


def connect(*, name: str = "client", timeout: float | None = 60.0) -> Client:
    """Open a session with the daemon of this home.

    :raises CommandError: ``daemon.missing`` if none runs; else as :class:`Client` and
        ``sat.bridge.paths.socket_path``
    """
    from sat.bridge.paths import socket_path

    return Client(socket_path(), name=name, timeout=timeout)


def encode(message: dict[str, object]) -> bytes:
    """Write a message as a line of the wire.

    :raises CommandError: ``usage.text`` if a text in it is not valid
    """
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        raise CommandError("usage.text", "A text to be sent is not valid UTF-8.") from None


def _left(limit: float | None) -> float | None:
    if limit is None:
        return None
    left = limit - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _slice(limit: float | None) -> float:
    """Return how long to wait at once: Python handles a signal between waits alone.

    One that comes in the instant before a wait begins doesn't end it.
    """
    left = _left(limit)
    return _SLICE if left is None else min(left, _SLICE)


def _params(message: dict[str, object]) -> dict[str, object]:
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def _no_answer(method: str, timeout: float | None) -> CommandError:
    return CommandError(
        "timeout.answer",
        f"The daemon did not answer {method} within {timeout or 0:g} seconds; "
        "what was asked for may still be done.",
    )


def request_of(id_: int, method: str, params: dict[str, object]) -> dict[str, object]:
    """Return a call as it stands on the wire."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}


def reach(connection: Socket, path: str) -> None:
    """Connect a socket with the daemon, and see to it that it is our own.

    :raises CommandError: as :class:`Client`
    """
    try:
        connection.connect(path)
    except OSError as error:
        raise unreached(path, error) from error
    credentials = connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)
    uid = int.from_bytes(credentials[4:8], sys.byteorder)
    if uid != os.geteuid():
        raise CommandError(
            "denied.socket",
            f"The daemon at {path} is run by another user (uid {uid}): it is not asked.",
        )


def told_error(error: object) -> CommandError:
    """Return the error of an answer as an exception."""
    told = error if isinstance(error, dict) else {}
    data = told.get("data")
    more = dict(data) if isinstance(data, dict) else {}
    name = more.pop("name", None)
    sentence = told.get("message")
    return CommandError(
        name if isinstance(name, str) else "failed.unnamed",
        sentence if isinstance(sentence, str) else "The daemon refused without a reason.",
        more,
    )
