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
    IProtocolFactory,
    ITransport,
)
from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.unix import Port, Server
from zope.interface import implementer

from sat.bridge.lines import Gathering, LineProtocol, MakeSession
from sat.bridge.session import Session


class _Connected(Protocol):
    socket: socket.socket


class _Server(Server):
    """Writes at once what the other end takes at once.

    Twisted's own asks for the moment in which it may be written, and that costs ten times as much
    as writing: an event goes to many frontends, and all but a slow one have room for it.
    """

    send: Callable[[bytes], int]

    def __init__(self, connection: socket.socket, *arguments: object) -> None:
        super().__init__(connection, *arguments)  # type: ignore[no-untyped-call]
        self.send = connection.send

    def startWriting(self) -> None:
        self.send = _send_nothing
        super().startWriting()  # type: ignore[no-untyped-call]

    def stopWriting(self) -> None:
        self.send = self.socket.send
        super().stopWriting()  # type: ignore[no-untyped-call]

    def write(self, data: bytes) -> None:
        try:
            sent = self.send(data)
        except OSError:
            # It fails again when it is tried in its turn, or is thrown away: it is over.
            sent = 0
        if sent != len(data):
            super().write(data[sent:])  # type: ignore[no-untyped-call]


def _send_nothing(_: bytes) -> int:
    return 0


class _Port(Port):
    transport = _Server


def listen(
    reactor: object,
    path: str,
    make_session: MakeSession,
    forget: Callable[[Session], None],
    gathering: Gathering | None = None,
) -> IListeningPort:
    """Accept frontends at ``path``; whatever stands there is replaced.

    The caller holds the lock of the home, so that it can't be another daemon's socket.

    :param make_session: makes the session of a new frontend
    :param forget: is told when a session has ended
    :param gathering: see :class:`sat.bridge.lines.LineProtocol`
    """
    if os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108
    factory = _Factory(make_session, forget, gathering)
    # As Twisted's ``listenUNIX``, which has transports of its own.
    port = _Port(os.fsencode(path), cast(IProtocolFactory, factory), mode=0o600, reactor=reactor)
    before = os.umask(0o177)
    try:
        port.startListening()  # type: ignore[no-untyped-call]
    finally:
        os.umask(before)
    return cast(IListeningPort, port)


def adopt(
    reactor: object,
    connection: socket.socket,
    make_session: MakeSession,
    forget: Callable[[Session], None],
    gathering: Gathering | None = None,
) -> None:
    """Serve a frontend at the other end of a connected socket, such as one of ``socketpair``.

    :param make_session: makes its session
    :param forget: is told when that has ended
    :param gathering: see :class:`sat.bridge.lines.LineProtocol`
    """
    line = UnixLine(make_session, forget, gathering)
    connection.setblocking(False)
    # As Twisted's Port does with what it accepts; ``adoptStreamConnection`` passes no descriptors.
    server = _Server(connection, line, "", None, 0, reactor)
    line.makeConnection(cast(ITransport, server))


class _Factory(Factory):
    noisy = False

    def __init__(
        self,
        make_session: MakeSession,
        forget: Callable[[Session], None],
        gathering: Gathering | None,
    ) -> None:
        self.make_session = make_session
        self.forget = forget
        self.gathering = gathering

    def buildProtocol(self, addr: IAddress | None) -> TwistedProtocol:
        return UnixLine(self.make_session, self.forget, self.gathering)


@implementer(IFileDescriptorReceiver, IHalfCloseableProtocol)
class UnixLine(LineProtocol):
    """One connection of a program on this machine; open files may come along with its lines."""

    def connectionMade(self) -> None:
        """Let the same user in, and nobody else."""
        if peer_uid(self._socket) != os.getuid():
            self._wire.write(
                b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"this daemon serves '
                b'another user","data":{"name":"denied.user"}}}\n'
            )
            self._wire.loseConnection()
            return
        super().connectionMade()

    @property
    def _socket(self) -> socket.socket:
        return cast(_Connected, self.transport).socket

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Hand a descriptor on: it is of the first line which ends after it and says so."""
        if self._session is None:
            os.close(descriptor)
        else:
            self._session.descriptor_received(descriptor)

    def readConnectionLost(self) -> None:
        """Answer what was asked, then end: ``echo … | socat`` closes its side at once.

        Who is gone altogether has closed both sides, and gets nothing more.
        """
        both = select.poll()
        both.register(self._socket, 0)
        if both.poll(0) or self._session is None:
            self._wire.loseConnection()
        else:
            self._session.input_ended()

    def writeConnectionLost(self) -> None:
        """End: nobody reads."""
        self._wire.loseConnection()


def peer_uid(connection: socket.socket) -> int:
    """Return the uid of the process at the other end of a Unix socket (unix(7), SO_PEERCRED)."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[1])
