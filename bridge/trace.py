"""Watching what frontends ask for, as it happens: ``bridge.trace``.

Of a call the method and its arguments are told, of its answer how long it took and what kind of
error it was: never what is in the answer. Secrets are dots: what is declared as one, what is called
like one, and what a person fills into a form.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from sat.bridge.call import Call
from sat.bridge.command import CommandSpec, command
from sat.bridge.errors import CommandError
from sat.bridge.events import BridgeTraced
from sat.bridge.log import VolatileEvent
from sat.bridge.model import Level
from sat.bridge.secret import SecretText
from sat.bridge.traced import Traced
from sat.bridge.types import encode_hook

DOTS = "••••"
#: Characters of a text, entries of a list or object, and levels, that are shown.
_MAX_TEXT = 300
_MAX_ENTRIES = 20
_MAX_DEPTH = 4
_MAX_FRONTEND = 100
_SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|certificate|proxy|private|key$|^code$|^pin$",
    re.IGNORECASE,
)
#: The one object of a call whose fields a person has filled in: any may be a secret.
_FORM = "question.answer"


class Watcher(Protocol):
    """A session that may be told."""

    id: str

    @property
    def keeps_up(self) -> bool:
        """Whether it is attached, and reads what it is sent."""

    def volatile(self, event: VolatileEvent) -> None:
        """Send an event that is not in the log."""


class Trace:
    """Tells of calls to the sessions that have asked to be told.

    :param session: returns a session by its id
    :param spec: returns the command of a name, if there is one
    :param clock: seconds that never go back
    """

    def __init__(
        self,
        session: Callable[[str], Watcher | None],
        spec: Callable[[str], CommandSpec | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._spec = spec
        self._clock = clock
        self._number = 0
        #: The sessions that are told, and how much each was not told since it was told last.
        self._watchers: dict[str, int] = {}

    @command("bridge.trace", level=Level.ADMIN, per_profile=False)
    async def trace(self, call: Call, active: bool = True) -> None:
        """Be told of every call of any frontend, as it begins and as it ends; not of its own.

        The session gets volatile events ``bridge.traced`` until it ends, or says that it wants no
        more. Secrets in them are dots. A session that doesn't keep up misses some, and is told
        how many. Events are told by attaching, as to every frontend.

        :param active: whether to be told
        :raises usage.attach: if the session has not attached
        """
        if not active:
            self.forget(call.session)
            return
        watcher = self._session(call.session)
        if watcher is None or not watcher.keeps_up:
            raise CommandError(
                "usage.attach", "calls are told along with events: attach to the events first"
            )
        self._watchers.setdefault(call.session, 0)

    @property
    def watched(self) -> bool:
        """Whether anybody is told."""
        return bool(self._watchers)

    def forget(self, session: str) -> None:
        """Tell a session no more."""
        self._watchers.pop(session, None)

    async def run(
        self, call: Call, client: str, work: Awaitable[bytes | None], params: msgspec.Raw
    ) -> bytes | None:
        """Wait for a call's result and return it; tell of the call."""
        self._number += 1
        told = Traced(
            id=self._number,
            session=call.session,
            client=client[:_MAX_FRONTEND],
            method=call.method[:_MAX_FRONTEND],
            state="begun",
            params=self._shown(call.method, params),
        )
        self._tell(told)
        began = self._clock()
        error = "failed.internal"
        try:
            result = await work
            error = ""
            return result
        except CommandError as refused:
            error = refused.name
            raise
        finally:
            took = round(self._clock() - began, 6)
            state = "failed" if error else "done"
            ended = msgspec.structs.replace(
                told, state=state, params={}, profile=call.profile or "", error=error, seconds=took
            )
            self._tell(ended)

    def _tell(self, told: Traced) -> None:
        for session in [one for one in self._watchers if one != told.session]:
            watcher = self._session(session)
            if watcher is None:
                self.forget(session)
            elif not watcher.keeps_up:
                self._watchers[session] += 1
            else:
                missed, self._watchers[session] = self._watchers[session], 0
                event = BridgeTraced(msgspec.structs.replace(told, missed=missed))
                watcher.volatile(VolatileEvent.encode("", event, datetime.now(UTC)))

    def _shown(self, method: str, params: msgspec.Raw) -> dict[str, object]:
        """Return a call's arguments without secrets; none of them if they are not what they are to.

        What isn't understood can't be looked through.
        """
        spec = self._spec(method)
        if spec is None:
            return {}
        try:
            given = msgspec.json.decode(bytes(params) or b"{}", type=dict[str, object])
            typed, _, _ = spec.decode(params)
        except (msgspec.MsgspecError, CommandError, RecursionError):
            return {}
        shown = {}
        for name in given:
            if name in typed:
                wanted = "values" if method == _FORM else ""
                value: object = typed[name]
                shown[name] = DOTS if name == wanted else redacted(value, name)
            elif name in ("profile", "txn"):
                shown[name] = redacted(given[name], name)
        return shown


def redacted(value: object, name: str = "", depth: int = 0) -> object:
    """Return a value as it may be shown: plain, short, and without secrets.

    :param name: what it is called, where it stands
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, SecretText) or _SECRET.search(name):
        return DOTS
    if isinstance(value, int | float):
        return value
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, str):
        return str(value) if len(value) <= _MAX_TEXT else f"{value[:_MAX_TEXT]}… ({len(value)})"
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, msgspec.Struct):
        value = {each: getattr(value, each) for each in value.__struct_fields__}
    if isinstance(value, Mapping):
        entries = list(value.items())[:_MAX_ENTRIES]
        return {str(key): redacted(one, str(key), depth + 1) for key, one in entries}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one, "", depth + 1) for one in list(value)[:_MAX_ENTRIES]]
    return redacted(msgspec.to_builtins(value, enc_hook=encode_hook), name, depth + 1)
