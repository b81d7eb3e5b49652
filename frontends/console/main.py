"""The program ``primitivus``: read the command line, take the terminal, and give it back."""

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from sat.bridge.errors import CommandError
from sat.frontends.console.texts import _, share

#: As a shell counts a program that its terminal's end has ended.
HUNG_UP = 129


class Arguments(NamedTuple):
    """What the command line says."""

    profile: str | None = None
    remote: str | None = None
    plain: bool = False
    theme: str | None = None
    open: tuple[str, ...] = ()


def main() -> int:
    """Run primitivus; return its exit code."""
    share()
    try:
        return _run(sys.argv[1:])
    except CommandError as error:
        print(f"primitivus: {error.sentence}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # A person can't do anything with a traceback; who wants to mend it can ask for it.
        if os.environ.get("SAT_TRACEBACK"):
            raise
        told = _(
            "This is a fault of primitivus itself ({error}). Please report it, with what "
            "SAT_TRACEBACK=1 shows. The daemon goes on."
        )
        print(
            f"primitivus: {told.format(error=f'{type(error).__name__}: {error}')}",
            file=sys.stderr,
        )
        return 1


def usage() -> str:
    """Return what ``--help`` prints."""
    return _("""\
usage: primitivus [-p PROFILE] [--remote URL] [--theme NAME] [--plain] [ADDRESS]…

Talk with people and in rooms; the daemon keeps everything, and goes on when you leave.

  ADDRESS          whom to talk to at once: several stand side by side
  -p PROFILE       which account of yours is meant, where that isn't clear
  --remote URL     the daemon of another machine: ssh://[USER@]HOST, or its name in the list
  --theme NAME     dark, light or high-contrast
  --plain          plain lines, one after another, for screen readers and simple terminals
  --version        say which version this is

Inside, F1 tells what can be done, Ctrl-P lists all commands, Ctrl-X leaves.""")


def read(words: Sequence[str]) -> Arguments:
    """Return what a command line says.

    :raises CommandError: ``usage.arguments``
    """
    found = Arguments()
    left = list(words)
    opened = []
    while left:
        word, equals, value = left.pop(0).partition("=")
        if not word.startswith("-"):
            opened.append(f"{word}{equals}{value}")
            continue
        if word == "--plain" and not equals:
            found = found._replace(plain=True)
            continue
        name = {"-p": "profile", "--profile": "profile"}.get(word, word.removeprefix("--"))
        if name not in ("profile", "remote", "theme"):
            raise CommandError(
                "usage.arguments",
                _("primitivus has no option {word}: see primitivus --help.").format(word=word),
            )
        if not equals:
            if not left:
                raise CommandError("usage.arguments", _("{word} needs a value.").format(word=word))
            value = left.pop(0)
        if name == "profile":
            found = found._replace(profile=value)
        elif name == "remote":
            found = found._replace(remote=value)
        else:
            found = found._replace(theme=value)
    return found._replace(open=tuple(opened))


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        from sat import __version__

        print(f"primitivus {__version__}")
        return 0
    if {"-h", "--help"} & {*words}:
        print(usage())
        return 0
    arguments = read(words)
    if not (sys.stdin and sys.stdout and sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("usage.terminal", _("primitivus needs a terminal; scripts have jp."))
    import gc

    # What is imported, and thousands of contacts, stay: to look through them time and again for
    # what can go would cost a tenth of the start.
    gc.set_threshold(100_000, 20, 100)
    from sat.frontends.console import start

    try:
        return start.run(arguments)
    finally:
        # It ends: the interpreter would look through all of it several times before it let go.
        gc.freeze()
