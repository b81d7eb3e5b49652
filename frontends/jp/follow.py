"""``jp event follow``."""

import sys

from sat.bridge.errors import CommandError
from sat.frontends.jp.context import Context

#: A named cursor is moved at the latest after so many events.
_ACK_EVERY = 100


def events(context: Context, params: dict[str, object]) -> int:
    """Print events as they come, until the limit, an interruption, or the daemon's end."""
    limit = params.pop("_limit", None)
    resume = params.pop("_resume", None)
    if isinstance(resume, str):
        params["resume"] = _position(resume)
    if context.profile is not None:
        params["profiles"] = [context.profile]
    cursor = params.get("cursor")
    context.client.call("state.attach", mode="events", **params)
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        return 0
    printed = 0
    seen = _Seen(context, cursor if isinstance(cursor, str) else None)
    try:
        for event in context.client.events(context.timeout, reader=sys.stdout.fileno()):
            context.record(event)
            sys.stdout.flush()
            printed += 1
            seen.add(event)
            if printed == limit:
                break
    except CommandError as error:
        if error.name != "daemon.gone":
            raise
        raise CommandError(
            "daemon.gone",
            "The daemon ended. To go on later without missing an event, give --resume EPOCH:SEQ "
            "of the last one, or a --cursor.",
        ) from error
    except KeyboardInterrupt:
        seen.acknowledge()
        raise
    seen.acknowledge()
    return 0


def trace(context: Context, params: dict[str, object]) -> int:
    """Print every call of any program and every event, until the limit or an interruption."""
    limit = params.pop("_limit", None)
    context.client.call("state.attach", mode="events")
    context.client.call("bridge.trace")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        return 0
    for number, event in enumerate(
        context.client.events(context.timeout, reader=sys.stdout.fileno()), 1
    ):
        context.record(event)
        sys.stdout.flush()
        if number == limit:
            break
    return 0


class _Seen:
    """Tells the daemon how far a named cursor has come, once events are printed."""

    def __init__(self, context: Context, cursor: str | None) -> None:
        self._client = context.client
        self._cursor = cursor
        self._last: int | None = None
        self._count = 0

    def add(self, event: dict[str, object]) -> None:
        seq = event.get("seq")
        if self._cursor is None or not isinstance(seq, int):
            return
        self._last = seq
        self._count += 1
        if self._count >= _ACK_EVERY or not self._client.waiting:
            self.acknowledge()

    def acknowledge(self) -> None:
        if self._cursor is not None and self._last is not None:
            self._client.call("state.ack", cursor=self._cursor, seq=self._last)
            self._last = None
            self._count = 0


def _position(text: str) -> dict[str, object]:
    epoch, colon, seq = text.rpartition(":")
    if not colon or not epoch or not seq.isdigit():
        raise CommandError(
            "usage.arguments",
            f"--resume is EPOCH:SEQ, not “{text}”: the epoch is in “sat status --json”, "
            "the seq in the last event.",
        )
    return {"epoch": epoch, "seq": int(seq)}
