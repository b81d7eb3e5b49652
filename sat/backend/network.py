"""Learning from Linux that the network has changed (rtnetlink(7)), so that nobody has to wait."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, cast

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped, unused-ignore]

from sat.xmpp.reactor import Clock, Timer

_log = Logger("sat.network")

#: Changes come in bursts: what comes within so many seconds is one.
CALM = 1.0

# linux/rtnetlink.h
_GROUPS = 0x10 | 0x40 | 0x100 | 0x400  # IPv4 and IPv6: addresses and routes
_NEW_ADDRESS, _LOST_ADDRESS, _NEW_ROUTE, _LOST_ROUTE = 20, 21, 24, 25
_HEADER, _ADDRESS, _ROUTE, _ATTRIBUTE = (
    struct.Struct(form) for form in ("=IHHII", "=BBBBI", "=BBBBBBBBI", "=HH")
)
_LINK_SCOPE = 253  # from here on, an address leads nowhere beyond the link
_IFA = frozenset({1, 2})  # IFA_ADDRESS, IFA_LOCAL
_RTA = frozenset({4, 5, 6})  # RTA_OIF, RTA_GATEWAY, RTA_PRIORITY
_MOST = 10_000


def open_socket() -> socket.socket | None:
    """Return a socket on which Linux tells of changes; None where there is no such thing."""
    try:
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        try:
            opened.bind((0, _GROUPS))
        except OSError:
            opened.close()
            raise
    except (AttributeError, OSError) as error:
        _log.info("changes of the network aren't seen: {error}", error=error)
        return None
    return opened


@implementer(IReadDescriptor)
class NetworkWatch:
    """Tells when the machine has got or lost an address, or a way out.

    :param opened: where Linux tells of it; it is closed at the end
    :param on_change: is called once for each burst of changes
    """

    def __init__(
        self, reactor: object, opened: socket.socket, on_change: Callable[[], None]
    ) -> None:
        self._reactor = cast(Any, reactor)
        self._socket = opened
        self._on_change = on_change
        self._known: set[bytes] = set()
        self._timer: Timer | None = None
        opened.setblocking(False)

    def start(self) -> None:
        """Begin to watch."""
        self._reactor.addReader(self)

    def stop(self) -> None:
        """Watch no longer."""
        self._reactor.removeReader(self)
        self._socket.close()
        timer, self._timer = self._timer, None
        if timer is not None:
            try:
                timer.cancel()
            except (AlreadyCalled, AlreadyCancelled):
                return

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Return what this is called in logs."""
        return "network"

    def connectionLost(self, reason: Failure) -> None:
        """Note that the socket can't be read any more."""
        _log.warn("changes of the network aren't seen any more")

    def doRead(self) -> None:
        """Take what Linux tells."""
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                _log.warn("changes of the network aren't seen any more: {error}", error=error)
                self._reactor.removeReader(self)
                return
            data = None  # there was more than could be kept: certainly a change
        if data == b"":
            self._reactor.removeReader(self)
            return
        news = [self._is_news(*one) for one in _messages(data or b"")]  # each one is noted
        if data is None or any(news):
            self._changed()

    def _is_news(self, kind: int, key: bytes) -> bool:
        if kind in (_LOST_ADDRESS, _LOST_ROUTE):
            self._known.discard(key)
            return True
        # What is known already is only prolonged, as a router does every few minutes.
        if key in self._known:
            return False
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known.add(key)
        return True

    def _changed(self) -> None:
        if self._timer is None:
            clock = cast(Clock, self._reactor)
            self._timer = clock.callLater(CALM, self._tell)

    def _tell(self) -> None:
        self._timer = None
        _log.info("the network has changed")
        self._on_change()


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind of each message that counts, and what tells its object from others."""
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        key = _key(kind, data[_HEADER.size : length])
        if key is not None:
            yield kind, key
        data = data[_aligned(length) :]


def _key(kind: int, body: bytes) -> bytes | None:
    if kind in (_NEW_ADDRESS, _LOST_ADDRESS) and len(body) >= _ADDRESS.size:
        family, _, _, scope, index = _ADDRESS.unpack_from(body)
        if scope >= _LINK_SCOPE:
            return None
        return struct.pack("=BBI", 0, family, index) + _attributes(body[_ADDRESS.size :], _IFA)
    if kind in (_NEW_ROUTE, _LOST_ROUTE) and len(body) >= _ROUTE.size:
        family, destination, *_ = _ROUTE.unpack_from(body)
        if destination:
            return None  # not the way out
        return struct.pack("=BB", 1, family) + _attributes(body[_ROUTE.size :], _RTA)
    return None


def _attributes(data: bytes, wanted: frozenset[int]) -> bytes:
    found = []
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        if kind in wanted:
            found.append(data[:length])
        data = data[_aligned(length) :]
    return b"".join(found)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
