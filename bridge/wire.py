"""What passes between a transport, a session, and a frontend: lines, and how they begin."""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec

from sat.bridge.errors import CommandError
from sat.bridge.followers import Way
from sat.bridge.grant import Grant
from sat.bridge.heartbeat import HEARTBEAT, is_answer
from sat.bridge.model import Level, Model
from sat.bridge.snapshot import State

#: The version of the API: the first number changes when something is taken away.
API_VERSION = "1.2"
#: What a session may ask for beyond calls and events.
FEATURES = ("events", "snapshot", "resume", "cursor", "txn", "descriptors", HEARTBEAT)
#: The longest line, in bytes, in either direction.
MAX_LINE = 16 * 1024 * 1024


class Line(Protocol):
    """The way to a frontend: what a transport provides."""

    def write(self, data: bytes) -> None:
        """Queue bytes; may call the session's ``output_paused`` at once."""

    @property
    def way(self) -> Way:
        """What ``write`` comes to while no lines are being delivered, without a detour."""

    def pause_reading(self) -> None:
        """Deliver no more lines for now."""

    def resume_reading(self) -> None:
        """Deliver lines again."""

    def beat(self) -> None:
        """Ask for a sign of life after some silence; end the line after too much of it."""

    def close(self) -> None:
        """End the session once what is queued is written."""


class Doors(Protocol):
    """Who lets in those that are not known to be of the same user."""

    async def admit(self, token: str) -> Grant:
        """Return what the holder of a token may do.

        :raises CommandError: ``denied.token``
        """

    async def pair(self, code: str, name: str) -> str:
        """Turn a code that was shown to somebody, once, into a token.

        :raises CommandError: ``denied.code``
        """


class Request(msgspec.Struct):
    """A call as it comes; the next ``descriptors`` open files are its own."""

    method: str
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"{}")
    descriptors: Annotated[int, msgspec.Meta(ge=0)] = 0


class Hello(Model, frozen=True, kw_only=True):
    """What a session learns of the daemon: see ``state.attach`` for epoch, head and oldest.

    ``level`` is what it may do with all profiles; where there are ``profiles``, with those alone.
    """

    api: str
    features: tuple[str, ...]
    session: str
    level: Level
    epoch: str
    head: int
    oldest: int
    profiles: dict[str, Level] | None = None


class Paired(Model, frozen=True, kw_only=True):
    """What a program keeps of having been let in: it is shown in ``session.hello``."""

    token: str


class Attached(Model, frozen=True, kw_only=True):
    """Where the events of a session begin: after ``seq``, of which ``state`` tells, if it is there.

    ``mode`` is ``snapshot`` or ``resumed``.
    """

    mode: str
    epoch: str
    seq: int
    state: State | None = None


def result_line(id_: int | str | None, *result: bytes) -> bytes:
    """Return the line that answers a call with a result in JSON, whole or in parts.

    It is put together at once: it may hold thousands of contacts. If it is too long for a line,
    an error takes its place.
    """
    line = b"".join(
        (b'{"jsonrpc":"2.0","id":', msgspec.json.encode(id_), b',"result":', *result, b"}\n")
    )
    if len(line) <= MAX_LINE:
        return line
    too_large = "the answer is too large for a line: ask for less at a time"
    return error_line(id_, CommandError("failed.size", too_large))


def error_line(id_: int | str | None, error: CommandError) -> bytes:
    """Return the line that answers a call with an error."""
    body = {
        "jsonrpc": "2.0",
        "id": id_,
        "error": {
            "code": error.rpc_code,
            "message": error.sentence,
            "data": {"name": error.name, **error.data},
        },
    }
    return msgspec.json.encode(body) + b"\n"


_requests = msgspec.json.Decoder(Request)


def read_request(line: bytes) -> Request | None:
    """Return the call in a line; None if it answers one of ours.

    :raises CommandError: ``usage.json``, ``usage.request``
    """
    try:
        return _requests.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if is_answer(line):
            return None
        name = "usage.request" if isinstance(error, msgspec.ValidationError) else "usage.json"
        sentence = f"this line is not a JSON-RPC request: {error}"
        raise CommandError(name, sentence) from error


def fault_of(method: str) -> CommandError:
    """Return what a caller is told of an error that should not be."""
    return CommandError(
        "failed.internal",
        f"{method} failed by a fault of the daemon; its log (sat logs) tells more",
    )
