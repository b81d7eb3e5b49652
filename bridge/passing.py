"""Open files, passed on to the daemon of this machine along with a call."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence

from sat.bridge.errors import CommandError

#: Seconds for which a file may wait until the daemon has read what was written before.
_PATIENCE = 20.0


async def pass_files(
    writer: asyncio.StreamWriter, descriptors: Sequence[int], line: bytes
) -> bytes:
    """Send descriptors (SCM_RIGHTS, unix(7)) with the beginning of a line; return what is left.

    Whoever calls this writes what is left before anything else.

    :raises CommandError: ``daemon.gone``; ``timeout.answer`` if nothing is read there
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE
    # asyncio's own socket lends no sendmsg: this is another name for it.
    with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as found:
        while loop.time() < end:
            # The descriptors go with this line: what was written before goes first.
            if not writer.transport.get_write_buffer_size():
                try:
                    return line[socket.send_fds(found, [line], list(descriptors)) :]
                except BlockingIOError:
                    pass
                except OSError as error:
                    raise CommandError(
                        "daemon.gone", f"The line to the daemon broke: {error.strerror}."
                    ) from error
            await asyncio.sleep(0.01)
    raise CommandError("timeout.answer", "The daemon reads nothing any more.")
