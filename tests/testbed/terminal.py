"""A real terminal of one's own: a private tmux whose screen is read and whose keys are pressed."""

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.testbed.processes import end_pid, find_program, is_alive, wait_until

#: Seconds that something may take to be seen; fewer serve who writes such a test.
PATIENCE = float(os.environ.get("SAT_PATIENCE", "30"))
#: A screen that changes all the time is looked at so often, after so many seconds each.
_LOOKS, _MOMENT = 10, 0.02
_CONFIGURATION = """\
set -g default-terminal tmux-256color
set -g status off
set -g remain-on-exit on
set -g focus-events off
set -g escape-time 0
set -g history-limit 2000
set -g mouse off
"""


class NotSeen(AssertionError):
    """The screen did not come to show what was waited for; the message holds what it shows."""


class Terminal:
    """One program in a terminal of a fixed size.

    :param command: what runs in it
    :param environment: all its variables; ``TERM`` is tmux's own
    :param size: columns and lines
    :param folder: where it runs; by default a new one
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        size: tuple[int, int] = (80, 24),
        folder: Path | None = None,
    ) -> None:
        self._tmux = find_program("tmux", "tmux")
        self.folder = Path(tempfile.mkdtemp(prefix="sat-terminal-"))
        self._socket = self.folder / "tmux"
        configuration = self.folder / "tmux.conf"
        configuration.write_text(_CONFIGURATION)
        self._environment = {
            name: value for name, value in environment.items() if not name.startswith("TMUX")
        }
        # A shell's own words can't change what is run, and nothing is left on the screen.
        line = " ".join(map(shlex.quote, command))
        self._run(
            *("-f", str(configuration), "new-session", "-d", "-x", str(size[0])),
            *("-y", str(size[1]), "-c", str(folder or self.folder), f"exec {line}"),
        )
        server, pane = self.ask("#{pid} #{pane_pid}").split()
        self._server, self.pid = int(server), int(pane)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def runs(self) -> bool:
        """Whether the program has not ended."""
        return self.ask("#{pane_dead}") == "0"

    def ask(self, words: str) -> str:
        """Return what a format of tmux says of the window, such as ``#{cursor_x}``."""
        return self._run("display-message", "-p", words).strip()

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names for them: ``Enter``, ``C-x``, ``M-1``, ``F2``, ``a``."""
        self._run("send-keys", "--", *keys)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._run("send-keys", "-l", "--", text)

    def paste(self, text: str) -> None:
        """Paste a text as a terminal with bracketed paste does."""
        self._run("load-buffer", "-", input=text)
        self._run("paste-buffer", "-p")

    def click(self, column: int, line: int, button: int = 0) -> None:
        """Press and let go a button of the mouse at a cell (both from 0), as xterm's SGR 1006."""
        for end in "Mm":
            self.type(f"\x1b[<{button};{column + 1};{line + 1}{end}")

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal."""
        self._run("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self, *, colours: bool = False) -> str:
        """Return what the terminal shows, without spaces at the ends of lines.

        :param colours: with the sequences that make its colours
        """
        shown = self._run("capture-pane", "-p", *(["-e"] if colours else []))
        return "\n".join(line.rstrip() for line in shown.split("\n")).rstrip("\n")

    def lines(self) -> list[str]:
        """Return the lines that the terminal shows."""
        return self.screen().split("\n")

    def wait_for(
        self,
        wanted: str | Callable[[str], object],
        timeout: float = PATIENCE,
        colours: bool = False,
    ) -> str:
        """Return the screen once it holds a text, or satisfies a condition, and is drawn whole.

        :raises NotSeen: with what it shows, after ``timeout`` seconds
        """
        seen = ""

        def is_there() -> bool:
            nonlocal seen
            seen = self.screen(colours=colours)
            return wanted in seen if isinstance(wanted, str) else bool(wanted(seen))

        if not wait_until(is_there, timeout, 0.03):
            named = repr(wanted) if isinstance(wanted, str) else "what was waited for"
            raise NotSeen(f"{named} is not on the screen:\n{seen}")
        # A terminal gets a drawing in pieces: it has all of it when it shows the same twice.
        for _ in range(_LOOKS):
            before = seen
            time.sleep(_MOMENT)
            if not is_there():
                return before
            if seen == before:
                break
        return seen

    def wait_without(self, unwanted: str, timeout: float = PATIENCE) -> str:
        """Return the screen once it no longer holds a text.

        :raises NotSeen: with what it shows, after ``timeout`` seconds
        """
        return self.wait_for(lambda seen: unwanted not in seen, timeout)

    def find(self, text: str) -> tuple[int, int]:
        """Return the column and line where a text begins on the screen.

        :raises NotSeen: if it isn't there
        """
        for number, line in enumerate(self.lines()):
            if (found := re.search(re.escape(text), line)) is not None:
                return found.start(), number
        raise NotSeen(f"{text!r} is not on the screen:\n{self.screen()}")

    def log(self) -> Path:
        """Return a file that gets all bytes which the program writes from now on."""
        path = self.folder / "written"
        path.write_bytes(b"")
        self._run("pipe-pane", "-O", f"exec cat >> {shlex.quote(str(path))}")
        return path

    def wait_taken(self, timeout: float = PATIENCE) -> None:
        """Return once the program has taken all keys: for those that nothing on the screen tells.

        :raises NotSeen: if it doesn't
        """
        # By the time that tmux answers, what was typed is in the terminal.
        tty = os.open(self.ask("#{pane_tty}"), os.O_RDONLY | os.O_NOCTTY)
        try:

            def left() -> int:
                return int.from_bytes(fcntl.ioctl(tty, termios.FIONREAD, bytes(4)), sys.byteorder)

            if not wait_until(lambda: left() == 0, timeout):
                raise NotSeen(f"{left()} bytes were not taken:\n{self.screen()}")
        finally:
            os.close(tty)

    def wait_end(self, timeout: float = PATIENCE) -> int:
        """Return the exit code of the program once it has ended; less than 0: a signal ended it.

        :raises NotSeen: with what it shows, if it doesn't
        """
        if not wait_until(lambda: bool(self._ended()), timeout, 0.05):
            raise NotSeen(f"It has not ended:\n{self.screen()}")
        return int(self._ended())

    def close(self) -> None:
        """End the terminal as its window is closed, and whatever still runs in it."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("kill-server")
        for pid in (self.pid, self._server):
            if not wait_until(lambda pid=pid: not is_alive(pid), 10):  # type: ignore[misc]
                end_pid(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ended(self) -> str:
        if not is_alive(self.pid):
            # tmux 3.3 misses it at times.
            os.kill(self._server, signal.SIGCHLD)
        return self.ask(
            "#{?pane_dead,#{?pane_dead_signal,-#{pane_dead_signal},#{pane_dead_status}},}"
        )

    def _run(self, *arguments: str, input: str | None = None) -> str:
        return subprocess.run(
            [self._tmux, "-u", "-S", str(self._socket), *arguments],
            env=self._environment,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        ).stdout
