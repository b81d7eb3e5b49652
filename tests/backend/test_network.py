"""Changes of the network: what counts as one, and what profiles do about it."""

import socket
import struct

import pytest
from twisted.internet.task import Clock

from sat.backend.daemon import Daemon
from sat.backend.network import CALM, NetworkWatch, open_socket
from tests.backend.support import house, until

ADDRESS, GATEWAY = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 254])


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def address(kind: int, data: bytes = ADDRESS, scope: int = 0, valid: int = 0) -> bytes:
    lifetime = attribute(6, struct.pack("=IIII", valid, valid, 0, 0))
    body = struct.pack("=BBBBI", 2, 24, 0, scope, 1) + attribute(1, data) + lifetime
    return message(kind, body)


def route(kind: int, gateway: bytes = GATEWAY, size: int = 0) -> bytes:
    body = struct.pack("=BBBBBBBBI", 2, size, 0, 0, 254, 3, 0, 1, 0)
    return message(kind, body + attribute(5, gateway))


class Net:
    """A watch, and what Linux tells it."""

    class _Reactor(Clock):
        def __init__(self) -> None:
            super().__init__()
            self.readers: list = []

        def addReader(self, reader) -> None:
            self.readers.append(reader)

        def removeReader(self, reader) -> None:
            if reader in self.readers:
                self.readers.remove(reader)

    def __enter__(self) -> "Net":
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.reactor = self._Reactor()
        self.told = 0
        self.watch = NetworkWatch(self.reactor, theirs, self._tell)
        self.watch.start()
        return self

    def __exit__(self, *_) -> None:
        self.watch.stop()
        self.ours.close()

    def _tell(self) -> None:
        self.told += 1

    def says(self, *messages: bytes) -> int:
        """Let Linux tell something, and return how often the watch did a moment later."""
        before = self.told
        for one in messages:
            self.ours.send(one)
            self.watch.doRead()
        self.reactor.advance(CALM)
        return self.told - before


@pytest.mark.parametrize(
    "change",
    [address(20), address(21), route(24), route(25), address(20, scope=0) + route(24)],
)
def test_what_changes_the_way_out_is_told(change):
    with Net() as net:
        assert net.says(change) == 1


@pytest.mark.parametrize(
    "nothing",
    [
        address(20, scope=254),  # of this machine
        address(20, scope=253),  # of the link
        route(24, size=24),
        message(16, bytes(16)),  # a link's counters
        b"",
        b"short",
        struct.pack("=IHHII", 5, 20, 0, 0, 0),
        struct.pack("=IHHII", 10**6, 20, 0, 0, 0),
        message(20, b"\2"),
        message(20, bytes(4)),
    ],
)
def test_what_changes_nothing_is_not(nothing):
    with Net() as net:
        assert net.says(nothing or message(3, b"")) == 0


def test_an_address_that_is_prolonged_is_no_change():
    with Net() as net:
        assert net.says(address(20, valid=600)) == 1
        assert net.says(address(20, valid=599)) == 0
        assert net.says(address(20, bytes(4))) == 1
        assert net.says(address(21)) == 1
        assert net.says(address(20)) == 1


def test_a_burst_is_one_change():
    with Net() as net:
        assert net.says(*(address(20, bytes([10, 0, 0, n])) for n in range(50))) == 1


def test_attributes_that_lie_about_their_length_end_nothing():
    with Net() as net:
        body = struct.pack("=BBBBI", 2, 24, 0, 0, 1)
        assert net.says(message(20, body + struct.pack("=HH", 0, 1))) == 1
        assert net.says(message(21, body + struct.pack("=HH", 60000, 1))) == 1


def test_the_end_of_the_socket_is_the_end_of_the_watch():
    ours, theirs = socket.socketpair()
    reactor = Net._Reactor()
    watch = NetworkWatch(reactor, theirs, lambda: None)
    watch.start()
    ours.close()
    watch.doRead()
    assert reactor.readers == []
    watch.stop()


def test_linux_has_such_a_socket():
    opened = open_socket()
    assert opened is not None
    opened.close()


async def on_net(home) -> socket.socket:
    """Start the daemon anew, with a network of the test's, and return where that is told of."""
    await home.stop()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    home.daemon = Daemon(home.reactor, home.paths, lambda: None, theirs)
    home.daemon.begin()
    home.frontend = await home.attach()
    home.call, home.expect = home.frontend.call, home.frontend.expect
    return ours


async def test_who_waits_for_the_next_try_tries_at_once(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        ours = await on_net(home)
        await alice.server.refuse()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        live = home.daemon.profiles.live["alice"]
        await until(reactor, lambda: live.connection_state.phase == "waiting")
        live._connection._backoff._tries = 9  # minutes
        await until(reactor, lambda: (live.connection_state.retry_in or 0) > 100, 30)
        alice.server.listen(alice.server.port)
        with ours:
            ours.send(address(20))
            await alice.online()


async def test_a_stream_is_tried_when_the_network_changes(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr("sat.xmpp.connection.QUICK", 0.5)
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        with await on_net(home) as ours:
            home.call("profile.connect", name="alice").addErrback(lambda _: None)
            peer = await alice.online()
            # It answers: nothing happens.
            ours.send(address(20))
            await until(reactor, lambda: peer.received[-1].tag == "{urn:xmpp:sm:3}r")
            await peer.forbid("<presence type='unavailable'/>", 1.0)
            assert not peer.lost
            # It doesn't: the stream is given up long before the usual silence is over.
            peer.on("<r xmlns='urn:xmpp:sm:3'/>", lambda _: None)
            ours.send(address(21))
            await peer.ends()
            await alice.online()
