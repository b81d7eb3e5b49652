"""What may be meant by what is being written: names, addresses, emoji, paths, commands."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from sat.frontends.console.widgets.completing import Candidate, Completions
from sat.frontends.core.state import Key

if TYPE_CHECKING:
    from sat.frontends.console.app import App

#: Candidates that are offered at once.
MOST = 50
_EMOJI = (
    *(range(0x1F300, 0x1F650), range(0x1F680, 0x1F700), range(0x1F900, 0x1FA00)),
    *(range(0x2600, 0x2800), range(0x1FA70, 0x1FB00)),
)


def complete(app: "App", key: Key, text: str, cursor: int) -> Completions | None:
    """Return candidates for what stands before the cursor in a conversation's line."""
    if text.startswith("/") and not text.startswith("//") and "\n" not in text[:cursor]:
        found = app.commands.complete(text[:cursor], key)
        if found is not None:
            return found
    start = max(text.rfind(one, 0, cursor) for one in " \n") + 1
    stem = text[start:cursor]
    if stem.startswith(":") and len(stem) > 2:
        return _limited(start, _emoji(stem[1:]))
    if not stem:
        return None
    return _limited(start, _names(app, key, stem, at_start=start == 0))


def addresses(
    app: "App", *, rooms: bool = False
) -> Callable[[str, int], Completions | None]:
    """Return what completes addresses: of contacts and rooms, or of rooms alone."""

    def completer(text: str, cursor: int) -> Completions | None:
        stem = text[:cursor].casefold()
        if " " in stem:
            return None
        state = app.attachment.state
        known: dict[str, str] = {one.jid: one.name for one in state.rooms.values()}
        if not rooms:
            known |= {one.jid: one.name for one in state.roster.values()}
        fits = (
            Candidate(jid, jid, name)
            for jid, name in sorted(known.items())
            if stem in jid.casefold() or stem in name.casefold()
        )
        return _limited(0, fits)

    return completer


def _limited(start: int, found: Iterable[Candidate]) -> Completions | None:
    candidates = [one for one, _ in zip(found, range(MOST), strict=False)]
    return Completions(start, candidates) if candidates else None


def _names(app: "App", key: Key, stem: str, *, at_start: bool) -> Iterator[Candidate]:
    """Yield who may be meant: in a room those who spoke last first, else contacts."""
    state = app.attachment.state
    there = state.occupants.get(key)
    mark = stem.startswith("@")
    wanted = stem.lstrip("@").casefold()
    if there is not None:
        room = state.rooms.get(key)
        pane = app.workspace.current
        spoke = [row.author for row in pane.history.view.rows[-100:]] if pane is not None else []
        last = {name: place for place, name in enumerate(spoke)}
        for nick in sorted(there, key=lambda one: (-last.get(one, -1), one.casefold())):
            if nick.casefold().startswith(wanted) and (room is None or nick != room.nick):
                yield Candidate(nick + (": " if at_start and not mark else " "), nick)
        return
    for (profile, _jid), contact in state.roster.items():
        name = contact.name or contact.jid
        if profile == key[0] and name.casefold().startswith(wanted):
            yield Candidate(f"{name} ", name)


@cache
def _named_emoji() -> tuple[tuple[str, str], ...]:
    return tuple(
        (unicodedata.name(chr(code)).lower().replace(" ", "_"), chr(code))
        for block in _EMOJI
        for code in block
        if unicodedata.name(chr(code), "") and unicodedata.category(chr(code)) == "So"
    )


def _emoji(stem: str) -> Iterator[Candidate]:
    """Yield emoji that have a word which begins so."""
    wanted = stem.strip(":").lower()
    pattern = re.compile(rf"(?:^|_){re.escape(wanted)}")
    for name, char in sorted(_named_emoji(), key=lambda one: (len(one[0]), one[0])):
        if pattern.search(name):
            yield Candidate(f"{char} ", f"{char} :{name}:")
