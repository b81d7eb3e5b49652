"""What is needed of a reactor, typed: the wire takes it as an argument and imports none."""

from __future__ import annotations

from typing import Protocol


class Timer(Protocol):
    """A call that is still to come."""

    def active(self) -> bool:
        """Tell whether it is still to come."""

    def cancel(self) -> None:
        """Call it off."""


class Clock(Protocol):
    """Time that passes, in seconds."""

    def seconds(self) -> float:
        """Return the time."""

    def callLater(  # noqa: D102 - Twisted's own name and meaning
        self, delay: float, callable: object, *args: object
    ) -> Timer: ...


class Transport(Protocol):
    """The connection under a stream."""

    def write(self, data: bytes) -> None:
        """Send."""

    def loseConnection(self) -> None:
        """Close when all is sent."""

    def abortConnection(self) -> None:
        """Close at once."""

    def pauseProducing(self) -> None:
        """Read nothing more."""

    def resumeProducing(self) -> None:
        """Read on."""

    def startTLS(self, options: object) -> None:
        """Go on within TLS."""
