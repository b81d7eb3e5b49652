"""A connection whose lines are those of a session: what all transports share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from twisted.internet.interfaces import IPushProducer, ITransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sat.bridge.followers import Queued, Way
from sat.bridge.heartbeat import MAX_SILENT, PING
from sat.bridge.session import Session
from sat.bridge.wire import MAX_LINE, Line

#: So many bytes of answers wait for more of them, before they go out.
_GATHERED = 64 * 1024

MakeSession = Callable[[Line], Session]


class _Wire(Protocol):
    """What is used of Twisted's transports, whose own interfaces don't say it all."""

    def write(self, data: bytes) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def registerProducer(self, producer: object, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...


class Gathering:
    """While it is open (``with``), what is answered waits; then it goes out, at once to each.

    What many callers wait for is often stored together, and writing each answer by itself would
    cost a system call each.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._lines: list[LineProtocol] = []

    def __enter__(self) -> None:
        self.is_open = True

    def __exit__(self, *_: object) -> None:
        self.is_open = False
        lines, self._lines = self._lines, []
        for line in lines:
            line.go_on()

    def hold(self, line: LineProtocol) -> None:
        """Let a line go on at the end."""
        self._lines.append(line)


@implementer(IPushProducer)
class LineProtocol(TwistedProtocol):
    """One accepted connection: cuts lines for its session, and keeps to its pace.

    :param make_session: makes the session of a new frontend
    :param forget: is told when it has ended
    :param gathering: what is written while it is open waits for its end
    """

    def __init__(
        self,
        make_session: MakeSession,
        forget: Callable[[Session], None],
        gathering: Gathering | None = None,
    ) -> None:
        self._make_session = make_session
        self._forget = forget
        self._gathering = gathering or Gathering()
        self._wire: _Wire
        self._session: Session | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._paused = False
        self._waiting: deque[bytes] = deque()
        self._ending = False
        self._silent = 0
        # What goes out at once: what is answered while lines are cut, or something is gathered;
        # None: each write by itself.
        self._gathered: list[bytes] | None = None
        self._gathered_size = 0

    def makeConnection(self, transport: ITransport) -> None:
        """Take note of the transport, then begin."""
        self._wire = cast(_Wire, transport)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    def connectionMade(self) -> None:
        """Begin a session."""
        self._session = self._make_session(self)
        self._wire.registerProducer(self, True)

    @property
    def max_line(self) -> int:
        """The longest line, in bytes, that is taken now."""
        return MAX_LINE

    def dataReceived(self, data: bytes) -> None:
        """Cut what came into lines."""
        self._silent = 0
        if self._session is None or self._ending:
            return
        self._gathered = []
        try:
            self._cut(data)
        finally:
            self.go_on()

    def _cut(self, data: bytes) -> None:
        *ends, rest = data.split(b"\n")
        for end in ends:
            line = b"".join(self._parts) + end if self._parts else end
            self._parts.clear()
            self._size = 0
            if len(line) > self.max_line:
                self._too_long()
                return
            if line.strip():
                self._take(line)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > self.max_line:
                self._too_long()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            session.closed()
            self._forget(session)

    # ---- Line

    def write(self, data: bytes) -> None:
        """Queue bytes for the frontend."""
        if self._gathered is None:
            if not self._gathering.is_open:
                self._wire.write(data)
                return
            self._gathered = []
            self._gathering.hold(self)
        self._gathered.append(data)
        self._gathered_size += len(data)
        if self._gathered_size > _GATHERED:
            self._flush()

    @property
    def way(self) -> Way:
        """What ``write`` comes to while no lines are being delivered, without a detour."""
        wire = self._wire
        return cast(Way, wire) if hasattr(wire, "send") else Queued(wire.write)

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
            self._session.line_received(self._waiting.popleft())
        if not self._paused:
            self._wire.resumeProducing()

    def beat(self) -> None:
        """Ask for a sign of life after some silence; end the line after too much of it."""
        if self._paused:
            return  # silent because nothing is read
        self._silent += 1
        if self._silent > MAX_SILENT:
            self._wire.abortConnection()
        elif self._silent > 1:
            self.write(PING)

    def close(self) -> None:
        """End once what is queued is written."""
        self._ending = True
        self._flush()
        self._wire.unregisterProducer()
        self._wire.loseConnection()

    def go_on(self) -> None:
        """Write what was gathered, and all that comes by itself."""
        self._flush()
        self._gathered = None

    def _flush(self) -> None:
        if self._gathered:
            gathered = b"".join(self._gathered)
            self._gathered.clear()
            self._gathered_size = 0
            self._wire.write(gathered)

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
            self._session.line_too_long(self.max_line)
