"""The program ``jp``: read the command line, ask the daemon, print, and end with the right code.

Every import here is on the path of ``jp message send``: what is seldom needed is imported where
it is.
"""

import os
import sys

from sat.bridge.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from sat.frontends.jp.context import Context

#: As a shell counts a program ended by SIGINT or SIGPIPE.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main() -> "NoReturn":
    """Run jp and end the process."""
    code = guarded(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = _BROKEN_PIPE
    except (OSError, ValueError):
        code = code or 1
    # What is left is this process' memory: tearing it down takes milliseconds and frees nothing.
    os._exit(code)


def guarded(argv: "Sequence[str]") -> int:
    """Run a command line and return the exit code; a failure is told in one sentence."""
    try:
        _prepare_streams()
        return run(argv)
    except CommandError as error:
        _complain(error.sentence)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return _BROKEN_PIPE
    except OSError as error:
        _complain(f"{error.filename or 'Input or output'}: {error.strerror or error}.")
        return 1
    except Exception as error:
        # A person can't do anything with a traceback; who wants to mend jp can ask for it.
        if os.environ.get("SAT_TRACEBACK"):
            raise
        _complain(
            f"This is a fault of jp itself ({type(error).__name__}: {error}). Please report it, "
            "with what SAT_TRACEBACK=1 shows."
        )
        return 1


def run(argv: "Sequence[str]") -> int:
    """Run a command line and return the exit code.

    :raises CommandError: if it can't be understood, or what it asks for fails
    """
    if list(argv) == ["--version"]:
        return _version()
    from sat.frontends.core.commands import grammar, table

    words, tokens = grammar.split(argv)
    command = table.BY_WORDS.get(" ".join(words))
    if command is None:
        _, settings = grammar.read(None, tokens)
        if settings.get("version") and not words:
            return _version()
        if not words or (words[0] in table.GROUPS and (len(words) == 1 or settings.get("help"))):
            from sat.frontends.jp import help

            return help.answer(words, asked=bool(settings.get("help")))
        from sat.frontends.jp import generic

        command, tokens = generic.find(words, tokens, settings)
    params, settings = grammar.read(command, tokens)
    if settings.get("help"):
        from sat.frontends.jp import help

        help.show_command(command)
        return 0
    from sat.frontends.jp.context import Context

    context = Context(command, settings)
    try:
        if command.run:
            return _handler(command.run, context, params)
        context.result(context.call(command.method, **params))
        return 0
    finally:
        context.close()


def _handler(name: str, context: "Context", params: dict[str, object]) -> int:
    module, _, function = name.partition(".")
    found = __import__(f"sat.frontends.jp.{module}", fromlist=(function,))
    code: int = getattr(found, function)(context, params)
    return code


def _prepare_streams() -> None:
    """Let every text be printed, whatever the locale: what it lacks becomes a question mark."""
    # A closed descriptor's number would go to the next thing opened, such as the daemon's socket.
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if stream.encoding != "utf-8":
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _complain(sentence: str) -> None:
    from sat.frontends.jp.context import complain

    try:
        complain(sentence)
    except OSError:
        # Nobody is left to be told: the exit code has to do.
        return


def _version() -> int:
    from sat import __version__

    print(f"jp {__version__}")
    return 0


if __name__ == "__main__":
    main()
