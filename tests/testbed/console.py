"""Primitivus in a terminal of its own."""

from collections.abc import Mapping

from tests.testbed.daemon import Daemon
from tests.testbed.terminal import Terminal


class Console(Terminal):
    """A console of a daemon's person.

    :param arguments: its command line
    :param size: columns and lines
    :param environment: variables which it gets beside the daemon's
    """

    def __init__(
        self,
        daemon: Daemon,
        *arguments: str,
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        variables = {
            name: value
            for name, value in daemon.environment.items()
            if name not in ("COLORTERM", "NO_COLOR", "LANGUAGE", "TERM_PROGRAM")
        }
        variables |= {"TZ": "UTC", "SAT_TRACEBACK": "1", **(environment or {})}
        super().__init__(
            daemon.command("primitivus", *arguments), variables, size=size, folder=daemon.home
        )

    def to_messages(self) -> None:
        """Go from the line to write in to the messages: Esc, which must not meet another key."""
        self.press("Escape")
        self.wait_for(lambda _seen: self.ask("#{cursor_flag}") == "0")

    def say(self, text: str) -> None:
        """Type a text and send it."""
        self.type(text)
        self.press("Enter")
