"""How the state of a connection is shown to frontends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sat.bridge.model import Connection
from sat.xmpp.connection import ConnectionState


def shown(state: ConnectionState, now: float) -> Connection:
    """Return what frontends see of a state.

    :param now: seconds since 1970, from which the time of the next try is counted
    """
    retry_at = None
    if state.retry_in is not None:
        retry_at = datetime.fromtimestamp(now, UTC) + timedelta(seconds=state.retry_in)
    return Connection(
        phase=state.phase,
        reason=state.reason,
        sentence=state.sentence,
        retry_at=retry_at,
        jid=state.jid.full() if state.jid else None,
    )
