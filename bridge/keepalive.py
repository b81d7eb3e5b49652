"""How the end of a connection over TCP is noticed that nobody tells of (tcp(7))."""

import socket

#: Seconds of silence after which the other machine is asked, seconds between two tries, their
#: number, and seconds for which it may leave unconfirmed what it was sent.
IDLE, INTERVAL, COUNT, UNCONFIRMED = 30, 10, 3, 60


def keep_alive(connection: socket.socket) -> None:
    """Let the system end a connection whose other end is gone: it needs no program there."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, IDLE),
        (socket.TCP_KEEPINTVL, INTERVAL),
        (socket.TCP_KEEPCNT, COUNT),
        (socket.TCP_USER_TIMEOUT, UNCONFIRMED * 1000),
    ):
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
