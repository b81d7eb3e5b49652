"""Open a session with the daemon in an asyncio loop, by whichever way the person has chosen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol, TypeVar

from sat.bridge.client import Attached, Hello, Received
from sat.bridge.errors import CommandError
from sat.frontends.core.daemon import check_start, connect_dbus, may_start, way_to
from sat.frontends.core.texts import _

_Result = TypeVar("_Result")

#: Seconds that the daemon has to answer the greeting; ssh may ask for a password meanwhile.
PATIENCE = 20.0
PATIENCE_REMOTE = 120.0


class Session(Protocol):
    """One session, over whichever transport: :class:`sat.bridge.client.Client` says more."""

    hello: Hello

    @property
    def is_local(self) -> bool:
        """Whether open files can be passed to the daemon."""

    async def call(self, method: str, result_type: type[_Result], /, **params: object) -> _Result:
        """Call a method and return its result as the type that the contract has for it."""

    async def call_with_files(
        self,
        descriptors: Sequence[int],
        method: str,
        result_type: type[_Result],
        /,
        **params: object,
    ) -> _Result:
        """Call a method and pass open descriptors along; they stay open here."""

    async def attach(
        self, mode: Literal["state", "events"] = "state", *, resume: tuple[str, int] | None = None
    ) -> Attached:
        """Ask for events: after a snapshot, or those after ``resume``."""

    def batches(self, most: int = 1000) -> AsyncIterator[list[Received]]:
        """Yield events as they come, all that are here at once."""

    async def close(self) -> None:
        """End the session."""


class Reach:
    """How one frontend reaches its daemon.

    :param name: what the daemon calls this frontend in its log
    :param remote: the daemon of another machine, as :func:`sat.frontends.core.daemon.connect`
        takes it
    :param patience: seconds that the daemon has to answer the greeting
    :raises CommandError: ``usage.bridge`` if ``SAT_BRIDGE`` names no bridge
    """

    def __init__(
        self, name: str, remote: str | None = None, *, patience: float | None = None
    ) -> None:
        self.name = name
        self._way, self._where = way_to(remote)
        usual = PATIENCE_REMOTE if self.is_remote else PATIENCE
        self._patience = usual if patience is None else patience
        self._first: Session | None = None
        self._why = ""

    @property
    def is_remote(self) -> bool:
        """Whether the daemon runs on another machine."""
        return self._way == "remote"

    async def prepare(self) -> None:
        """Open the first session now, if ssh may have to ask for something on the terminal.

        Whoever draws on the terminal calls it before: later ssh asks nothing, and shows nothing.

        :raises CommandError: if there is no such remote; for ssh, as :meth:`open`
        """
        if not self.is_remote:
            return
        from sat.bridge import remote

        if remote.Address(remote.find(self._where).get("url", "")).kind == "ssh":
            self._first = await self._open_in_time(terminal=True)

    async def close(self) -> None:
        """Let go of a session that was prepared and not used."""
        first, self._first = self._first, None
        if first is not None:
            await first.close()

    async def open(self, *, start: bool) -> Session:
        """Open a session and say hello.

        :param start: whether a daemon is started if none runs here, unless ``SAT_NO_START`` is set
        :raises CommandError: ``daemon.missing`` if none runs; ``timeout.hello`` if what is there
            says nothing; what the ways of reaching it raise
        """
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._way == "dbus":
            return await self._open_dbus(start)
        try:
            session = await self._open_in_time()
        except CommandError as error:
            if error.name != "daemon.missing" or self.is_remote:
                raise
            if not (start and may_start()):
                # Why it could not be started is still so, and helps more than that it isn't there.
                raise CommandError(error.name, self._why or error.sentence) from None
            try:
                await start_daemon()
            except CommandError as failed:
                self._why = failed.sentence
                raise
            session = await self._open_in_time()
        self._why = ""
        return session

    async def _open_dbus(self, start: bool) -> Session:
        from sat.bridge import dbus_session

        return await dbus_session.connect(lambda: connect_dbus(None, start_it=start))

    async def _open_in_time(self, *, terminal: bool = False) -> Session:
        try:
            return await asyncio.wait_for(self._open(terminal), self._patience)
        except TimeoutError:
            told = _("The daemon has not answered within {seconds} seconds.")
            if not self.is_remote:
                told += _(" If “sat status” doesn't either, use “sat stop”.")
            told = told.format(seconds=f"{self._patience:g}")
            raise CommandError("timeout.hello", told) from None

    async def _open(self, terminal: bool) -> Session:
        if self._way == "remote":
            from sat.bridge import remote, remote_client

            place = remote.find(self._where)
            return await remote_client.connect(place, name=self.name, terminal=terminal)
        from sat.bridge import client

        return await client.connect(name=self.name)


async def start_daemon() -> None:
    """Start the daemon, and return once it accepts; nothing is done if it runs.

    :raises CommandError: ``daemon.missing`` with the reason, if it doesn't start
    """
    from sat.bridge.program import sat_command

    command, environment = sat_command(["start"])
    none, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=none, stdout=none, stderr=pipe
    )
    _nothing, said = await process.communicate()
    lines = said.decode(errors="replace").strip().splitlines()
    check_start(process.returncode or 0, lines[-1] if lines else "")
