"""Runs tests again and again, each time in a process that has what they all import already.

It is run as a script in the tree whose tests are wanted, and imports nothing of that tree itself:
what a run sees is what stands there by then. Each line it reads is an order; each it writes tells
how that ended.
"""

import contextlib
import gc
import json
import os
import select
import signal
import sys
from importlib import import_module

import pytest

#: pytest would have liked to look at one of them before it is imported.
_OPTIONS = ("-W", "ignore:Module already imported", "-p", "no:xdist")
_IMPORTED = (
    "alembic",
    "cryptography.x509",
    "hypothesis.strategies",
    "msgspec",
    "OpenSSL.SSL",
    "sqlalchemy",
    "sqlalchemy.dialects.sqlite",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "twisted.internet.ssl",
    "twisted.internet.testing",
    "twisted.names.client",
    "twisted.words.protocols.jabber.client",
)


def _run(order: dict) -> int:
    """Be a process that runs tests; return pytest's exit code."""
    os.setsid()
    said = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(descriptor, target)
    if not order["keep"]:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    return int(pytest.main([*_OPTIONS, *order["arguments"]]))


def _wait(pid: int, seconds: float) -> int | None:
    """Wait for a process; end it, and all that it left, and return None if it takes too long."""
    descriptor = os.pidfd_open(pid)
    ended = select.select([descriptor], [], [], seconds)[0]
    os.close(descriptor)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status) if ended else None


def main() -> int:
    """Take orders until there are no more."""
    for name in _IMPORTED:
        import_module(name)
    # It can be chosen once only, and that is for the tests to do.
    assert "twisted.internet.reactor" not in sys.modules
    # What is there by now stays, and is looked through by no child.
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            return _run(order)
        print(json.dumps(_wait(pid, order["seconds"])), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
