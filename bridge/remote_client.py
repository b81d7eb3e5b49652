"""The asyncio client for daemons on other machines: see :mod:`sat.bridge.remote` for addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
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
#: The most characters of what ssh says that are told.
_SAID = 200


class RemoteClient(client.Client):
    """A session over ssh or TLS: make one with :func:`connect`.

    :param process: the ssh that carries it
    :param talks: whether what ssh says is shown on the terminal, until :meth:`hush`
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        process: asyncio.subprocess.Process | None = None,
        *,
        talks: bool = False,
    ) -> None:
        super().__init__(reader, writer)
        self._process = process
        self._talks = talks
        self._said = ""
        self._listening: asyncio.Task[None] | None = None
        if process is not None and process.stderr is not None:
            self._listening = asyncio.get_running_loop().create_task(self._listen(process.stderr))

    def hush(self) -> None:
        """Show no more of what ssh says: the terminal is somebody else's from now on."""
        self._talks = False

    async def last_words(self) -> str:
        """Return the last line that ssh said, once it has ended or said nothing for a moment."""
        if self._listening is not None:
            await asyncio.wait([self._listening], timeout=_LEAVE)
        return self._said

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        with contextlib.suppress(ValueError):  # a line without end: nobody needs it
            async for line in stream:
                text = "".join(
                    char for char in line.decode(errors="replace").strip() if char.isprintable()
                )
                self._said = text[:_SAID] or self._said
                if self._talks:
                    print(text, file=sys.stderr, flush=True)

    async def close(self) -> None:
        """End the session. Calls that wait fail; what the daemon was asked to do goes on."""
        await super().close()
        process, self._process = self._process, None
        if process is not None:
            await _end(process)
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.wait([listening])


async def connect(remote: Remote, *, name: str = "client", terminal: bool = True) -> client.Client:
    """Open a session with a daemon on another machine, and say hello.

    The session answers when the daemon asks whether it is there, so it has to run in a loop that
    isn't held up for minutes; if it is, the daemon ends it.

    :param remote: its address and token: :func:`sat.bridge.remote.find` knows them by name
    :param name: what the daemon calls this client in its log
    :param terminal: whether ssh may ask for a password, or about a key, on the terminal; without it
        what ssh says is told by the error alone
    :raises CommandError: ``offline.remote`` if it can't be reached, ``denied.pin`` if another
        answers there, ``denied.token``, ``usage.remote`` if the address is none
    """
    address = Address(remote.get("url", ""))
    over_ssh = address.kind == "ssh"
    session = await (_over_ssh(address, terminal) if over_ssh else _over_tls(address))
    token = remote.get("token")
    more = {} if token is None else {"token": token}
    try:
        greeted = await client.greet(session, name, features=[HEARTBEAT], **more)
    except CommandError as error:
        if error.name != "daemon.gone" or not over_ssh:
            raise
        said = await session.last_words()
        told = f": {said.rstrip('.')}." if said else ", and told no reason: is “sat” there?"
        raise CommandError(
            "offline.remote", f"ssh to {address.host} brought no session{told}"
        ) from error
    session.hush()
    return greeted


async def _over_ssh(address: Address, terminal: bool) -> RemoteClient:
    command = address.ssh_command()
    if not terminal:
        command[1:1] = ["-o", "BatchMode=yes"]
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with theirs:
        try:
            # It asks for a password, or about a key, on the terminal itself; without one of its own
            # it can't.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=theirs.fileno(), stdout=theirs.fileno(),
                stderr=asyncio.subprocess.PIPE, start_new_session=not terminal,
            )  # fmt: skip
        except OSError as error:
            ours.close()
            raise CommandError(
                "failed.ssh", f"{command[0]} can't be run: {error.strerror}. Install it first."
            ) from error
    streams = await asyncio.open_unix_connection(sock=ours, limit=client.MAX_LINE)
    return RemoteClient(*streams, process, talks=terminal)


async def _over_tls(address: Address) -> RemoteClient:
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
