"""The native transport: a Unix socket on which each line is a JSON-RPC object.

The folder is for its owner alone (0700), so is the socket (0600), and the peer's uid is checked as
well (``SO_PEERCRED``). An open file comes along with a line as a descriptor (``SCM_RIGHTS``).
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable
from typing import Protocol, cast

from twisted.internet.interfaces import (
    IAddress,
    IFileDescriptorReceiver,
    IHalfCloseableProtocol,
    IListeningPort,
    IPushProducer,
)
from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sat.bridge.session import MAX_LINE, Line, Session


class _Wire(Protocol):
    """What is used of Twisted's transport, whose own interfaces don't say it all."""

    socket: socket.socket

    def write(self, data: bytes) -> None: ...
    def loseConnection(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def registerProducer(self, producer: object, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...


class _Listener(Protocol):
    def listenUNIX(
        self,
        address: str,
        factory: Factory,
        mode: int = ...,
        wantPID: bool = ...,
    ) -> IListeningPort: ...


def listen(
    reactor: object,
    path: str,
    make_session: Callable[[Line], Session],
    forget: Callable[[Session], None],
) -> IListeningPort:
    """Accept frontends at ``path``; whatever stands there is replaced.

    The caller holds the lock of the home, so that it can't be another daemon's socket.

    :param make_session: makes the session of a new frontend
    :param forget: is told when a session has ended
    """
    if os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108
    factory = _Factory(make_session, forget)
    before = os.umask(0o177)
    try:
        return cast(_Listener, reactor).listenUNIX(path, factory, mode=0o600)
    finally:
        os.umask(before)


class _Factory(Factory):
    noisy = False

    def __init__(
        self, make_session: Callable[[Line], Session], forget: Callable[[Session], None]
    ) -> None:
        self.make_session = make_session
        self.forget = forget

    def buildProtocol(self, addr: IAddress | None) -> TwistedProtocol:
        return UnixLine(self.make_session, self.forget)


@implementer(IFileDescriptorReceiver, IHalfCloseableProtocol, IPushProducer)
class UnixLine(TwistedProtocol):
    """One accepted connection: cuts lines for its session, and keeps to its pace."""

    def __init__(
        self, make_session: Callable[[Line], Session], forget: Callable[[Session], None]
    ) -> None:
        self._make_session = make_session
        self._forget = forget
        self._wire: _Wire
        self._session: Session | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._paused = False
        self._waiting: list[bytes] = []
        self._ending = False

    def connectionMade(self) -> None:
        """Let the same user in, and nobody else."""
        self._wire = cast(_Wire, self.transport)
        if peer_uid(self._wire.socket) != os.getuid():
            self._wire.write(
                b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"this daemon serves '
                b'another user","data":{"name":"denied.user"}}}\n'
            )
            self._wire.loseConnection()
            return
        self._session = self._make_session(self)
        self._wire.registerProducer(self, True)

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Hand a descriptor on: it is of the first line which ends after it and says so."""
        if self._session is None:
            os.close(descriptor)
        else:
            self._session.descriptor_received(descriptor)

    def dataReceived(self, data: bytes) -> None:
        """Cut what came into lines."""
        if self._session is None or self._ending:
            return
        *ends, rest = data.split(b"\n")
        for end in ends:
            line = b"".join(self._parts) + end if self._parts else end
            self._parts.clear()
            self._size = 0
            if len(line) > MAX_LINE:
                self._too_long()
                return
            if line.strip():
                self._take(line)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > MAX_LINE:
                self._too_long()

    def readConnectionLost(self) -> None:
        """Answer what was asked, then end: ``echo … | socat`` closes its side at once.

        Who is gone altogether has closed both sides, and gets nothing more.
        """
        both = select.poll()
        both.register(self._wire.socket, 0)
        if both.poll(0) or self._session is None:
            self._wire.loseConnection()
        else:
            self._session.input_ended()

    def writeConnectionLost(self) -> None:
        """End: nobody reads."""
        self._wire.loseConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            session.closed()
            self._forget(session)

    # ---- Line

    def write(self, data: bytes) -> None:
        """Queue bytes for the frontend."""
        self._wire.write(data)

    def pause_reading(self) -> None:
        """Deliver no more lines for now."""
        if not self._paused:
            self._paused = True
            self._wire.pauseProducing()

    def resume_reading(self) -> None:
        """Deliver the lines that came meanwhile, then those that come."""
        if not self._paused:
            return
        self._paused = False
        while self._waiting and not self._paused and self._session is not None:
            self._session.line_received(self._waiting.pop(0))
        if not self._paused:
            self._wire.resumeProducing()

    def close(self) -> None:
        """End once what is queued is written."""
        self._ending = True
        self._wire.unregisterProducer()
        self._wire.loseConnection()

    # ---- IPushProducer: the transport's view of what we write

    def pauseProducing(self) -> None:
        """Hold back: the frontend does not read."""
        if self._session is not None:
            self._session.output_paused()

    def resumeProducing(self) -> None:
        """Go on: the frontend has read."""
        if self._session is not None:
            self._session.output_resumed()

    def stopProducing(self) -> None:
        """Do nothing: ``connectionLost`` tells the session."""

    def _take(self, line: bytes) -> None:
        assert self._session is not None
        if self._paused:
            self._waiting.append(line)
            return
        self._session.line_received(line)

    def _too_long(self) -> None:
        self._parts.clear()
        self._ending = True
        if self._session is not None:
            self._session.line_too_long()


def peer_uid(connection: socket.socket) -> int:
    """Return the uid of the process at the other end of a Unix socket (unix(7), SO_PEERCRED)."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[1])
