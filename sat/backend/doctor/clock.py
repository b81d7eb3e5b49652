"""Whether this machine's clock is right, told by everything that carries a date."""

from __future__ import annotations

from datetime import datetime, timedelta

from sat.backend.doctor.finding import Finding, Severity
from sat.xmpp.memory import Untrusted

#: Clocks that differ by less are right.
_FINE = timedelta(minutes=1)
#: What differs by less disturbs nothing but the order of what is shown.
_BEARABLE = timedelta(hours=1)
_SET = "Set this machine's clock (timedatectl set-ntp true keeps it right)"


def by_files(newest: datetime | None, now: datetime) -> Finding | None:
    """Judge by the newest file of the home, which can't have been written in the future."""
    if newest is None or newest - now < _BEARABLE:
        return None
    return Finding(
        check="clock",
        severity=Severity.ERROR,
        cause=f"This machine's clock is behind by at least {span(newest - now)}: it says "
        f"{_moment(now)}, and files of this home were written at {_moment(newest)}.",
        remedy=f"{_SET}.",
    )


def by_certificate(shown: Untrusted, now: datetime) -> Finding | None:
    """Judge by a server's certificate that isn't valid at this moment."""
    if now < shown.not_before:
        return Finding(
            check="clock",
            severity=Severity.ERROR,
            cause=f"This machine's clock is behind by at least {span(shown.not_before - now)}: it "
            f"says {_moment(now)}, and the certificate of {shown.domain} was made for the time "
            f"from {_moment(shown.not_before)}.",
            remedy=f"{_SET}.",
        )
    if now > shown.not_after:
        return Finding(
            check="clock",
            severity=Severity.WARNING,
            cause=f"This machine's clock may be ahead by {span(now - shown.not_after)} or more: it "
            f"says {_moment(now)}, and the certificate of {shown.domain} has ended at "
            f"{_moment(shown.not_after)}.",
            remedy=f"{_SET} unless that is the right time; if it is, the administrator of "
            f"{shown.domain} must renew the certificate.",
        )
    return None


def by_server(server: datetime, now: datetime, domain: str) -> Finding:
    """Judge by the time that the server tells (XEP-0202)."""
    apart = abs(now - server)
    if apart < _FINE:
        return Finding(check="clock", cause=f"This machine's clock agrees with {domain}.")
    where = "ahead" if now > server else "behind"
    return Finding(
        check="clock",
        severity=Severity.WARNING if apart < _BEARABLE else Severity.ERROR,
        cause=f"This machine's clock is {where} of that of {domain} by {span(apart)}: it says "
        f"{_moment(now)}, and the server says {_moment(server)}.",
        remedy=f"{_SET}; if it is right, the server's administrator must set the server's.",
    )


def span(time: timedelta) -> str:
    """Write a span of time for people, in the largest unit that fits."""
    seconds = time.total_seconds()
    for unit, size in (("year", 365 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60)):
        # Half a unit more or less is no matter; ten months are a year already.
        count = round(seconds / size)
        if seconds >= 0.9 * size:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{round(seconds)} seconds"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
