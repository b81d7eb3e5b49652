"""The session with the server as a row: it can go on after a crash (XEP-0198, section 5)."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, insert, select

from sat.backend import schema
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.backend.transaction import Transaction
from sat.xmpp.account import Resumable, Resumption
from sat.xmpp.stanza import parse_jid

_stream = schema.stream
_START = Prepared(insert(_stream))
# Of many in one transaction the last one counts, and a count never goes back.
_KEEP_HANDLED = Prepared(
    "UPDATE stream SET handled = max(handled, :handled) WHERE profile_id = :profile_id AND id = :id"
)
_END = Prepared(delete(_stream).where(_stream.c.profile_id == bindparam("profile_id")))
_LOAD = Prepared(
    select(_stream.c.id, _stream.c.jid, _stream.c.handled, _stream.c.location).where(
        _stream.c.profile_id == bindparam("profile_id")
    )
)
_NOTE_EXACT = Prepared("UPDATE stream SET exact = 1 WHERE profile_id = :profile_id")
_IS_EXACT = Prepared("SELECT exact FROM stream WHERE profile_id = :profile_id")
_LAST_NUMBER = Prepared(
    select(func.max(schema.message.c.number)).where(
        schema.message.c.profile_id == bindparam("profile_id"),
        schema.message.c.direction == "out",
        schema.message.c.state == "sent",
    )
)


def start(tx: Transaction, profile_id: int, jid: str, resumption: Resumption | None) -> None:
    """Store a new session; what can't be resumed isn't stored."""
    end(tx, profile_id)
    if resumption is not None:
        tx.run(
            _START,
            profile_id=profile_id,
            handled=0,
            id=resumption.id,
            jid=jid,
            location=resumption.location,
            exact=0,
        )


def note_exact(tx: Transaction, profile_id: int) -> None:
    """Store that the counts of the server that has the session are right."""
    tx.run(_NOTE_EXACT, profile_id=profile_id)


def is_exact(tx: Transaction, profile_id: int) -> bool:
    """Tell whether the counts of the server that has the session are known to be right."""
    row = tx.first(_IS_EXACT, profile_id=profile_id)
    return row is not None and bool(row[0])


def end(tx: Transaction, profile_id: int) -> None:
    """Forget the session: there is nothing to go on with."""
    tx.run(_END, profile_id=profile_id)


def keep_handled(tx: Transaction, profile_id: int, id_: str, number: int) -> None:
    """Store that all stanzas of a session up to a number are dealt with."""
    tx.run_last(
        f"handled {profile_id} {id_}",
        _KEEP_HANDLED,
        profile_id=profile_id,
        id=id_,
        handled=number,
    )


def load(reader: Reader, profile_id: int) -> Resumable | None:
    """Return the session that a profile was left with, or None."""
    row = reader.first(_LOAD, profile_id=profile_id)
    if row is None:
        return None
    id_, jid, handled, location = row
    (last,) = reader.first(_LAST_NUMBER, profile_id=profile_id) or (None,)
    return Resumable(id_, parse_jid(jid), handled, last or 0, location)
