"""Where passwords are kept: in the desktop's keyring, or in a file for its owner alone.

They are never in the database, in arguments of programs, in the log or in events. The keyring is
asked in a process of its own, with a time limit: its libraries are large, and without a desktop
they may wait for ever. Under ``$SAT_HOME`` (trials, tests) it is left alone.

Run as a program, this module does one thing with the keyring: ``get``, ``set`` or ``delete``; a
password comes on standard input and goes to standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool

from sat.bridge.secret import SecretText

_SERVICE = "salut-a-toi"
_LIMIT = 5.0


class Passwords:
    """The passwords of the profiles, by name.

    :param path: the file for where no keyring works
    :param use_keyring: whether the desktop's keyring may be asked
    """

    def __init__(self, reactor: IReactorFromThreads, path: Path, use_keyring: bool) -> None:
        self._reactor = reactor
        self._path = path
        self._use_keyring = use_keyring

    async def get(self, profile: str) -> SecretText | None:
        """Return a profile's password, or None if there is none."""
        kept = self._load().get(profile)
        if kept is None and self._use_keyring:
            kept = await self._in_thread(lambda: _keyring("get", profile, ""))
        return SecretText(kept) if kept else None

    async def set(self, profile: str, password: SecretText) -> None:
        """Keep a profile's password in place of the one before."""
        text = password.reveal()
        if self._use_keyring:
            done = await self._in_thread(lambda: _keyring("set", profile, text))
            if done is not None:
                self._change(lambda kept: kept.pop(profile, None))
                return
        self._change(lambda kept: kept.update({profile: text}))

    async def delete(self, profile: str) -> None:
        """Forget a profile's password."""
        self._change(lambda kept: kept.pop(profile, None))
        if self._use_keyring:
            await self._in_thread(lambda: _keyring("delete", profile, ""))

    def _load(self) -> dict[str, str]:
        try:
            loaded = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return loaded if isinstance(loaded, dict) else {}

    def _change(self, change: Callable[[dict[str, str]], object]) -> None:
        kept = self._load()
        before = dict(kept)
        change(kept)
        if kept == before:
            return
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    async def _in_thread(self, work: Callable[[], str | None]) -> str | None:
        reactor = cast(Any, self._reactor)
        result: str | None = await deferToThreadPool(reactor, reactor.getThreadPool(), work)
        return result


def _keyring(action: str, profile: str, password: str) -> str | None:
    """Ask the keyring; None if it does not work, or holds nothing."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", "sat.backend.passwords", action, profile],
            input=password,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return child.stdout if child.returncode == 0 else None


def _main(action: str, profile: str) -> int:
    import keyring
    from keyring.backends.fail import Keyring as NoKeyring

    if isinstance(keyring.get_keyring(), NoKeyring):
        return 1
    if action == "set":
        keyring.set_password(_SERVICE, profile, sys.stdin.read())
    elif action == "delete":
        keyring.delete_password(_SERVICE, profile)
    else:
        found = keyring.get_password(_SERVICE, profile)
        if found is None:
            return 1
        sys.stdout.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:3]))
