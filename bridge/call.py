"""What a command may know of the call that started it."""

from __future__ import annotations

import os

import msgspec

from sat.bridge.errors import CommandError
from sat.bridge.grant import Grant


class Call(msgspec.Struct):
    """One call: who asks, for which profile, and under which transaction.

    A command that needs this declares a parameter of this type; it is not part of its signature on
    the bridge. ``profile`` is None for commands of the whole daemon. ``digest`` stands for the
    arguments, so that one ``txn`` with other arguments can be told. Set ``recorded`` once the
    result is committed under the ``txn``.
    """

    session: str
    method: str
    grant: Grant
    profile: str | None = None
    txn: str | None = None
    digest: bytes = b""
    recorded: bool = False
    descriptors: list[int] | None = None

    def take_descriptor(self) -> int:
        """Return the open descriptor that came with the call; the caller owns it from now on.

        :raises CommandError: ``usage.descriptor`` if none came
        """
        if not self.descriptors:
            raise CommandError(
                "usage.descriptor",
                f"{self.method}: pass the open file along with the call (SCM_RIGHTS)",
            )
        return self.descriptors.pop(0)

    def close(self) -> None:
        """Close the descriptors that nobody took."""
        while self.descriptors:
            os.close(self.descriptors.pop())
