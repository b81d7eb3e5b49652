"""How a frontend is noticed that is gone without a word: its machine died, or its network did.

A frontend that says ``heartbeat`` among the features of its hello is asked ``session.ping`` once it
has been silent for a while. Any answer will do, an error too; if none comes, its line is cut.
"""

from __future__ import annotations

import msgspec

HEARTBEAT = "heartbeat"
#: Seconds between two looks at who is silent.
PERIOD = 30.0
#: After so many looks without a sign of life a line is cut; before, it was asked for one.
MAX_SILENT = 4

PING = b'{"jsonrpc":"2.0","id":"heartbeat","method":"session.ping","params":{}}\n'


class _Answer(msgspec.Struct):
    id: str
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_answers = msgspec.json.Decoder(_Answer)


def is_answer(line: bytes) -> bool:
    """Tell whether a line that is no call answers one of these."""
    try:
        found = _answers.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return found.id == HEARTBEAT and bool(bytes(found.result) or bytes(found.error))
