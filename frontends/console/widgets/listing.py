"""What is in a folder, read once; what a file weighs, when it is looked at."""

import os
import stat
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """Something in a folder; its name may be no UTF-8 (then with lone surrogates, PEP 383)."""

    name: str
    is_folder: bool


class Folder:
    """The entries of a folder: folders first, each by name, capitals as small letters.

    :raises OSError: if it can't be read
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._weights: dict[str, str] = {}
        with os.scandir(path) as found:
            entries = [Entry(one.name, _is_folder(one)) for one in found]
        entries.sort(key=lambda one: (not one.is_folder, one.name.casefold(), one.name))
        self.entries = entries
        self._folded = [one.name.casefold() for one in entries]

    def matching(self, text: str, hidden: bool) -> list[Entry]:
        """Return the entries that have a text in their names; those that begin with it first.

        :param hidden: whether those are among them whose names begin with a dot
        """
        text = text.casefold()
        hidden = hidden or text.startswith(".")
        found = [
            one
            for one, name in zip(self.entries, self._folded, strict=True)
            if text in name and (hidden or not name.startswith("."))
        ]
        if text:
            found.sort(key=lambda one: not one.name.casefold().startswith(text))
        return found

    def weight(self, entry: Entry) -> str:
        """Return what a file weighs, in words; nothing for folders and what is no file."""
        if entry.is_folder:
            return ""
        if entry.name not in self._weights:
            self._weights[entry.name] = _weight(self.path / entry.name)
        return self._weights[entry.name]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_kind(path: Path, kind: int) -> bool:
    """Tell whether something is there, and of a kind (``stat.S_IFDIR``, ``stat.S_IFREG``)."""
    try:
        return stat.S_IFMT(path.stat().st_mode) == kind
    except (OSError, ValueError):
        return False


def _weight(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "?"
    return size(found.st_size) if stat.S_ISREG(found.st_mode) else ""


def size(count: int) -> str:
    """Return a number of bytes in words, with two digits at least."""
    if count < 1000:
        return f"{count} B"
    amount, unit = count / 1000, "kB"
    for larger in "MB", "GB", "TB":
        if amount >= 999.5:
            amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}" if amount < 99.95 else f"{amount:.0f} {unit}"
