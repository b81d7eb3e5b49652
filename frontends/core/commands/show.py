"""Results for people: quiet, aligned, a line for each thing.

Whatever comes from the network is cleaned here, field by field: one that holds line ends can't
pass for two lines of ours.
"""

import sys
import time

from sat.frontends.core.clean import clean, clean_line
from sat.frontends.core.texts import _, is_english

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Record = dict[str, object]

_UNREMARKABLE = ("sent", "acknowledged", "received", "displayed", "done", "")


def render(name: str, value: object) -> str:
    """Write a result with one of the functions below, named in the table."""
    if isinstance(value, dict):
        return _OBJECTS.get(name, record)(value)
    if name == "record" or not isinstance(value, list):
        return record(value)
    return _LISTS[name]([one for one in value if isinstance(one, dict)])


def record(value: object) -> str:
    """Write anything: an object as its fields, a list line by line, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, dict):
        rows = [(str(key), _field(one)) for key, one in value.items() if key != "rev"]
        return table([row for row in rows if row[1]])
    if isinstance(value, list):
        if any(isinstance(one, dict) for one in value):
            return "\n\n".join(record(one) for one in value)
        return "\n".join(record(one) for one in value)
    return clean(str(value))


def profiles(found: "Sequence[Record]") -> str:
    """Write profiles with what their connections do."""
    rows = []
    for one in found:
        connection = inner(one, "connection")
        told = _("default") if one.get("default") else ""
        rows.append(
            (
                word(one, "name"),
                word(one, "jid"),
                _term(connection, "phase"),
                told,
                word(connection, "sentence"),
            )
        )
    return table(rows)


def messages(found: "Sequence[Record]") -> str:
    """Write a conversation."""
    return "\n".join(_message(one, with_peer=False) for one in found)


def found(messages: "Sequence[Record]") -> str:
    """Write messages of several conversations."""
    return "\n".join(_message(one, with_peer=True) for one in messages)


def conversations(found: "Sequence[Record]") -> str:
    """Write conversations with unread counts and the last message's beginning."""
    rows = []
    for one in found:
        last = inner(one, "last")
        unread = one.get("unread") or 0
        count = bold(str(unread)) if unread else "-"
        draft = _("draft: ") + word(one, "draft") if one.get("draft") else ""
        body = draft or word(last, "body")
        rows.append((count, word(one, "peer"), when(word(last, "ts")), body[:60]))
    return table(rows)


def contacts(found: "Sequence[Record]") -> str:
    """Write the roster."""
    rows = []
    for one in found:
        groups = one.get("groups")
        names = ", ".join(clean_line(str(each)) for each in groups) if groups else ""  # type: ignore[attr-defined]
        subscription = _term(one, "subscription") + (_(" (asked)") if one.get("ask") else "")
        rows.append((word(one, "jid"), word(one, "name"), subscription, names))
    return table(rows)


def presences(found: "Sequence[Record]") -> str:
    """Write what a contact's devices show, with the priorities that matter."""
    return table(
        [
            (
                word(one, "jid"),
                _term(one, "show"),
                word(one, "priority") if one.get("priority") else "",
                word(one, "status"),
            )
            for one in found
        ]
    )


def entity(info: Record) -> str:
    """Write what an entity is and can do."""
    lines = []
    for one in objects(info, "identities"):
        kind = f"{word(one, 'category')}/{word(one, 'type')}"
        lang = f" [{word(one, 'lang')}]" if one.get("lang") else ""
        lines.append(f"{kind}  {word(one, 'name')}{lang}".rstrip())
    for form in objects(info, "forms"):
        lines.append(f"{word(form, 'form_type')}:")
        fields = inner(form, "fields")
        lines.append(table([(f"  {clean_line(key)}", _field(fields[key])) for key in fields]))
    features = info.get("features")
    if isinstance(features, list) and features:
        lines.append(_("features:"))
        lines += [f"  {clean_line(str(one))}" for one in features]
    return "\n".join(line for line in lines if line)


def items(found: "Sequence[Record]") -> str:
    """Write what an entity has."""
    return table([(word(one, "jid"), word(one, "node"), word(one, "name")) for one in found])


def rooms(found: "Sequence[Record]") -> str:
    """Write rooms, with the reason of those that aren't joined."""
    return table(
        [
            (
                word(one, "jid"),
                _term(one, "state"),
                word(one, "nick"),
                word(one, "sentence") or word(one, "subject"),
            )
            for one in found
        ]
    )


def occupants(found: "Sequence[Record]") -> str:
    """Write who is in a room."""
    rows = []
    for one in found:
        affiliation = one.get("affiliation")
        rows.append(
            (
                word(one, "nick"),
                _term(one, "role"),
                "" if affiliation == "none" else _term(one, "affiliation"),
                _term(one, "show"),
                word(one, "jid"),
                word(one, "status"),
            )
        )
    return table(rows)


def transfers(found: "Sequence[Record]") -> str:
    """Write files on their way."""
    rows = []
    for one in found:
        done, size = one.get("done"), one.get("size")
        share = (
            f"{done / size:.0%}" if isinstance(done, int) and isinstance(size, int) and size else ""
        )
        rows.append(
            (
                word(one, "id"),
                _term(one, "direction"),
                word(one, "peer"),
                _term(one, "state"),
                share,
                word(one, "name"),
                word(one, "url") or word(one, "sentence"),
            )
        )
    return table(rows)


def questions(found: "Sequence[Record]") -> str:
    """Write what waits for a decision, with its form."""
    from sat.frontends.core.commands import forms

    return forms.questions(found)


def options(found: "Sequence[Record]") -> str:
    """Write the settings."""
    rows = []
    for one in found:
        told = word(one, "help")
        changed = "" if one.get("value") == one.get("default") else "*"
        rows.append((word(one, "name"), _field(one.get("value")) + changed, told))
    return table(rows)


def plugins(found: "Sequence[Record]") -> str:
    """Write the plugins, with the reason of those that failed."""
    return table(
        [
            (
                word(one, "name"),
                _term(one, "state"),
                word(one, "sentence") or word(one, "summary"),
            )
            for one in found
        ]
    )


def table(rows: "Sequence[Sequence[str]]") -> str:
    """Align columns; the last one is as long as it is."""
    if not rows:
        return ""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (width - _width(cell))
            for cell, width in zip(row, widths, strict=True)
            if width
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def when(stamp: str) -> str:
    """Write an RFC 3339 time in UTC as the local one, to the second."""
    try:
        year, month, day = int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])
        hour, minute, second = int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:19])
    except ValueError:
        return stamp
    # Days since 1970 in the proleptic Gregorian calendar (years begin in March: the leap day is
    # the last); calendar.timegm does the same after importing datetime and locale.
    shifted, months = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400
    days += (153 * months + 2) // 5 + day - 1 - 719468
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def bold(text: str) -> str:
    """Make a text stand out, where the output is a terminal that may be coloured."""
    import os

    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[1m{text}\x1b[0m"


def _message(one: Record, *, with_peer: bool) -> str:
    out = one.get("direction") == "out"
    peer = word(one, "peer")
    author = (_("me to {name}").format(name=peer) if with_peer else _("me")) if out else peer
    if one.get("type") == "groupchat" and not out:
        nick = word(one, "from").partition("/")[2] or peer
        author = _("{author} in {room}").format(author=nick, room=peer) if with_peer else nick
    state = word(one, "state")
    notes = [] if state in _UNREMARKABLE else [_term(one, "state")]
    if one.get("error"):
        notes.append(word(one, "error"))
    if one.get("maybe_duplicate"):
        notes.append(_("perhaps sent twice"))
    subject = f"[{word(one, 'subject')}] " if one.get("subject") else ""
    body = clean(str(one.get("body") or "")).replace("\n", "\n    ")
    told = f"  ({', '.join(notes)})" if notes else ""
    return f"{when(word(one, 'ts'))}  {author}: {subject}{body}{told}"


def _width(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    import unicodedata

    text = text.replace("\x1b[1m", "").replace("\x1b[0m", "")
    return sum(
        0
        if unicodedata.combining(one) or unicodedata.category(one) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def _field(value: object) -> str:
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, dict):
        parts = ((key, _field(one)) for key, one in value.items() if key != "rev")
        return ", ".join(f"{key} {part}" for key, part in parts if part)
    if isinstance(value, list):
        return ", ".join(_field(one) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return clean_line(str(value))


def word(one: Record, key: str) -> str:
    """Return a field as one line; nothing as an empty one."""
    value = one.get(key)
    return "" if value is None else clean_line(str(value))


def _term(one: Record, key: str) -> str:
    """Return a field that is one of the bridge's words: in English that word itself."""
    text = word(one, key)
    if is_english():
        return text
    from sat.frontends.core.commands.terms import TERMS

    return _(TERMS[text]) if text in TERMS else text


def inner(one: Record, key: str) -> Record:
    """Return a field that is an object, as everything that comes from elsewhere might not be."""
    value = one.get(key)
    return value if isinstance(value, dict) else {}


def objects(one: Record, key: str) -> list[Record]:
    """Return the objects of a field that is a list."""
    value = one.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


_OBJECTS: "dict[str, Callable[[Record], str]]" = {"entity": entity}
_LISTS: "dict[str, Callable[[Sequence[Record]], str]]" = {
    "contacts": contacts,
    "conversations": conversations,
    "found": found,
    "items": items,
    "messages": messages,
    "occupants": occupants,
    "options": options,
    "plugins": plugins,
    "presences": presences,
    "profiles": profiles,
    "questions": questions,
    "rooms": rooms,
    "transfers": transfers,
}
