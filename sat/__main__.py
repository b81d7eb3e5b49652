"""The program ``sat``: run the daemon, and look after it."""

import os
import sys
import traceback
from collections.abc import Sequence

from sat import __version__
from sat.bridge.errors import CommandError

HELP = """\
sat: the Salut à Toi daemon, which holds your XMPP accounts.

  sat start            start it in the background, and return once it accepts
  sat stop             end it
  sat status [--json]  how it is; exit code 3 if it doesn't run
  sat logs [-f] [-n N] the last N lines of its log (20); -f: and those to come
  sat doctor [PROFILE] [--json]
                       find out what doesn't work, why, and what to do; exit code 1 if anything
  sat run              run it in the foreground
  sat standalone jp …  run a frontend, and the daemon inside its process as long as it runs
  sat demo [PROGRAM …] try primitivus, or another program, with two people on a private server;
                       nothing of it is left, and nothing of yours is touched
  sat pair [--level read|send|files|admin] [--profile NAME]… [--host HOST] [--listen HOST:PORT]
                       let a program of another machine attach: shows an address for it
  sat pair list, sat pair revoke ID
                       which programs may, and let one in no more
  sat bridge-stdio     pass the bridge through standard input and output (ssh does that)
  sat backup FILE      write a copy of its database, while it runs
  sat restore FILE     put such a copy in the place of its database
  sat --version

What it does for you is asked for with jp: see “jp --help”. All it keeps is below $SAT_HOME if that
is set, else in the XDG directories.
"""

_CONTROL = ("start", "stop", "status", "logs", "backup", "restore")


def main() -> None:
    """Run ``sat`` and end with its exit code."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except CommandError as error:
        print(f"sat: {error.sentence}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 141
    except OSError as error:
        print(f"sat: {error.filename or 'system'}: {error.strerror or error}", file=sys.stderr)
        code = 1
    except Exception as error:
        # The standard error of ``sat run`` is the daemon's log, where the way to a fault belongs.
        if sys.argv[1:2] == ["run"] or os.environ.get("SAT_TRACEBACK"):
            traceback.print_exc()
        print(
            f"sat: This is a fault of sat itself ({type(error).__name__}: {error}). Please report "
            "it, with what SAT_TRACEBACK=1 shows.",
            file=sys.stderr,
        )
        code = 1
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code.

    :raises CommandError: if it can't be understood, or what it asks for fails
    """
    if not arguments:
        print(HELP, end="", file=sys.stderr)
        return 2
    command, rest = arguments[0], list(arguments[1:])
    if command in ("--help", "-h", "help") or (
        "--help" in rest and command not in ("demo", "standalone")
    ):
        print(HELP, end="")
        return 0
    if command == "--version":
        _take(rest, command, 0)
        print(f"sat {__version__}")
        return 0
    if command == "run":
        from sat.backend.run import main as run_daemon

        return run_daemon(rest)
    if command == "standalone":
        from sat.standalone import main as run_both

        return run_both(rest)
    if command == "demo":
        from sat.demo import main as try_it

        return try_it(rest)
    if command == "doctor":
        from sat.doctor import main as examine

        return examine(rest)
    if command in ("pair", "bridge-stdio"):
        return _let_in(command, rest)
    if command in _CONTROL:
        return _control(command, rest)
    from difflib import get_close_matches

    known = (*_CONTROL, "demo", "doctor", "run", "standalone", "pair", "bridge-stdio")
    close = get_close_matches(command, known, 1)
    hint = f" Did you mean “{close[0]}”?" if close else ""
    raise CommandError("usage.command", f"There is no command “{command}”.{hint} See “sat --help”.")


def _let_in(command: str, rest: list[str]) -> int:
    from sat.bridge.paths import home

    if command == "pair":
        from sat.pair import main as pair

        return pair(rest, home())
    from sat.stdio import relay

    _take(rest, command, 0)
    return relay(home())


def _control(command: str, rest: list[str]) -> int:
    from sat import control
    from sat.bridge.paths import home

    place = home()
    if command == "start":
        _take(rest, command, 0)
        control.start(place)
    elif command == "stop":
        _take(rest, command, 0)
        if not control.stop(place):
            print("sat: no daemon was running", file=sys.stderr)
    elif command == "status":
        as_json = "--json" in rest
        _take([one for one in rest if one != "--json"], command, 0)
        _show_status(control.status(place), as_json)
    elif command == "logs":
        _logs(rest)
    elif command == "backup":
        control.backup(place, _take(rest, command, 1)[0])
    else:
        control.restore(place, _take(rest, command, 1)[0])
    return 0


def _logs(rest: list[str]) -> None:
    from sat import control
    from sat.bridge.paths import home

    follow, lines = False, 20
    while rest:
        word = rest.pop(0)
        if word == "-f":
            follow = True
        elif word == "-n" and rest and rest[0].isdigit():
            lines = int(rest.pop(0))
        else:
            raise CommandError("usage.arguments", "sat logs takes -f and -n NUMBER alone.")
    control.logs(home(), lines, follow)


def _take(rest: list[str], command: str, count: int) -> list[str]:
    if len(rest) == count and not any(one.startswith("-") for one in rest):
        return rest
    wanted = "one FILE" if count else "nothing more"
    raise CommandError("usage.arguments", f"sat {command} takes {wanted}. See “sat --help”.")


def _show_status(status: dict[str, object], as_json: bool) -> None:
    if as_json:
        from sat.frontends.core.clean import encode_json

        sys.stdout.buffer.write(encode_json(status))
        return
    from sat.status import render

    print(render(status))


if __name__ == "__main__":
    main()
