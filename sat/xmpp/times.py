"""Times on the wire (XEP-0082)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

#: As nearly all are written: Python reads these itself, ten times as fast.
_USUAL = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3}|\.\d{6})?Z", re.ASCII
)
_FORMAT = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,30}))?"
    r"(?:[Zz]|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)


def parse_datetime(text: str) -> datetime:
    """Return the time that a text gives, in UTC.

    XEP-0082 and the older form of XEP-0091 are read, with any number of decimals; a time without
    an offset is taken as UTC.

    :raises ValueError: if it is neither, or no date that exists
    """
    if _USUAL.fullmatch(text) is not None:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text[:40]!r} is no date and time that exists.") from None
    match = _FORMAT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a date and time.")
    decimals, sign, hours, minutes = match.group(7, 8, 9, 10)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        # A leap second has no place in datetime: it becomes the second before it.
        moment = datetime(
            year,
            month,
            day,
            hour,
            minute,
            min(second, 59) if second <= 60 else second,
            int((decimals or "0")[:6].ljust(6, "0")),
            zone,
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no date and time that exists.") from None


def format_datetime(moment: datetime) -> str:
    """Return a time as XEP-0082 wants it, in UTC, to the millisecond if it isn't a whole second.

    :raises ValueError: if the time has no time zone
    """
    if moment.tzinfo is None:
        raise ValueError("A time on the wire needs a time zone.")
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds") + "Z"
