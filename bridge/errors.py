"""Errors that cross the bridge, and what they mean to a program that ends with one.

This module is imported by jp on its fast path: it imports nothing.
"""

from __future__ import annotations

#: Exit codes of jp and of the other programs, by the root of the error's dotted name.
EXIT_CODES = {
    "denied": 7,
    "unknown": 6,
    "timeout": 5,
    "offline": 4,
    "daemon": 3,
    "usage": 2,
}

#: JSON-RPC codes (JSON-RPC 2.0, section 5.1) that errors of the protocol itself carry.
RPC_CODES = {
    "usage.json": -32700,
    "usage.request": -32600,
    "unknown.method": -32601,
    "usage.params": -32602,
    "failed.internal": -32603,
}

#: The JSON-RPC code of every other error: the name tells which one it is.
RPC_CODE = -32000

#: What a frontend is told whose place in the log is gone.
RESYNC = (
    "This program has not read its events for so long that the daemon keeps some of them no more: "
    "attach anew."
)


class CommandError(Exception):
    """A refusal or a failure, told to the person who asked.

    :param name: dotted, for programs; its root decides the exit code (``unknown.profile``)
    :param sentence: for people: what failed, why, and what to do
    :param data: more for programs: an XMPP condition, ``retry_after`` in seconds
    """

    def __init__(self, name: str, sentence: str, data: dict[str, object] | None = None) -> None:
        super().__init__(sentence)
        self.name = name
        self.sentence = sentence
        self.data = data or {}

    def __repr__(self) -> str:
        return f"CommandError({self.name!r}, {self.sentence!r})"

    @property
    def exit_code(self) -> int:
        """What a program that fails with this error ends with."""
        return EXIT_CODES.get(self.name.partition(".")[0], 1)

    @property
    def rpc_code(self) -> int:
        """The JSON-RPC code that goes with the name."""
        return RPC_CODES.get(self.name, RPC_CODE)


def unreached(path: str, error: OSError) -> CommandError:
    """Return what to tell about a daemon's socket that can't be connected to.

    :param path: the socket's
    """
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return CommandError("daemon.missing", "No daemon is running: start one with “sat start”.")
    return CommandError(
        "denied.socket", f"The daemon's socket {path} can't be opened: {error.strerror}."
    )
