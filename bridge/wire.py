"""What passes between a transport, a session, and a frontend: lines, and how they begin."""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec

from sat.bridge.errors import CommandError
from sat.bridge.grant import Grant
from sat.bridge.model import Level, Model
from sat.bridge.snapshot import State

#: The longest line, in bytes, in either direction.
MAX_LINE = 16 * 1024 * 1024


class Line(Protocol):
    """The way to a frontend: what a transport provides."""

    def write(self, data: bytes) -> None:
        """Queue bytes; may call the session's ``output_paused`` at once."""

    def pause_reading(self) -> None:
        """Deliver no more lines for now."""

    def resume_reading(self) -> None:
        """Deliver lines again."""

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

    It is put together at once: it may hold thousands of contacts.
    """
    head = b'{"jsonrpc":"2.0","id":' + msgspec.json.encode(id_) + b',"result":'
    return b"".join((head, *result, b"}\n"))


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


def unreadable(error: Exception) -> CommandError:
    """Return what is told of a line that holds no request."""
    name = "usage.request" if isinstance(error, msgspec.ValidationError) else "usage.json"
    return CommandError(name, f"this line is not a JSON-RPC request: {error}")


def fault_of(method: str) -> CommandError:
    """Return what a caller is told of an error that should not be."""
    return CommandError(
        "failed.internal",
        f"{method} failed by a fault of the daemon; its log (sat logs) tells more",
    )
