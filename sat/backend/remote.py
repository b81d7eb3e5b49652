"""Where frontends of other machines reach the daemon: nowhere, unless a person says so."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from sat.backend.options import Options
from sat.backend.tasks import spawn
from sat.bridge import tls
from sat.bridge.errors import CommandError
from sat.bridge.session import Session
from sat.bridge.wire import Doors, Line

LISTEN = "remote.listen"
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[^\s:\[\]]{0,253}):([0-9]{1,5})")
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not listened at
_log = Logger("sat.remote")


class Remote:
    """Listens where the option ``remote.listen`` says.

    :param reactor: Twisted's
    :param certificate: where the daemon's own certificate is kept, or will be
    """

    def __init__(self, reactor: object, options: Options, certificate: Path) -> None:
        self._reactor = cast(tls.Clock, reactor)
        self._options = options
        self._certificate = certificate
        self._door: tls.Door | None = None
        self._port: IListeningPort | None = None
        self._moving: Deferred[None] = succeed(None)
        self._where = ""
        self._sentence = ""
        options.describe(
            LISTEN,
            "",
            help="HOST:PORT at which programs of other machines may attach, once they are let in "
            "with sat pair; :PORT for every address; empty for none",
            check=_check,
        )

    def begin(
        self,
        doors: Doors,
        make_session: Callable[[Line, Doors], Session],
        forget: Callable[[Session], None],
    ) -> None:
        """Listen, if it is set so."""
        self._door = tls.Door(self._reactor, doors, make_session, forget)
        self.follow()

    def follow(self) -> None:
        """Listen where the option says by now."""
        where = str(self._options.value(LISTEN) or "")
        if where != self._where and self._door is not None:
            self._where = where
            self._moving = spawn(self._move(where), "listening for other machines")

    async def end(self) -> None:
        """Accept nobody any more."""
        port, self._port = self._port, None
        if port is not None:
            await cast(Any, port).stopListening()

    async def address(self, host: str | None) -> str:
        """Return how others reach this daemon, with its certificate's pin: ``sat://…``.

        :param host: by which name or address; by default as it listens, or the machine's own name
        :raises CommandError: ``failed.listen`` if nobody can
        """
        await self._moving
        if self._port is None:
            raise CommandError(
                "failed.listen",
                self._sentence
                or "the daemon listens for no other machine: say where it is to, for example with "
                f"jp option set {LISTEN} :7657",
            )
        named, port = _read(self._where)
        host = host or (socket.gethostname() if named in _EVERYWHERE else named)
        shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
        port = port or cast(Any, self._port).getHost().port
        pin = tls.pin_of(self._certificate.read_text())
        return f"sat://{shown}:{port}/?pin={pin}"

    async def _move(self, where: str) -> None:
        await self.end()
        self._sentence = ""
        if where != self._where or not where or self._door is None:
            return
        host, port = _read(where)
        try:
            certificate = tls.load_certificate(str(self._certificate))
            self._port = self._listen(self._door, host, port, certificate)
        except (OSError, CannotListenError) as error:
            reason = getattr(error, "socketError", None) or error
            told = getattr(reason, "strerror", None) or str(reason)
            self._sentence = f"the daemon can't listen at {where}: {told}"
            _log.warn("{sentence}", sentence=self._sentence)
        else:
            _log.info("other machines may attach at {where}", where=where)

    @staticmethod
    def _listen(door: tls.Door, host: str, port: int, certificate: str) -> IListeningPort:
        if host:
            return door.listen(host, port, certificate)
        try:
            return door.listen("::", port, certificate)  # both families, where there are two
        except CannotListenError:
            return door.listen("", port, certificate)


def _read(where: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(where)
    if found is None:
        return "", 0
    return found[1].strip("[]"), int(found[2])


def _check(value: object) -> None:
    found = _ADDRESS.fullmatch(str(value))
    if value and (found is None or int(found[2]) > 65535):
        raise CommandError("usage.value", f"{LISTEN} is HOST:PORT, :PORT, or empty")
