"""What may be meant by what is being written: names, addresses, paths, commands, emoji."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from sat.frontends.console.widgets.completing import Candidate, Completions
from sat.frontends.core.commands import completing
from sat.frontends.core.commands.line import Context

if TYPE_CHECKING:
    from sat.frontends.console.app import App

Completer = Callable[[str, int], Completions | None]

_EMOJI = (
    *(range(0x1F300, 0x1F650), range(0x1F680, 0x1F700), range(0x1F900, 0x1FA00)),
    *(range(0x2600, 0x2700), range(0x1FA70, 0x1FB00)),
)


def complete(app: "App", text: str, cursor: int, context: Context) -> Completions | None:
    """Return candidates for what stands before the cursor in a conversation's line."""
    emoji = re.search(r"(?:^|(?<=\s)):([a-z_]{2,})$", text[:cursor])
    if emoji is not None:
        return _offered(emoji.start(), [*_emoji(emoji[1])])
    found = completing.complete(text, cursor, app.commands.line, app.attachment.state, context)
    named = [*_names(app, text, context)] if found.start == 0 and text.startswith("/") else []
    return _offered(
        found.start, [*named, *(_candidate(one, found.start) for one in found.candidates)]
    )


def addresses(app: "App", *, rooms: bool = False) -> Completer:
    """Return what completes addresses, those of rooms first or those of contacts."""

    def completer(text: str, cursor: int) -> Completions | None:
        stem = text[:cursor]
        if not stem or " " in stem:
            return None
        named = app.arguments.profile
        found = completing.addresses(stem, app.attachment.state, named, rooms_first=rooms)
        return _offered(0, [Candidate(one.text, one.text, one.hint) for one in found])

    return completer


def commands(app: "App", context: Context) -> Completer:
    """Return what completes a command line without its slash."""

    def completer(text: str, cursor: int) -> Completions | None:
        found = complete(app, f"/{text}", cursor + 1, context)
        if found is None:
            return None
        start = max(0, found.start - 1)
        return Completions(
            start, [one._replace(text=one.text.removeprefix("/")) for one in found.candidates]
        )

    return completer


def _names(app: "App", text: str, context: Context) -> Iterator[Candidate]:
    begun = text.removeprefix("/")
    for name, title in app.commands.own(context):
        if name.startswith(begun):
            yield Candidate(f"/{name} ", f"/{name}", title)


def _candidate(one: completing.Candidate, start: int) -> Candidate:
    goes_on = one.text.endswith(("/", " ", "="))
    return Candidate(one.text if goes_on else f"{one.text} ", one.text, one.hint)


def _offered(start: int, found: list[Candidate]) -> Completions | None:
    return Completions(start, found) if found else None


@cache
def _named_emoji() -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(
            (
                (unicodedata.name(chr(code)).lower().replace(" ", "_"), chr(code))
                for block in _EMOJI
                for code in block
                if unicodedata.category(chr(code)) == "So"
            ),
            key=lambda one: (len(one[0]), one[0]),
        )
    )


def _emoji(stem: str) -> Iterator[Candidate]:
    """Yield emoji that have a word which begins so, as Unicode names them."""
    pattern = re.compile(rf"(?:^|_){re.escape(stem)}")
    for name, char in _named_emoji():
        if pattern.search(name):
            yield Candidate(f"{char} ", f"{char} {name}")
