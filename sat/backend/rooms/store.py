"""Rooms as rows: what is shown of each, whether the server has a bookmark of it."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from sat.backend import schema
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.backend.transaction import Transaction
from sat.bridge.events import RoomChanged, RoomRemoved
from sat.bridge.model import Removed, Room

_table = schema.room
_ALL = Prepared(
    select(_table.c.data, _table.c.bookmarked)
    .where(_table.c.profile_id == bindparam("profile_id"))
    .order_by(_table.c.jid)
)
_setting = upsert(_table)
_SET = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["profile_id", "jid"],
        set_={"data": _setting.excluded.data, "bookmarked": _setting.excluded.bookmarked},
    )
)
_DROP = Prepared(
    delete(_table).where(
        _table.c.profile_id == bindparam("profile_id"), _table.c.jid == bindparam("jid")
    )
)


def stored_rooms(reader: Reader, profile_id: int) -> list[tuple[Room, bool]]:
    """Read the rooms of a profile by address, each with whether it is bookmarked."""
    rows = reader.all(_ALL, profile_id=profile_id)
    return [(msgspec.json.decode(row[0], type=Room), bool(row[1])) for row in rows]


def rooms(reader: Reader, profile_id: int) -> list[Room]:
    """Read the rooms of a profile, by address."""
    return [room for room, _ in stored_rooms(reader, profile_id)]


def set_room(tx: Transaction, profile_id: int, room: Room, bookmarked: bool) -> Room:
    """Store a room and tell of it; returned with its new ``rev``."""
    room = msgspec.structs.replace(room, rev=tx.rev)
    tx.run(
        _SET,
        profile_id=profile_id,
        jid=room.jid,
        data=msgspec.json.encode(room),
        bookmarked=int(bookmarked),
    )
    tx.emit(room.profile, RoomChanged(room))
    return room


def drop_room(tx: Transaction, profile_id: int, profile: str, jid: str) -> None:
    """Forget a room and tell of it."""
    tx.run(_DROP, profile_id=profile_id, jid=jid)
    tx.emit(profile, RoomRemoved(Removed(profile=profile, name=jid, rev=tx.rev)))
