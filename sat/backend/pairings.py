"""Programs of other machines that may attach: codes that are shown once, and tokens for them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import bindparam, insert, select

from sat.backend import schema
from sat.backend.core import Core
from sat.backend.schema import Prepared
from sat.backend.store import Reader, Row
from sat.backend.transaction import Transaction
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.grant import Grant, Invitation, Pairing
from sat.bridge.model import Level
from sat.xmpp.reactor import Clock
from sat.xmpp.stanza import clean

#: Seconds for which a code is good.
CODE_TIME = 600.0
_MAX_CODES = 20
_MAX_NAME = 100

_token, _profile = schema.token, schema.token_profile
_ADD = Prepared(insert(_token))
_ADD_PROFILE = Prepared(insert(_profile))
_columns = select(
    _token.c.id, _token.c.name, _token.c.level, _token.c.is_limited, _token.c.created, _token.c.used
)
_ALL = Prepared(_columns.order_by(_token.c.created, _token.c.id))
_BY_DIGEST = Prepared(_columns.where(_token.c.digest == bindparam("digest")))
_PROFILES = Prepared(
    select(_profile.c.profile, _profile.c.level).where(_profile.c.token_id == bindparam("id"))
)
_USED = Prepared("UPDATE token SET used = :now WHERE id = :id")
_REVOKE = Prepared("DELETE FROM token WHERE id = :id")
_REVOKE_PROFILES = Prepared("DELETE FROM token_profile WHERE token_id = :id")


@dataclass(frozen=True, slots=True)
class _Code:
    grant: Grant
    expires: float


class Pairings:
    """Who may attach from elsewhere; lets them in (:class:`sat.bridge.wire.Doors`).

    :param address: returns the address that others reach this daemon at, with its certificate's pin
    :param check_profile: refuses a name that is no profile's
    :param drop: ends the sessions of a token that is revoked
    """

    def __init__(
        self,
        core: Core,
        address: Callable[[str | None], Awaitable[str]],
        check_profile: Callable[[str], object],
        drop: Callable[[str], None],
    ) -> None:
        self._core = core
        self._address = address
        self._check_profile = check_profile
        self._drop = drop
        #: The time of day may be set, and a code would be good again, or never have been.
        self._clock = cast(Clock, core.reactor)
        self._codes: dict[bytes, _Code] = {}

    @command("pair.open", level=Level.ADMIN, per_profile=False)
    async def open(
        self, level: Level = Level.SEND, profiles: list[str] | None = None, host: str | None = None
    ) -> Invitation:
        """Let one program of another machine in: within ten minutes, with the code in the address.

        :param level: what it may do: read, send, files or admin
        :param profiles: with these profiles alone; with all, and the daemon itself, if missing
        :param host: by which name or address the other machine reaches this one
        :raises failed.listen: if the daemon listens for nobody, or can't
        :raises unknown.profile: if there is no such profile
        """
        for name in profiles or ():
            self._check_profile(name)
        address = await self._address(host)
        named = None if profiles is None else dict.fromkeys(profiles, level)
        grant = Grant(level=level if named is None else Level.READ, profiles=named)
        code = secrets.token_urlsafe(16)
        now = self._clock.seconds()
        self._codes = {key: one for key, one in self._codes.items() if one.expires > now}
        while len(self._codes) >= _MAX_CODES:
            del self._codes[next(iter(self._codes))]
        self._codes[_digest(code)] = _Code(grant, now + CODE_TIME)
        return Invitation(
            url=f"{address}&code={code}",
            expires=datetime.fromtimestamp(self._core.now() + CODE_TIME, UTC),
        )

    @command("pair.list", level=Level.ADMIN, per_profile=False)
    async def all(self) -> list[Pairing]:
        """Return the programs of other machines that may attach, the oldest first."""
        return await self._core.store.read(
            lambda reader: [_pairing(reader, row) for row in reader.all(_ALL)]
        )

    @command("pair.revoke", level=Level.ADMIN, per_profile=False)
    async def revoke(self, id: str) -> None:
        """Let a program in no more, and end its sessions.

        :param id: as ``pair.list`` has it
        :raises unknown.pairing: if there is none
        """

        def change(tx: Transaction) -> bool:
            tx.run(_REVOKE_PROFILES, id=id)
            return tx.run(_REVOKE, id=id).rowcount > 0

        known = await self._core.journal.commit(change)
        self._drop(id)
        if not known:
            raise CommandError("unknown.pairing", f"there is no pairing {id}; see: sat pair list")

    # ---- Doors

    async def admit(self, token: str) -> Grant:
        """Return what the holder of a token may do.

        :raises CommandError: ``denied.token``
        """
        digest = _digest(token)

        def look(tx: Transaction) -> Pairing | None:
            row = tx.first(_BY_DIGEST, digest=digest)
            if row is None:
                return None
            tx.run(_USED, id=row[0], now=tx.now)
            return _pairing(tx, row)

        found = await self._core.journal.commit(look) if token else None
        if found is None:
            raise CommandError(
                "denied.token",
                "this program may not attach, or no longer: let it in with sat pair on the "
                "daemon's machine",
            )
        return Grant(level=found.level, profiles=found.profiles, holder=found.id)

    async def pair(self, code: str, name: str) -> str:
        """Turn a code into a token; it is good for that once.

        :raises CommandError: ``denied.code``; ``usage.name``
        """
        if not name or clean(name) != name or len(name) > _MAX_NAME:
            raise CommandError(
                "usage.name", f"name the program with 1 to {_MAX_NAME} plain characters"
            )
        found = self._codes.pop(_digest(code), None)
        if found is None or found.expires <= self._clock.seconds():
            raise CommandError(
                "denied.code",
                "this code is not known, was used, or is over ten minutes old: get another one with"
                " sat pair on the daemon's machine",
            )
        token = secrets.token_urlsafe(32)
        id_ = secrets.token_hex(4)
        grant = found.grant

        def add(tx: Transaction) -> None:
            tx.run(
                _ADD,
                id=id_,
                digest=_digest(token),
                name=name,
                level=grant.level.value,
                is_limited=grant.profiles is not None,
                created=tx.now,
                used=None,
            )
            for profile, level in (grant.profiles or {}).items():
                tx.run(_ADD_PROFILE, token_id=id_, profile=profile, level=level.value)

        await self._core.journal.commit(add)
        return token


def _pairing(source: Reader | Transaction, row: Row) -> Pairing:
    id_, name, level, is_limited, created, used = row
    profiles = None
    if is_limited:
        profiles = {one[0]: Level(one[1]) for one in source.all(_PROFILES, id=id_)}
    return Pairing(
        id=id_,
        name=name,
        level=Level(level),
        profiles=profiles,
        created=_when(created),
        used=_when(used) if used is not None else None,
    )


def _digest(secret: str) -> bytes:
    # What is hashed is random and long: a slow hash would protect nothing more.
    return hashlib.sha256(secret.encode()).digest()


def _when(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
