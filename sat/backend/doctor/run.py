"""An examination of all, in a reactor of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sat.backend.doctor import clock, home
from sat.backend.doctor.finding import Finding, Severity
from sat.backend.doctor.server import Examination
from sat.backend.passwords import Kind, Passwords
from sat.backend.run import install_reactor
from sat.backend.trust import make_account
from sat.bridge.errors import CommandError
from sat.bridge.model import Profile
from sat.bridge.paths import Home
from sat.xmpp.choice import Floor
from sat.xmpp.memory import Memory
from sat.xmpp.resolve import SystemResolver

_PROFILES = """
SELECT profile.data, profile.ca, login.floor FROM profile
LEFT JOIN login ON login.profile_id = profile.id ORDER BY profile.name
"""
_Row = tuple[Profile, str | None, str | None]


def examine(place: Home, wanted: str | None) -> list[Finding]:
    """Examine the home, the daemon, the clock, and one profile or all.

    :raises CommandError: ``unknown.profile`` if there is none of that name
    """
    found = home.examine_folders(place)
    if any(one.severity is Severity.ERROR and one.check == "home.folders" for one in found):
        return found
    about_daemon, status = home.examine_daemon(place)
    about_database, usable = home.examine_database(place)
    found += [*about_database, *home.examine_log(place), *about_daemon]
    profiles = _profiles(place) if usable else []
    if wanted is not None:
        chosen = [row for row in profiles if row[0].name == wanted]
        if not chosen:
            known = ", ".join(profile.name for profile, _, _ in profiles) or "none"
            raise CommandError(
                "unknown.profile", f"there is no profile {wanted}; there are: {known}"
            )
        profiles = chosen
    told = clock.by_files(home.newest(place), _now())
    found += [told] if told is not None else []
    if not profiles:
        cause = "There is no profile, so there is no account to examine."
        found.append(
            Finding(
                check="profiles",
                severity=Severity.WARNING,
                cause=cause,
                remedy="Make one: jp profile create NAME --jid JID",
            )
        )
        return found
    return found + _examine_profiles(place, profiles, status)


def _examine_profiles(
    place: Home, profiles: list[_Row], status: Mapping[str, object]
) -> list[Finding]:
    reactor = install_reactor()
    found: list[Finding] = []
    failures: list[Failure] = []
    passwords = Passwords(reactor, Path(place.secrets), use_keyring=place.root is None)

    async def all_of_them() -> None:
        for profile, ca, floor in profiles:
            found.extend(_state_of(profile.name, status))
            found.extend(await _one(reactor, passwords, profile, ca, floor))

    def begin() -> None:
        done = Deferred.fromCoroutine(all_of_them())
        done.addErrback(failures.append)
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    for failure in failures:
        failure.raiseException()
    return found


async def _one(
    reactor: Any, passwords: Passwords, profile: Profile, ca: str | None, floor: str | None
) -> list[Finding]:
    kept = await passwords.all(profile.name)
    if Kind.PASSWORD not in kept and Kind.CERTIFICATE not in kept:
        return [
            Finding(
                check="login",
                severity=Severity.ERROR,
                cause=f"The password of {profile.name} is not known.",
                remedy=f"Set it: jp profile set {profile.name} --password-stdin",
                profile=profile.name,
            )
        ]
    # Without an agent's name no token is used: it is the daemon's, and good for one login.
    memory = Memory(floor=Floor.parse(floor) if floor else None)
    account = make_account(profile, ca, kept, memory)
    resolver = SystemResolver(reactor)
    examination = Examination(profile.name, account, reactor, resolver, SystemRandom(), _now)
    return await examination.run()


def _state_of(name: str, status: Mapping[str, object]) -> list[Finding]:
    """Tell how the daemon's own connection stands, where it isn't well."""
    profiles = status.get("profiles")
    for profile in profiles if isinstance(profiles, list) else []:
        connection = profile.get("connection", {})
        phase = connection.get("phase")
        if profile.get("name") != name or phase == "online":
            continue
        why = connection.get("sentence") or "nobody has asked for it"
        return [
            Finding(
                check="state",
                severity=Severity.WARNING,
                cause=f"The daemon doesn't hold {name} on line; it is {phase}: {why}",
                remedy=f"When what follows is mended: jp profile connect {name}",
                profile=name,
            )
        ]
    return []


def _profiles(place: Home) -> list[_Row]:
    with closing(home.open_database(place)) as connection:
        rows = connection.execute(_PROFILES).fetchall()
    return [(msgspec.json.decode(data, type=Profile), ca, floor) for data, ca, floor in rows]


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
