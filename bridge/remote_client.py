"""The asyncio client for daemons on other machines: see :mod:`sat.bridge.remote` for addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from sat.bridge import client
from sat.bridge.errors import CommandError
from sat.bridge.heartbeat import HEARTBEAT
from sat.bridge.keepalive import keep_alive
from sat.bridge.remote import PATIENCE, PORT, Address, tls_context

if TYPE_CHECKING:
    from sat.bridge.remote import Remote

#: Seconds that ssh has to end by itself once its session has.
_LEAVE = 2.0


class RemoteClient(client.Client):
    """A session over ssh or TLS: make one with :func:`connect`.

    :param process: the ssh that carries it
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        process: asyncio.subprocess.Process | None = None,
    ) -> None:
        super().__init__(reader, writer)
        self._process = process

    async def close(self) -> None:
        """End the session. Calls that wait fail; what the daemon was asked to do goes on."""
        await super().close()
        process, self._process = self._process, None
        if process is not None:
            await _end(process)


async def connect(remote: Remote, *, name: str = "client") -> client.Client:
    """Open a session with a daemon on another machine, and say hello.

    The session answers when the daemon asks whether it is there, so it has to run in a loop that
    isn't held up for minutes; if it is, the daemon ends it.

    :param remote: its address and token: :func:`sat.bridge.remote.find` knows them by name
    :param name: what the daemon calls this client in its log
    :raises CommandError: ``offline.remote`` if it can't be reached, ``denied.pin`` if another
        answers there, ``denied.token``, ``usage.remote`` if the address is none
    """
    address = Address(remote.get("url", ""))
    session = await (_over_ssh(address) if address.kind == "ssh" else _over_tls(address))
    token = remote.get("token")
    more = {} if token is None else {"token": token}
    try:
        return await client.greet(session, name, features=[HEARTBEAT], **more)
    except CommandError as error:
        if error.name != "daemon.gone" or address.kind != "ssh":
            raise
        raise CommandError(
            "offline.remote",
            f"ssh to {address.host} brought no session: see what it said, and whether “sat” is "
            "installed there.",
        ) from error


async def _over_ssh(address: Address) -> client.Client:
    command = address.ssh_command()
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with theirs:
        try:
            # It asks for a password, or about a key, on the terminal itself.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=theirs.fileno(), stdout=theirs.fileno()
            )
        except OSError as error:
            ours.close()
            raise CommandError(
                "failed.ssh", f"{command[0]} can't be run: {error.strerror}. Install it first."
            ) from error
    streams = await asyncio.open_unix_connection(sock=ours, limit=client.MAX_LINE)
    return RemoteClient(*streams, process)


async def _over_tls(address: Address) -> client.Client:
    opening = asyncio.open_connection(
        address.host, address.port or PORT, ssl=tls_context(), limit=client.MAX_LINE
    )
    try:
        reader, writer = await asyncio.wait_for(opening, PATIENCE)
    except OSError as error:
        raise address.unreached(error) from error
    keep_alive(writer.get_extra_info("socket"))
    try:
        address.check_pin(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    except CommandError:
        writer.transport.abort()
        raise
    return RemoteClient(reader, writer)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), _LEAVE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
