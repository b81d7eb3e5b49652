"""What a word that was begun may become: commands, options, addresses, names, paths."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sat.bridge.errors import CommandError
from sat.frontends.core.clean import clean_line
from sat.frontends.core.commands.grammar import Command
from sat.frontends.core.commands.line import (
    CommandLine,
    Context,
    kind_of,
    plain_places,
    summary,
)
from sat.frontends.core.state import State
from sat.frontends.core.texts import _
from sat.frontends.core.views.names import name_of

#: So many are offered at most.
MOST = 100
#: Entries of one folder that are looked at.
_MANY_FILES = 10_000


class Candidate(NamedTuple):
    """What the word may become; ``hint`` says what that is."""

    text: str
    hint: str = ""


class Completion(NamedTuple):
    """Candidates for the text from ``start`` on up to the cursor, the likeliest first."""

    start: int
    candidates: list[Candidate]


def complete(
    line: str, cursor: int, commands: CommandLine, state: State, context: Context
) -> Completion:
    """Complete the word before the cursor: of a command line, or else the name of somebody.

    :param cursor: a place in the line, in characters
    """
    before = line[:cursor]
    start = max(before.rfind(" "), before.rfind("\n")) + 1
    word = before[start:]
    if before.startswith("/") and not before.startswith(("//", "/me ")) and "\n" not in before:
        words = before[1:].split()
        if not before[-1:].isspace() and words:
            words.pop()
        if not words:
            return Completion(0, _cut(_commands(word[1:], commands, "/")))
        return _within(words, word, start, commands, state, context)
    if not word:
        return Completion(start, [])
    if word.startswith(("~/", "./", "../", "/")):
        return Completion(start, _cut(paths(word)))
    nicked = _nicks(word, start, state, context)
    # An address is worth completing wherever it is written.
    named = addresses(word, state, context.profile) if "@" in word[1:] else ()
    return Completion(start, _cut((*nicked, *named)))


def paths(word: str) -> Iterator[Candidate]:
    """Complete a path; a folder ends with ``/``."""
    folder, _slash, begun = word.rpartition("/")
    shown = f"{folder}/" if "/" in word else ""
    try:
        with os.scandir(Path(shown or ".").expanduser()) as entries:
            found = []
            for number, entry in enumerate(entries):
                if number >= _MANY_FILES:
                    break
                name = entry.name
                hidden = name.startswith(".") and not begun.startswith(".")
                if name.startswith(begun) and not hidden and name.isprintable():
                    found.append(f"{shown}{name}/" if entry.is_dir() else f"{shown}{name}")
    except OSError:
        return
    for path in sorted(found):
        yield Candidate(path)


def _commands(begun: str, commands: CommandLine, lead: str) -> Iterator[Candidate]:
    shown = {}
    for name, long in commands.short.items():
        shown[name] = f"{long}"
    for one in commands.commands:
        group, _space, rest = one.words.partition(" ")
        shown.setdefault(group, f"{group} …" if rest else summary(one))
    shown["help"] = _("what can be said")
    for name in sorted(shown):
        if name.startswith(begun):
            yield Candidate(f"{lead}{name}", clean_line(shown[name]))


def _within(
    words: list[str],
    word: str,
    start: int,
    commands: CommandLine,
    state: State,
    context: Context,
) -> Completion:
    group = words[0]
    if group == "help":
        named = [Candidate(one.words) for one in commands.commands if one.words.startswith(word)]
        return Completion(start, _cut(named))
    within = [one for one in commands.commands if one.words.startswith(f"{group} ")]
    if len(words) == 1 and within and group not in commands.short:
        named = [
            Candidate(one.words.partition(" ")[2], clean_line(summary(one)))
            for one in within
            if one.words.partition(" ")[2].startswith(word)
        ]
        return Completion(start, _cut(named))
    try:
        command, count = commands.find(words)
    except CommandError:
        return Completion(start, [])
    said = words[count:]
    if word.startswith("-"):
        flags = [
            Candidate(one.flag, _(one.help))
            for one in command.options
            if not one.hidden and one.flag.startswith(word)
        ]
        return Completion(start, _cut(flags))
    return Completion(start, _cut(_values(command, said, word, state, context)))


def _values(
    command: Command, said: list[str], word: str, state: State, context: Context
) -> Iterator[Candidate]:
    if said and said[-1].startswith("--"):
        for option in command.options:
            if option.flag == said[-1] and option.value:
                yield from (Candidate(one) for one in option.choices if one.startswith(word))
                if option.kind == "path":
                    yield from paths(word)
                if option.value in ("JID", "ROOM"):
                    yield from addresses(word, state, context.profile)
                return
    plain = plain_places(command, said)
    arguments = list(command.arguments)
    if not arguments:
        return
    argument = arguments[min(len(plain), len(arguments) - 1)]
    many = next((one for one in arguments if one.many), None)
    if argument.choices:
        yield from (Candidate(one) for one in argument.choices if one.startswith(word))
    kind = kind_of(argument)
    group = command.words.partition(" ")[0]
    if kind == "path" or (many is not None and kind_of(many) == "path"):
        yield from paths(word)
    if kind in ("room", "jid"):
        yield from addresses(word, state, context.profile, rooms_first=kind == "room")
    elif argument.param == "name":
        known = {"profile": state.profiles, "option": state.options, "plugin": state.plugins}
        found: Iterable[str] = known.get(group, {})
        yield from (Candidate(one) for one in sorted(found) if one.startswith(word))
    elif argument.param == "nick" and context.is_room:
        yield from (Candidate(one) for one in nicks(word, state, context))
    elif argument.param == "id":
        ids = {"question": state.questions, "transfer": state.transfers}.get(group, {})
        yield from (Candidate(one) for one in sorted(ids) if one.startswith(word))


def addresses(
    word: str, state: State, profile: str | None, *, rooms_first: bool = False
) -> Iterator[Candidate]:
    """Complete an address, by itself or by the name of who has it.

    Behind the slash stand the programs of a contact, and those who are in a room.
    """
    word = word.removeprefix('"')
    if "/" in word:
        yield from sorted(set(_resources(word, state, profile)))
        return
    begun = word.removeprefix("@").casefold()
    contacts: list[Candidate] = []
    rooms: list[Candidate] = []
    for found, known in ((contacts, state.roster), (rooms, state.rooms)):
        for owner, jid in known:
            if profile is not None and owner != profile:
                continue
            name = name_of(state, owner, jid)
            if jid.startswith(begun) or name.casefold().startswith(begun):
                found.append(Candidate(jid, name))
    for some in (rooms, contacts) if rooms_first else (contacts, rooms):
        yield from sorted(set(some))


def _resources(word: str, state: State, profile: str | None) -> Iterator[Candidate]:
    for owner, jid in state.presence:
        if (profile is None or owner == profile) and jid.startswith(word):
            yield Candidate(_quoted(jid), name_of(state, owner, jid.partition("/")[0]))
    room, _slash, begun = word.partition("/")
    for (owner, jid), there in state.occupants.items():
        if (profile is None or owner == profile) and jid == room:
            for nick in there:
                if nick.startswith(begun):
                    yield Candidate(_quoted(f"{jid}/{nick}"), name_of(state, owner, jid))


def _quoted(word: str) -> str:
    """Return a word as it stands in a command: in quotes where it has spaces in it."""
    if clean_line(word) == word and not any(char in word for char in " \"'\\"):
        return word
    return '"' + clean_line(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def nicks(word: str, state: State, context: Context) -> list[str]:
    """Return the names in the open room that begin so."""
    if context.profile is None or context.peer is None or not context.is_room:
        return []
    key = (context.profile, context.peer)
    room = state.rooms.get(key)
    begun = word.casefold()
    there = state.occupants.get(key, {})
    own = room.nick if room is not None else None
    return sorted(
        (nick for nick in there if nick.casefold().startswith(begun) and nick != own),
        key=str.casefold,
    )


def _nicks(word: str, start: int, state: State, context: Context) -> Iterator[Candidate]:
    # At its beginning a message speaks to somebody.
    after = ": " if start == 0 else ""
    for nick in nicks(word.removeprefix("@"), state, context):
        yield Candidate(clean_line(nick) + after)


def _cut(found: Iterable[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for one in found:
        if len(kept) >= MOST:
            break
        kept.append(one)
    return kept
