"""Help, made from the table."""

import sys

from sat.bridge.errors import CommandError
from sat.frontends.core.clean import clean_line
from sat.frontends.core.commands.grammar import (
    GLOBAL_OPTIONS,
    Argument,
    Command,
    Option,
    suggestion,
)
from sat.frontends.core.commands.table import COMMANDS, GROUPS

_INTRODUCTION = """\
jp: what Salut à Toi does, from the command line.

  jp [-p PROFILE] [--json] [-q] [--timeout S] [--remote WHERE] [--txn ID] GROUP COMMAND …
"""
_CODES = """\
Exit codes: 0 done; 1 refused or failed; 2 usage; 3 no daemon; 4 not connected; 5 timed out;
6 no such thing; 7 denied; 130 interrupted. Without -p it is the default profile, else the only one.
“jp GROUP COMMAND --help” tells more. Plugins add commands: “jp api describe” lists them all.
"""


#: Seconds that help waits for a daemon to say what plugins have.
_HELP_TIMEOUT = 1.0
#: Methods that programs call, not people.
_INNER = ("api.", "daemon.", "session.", "state.")


def answer(words: list[str], *, asked: bool) -> int:
    """Answer a command line that names no command; return the exit code.

    :raises CommandError: ``usage.command`` if its words aren't known
    """
    if words and words[0] not in GROUPS:
        raise CommandError(
            "usage.command",
            f"There is no command “{words[0]}”.{suggestion(words[0], GROUPS)} See “jp --help”.",
        )
    if len(words) == 2:
        known = [one.words.partition(" ")[2] for one in COMMANDS if _group(one) == words[0]]
        raise CommandError(
            "usage.command",
            f"There is no command “{' '.join(words)}”.{suggestion(words[1], known)} "
            f"See “jp {words[0]} --help”.",
        )
    print(_group_text(words[0]) if words else _text(), end="", file=None if asked else sys.stderr)
    return 0 if asked else 2


def show_command(command: Command) -> None:
    """Print the help of one command."""
    print(command_text(command), end="")


def command_text(command: Command) -> str:
    """Return the help of one command."""
    text = f"{command.summary}\n\n  jp {usage(command)}\n"
    if command.aliases:
        text += f"  (also: jp {', jp '.join(command.aliases)})\n"
    rows = [(one.name, _told(one)) for one in command.arguments]
    rows += [(_flag(one), _told(one)) for one in command.options if not one.hidden]
    if rows:
        text += "\n" + _rows(rows)
    return (
        f"{text}\nFor every command:\n{_rows([(_flag(one), one.help) for one in GLOBAL_OPTIONS])}"
    )


def _text() -> str:
    parts = [_INTRODUCTION]
    for group in GROUPS:
        parts.append(_rows([(one.words, one.summary) for one in COMMANDS if _group(one) == group]))
    return "\n".join([*parts, *_of_plugins(), _CODES])


def _of_plugins() -> list[str]:
    """Return what a running daemon has beyond the table; help starts none for that."""
    from sat.bridge import blocking
    from sat.frontends.core.commands import described
    from sat.frontends.jp.context import CLIENT

    try:
        with blocking.connect(name=CLIENT, timeout=_HELP_TIMEOUT) as client:
            found = described.commands_of(client.call("api.describe"))
    except CommandError:
        return []
    known = {one.method for one in COMMANDS}
    rows = [
        (clean_line(one.words), clean_line(one.summary.partition("\n")[0]))
        for one in found
        if one.method not in known and not one.method.startswith(_INNER)
    ]
    return [_rows(rows)] if rows else []


def _group_text(group: str) -> str:
    rows = [(usage(one), one.summary) for one in COMMANDS if _group(one) == group]
    return "".join(f"  jp {usage}\n      {summary}\n" for usage, summary in rows)


def _group(command: Command) -> str:
    return command.words.partition(" ")[0]


def usage(command: Command) -> str:
    """Return a command's words with what it takes, as its help shows them."""
    words = [command.words]
    for argument in command.arguments:
        name = argument.name + ("…" if argument.many else "")
        words.append(name if argument.required else f"[{name}]")
    for option in command.options:
        if option.hidden:
            continue
        text = f"{option.flag} {option.value}".strip()
        words.append(text if option.required else f"[{text}]" + ("…" if option.many else ""))
    return " ".join(words)


def _flag(option: Option) -> str:
    flags = f"{option.short}, {option.flag}" if option.short else option.flag
    return f"{flags} {option.value}".strip()


def _told(one: Argument | Option) -> str:
    choices = f" ({', '.join(one.choices)})" if one.choices else ""
    return one.help + choices


def _rows(rows: list[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows)
    return "".join(f"  {left:{width}}  {right}".rstrip() + "\n" for left, right in rows)
