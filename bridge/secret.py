"""Secrets: text that does not show itself."""

from __future__ import annotations


class SecretText(str):
    """A password or token: a string that prints as dots.

    Give it to a command as any string; write ``reveal()`` where the text itself is meant.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'••••'"

    def __str__(self) -> str:
        return "••••"

    def __format__(self, spec: str) -> str:
        return format("••••", spec)

    def reveal(self) -> str:
        """Return the text itself, as a plain string."""
        return str.__str__(self)
