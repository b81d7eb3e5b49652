"""A scripted peer on a Unix socket: it speaks the wire as a daemon does, and keeps what it is told.

A second implementation of the wire, on purpose: it knows no class of the product.
"""

import array
import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = Any
HELLO = {
    "api": "1.0",
    "features": [],
    "session": "s1",
    "level": "admin",
    "epoch": "e1",
    "head": 7,
    "oldest": 1,
}


class Refusal(Exception):
    """Raised by an answer: becomes an error on the wire."""

    def __init__(self, name: str, sentence: str, **data: object) -> None:
        super().__init__(sentence)
        self.error = {"code": -32000, "message": sentence, "data": {"name": name, **data}}


class Session:
    """One accepted connection."""

    def __init__(self, server: "LineServer", connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.reads: list[bytes] = []
        self.descriptors: list[int] = []

    def send(self, message: dict[str, Any]) -> None:
        self.connection.sendall(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def event(self, **params: Any) -> None:
        self.send({"jsonrpc": "2.0", "method": "event", "params": params})

    def serve(self) -> None:
        buffer = b""
        while True:
            try:
                data, ancillary, _, _ = self.connection.recvmsg(1 << 20, socket.CMSG_SPACE(64))
            except OSError:
                return
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    found = array.array("i")
                    found.frombytes(content)
                    self.descriptors += list(found)
            if not data:
                return
            self.reads.append(data)
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                self.take(json.loads(line))

    def take(self, request: dict[str, Any]) -> None:
        self.server.requests.append(request)
        if "method" not in request:
            return
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            found = self.server.answers[request["method"]]
            answer["result"] = found(self, request["params"]) if callable(found) else found
        except KeyError:
            answer["error"] = Refusal(
                "unknown.method", f"there is no method {request['method']}"
            ).error
        except Refusal as refusal:
            answer["error"] = refusal.error
        except OSError:
            return
        if answer.get("result") is not NOTHING:
            try:
                self.send(answer)
                after = self.server.after.get(request["method"])
                if after is not None:
                    after(self)
            except OSError:  # the client has what it wanted, and is gone
                return


#: An answer that is none.
NOTHING = object()


class LineServer:
    """Listens on a socket; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[dict[str, Any]] = []
        self.sessions: list[Session] = []
        self.answers: dict[str, Answer] = {"session.hello": HELLO}
        self.after: dict[str, Callable[[Session], None]] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._threads: list[threading.Thread] = []

    def called(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of the calls of a method."""
        return [one["params"] for one in self.requests if one.get("method") == method]

    def __enter__(self) -> "LineServer":
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        self._start(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in self.sessions:
            self.end(session)
        for thread in self._threads:
            thread.join(5)
        for session in self.sessions:
            session.connection.close()
            for descriptor in session.descriptors:
                os.close(descriptor)
        self.path.unlink(missing_ok=True)

    @staticmethod
    def end(session: Session) -> None:
        """Cut a connection."""
        try:
            session.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            session = Session(self, connection)
            self.sessions.append(session)
            self._start(session.serve)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()
