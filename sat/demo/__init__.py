"""``sat demo``: two people who are made up, on a server and in a home that are for them alone.

All of it is in one folder, which is removed with everything that runs in it: the person's own home
is not touched. It lasts as long as the program that is tried, or, with ``--hold``, until the input
ends, so that it ends with whoever asked for it, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from sat import control
from sat.bridge import blocking
from sat.bridge.errors import CommandError
from sat.bridge.paths import Home
from sat.demo.server import HOST, ROOMS, Prosody

_PEOPLE = ("alice", "bob")
_ROOM = f"tea@{ROOMS}"
_SAID = (
    ("bob", f"alice@{HOST}", "Salut, Alice! Everything here is yours to try."),
    (
        "bob",
        f"alice@{HOST}",
        "Both accounts here are yours: from mine, further down, you answer yourself.",
    ),
    ("bob", _ROOM, "Alice: there is tea."),
)
#: What would lead a program to another daemon than this one, or keep it from this one.
_ELSEWHERE = ("SAT_REMOTE", "SAT_BRIDGE", "SAT_NO_START")
#: Seconds that whoever holds it may take to remove all.
_END = 60.0
_TERMINATED = 143


def main(arguments: Sequence[str]) -> int:
    """Let a program be tried: primitivus, or the one that is named; return its exit code.

    :param arguments: ``--hold``, or a program with its arguments
    :raises CommandError: why there can be no demonstration
    """
    if [*arguments] == ["--hold"]:
        return _hold()
    if arguments and arguments[0].startswith("-"):
        raise CommandError("usage.arguments", "sat demo takes a program alone. See “sat --help”.")
    return _try([*arguments] or _program("primitivus"))


def _program(name: str) -> list[str]:
    beside = Path(sys.executable).with_name(name)
    modules = {"jp": "sat.frontends.jp", "primitivus": "sat.frontends.console"}
    return [str(beside)] if beside.exists() else [sys.executable, "-m", modules[name]]


def _try(command: list[str]) -> int:
    """Run a program where the demonstration is, which another process holds."""
    from sat.bridge.program import sat_command

    holding, environment = sat_command(["demo", "--hold"])
    # A session of its own: Ctrl-C, and a terminal that is closed, are for the program.
    holder = subprocess.Popen(
        holding,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert holder.stdin is not None and holder.stdout is not None and holder.stderr is not None
    try:
        line = holder.stdout.readline()
        if not line:
            said = holder.stderr.read().decode(errors="replace").strip().splitlines()
            told = said[-1].removeprefix("sat: ") if said else "The demonstration ended at once."
            raise CommandError("failed.demo", told)
        place = str(json.loads(line)["home"])
        if command[0] in ("jp", "primitivus"):
            command = [*_program(command[0]), *command[1:]]
        return _run(command, place)
    finally:
        holder.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            holder.wait(_END)


def _run(command: list[str], place: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        else:
            child.send_signal(number)

    # What ends this program is passed on, also what comes before the other one is there.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    try:
        child = subprocess.Popen(command, env=environment | {"SAT_HOME": place})
    except OSError as error:
        raise CommandError(
            "usage.program", f"{command[0]} can't be run: {error.strerror}."
        ) from error
    # What the terminal sends has reached both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for missed in early:
        child.send_signal(missed)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _hold() -> int:
    """Set all up, say where in a line of JSON, and remove it when the input ends."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    for name in _ELSEWHERE:
        os.environ.pop(name, None)
    with _stage() as place:
        print(json.dumps({"home": place.root}), flush=True)
        while sys.stdin.buffer.read(4096):
            pass
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(_TERMINATED)


@contextlib.contextmanager
def _stage() -> Iterator[Home]:
    """Make a folder with a server and a home, both of them at work; remove it with all in it.

    :raises CommandError: if the server or the daemon doesn't start
    """
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sat-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "server").mkdir(mode=0o700)
        passwords = {name: secrets.token_hex(16) for name in _PEOPLE}
        server = Prosody(folder / "server", passwords)
        stack.callback(server.stop)
        server.start()
        (folder / "home").mkdir(mode=0o700)
        # The passwords are worth nothing, and the person's own keyring is to know none of this.
        os.environ |= {
            "SAT_HOME": str(folder / "home"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        place = Home(os.environ)
        stack.callback(_stop, place)
        control.start(place)
        with blocking.Client(place.socket, name="sat demo") as client:
            _settle(client.call, server, passwords)
        yield place


def _stop(place: Home) -> None:
    with contextlib.suppress(CommandError):
        control.stop(place)


def _settle(call: Callable[..., object], server: Prosody, passwords: dict[str, str]) -> None:
    """Make the people known to the daemon, and let them have said something."""
    for name, password in passwords.items():
        call(
            "profile.create", name=name, jid=f"{name}@{HOST}", password=password,
            server=server.address, ca=server.certificate,
        )  # fmt: skip
        call("profile.connect", name=name)
        call("room.join", profile=name, room=_ROOM, nick=name.capitalize())
    call("profile.default", name=_PEOPLE[0])
    for profile, to, text in _SAID:
        call("message.send", profile=profile, to=to, body=text, wait="acknowledged")
