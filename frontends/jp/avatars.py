"""``jp avatar``: pictures are files here; none is written to a terminal."""

import os
from binascii import a2b_base64, b2a_base64

from sat.bridge.errors import CommandError
from sat.frontends.core.files import open_file
from sat.frontends.jp.context import Context

#: More than any picture that is taken; what is beyond needs not be read to be refused.
_MOST = 1024 * 1024


def get(context: Context, params: dict[str, object]) -> int:
    """Keep somebody's picture as a file, and print where it is."""
    from pathlib import Path

    from sat.frontends.core.saving import NewFile, is_folder, safe_name

    path = str(params.pop("_path", "."))
    found = context.call("avatar.get", **params)
    assert isinstance(found, dict)
    data = a2b_base64(str(found.pop("data")))
    if is_folder(path):
        # A type is of the daemon's own few; what comes before is what somebody is called.
        suffix = str(found["type"]).rpartition("/")[2]
        path = str(Path(path) / safe_name(f"{found['jid']}.{suffix}"))
    try:
        with NewFile(path) as new, open(new.descriptor, "wb", closefd=False) as file:
            file.write(data)
            file.flush()
            new.keep()
    except OSError as error:
        exists = isinstance(error, FileExistsError)
        reason = "there is a file of that name already" if exists else error.strerror
        raise CommandError("failed.file", f"{path} can't be written: {reason}.") from error
    if context.json:
        context.record({**found, "path": path})
    elif not context.quiet:
        context.line(path)
    return 0


def change(context: Context, params: dict[str, object]) -> int:
    """Publish a file as one's own picture."""
    path = str(params.pop("_file"))
    descriptor = open_file(path)
    try:
        data = os.read(descriptor, _MOST)
    except OSError as error:
        raise CommandError("failed.file", f"{path}: {error.strerror}.") from error
    finally:
        os.close(descriptor)
    context.result(context.call("avatar.set", data=b2a_base64(data, newline=False).decode()))
    return 0
