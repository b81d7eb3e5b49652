"""Faults of the console itself: written down for whoever mends them, told, and survived.

A traceback is written without the error's own words: they may quote what was said, or a password.
"""

import contextlib
import os
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sat import __version__
from sat.bridge.paths import home
from sat.frontends.console.texts import _

#: Bytes of the log from which on it is begun anew; the one before is kept.
MOST = 256 * 1024
#: Different faults that are written down: a console runs for weeks.
KINDS = 100


def path() -> Path:
    """Return where the log of faults is."""
    return Path(home().log).with_name("primitivus.log")


class Faults:
    """Writes faults down, each kind of them once.

    :param file: where
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known: set[tuple[type, str]] = set()

    def take(self, error: Exception) -> str:
        """Write a fault down, and return what the person is told of it."""
        kind = (type(error), "".join(_places(error)))
        if kind not in self._known and len(self._known) < KINDS:
            self._known.add(kind)
            # Whatever else is wrong, such as a full disk: it is told all the same.
            with contextlib.suppress(OSError):
                self._write("".join(_told(error)))
        return _(
            "This is a fault of primitivus itself ({kind}). Please report it, with what is in "
            "{file}."
        ).format(kind=type(error).__name__, file=self.file)

    def _write(self, text: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if self.file.stat().st_size > MOST:
                self.file.replace(self.file.with_suffix(".log.1"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self.file, flags, 0o600), "a", encoding="utf-8") as log:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            log.write(f"{now} primitivus {__version__}\n{text}\n")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came of, the first one first."""
    found = [error]
    while (before := found[-1].__cause__ or found[-1].__context__) is not None:
        if before in found:
            break
        found.append(before)
    yield from reversed(found)


def _places(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno}"


def _told(error: BaseException) -> Iterator[str]:
    for one in _chain(error):
        # Endless recursion has a thousand frames: both ends tell of it.
        lines = traceback.format_tb(one.__traceback__)
        yield from lines if len(lines) <= 60 else [*lines[:20], "  …\n", *lines[-40:]]
        yield f"{type(one).__module__}.{type(one).__qualname__}\n"
