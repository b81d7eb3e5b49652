"""``sat pair``: let programs of other machines attach, and let them in no more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

from sat.bridge import blocking
from sat.bridge.errors import CommandError
from sat.bridge.paths import Home
from sat.frontends.core.clean import clean

USAGE = "sat pair [--level LEVEL] [--profile NAME]… [--host HOST] [--listen HOST:PORT]"
_VALUES = ("--level", "--host", "--listen")


def main(arguments: Sequence[str], place: Home) -> int:
    """Run ``sat pair``; return its exit code.

    :raises CommandError: if it can't be understood, or the daemon refuses
    """
    rest = list(arguments)
    with blocking.Client(place.socket, name="sat") as client:
        if rest == ["list"]:
            _list(client.call("pair.list"))
        elif rest[:1] == ["revoke"] and len(rest) == 2:
            client.call("pair.revoke", id=rest[1])
        else:
            _open(client, *_read(rest))
    return 0


def _read(rest: list[str]) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    profiles: list[str] = []
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if word not in (*_VALUES, "--profile") or not (equals or rest):
            raise CommandError("usage.arguments", f"{USAGE}, sat pair list, or sat pair revoke ID.")
        value = value if equals else rest.pop(0)
        if word == "--profile":
            profiles.append(value)
        else:
            values[word[2:]] = value
    return values, profiles


def _open(client: blocking.Client, values: dict[str, str], profiles: list[str]) -> None:
    listen = values.pop("listen", None)
    if listen is not None:
        client.call("option.set", name="remote.listen", value=listen)
    answer = client.call("pair.open", **values, **({"profiles": profiles} if profiles else {}))
    assert isinstance(answer, dict)
    url = str(answer["url"])
    print(url)
    if not sys.stdout.isatty():
        return
    import segno

    segno.make(url, error="l").terminal(compact=True)
    until = datetime.fromisoformat(str(answer["expires"])).astimezone()
    print(
        f"On the other machine, until {until:%H:%M} and once:\n"
        "  jp remote add NAME 'THIS ADDRESS'\n"
        "then jp --remote NAME …, or SAT_REMOTE=NAME for every program."
    )


def _list(pairings: object) -> None:
    for one in pairings if isinstance(pairings, list) else ():
        profiles = one["profiles"]
        what = (
            one["level"]
            if profiles is None
            else ", ".join(f"{name}: {level}" for name, level in sorted(profiles.items()))
            or "nothing"
        )
        used = str(one["used"] or "never")[:16].replace("T", " ")
        print(clean(f"{one['id']}  {one['name']}  {what}  last used: {used}"))
