"""What goes wrong on the network or with the disk, told to people."""

from __future__ import annotations

import sqlite3

from twisted.logger import Logger

from sat.bridge.errors import CommandError
from sat.xmpp.stanza import NotConnected, StanzaError

_log = Logger("sat.errors")

#: What a refusal means, where the condition's own name does not say it (RFC 6120, section 8.3.3).
_SENTENCES = {
    "service-unavailable": "it does not offer this, or is not there",
    "remote-server-not-found": "its server can't be found",
    "remote-server-timeout": "its server does not answer",
    "feature-not-implemented": "it does not know this",
    "item-not-found": "there is no such thing there",
    "not-authorized": "it is not allowed",
    "forbidden": "it is not allowed",
    "recipient-unavailable": "it is not there at the moment",
    "subscription-required": "it answers only those who may see its presence",
}


def translate(error: Exception) -> CommandError | None:
    """Return the error that a frontend gets for one of network or disk; None if it is none."""
    if isinstance(error, StanzaError):
        meaning = _SENTENCES.get(error.condition, error.condition.replace("-", " "))
        sentence = f"the peer refused: {error.text or meaning}"
        root = "unknown" if error.condition in ("item-not-found", "remote-server-not-found") else ""
        name = f"{root or 'failed'}.xmpp"
        return CommandError(name, sentence, {"condition": error.condition})
    if isinstance(error, NotConnected):
        return CommandError("offline.profile", f"the profile is not connected: {error}")
    # Of this class itself: its subclasses are for a statement, or a disk, that is wrong.
    if type(error) is sqlite3.DatabaseError:
        _log.error("the database: {error}", error=error)
        return CommandError(
            "failed.database",
            f"the database can't be used ({error}): restore a backup with sat restore FILE",
        )
    if isinstance(error, TimeoutError):
        return CommandError("timeout.peer", "no answer came in time")
    return None
