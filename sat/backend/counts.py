"""Whether a server's counts of what it has from us can be believed (XEP-0198, section 5).

What a server says it has not got is sent again when a session is resumed. ejabberd (23.01, seen by
``make storm``) hands a session over while its old stream still delivers what was read by then: the
count that it answers with lacks that, and each such message arrives twice. Nothing on this side can
tell, so what is sent again there is marked.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from sat.backend import sessions
from sat.backend.delivery import sent_messages
from sat.backend.history import change_message
from sat.backend.transaction import Transaction
from sat.xmpp.stanza import NotConnected, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: What servers call themselves (XEP-0030) whose counts may be too low.
UNDERCOUNTING = frozenset({"ejabberd"})


class Counts:
    """What is known of one profile's server; until it is known, its counts may be too low."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._exact = False

    def session_began(self) -> None:
        """Take a new session, maybe with another server."""
        self._exact = False

    async def learn(self) -> None:
        """Ask the server what it is."""
        live = self._live
        with suppress(NotConnected, TimeoutError):
            info = await live.disco.answer_of(parse_jid(live.jid.host))
            if any(one.name in UNDERCOUNTING for one in info.identities):
                return
            self._exact = True
            live.core.journal.add(lambda tx: sessions.note_exact(tx, live.id), _done)

    def resumed(self) -> None:
        """Mark what is sent again in the session that goes on, if that may come twice."""
        if not self._exact:
            self._live.core.journal.add(self._mark, _done)

    def _mark(self, tx: Transaction) -> None:
        for stored in sent_messages(tx, self._live.id):
            # What has no number is of an earlier session: the archive tells what became of it.
            if stored.number is not None and not stored.extra.maybe_duplicate:
                extra = msgspec.structs.replace(stored.extra, maybe_duplicate=True)
                change_message(tx, stored, state=stored.message.state, extra=extra)


def _done(_: None) -> None:
    """Nobody waits for it."""
