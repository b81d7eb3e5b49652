"""Files that a person sends."""

import os

from sat.bridge.errors import CommandError
from sat.frontends.core.texts import _

#: Bytes of a file that go to a daemon on another machine at a time.
PIECE = 512 * 1024


def open_file(path: str) -> int:
    """Open a file to be sent.

    :raises CommandError: ``unknown.file``, ``denied.file`` or ``usage.file``, with the reason
    """
    try:
        # Opening a pipe would wait for its writer; O_NONBLOCK means nothing for files.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        told = _("There is no file {file}.").format(file=path)
        raise CommandError("unknown.file", told) from None
    except PermissionError:
        told = _("The file {file} may not be read.").format(file=path)
        raise CommandError("denied.file", told) from None
    except OSError as error:
        raise CommandError("failed.file", f"{path}: {error.strerror}.") from error
    kind = os.fstat(descriptor).st_mode & 0o170000
    if kind == 0o100000:
        return descriptor
    os.close(descriptor)
    if kind == 0o040000:
        told = _("{file} is a folder: pack it first, for example with tar, or name files.")
    else:
        told = _("{file} is not a regular file.")
    raise CommandError("usage.file", told.format(file=path))


def own_name(path: str) -> str:
    """Return a file's own name; what isn't UTF-8 in it becomes U+FFFD."""
    return os.fsencode(path).rpartition(b"/")[2].decode(errors="replace")
