"""Let alice and bob talk through one daemon and a private server; `--keep` leaves it running."""

import argparse
import contextlib
import hashlib
import os
import secrets
import shlex
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tests.testbed import CommandFailed, Daemon, Follower, MissingProgram, Prosody, StartFailed

FILE_SIZE = 20 * 1024 * 1024


class Demonstration:
    """What is shown, a step a method."""

    def __init__(self, server: Prosody, daemon: Daemon) -> None:
        self.server = server
        self.daemon = daemon

    def run(self) -> None:
        """Show everything.

        :raises CommandFailed: if a command fails
        :raises AssertionError: if something isn't as it should be
        """
        say(f"A private server: Prosody on {self.server.address}, with its own authority (CA)")
        say(f"A home for the daemon: {self.daemon.home}")

        title("The daemon, and two accounts")
        self.shell("sat start")
        for name in ("alice", "bob"):
            self.account(name)
        self.shell("jp profile list")

        title("Somebody watches what happens, in the background")
        show("jp event follow &")
        watcher = self.daemon.follow()
        # It is told at once who is there: then it won't miss what comes.
        watcher.wait_for("presence.changed")

        title("Alice writes, Bob answers")
        self.write("alice", "bob", "Salut, Bob! This went through one daemon and a real server.")
        self.write("bob", "alice", "Salut à toi, Alice!")
        self.shell("jp -p alice message list bob@localhost")
        self.shell("jp -p bob conversation list")

        title(f"A file of {FILE_SIZE // 1024**2} MiB")
        self.file(watcher)

        title("What the watcher saw: every change, in one order, numbered")
        for event in watcher.stop():
            describe(event)

    def account(self, name: str) -> None:
        """Create a profile, and connect it."""
        password = self.server.folder / f"{name}.password"
        password.touch(mode=0o600)
        password.write_text(self.server.passwords[name])
        self.shell(
            f"jp profile create {name} --jid {self.server.jid(name)} --password-file {password}"
            f" --server {self.server.address} --ca {self.server.ca}"
        )
        self.shell(f"jp profile connect {name}")

    def write(self, author: str, reader: str, text: str) -> None:
        """Send a message, and return when the reader has it."""
        self.shell(
            f"jp -p {author} message send {self.server.jid(reader)} {shlex.quote(text)}"
            " --wait received"
        )

    def file(self, watcher: Follower) -> None:
        """Send a file, fetch it as its receiver does, and compare."""
        file = self.daemon.home / "film.bin"
        file.write_bytes(os.urandom(FILE_SIZE))
        self.shell(f"jp -p alice file send {file.name} {self.server.jid('bob')}")
        message = watcher.wait_for(
            "message.added",
            lambda data: data["profile"] == "bob" and data["body"].startswith("https://"),
        )
        address = message["data"]["body"]
        say(f"Bob fetches {address}")
        trust = ssl.create_default_context(cafile=self.server.ca)
        with urllib.request.urlopen(address, context=trust, timeout=60) as response:
            received = hashlib.sha256(response.read()).hexdigest()
        sent = hashlib.sha256(file.read_bytes()).hexdigest()
        say(f"SHA-256 of what Alice sent   {sent}")
        say(f"SHA-256 of what Bob received {received}")
        assert sent == received, "Bob received another file than Alice sent."
        watcher.wait_for(
            "message.changed",
            lambda data: (data["body"], data["state"]) == (address, "received"),
        )

    def shell(self, line: str) -> None:
        """Show a command as one would type it, and what it prints.

        :raises CommandFailed: if it fails
        """
        show(line)
        program, *arguments = shlex.split(line)
        # Its output goes straight to the terminal: there a progress bar is one.
        result = subprocess.run(
            self.daemon.command(program, *arguments),
            env=self.daemon.environment,
            cwd=self.daemon.home,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=120,
        )
        if result.returncode:
            raise CommandFailed(subprocess.CompletedProcess([line], result.returncode, "", ""))


def title(text: str) -> None:
    """Begin a part of the demonstration."""
    print(f"\n{bold(text)}", flush=True)


def show(line: str) -> None:
    """Show a command line."""
    print(f"{bold('$')} {line}", flush=True)


def say(text: str) -> None:
    """Tell something that no command printed."""
    print(f"  {text}", flush=True)


def bold(text: str) -> str:
    """Return a text in bold, on a terminal."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


def describe(event: dict[str, object]) -> None:
    """Show an event in a line of its own."""
    data = event["data"]
    assert isinstance(data, dict)
    match event["type"]:
        case "message.added" | "message.changed":
            text = f"{data['direction']:3} {data['peer']:15} {data['state']:12} {data['body']}"
        case "profile.changed":
            text = f"{data['connection']['phase']}"
        case "transfer.changed":
            text = f"{data['name']} {data['state']} {data['done']} of {data['size']} bytes"
        case _:
            text = str(data.get("jid", data.get("peer", "")))
    if event.get("seq") is not None:
        say(f"#{event['seq']:<3} {event['profile']:6} {event['type']:16} {text}"[:100])


def what_next(server: Prosody, daemon: Daemon) -> None:
    """Tell how to play with what is left running, and how to stop it."""
    title("It is left running. In another terminal:")
    programs = Path(daemon.command("jp")[0]).parent
    print(f"export SAT_HOME={daemon.home} PATH={programs}:$PATH")
    print("jp event follow")
    print("jp -p alice message send bob@localhost 'Encore !'")
    print("jp -p bob message list alice@localhost")
    print("jp --help")
    title("To stop it, and remove all that it wrote:")
    # Prosody removes its own socket as it ends: what it is removing can't be removed meanwhile.
    gone = f"kill {server.pid}; tail --pid={server.pid} -f /dev/null"
    print(f"sat stop; {gone}; rm -r {daemon.home} {server.folder}")


def how_to_go_on() -> None:
    """Tell what to type after a demonstration of which nothing is left."""
    title("Nothing is left running. What to type next:")
    print("make demo KEEP=1    the same, left running for you to play with")
    print("make test           all checks and tests")
    print("pipx install .      install it for your own account; then: jp profile create --help")


@contextlib.contextmanager
def stage(keep: bool) -> Iterator[tuple[Prosody, Daemon]]:
    """Set up a server and a home, and remove both unless they are kept."""
    with contextlib.ExitStack() as stack:
        server = Prosody({name: secrets.token_hex(12) for name in ("alice", "bob")})
        stack.callback(server.stop)
        server.befriend("alice", "bob")
        server.start()
        daemon = Daemon()
        stack.callback(daemon.remove)
        yield server, daemon
        if keep:
            stack.pop_all()


def main() -> None:
    """Show it, and end with 1 and the reason if anything fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    keep = parser.parse_args().keep
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, _interrupted)
    started = time.monotonic()
    print(bold("Salut à Toi: one daemon, two people, a server of their own"))
    try:
        with stage(keep) as (server, daemon):
            Demonstration(server, daemon).run()
            if keep:
                what_next(server, daemon)
        if not keep:
            how_to_go_on()
        print(f"\n({time.monotonic() - started:.1f} s)")
    except KeyboardInterrupt:
        sys.exit(130)
    except (
        *(AssertionError, CommandFailed, MissingProgram, StartFailed),
        *(OSError, subprocess.TimeoutExpired),
    ) as error:
        sys.exit(f"\nThe demonstration failed: {error}")


def _interrupted(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
