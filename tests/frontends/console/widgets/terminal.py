"""A program of these widgets in a real terminal: a private tmux, whose screen is read."""

import os
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT
from tests.testbed.processes import find_program, wait_until


class Terminal:
    """Runs a script in a terminal, until it is closed.

    :param folder: where the terminal's socket is
    :param script: what Python runs
    :param size: columns and rows
    """

    def __init__(self, folder: Path, script: str, size: tuple[int, int]) -> None:
        self._socket = folder / "tmux"
        self._program = find_program("tmux", "tmux")
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        command = f"exec {sys.executable} {script} 2>{folder}/errors"
        columns, rows = map(str, size)
        self._run("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, command)
        self._run("set", "-g", "status", "off")
        self._run("set", "-g", "escape-time", "0")
        self._errors = folder / "errors"

    def _run(self, *words: str, text: str | None = None) -> str:
        return subprocess.run(
            [self._program, "-u", "-S", str(self._socket), *words],
            env=self._environment,
            input=text,
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=60,
        ).stdout

    def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self._run("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Paste a text, in brackets."""
        self._run("load-buffer", "-", text=text)
        self._run("paste-buffer", "-p", "-r")

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def rows(self) -> list[str]:
        """Return what is on the screen."""
        return self._run("capture-pane", "-p", "-N").split("\n")[:-1]

    def wait_for(self, text: str) -> list[str]:
        """Return what is on the screen once a text is there."""
        seen: list[str] = []

        def there() -> bool:
            seen[:] = self.rows()
            return any(text in row for row in seen)

        assert wait_until(there, 30), "\n".join([*seen, self._errors.read_text()])
        return seen

    def wait_end(self) -> None:
        """Wait until what ran has ended, and the terminal with it."""

        def ended() -> bool:
            try:
                self.rows()
            except subprocess.CalledProcessError:
                return True
            return False

        assert wait_until(ended, 30), self.rows()

    def close(self) -> None:
        """End the terminal, and what runs in it."""
        subprocess.run(
            [self._program, "-S", str(self._socket), "kill-server"],
            env=self._environment,
            capture_output=True,
            timeout=60,
        )
