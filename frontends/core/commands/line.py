"""Lines that a person writes in a conversation: a message, or a command that begins with ``/``.

Commands are those of jp, and what the daemon describes: ``/room join tea@rooms.example.org``,
``/ping``. Where a conversation is open its peer, its room and its profile needn't be said, and the
last text of a command takes the rest of the line without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sat.bridge.errors import CommandError
from sat.frontends.core.commands.grammar import (
    GLOBAL_OPTIONS,
    Argument,
    Command,
    read,
    suggestion,
)
from sat.frontends.core.commands.table import BY_WORDS, COMMANDS, GROUPS
from sat.frontends.core.texts import _

#: What is said often has a short name.
SHORT = {
    "add": "roster add",
    "connect": "profile connect",
    "disconnect": "profile disconnect",
    "invite": "room invite",
    "join": "room join",
    "leave": "room leave",
    "msg": "message send",
    "nick": "room nick",
    "remove": "roster remove",
    "search": "message search",
    "send": "file send",
    "set": "option set",
    "status": "presence set",
    "subject": "room subject",
    "topic": "room subject",
    "who": "room occupants",
}
#: The same for what plugins bring, where they do.
SHORT_OF_PLUGINS = {"block": "blocking block", "unblock": "blocking unblock"}
#: What a command of jp does on its own side, that the method alone does as well in a frontend.
_PLAIN = {"message send", "room join", "file send", "file fetch", "question answer"}
#: Methods that programs call, not people.
_INNER = ("api.", "blob.", "daemon.", "session.", "state.")
_WORD = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"(?=\s|$)|'([^']*)'(?=\s|$)|(\S+))""")


class Context(NamedTuple):
    """Where a line is written: for which profile, and in which conversation, if there is one."""

    profile: str | None = None
    peer: str | None = None
    is_room: bool = False


class Call(NamedTuple):
    """What a command line asks for.

    Parameters that begin with ``_`` are for this side: ``_files`` of ``file send``, ``_pairs`` of
    ``question answer``.
    """

    command: Command
    params: dict[str, object]
    profile: str | None


class Help(NamedTuple):
    """A wish to know how a command is used: all commands, without words."""

    words: str = ""


def message_of(line: str) -> str | None:
    """Return the message that a line is, or None if it is a command.

    ``//text`` sends ``/text``, and ``/me waves`` is a message (XEP-0245).
    """
    if line.startswith("//"):
        return line[1:]
    if line.startswith("/me ") or not line.startswith("/") or "\n" in line:
        return line
    # A path, or a lone slash, is no command.
    return None if re.match(r"/[\w?]", line) else line


class CommandLine:
    """Reads command lines; :meth:`learn` makes known what the daemon describes."""

    def __init__(self) -> None:
        self._described: dict[str, Command] = {}

    def learn(self, description: object) -> None:
        """Know the commands that ``api.describe`` tells of, instead of those known before."""
        from sat.frontends.core.commands.described import commands_of

        own = {one.method for one in COMMANDS}
        self._described = {}
        for one in commands_of(description):
            if one.method not in own and not one.method.startswith(_INNER):
                for words in (one.words, one.method.replace(".", " "), one.method):
                    self._described.setdefault(words, one)

    @property
    def commands(self) -> list[Command]:
        """Every command that can be given here, by its words."""
        found = {one.words: one for one in COMMANDS if is_offered(one)}
        found |= {one.words: one for one in self._described.values()}
        return [found[words] for words in sorted(found)]

    @property
    def short(self) -> dict[str, str]:
        """The short names of commands that there are, with what they stand for."""
        brought = SHORT_OF_PLUGINS.items()
        return SHORT | {name: words for name, words in brought if words in self._described}

    def find(self, words: list[str]) -> tuple[Command, int]:
        """Return the command that words begin with, and how many of them name it.

        :raises CommandError: ``usage.command``
        """
        first = words[0] if words else ""
        for count in (2, 1):
            spoken = " ".join(words[:count])
            found = BY_WORDS.get(spoken) or self._described.get(spoken)
            if found is not None:
                return found, len(words[:count])
        if (long := self.short.get(first)) is not None:
            return BY_WORDS.get(long) or self._described[long], 1
        known = [one.words for one in COMMANDS if one.words.startswith(f"{first} ")]
        brought = {one.words for one in self._described.values()} - {*known}
        known += sorted(words for words in brought if words.startswith(f"{first} "))
        if known:
            told = _("/{command} goes on: {words}.")
            raise CommandError("usage.command", told.format(command=first, words=", ".join(known)))
        names = {*self.short, *GROUPS, *(one.partition(" ")[0] for one in self._described)}
        told = _(
            "There is no command /{command}.{suggestion} See /help; a message that begins so is "
            "written //{command}."
        )
        close = suggestion(first, sorted(names))
        raise CommandError("usage.command", told.format(command=first, suggestion=close))

    def read(self, line: str, context: Context) -> Call | Help:
        """Read a command line.

        :raises CommandError: ``usage.*`` with what is wrong
        """
        words = split(line.removeprefix("/"))
        if not words or words[0] in ("help", "?"):
            return Help(" ".join(words[1:]))
        command, count = self.find(words)
        if not is_offered(command):
            raise needs_shell(command.words)
        tokens = words[count:]
        if {"--help", "-h"} & {*tokens}:
            return Help(command.words)
        try:
            params, settings = read(command, _complete(command, tokens, context))
        except CommandError as error:
            what = error.data.get("what", error.sentence)
            told = _("{sentence} See /help {command}.")
            raise CommandError(
                error.name, told.format(sentence=what, command=command.words)
            ) from None
        profile = settings.get("profile") if command.per_profile else None
        if profile is None and command.per_profile:
            profile = context.profile
        return Call(command, params, profile if isinstance(profile, str) else None)


def needs_shell(words: str) -> CommandError:
    """Return the refusal of a command that a frontend can't do."""
    told = _("That needs a shell: “{command}” does it there.")
    return CommandError("usage.command", told.format(command=f"jp {words}"))


def is_offered(command: Command) -> bool:
    """Tell whether a command can be given in a frontend: it needs nothing of a shell."""
    return not command.run or command.words in _PLAIN


def split(line: str) -> list[str]:
    """Part a line into words; quotes around a whole word hold what has spaces in it."""
    found = []
    for match in _WORD.finditer(line):
        double, single, plain = match.groups()
        if double is not None:
            found.append(re.sub(r"\\(.)", r"\1", double))
        else:
            found.append(single if single is not None else plain)
    return found


def help_of(commands: Iterable[Command], words: str = "") -> list[tuple[str, str]]:
    """Return help as pairs of what is typed and what it does.

    :param words: of one command, with its arguments and options, or of a group; of all without
    """
    commands = list(commands)
    short_names = SHORT | SHORT_OF_PLUGINS
    words = short_names.get(words, words)
    exact = [one for one in commands if words in (one.words, *one.aliases)]
    if exact:
        command = exact[0]
        rows = [(f"/{usage(command)}", _(command.summary))]
        short = [name for name, long in short_names.items() if long == command.words]
        same = _("the same as /{command}").format(command=command.words)
        rows += [(f"/{name}", same) for name in short]
        rows += [(_(one.name), _told(one.help, one.choices)) for one in command.arguments]
        rows += [
            (f"{one.flag} {_(one.value)}".strip(), _told(one.help, one.choices))
            for one in command.options
            if not one.hidden
        ]
        return rows
    within = [one for one in commands if not words or one.words.split(" ")[0] == words]
    return [(f"/{usage(one)}", summary(one)) for one in within]


def summary(command: Command) -> str:
    """Return what a command does, on one line."""
    return _(command.summary).partition("\n")[0]


def usage(command: Command) -> str:
    """Return a command's words with what it takes."""
    words = [command.words]
    for argument in command.arguments:
        name = _(argument.name) + ("…" if argument.many else "")
        words.append(name if argument.required else f"[{name}]")
    for option in command.options:
        if not option.hidden:
            text = f"{option.flag} {_(option.value)}".strip()
            words.append(text if option.required else f"[{text}]" + ("…" if option.many else ""))
    return " ".join(words)


def kind_of(argument: Argument) -> str:
    """Tell what an argument names: ``room``, ``jid``, ``profile``, ``option``, ``plugin``, …."""
    if argument.name in ("ROOM", "JID"):
        return "room" if argument.name == "ROOM" else "jid"
    if argument.param in ("peer", "to", "jid", "room"):
        return "room" if argument.param == "room" else "jid"
    return "path" if argument.kind == "path" else argument.kind


def _told(text: str, choices: Iterable[str]) -> str:
    listed = ", ".join(choices)
    return f"{_(text)} ({listed})" if listed else _(text)


def _complete(command: Command, tokens: list[str], context: Context) -> list[str]:
    """Say what the context says, where it isn't said, and let the last text take the rest."""
    arguments = list(command.arguments)
    plain = plain_places(command, tokens)
    defaults = [_default(command, one, context) for one in arguments]
    needed = sum(1 for one in arguments if one.required)
    place = next((at for at, one in enumerate(defaults) if one is not None), None)
    if place is not None:
        default = defaults[place]
        assert default is not None
        few = len(plain) < needed
        said = tokens[plain[place]] if place < len(plain) else ""
        # A text follows the room, and what is said here is no address: it is that text.
        room = kind_of(arguments[place]) == "room" and len(arguments) > place + 1
        if few or (said and room and "@" not in said):
            index = plain[place] if place < len(plain) else len(tokens)
            tokens = [*tokens[:index], default, *tokens[index:]]
            plain = plain_places(command, tokens)
    last = arguments[-1] if arguments else None
    many = any(one.many for one in arguments)
    if last is not None and kind_of(last) == "text" and not many and len(plain) > len(arguments):
        start = plain[len(arguments) - 1]
        rest = plain[len(arguments) - 1 :]
        if rest == list(range(start, len(tokens))):
            tokens = [*tokens[:start], " ".join(tokens[start:])]
    return tokens


def _default(command: Command, argument: Argument, context: Context) -> str | None:
    kind = kind_of(argument)
    if kind == "room":
        return context.peer if context.is_room else None
    if kind == "jid":
        return None if command.words == "room invite" else context.peer
    if argument.param == "name" and command.words.startswith("profile "):
        return context.profile
    return None


def plain_places(command: Command, tokens: list[str]) -> list[int]:
    """Return the places of the words that are neither options nor values of options."""
    valued = {
        flag
        for one in (*GLOBAL_OPTIONS, *command.options)
        if one.value
        for flag in (one.flag, one.short)
        if flag
    }
    found: list[int] = []
    place = 0
    while place < len(tokens):
        word = tokens[place]
        if word == "--":
            return [*found, *range(place + 1, len(tokens))]
        if not word.startswith("-") or word == "-":
            found.append(place)
        elif word in valued:
            place += 1
        place += 1
    return found
