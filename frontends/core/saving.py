"""Files that come from somebody else, and where they are kept."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sat.frontends.core.clean import clean_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

#: Bytes of a file that is fetched at most.
MAX_SIZE = 4 << 30
#: A name has at most so many bytes: what file systems take (255), and room for ``.part``.
_MAX_NAME = 240
#: A suffix is kept if it has at most so many bytes.
_MAX_SUFFIX = 20
#: What isn't part of a name, here or on a machine that shares the folder.
_NO_PART = re.compile(r'[/\\:*?"<>|]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """Return the name under which a file may be kept that somebody else has named.

    It leads to no other folder, isn't hidden, isn't taken for an option or for a device, shows what
    it is (no overrides of direction), and no file system is too small for it.
    """
    name = _NO_PART.sub("_", clean_line(name)).strip().lstrip(".-~ ").rstrip(". ")
    name = _DEVICE.sub(r"\1_", name) if _DEVICE.match(name) else name
    encoded = name.encode(errors="replace")
    if len(encoded) > _MAX_NAME:
        suffix = name[name.rfind(".") :] if "." in name else ""
        if len(suffix.encode(errors="replace")) > _MAX_SUFFIX:
            suffix = ""
        room = _MAX_NAME - len(suffix.encode(errors="replace"))
        name = encoded[:room].decode(errors="ignore").rstrip(". ") + suffix
    return name or "file"


def is_folder(path: str) -> bool:
    """Tell whether a file is to be kept in what a person has named, under its own name."""
    return Path(path).is_dir()


class NewFile:
    """A file that was not there, which has its name once it is whole; else nothing is left of it.

    To be used in a ``with`` statement: leaving it by an exception takes the file away.

    :raises OSError: if there is one of that name, be it a link, or none can be made
    """

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._path, self._part = Path(path), Path(f"{path}.part")
        # What keeps the name meanwhile.
        os.close(os.open(self._path, flags, 0o600))
        try:
            self.descriptor = os.open(self._part, flags, 0o600)
        except OSError:
            self._path.unlink()
            raise

    def keep(self) -> None:
        """Give it its name.

        :raises OSError: if it can't be kept
        """
        os.fsync(self.descriptor)
        self._part.replace(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        os.close(self.descriptor)
        if kind is not None:
            for one in (self._part, self._path):
                try:
                    one.unlink()
                except OSError:
                    continue  # gone already, or the folder is
