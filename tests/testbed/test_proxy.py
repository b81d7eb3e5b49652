"""The proxy: what it lets through, and each way in which it doesn't."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from tests.testbed.processes import accepts, wait_until
from tests.testbed.proxy import Proxy


class Echo:
    """A server that sends back what it is sent; it notes how each connection ended."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.ends: list[str] = []
        self.came = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self.port == 0:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    self.came += len(data)
                    connection.sendall(data)
                self.ends.append("FIN")
            except OSError:
                self.ends.append("RST")

    def stop(self) -> None:
        port, self.port = self.port, 0
        socket.create_connection(("127.0.0.1", port)).close()
        for thread in self._threads:
            thread.join(10)
        self._socket.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    running = Echo()
    yield running
    running.stop()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port, Random(1)) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connected:
        yield connected


def read(client: socket.socket, count: int) -> bytes:
    """Read so many bytes, or fewer if that is all."""
    data = b""
    while len(data) < count and (part := client.recv(count - len(data))):
        data += part
    return data


def test_all_goes_through_unchanged(proxy: Proxy, client: socket.socket) -> None:
    data = Random(2).randbytes(3_000_000)
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    got = read(client, len(data))
    sender.join()
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()
    assert (proxy.up.passed, proxy.down.passed) == (len(data), len(data))


def test_a_stall_after_so_many_bytes(proxy: Proxy, client: socket.socket) -> None:
    proxy.down.stall_after(1000)
    client.sendall(bytes(999))
    assert len(read(client, 999)) == 999
    client.sendall(bytes(10))
    assert len(read(client, 10)) == 10
    client.sendall(b"late")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(10)
    proxy.down.go_on()
    assert read(client, 4) == b"late"


def test_an_end_goes_through_as_an_end(echo: Echo, proxy: Proxy, client: socket.socket) -> None:
    client.sendall(b"bye")
    client.shutdown(socket.SHUT_WR)
    assert client.recv(100) == b"bye"
    assert client.recv(100) == b""
    assert wait_until(lambda: echo.ends == ["FIN"], 10)
    assert wait_until(lambda: proxy.open == 0, 10)


@pytest.mark.parametrize("reset", [True, False])
def test_a_cut_is_seen_by_both_sides(
    echo: Echo, proxy: Proxy, client: socket.socket, reset: bool
) -> None:
    client.sendall(b"before")
    assert read(client, 6) == b"before"
    assert proxy.cut(reset=reset) == 1
    if reset:
        with pytest.raises(ConnectionResetError):
            client.recv(100)
    else:
        assert client.recv(100) == b""
        client.close()
    assert wait_until(lambda: echo.ends == ["RST" if reset else "FIN"], 10)
    assert wait_until(lambda: proxy.open == 0, 10)
    assert proxy.cut() == 0


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("count", [0, 1, 4, 9])
def test_a_cut_after_so_many_bytes_from_the_server(
    proxy: Proxy, client: socket.socket, count: int, reset: bool
) -> None:
    client.sendall(b"12345")
    assert read(client, 5) == b"12345"
    proxy.down.cut_after(count, reset=reset)
    got = b""
    try:
        for _ in range(10):
            client.sendall(b"x")
            part = client.recv(100)
            if not part:
                break
            got += part
    except ConnectionError:
        assert reset
    assert got == b"x" * count
    # The next connection is not cut.
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as second:
        second.sendall(b"y" * 20)
        assert read(second, 20) == b"y" * 20


def test_a_cut_after_so_many_bytes_to_the_server(
    echo: Echo, proxy: Proxy, client: socket.socket
) -> None:
    proxy.up.cut_after(7)
    client.sendall(b"0123456789")
    assert wait_until(lambda: echo.ends == ["FIN"], 10)
    assert echo.came == 7


def test_a_black_hole_keeps_what_it_got(echo: Echo, proxy: Proxy, client: socket.socket) -> None:
    proxy.down.stall()
    client.sendall(b"hello")
    assert wait_until(lambda: echo.came == 5, 10)
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(100)
    client.settimeout(10)
    proxy.down.go_on()
    assert read(client, 5) == b"hello"
    proxy.up.stall()
    client.sendall(b"lost?")
    assert proxy.cut(reset=True) == 1
    assert wait_until(lambda: echo.ends == ["RST"], 10)
    assert echo.came == 5


def test_what_is_delayed_comes_later_and_in_order(proxy: Proxy, client: socket.socket) -> None:
    proxy.delay(0.15)
    client.settimeout(0.1)
    client.sendall(b"one")
    with pytest.raises(TimeoutError):
        client.recv(100)
    client.settimeout(10)
    client.sendall(b"two")
    assert read(client, 6) == b"onetwo"


def test_one_byte_is_flipped_where_it_was_told(proxy: Proxy, client: socket.socket) -> None:
    proxy.up.corrupt_after(3)
    client.sendall(b"abcdefgh")
    assert read(client, 8) == b"abc" + bytes([ord("d") ^ 0xFF]) + b"efgh"
    client.sendall(b"abcdefgh")
    assert read(client, 8) == b"abcdefgh"


def test_pieces_change_places_and_none_is_lost(
    echo: Echo, proxy: Proxy, client: socket.socket
) -> None:
    proxy.up.reorder(1.0)
    client.sendall(b"alone")
    assert read(client, 5) == b"alone"
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchanged() -> bool:
        client.sendall(b"1")
        time.sleep(0.005)  # else the two are mostly read at once, as one piece
        client.sendall(b"2")
        got = read(client, 2)
        assert got in (b"12", b"21")
        return got == b"21"

    assert wait_until(exchanged, 30)
    proxy.up.reorder(0.0)
    client.sendall(b"34")
    assert read(client, 2) == b"34"


def test_refusing_and_a_server_that_is_gone(echo: Echo, proxy: Proxy) -> None:
    port = proxy.port
    proxy.refuse()
    assert not accepts(port)
    proxy.listen()
    assert proxy.port == port
    assert accepts(port)
    proxy.target = 1  # nothing listens there
    # It may be reset before or after it is there.
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        assert client.recv(10) == b""


def test_it_leaves_nothing(echo: Echo) -> None:
    before = threading.active_count()
    with Proxy(echo.port, Random(1)) as proxy:
        stuck = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        stuck.sendall(b"x")
        proxy.up.stall()
        stuck.sendall(b"y")
    with stuck, suppress(ConnectionResetError):
        while stuck.recv(10):
            pass
    assert not accepts(proxy.port)
    assert wait_until(lambda: threading.active_count() <= before, 10)
