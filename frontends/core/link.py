"""A session with the daemon that GLib's main loop watches: nothing here ever waits."""

import errno
import json
import logging
import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET
from _socket import socket as Socket
from collections import deque
from collections.abc import Callable, Sequence

from gi.repository import GLib

from sat.bridge.blocking import API, MAX_LINE, encode, reach, request_of, told_error
from sat.bridge.errors import CommandError

_log = logging.getLogger(__name__)

#: Is told the result of a call, or why there is none.
Done = Callable[[object, CommandError | None], None]

_CHUNK = 256 * 1024
#: What may wait to be written, in bytes, and the calls that may wait for an answer.
_MAX_QUEUED = 2 * MAX_LINE
_MAX_CALLS = 1000


class Link:
    """One session; ``lost`` is called once, when it has ended otherwise than by ``close``.

    :param path: the daemon's socket
    :param client: what the daemon's log calls it
    :param event: is told the ``params`` of each event
    :param resync: is told that events are gone which were not read in time
    :raises CommandError: ``daemon.missing``, ``denied.socket``
    """

    def __init__(
        self,
        path: str,
        client: str,
        event: Callable[[dict[str, object]], None],
        resync: Callable[[dict[str, object]], None],
        lost: Callable[[], None],
    ) -> None:
        self._event = event
        self._resync = resync
        self._lost = lost
        self._last_id = 0
        self._calls: dict[int, Done] = {}
        self._buffer = bytearray()
        self._queue: deque[tuple[bytes, list[int]]] = deque()
        self._queued = 0
        self._writing = 0
        self._socket: Socket | None = _open(path)
        self._reading = GLib.io_add_watch(
            self._socket.fileno(), GLib.IO_IN | GLib.IO_HUP | GLib.IO_ERR, self._readable
        )
        self.call("session.hello", {"api": API, "client": client, "features": []}, (), _ignore)

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._socket is not None

    def call(
        self, method: str, params: dict[str, object], descriptors: Sequence[int], done: Done
    ) -> None:
        """Make a call; the descriptors are closed once they are passed on, or can't be.

        :raises CommandError: ``usage.line``, ``usage.params``, ``failed.busy``, ``daemon.gone``
        """
        files = list(descriptors)
        try:
            line = self._line(method, params, len(files))
        except BaseException:
            _close(files)
            raise
        self._calls[self._last_id] = done
        self._queue.append((line, files))
        self._queued += len(line)
        if not self._writing:
            self._writable()

    def close(self) -> None:
        """End the session; what the daemon was asked to do goes on."""
        if self._socket is None:
            return
        GLib.source_remove(self._reading)
        if self._writing:
            GLib.source_remove(self._writing)
        self._writing = 0
        self._socket.close()
        self._socket = None
        for _, files in self._queue:
            _close(files)
        self._queue.clear()
        calls, self._calls = self._calls, {}
        gone = _gone()
        for done in calls.values():
            done(None, gone)

    def _line(self, method: str, params: dict[str, object], files: int) -> bytes:
        if self._socket is None:
            raise _gone()
        if len(self._calls) >= _MAX_CALLS or self._queued > _MAX_QUEUED:
            raise CommandError(
                "failed.busy",
                f"{method}: {len(self._calls)} calls of this program wait for an answer already: "
                "wait for some of them.",
            )
        self._last_id += 1
        request = request_of(self._last_id, method, params)
        if files:
            request["descriptors"] = files
        line = encode(request)
        if len(line) > MAX_LINE:
            raise CommandError(
                "usage.line", f"{method}: {len(line)} bytes are too much; a call takes {MAX_LINE}."
            )
        return line

    def _end(self) -> None:
        if self._socket is not None:
            self.close()
            self._lost()

    def _writable(self, *_: object) -> bool:
        """Write what the socket takes; called again once it takes more."""
        try:
            while self._queue and self._socket is not None:
                data, files = self._queue[0]
                rights = b"".join(one.to_bytes(4, sys.byteorder) for one in files)
                extra = ((SOL_SOCKET, SCM_RIGHTS, rights),) if files else ()
                sent = self._socket.sendmsg([data], extra)
                _close(files)
                self._queued -= sent
                if sent < len(data):
                    self._queue[0] = (data[sent:], [])
                else:
                    self._queue.popleft()
        except BlockingIOError:
            if not self._writing and self._socket is not None:
                self._writing = GLib.io_add_watch(
                    self._socket.fileno(), GLib.IO_OUT, self._writable
                )
            return True
        except OSError:
            # What it has said before is still to be read; that ends the session.
            for _line, left in self._queue:
                _close(left)
            self._queue.clear()
        self._writing = 0
        return False

    def _readable(self, *_: object) -> bool:
        assert self._socket is not None
        try:
            chunk = self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            chunk = b""
        if not chunk:
            self._end()
            return False
        start = max(0, len(self._buffer) - 1)
        self._buffer += chunk
        if self._buffer.find(b"\n", start) >= 0:
            *lines, rest = self._buffer.split(b"\n")
            self._buffer = rest
            for line in lines:
                if self._socket is not None:
                    self._take_safely(bytes(line))
        if len(self._buffer) > MAX_LINE:
            self._end()
        return self._socket is not None

    def _take_safely(self, line: bytes) -> None:
        try:
            self._take(line)
        except Exception:
            # GLib forgets a watch whose function raises: the session would be deaf for good.
            _log.exception("A line of the daemon can't be passed on")

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._end()
            return
        params = message.get("params")
        if message.get("method") == "event" and isinstance(params, dict):
            self._event(params)
        elif message.get("method") == "resync":
            self._resync(params if isinstance(params, dict) else {})
        elif "method" not in message:
            self._answered(message)

    def _answered(self, message: dict[str, object]) -> None:
        id_, error = message.get("id"), message.get("error")
        done = self._calls.pop(id_, None) if isinstance(id_, int) else None
        if done is not None:
            done(message.get("result"), None if error is None else told_error(error))
        elif id_ is None:
            self._end()


def _open(path: str) -> Socket:
    found = Socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
    try:
        reach(found, path)
    except BaseException as error:
        found.close()
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno == errno.EAGAIN:
            raise CommandError(
                "failed.busy", "The daemon is too busy to accept anybody: try again later."
            ) from None
        raise
    return found


def _close(files: list[int]) -> None:
    while files:
        os.close(files.pop())


def _gone() -> CommandError:
    return CommandError(
        "daemon.gone",
        "The daemon ended the session before it answered: see “sat status” and “sat logs”.",
    )


def _ignore(result: object, error: CommandError | None) -> None:
    """Nothing depends on it: who isn't greeted has its next call refused, with the reason."""
