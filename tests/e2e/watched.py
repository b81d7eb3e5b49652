"""A console on one conversation, and what a person in front of it does."""

import os
import signal

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.shown import Shown, read_screen, read_unread


class Watched:
    """A console, whether somebody is in front of it, and whether it shows the conversation."""

    def __init__(self, daemon: Daemon, peer: str, size: tuple[int, int]) -> None:
        self._daemon, self._peer = daemon, peer
        self._size = size
        self._tabs = 1
        self._focused = True
        self.hidden = False
        self.terminal: Console
        self.open()

    @property
    def looked_at(self) -> bool:
        """Whether what comes in the conversation is read as it comes."""
        return self._focused and not self.hidden

    def open(self) -> None:
        """Start it, in a new terminal; its person looks at it."""
        self.terminal = Console(self._daemon, "-p", "alice", self._peer, size=self._size)
        self._tabs, self._focused, self.hidden = 1, True, False

    def kill(self) -> None:
        """End it as nothing can hinder."""
        os.kill(self.terminal.pid, signal.SIGKILL)
        self.terminal.wait_end()
        self.terminal.close()

    def look(self) -> None:
        """Let the terminal say that somebody is there, who sees the conversation."""
        self.terminal.type("\x1b[I")
        self._focused = True
        self._show()

    def look_away(self) -> None:
        """Let the terminal say that nobody is there."""
        self.terminal.type("\x1b[O")
        self.terminal.wait_taken()
        self._focused = False

    def hide(self) -> None:
        """Go to another tab; who presses keys is there."""
        self.terminal.press("M-t" if self._tabs == 1 else "M-2")
        self._tabs, self._focused, self.hidden = 2, True, True

    def _show(self) -> None:
        if self.hidden:
            self.terminal.press("M-1")
            self.hidden = False

    def resize(self, size: tuple[int, int]) -> None:
        self._size = size
        self.terminal.resize(*size)

    def write(self, text: str) -> None:
        """Write in the place of what is begun; who writes looks."""
        self.clear()
        self.terminal.type(text)

    def clear(self) -> None:
        self._show()
        self.terminal.press("C-e", "C-u")
        self._focused = True

    def shown(self) -> Shown | None:
        return read_screen(self.terminal.screen())

    def unread(self) -> int:
        return read_unread(self.terminal.screen())
