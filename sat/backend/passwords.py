"""Where passwords are kept: in the desktop's keyring, or in a file for its owner alone.

So are a profile's other secrets. They are never in the database, in arguments of programs, in the
log or in events. The keyring is asked in a process of its own, with a time limit: its libraries are
large, and without a desktop they may wait for ever. Under ``$SAT_HOME`` (trials, tests) it is left
alone.

Run as a program, this module does one thing with the keyring: ``get``, ``set`` or ``delete``. The
names are its arguments; the secret to ``set`` comes on standard input, and those found by ``get``
go to standard output as a JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool

from sat.bridge.secret import SecretText

_SERVICE = "salut-a-toi"
_LIMIT = 5.0


class Kind(StrEnum):
    """A kind of secret. ``next`` is a password whose change the server hasn't confirmed yet."""

    PASSWORD = ""
    CERTIFICATE = "certificate"
    NEXT = "next"
    PROXY = "proxy"
    TOKEN = "token"  # noqa: S105 - the kind, not one of them


class Passwords:
    """The secrets of the profiles, by the profile's name.

    :param path: the file for where no keyring works
    :param use_keyring: whether the desktop's keyring may be asked
    """

    def __init__(self, reactor: IReactorFromThreads, path: Path, use_keyring: bool) -> None:
        self._reactor = reactor
        self._path = path
        self._use_keyring = use_keyring
        self._lock = DeferredLock()  # what is changed later is kept, however long each takes

    async def get(self, profile: str, kind: Kind = Kind.PASSWORD) -> SecretText | None:
        """Return a profile's password or other secret, or None if there is none."""
        return (await self.all(profile, (kind,))).get(kind)

    async def all(self, profile: str, kinds: Iterable[Kind] = Kind) -> dict[Kind, SecretText]:
        """Return those secrets that a profile has."""
        names = {_name(profile, kind): kind for kind in kinds}
        kept = self._load()
        found = {name: kept[name] for name in names if kept.get(name)}
        # Where the password is in the file, there is no keyring that works.
        missing = [name for name in names if name not in found]
        if missing and profile not in kept and self._use_keyring:
            told = await self._in_thread(lambda: _keyring("get", missing))
            found |= _read(told)
        return {names[name]: SecretText(text) for name, text in found.items() if name in names}

    async def set(
        self, profile: str, password: SecretText | None, kind: Kind = Kind.PASSWORD
    ) -> None:
        """Keep a profile's password or other secret in place of the one before.

        :param password: the secret; None forgets it
        :raises OSError: if it can't be written
        """
        if password is None:
            await self.delete(profile, (kind,))
            return
        name, text = _name(profile, kind), password.reveal()
        await self._lock.acquire()
        try:
            if self._use_keyring:
                done = await self._in_thread(lambda: _keyring("set", [name], text))
                if done is not None:
                    self._change(lambda kept: kept.pop(name, None))
                    return
            self._change(lambda kept: kept.update({name: text}))
        finally:
            self._lock.release()

    async def delete(self, profile: str, kinds: Iterable[Kind] = Kind) -> None:
        """Forget a profile's secrets: all, or those of some kinds."""
        names = [_name(profile, kind) for kind in kinds]
        await self._lock.acquire()
        try:
            self._change(lambda kept: [kept.pop(name, None) for name in names])
            if self._use_keyring:
                await self._in_thread(lambda: _keyring("delete", names))
        finally:
            self._lock.release()

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


def _name(profile: str, kind: Kind) -> str:
    # No profile's name has a slash.
    return f"{profile}/{kind}" if kind else profile


def _read(told: str | None) -> dict[str, str]:
    try:
        found = json.loads(told or "{}")
    except ValueError:
        return {}
    return {str(name): str(text) for name, text in found.items()} if found else {}


def _keyring(action: str, names: list[str], secret: str = "") -> str | None:
    """Ask the keyring; None if it does not work."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", "sat.backend.passwords", action, *names],
            input=secret,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return child.stdout if child.returncode == 0 else None


def _main(action: str, *names: str) -> int:
    import keyring
    from keyring.backends.fail import Keyring as NoKeyring

    if isinstance(keyring.get_keyring(), NoKeyring):
        return 1
    found = {}
    for name in names:
        if action == "set":
            keyring.set_password(_SERVICE, name, sys.stdin.read())
            continue
        text = keyring.get_password(_SERVICE, name)
        if text is not None and action == "delete":
            keyring.delete_password(_SERVICE, name)
        elif text is not None:
            found[name] = text
    if action == "get":
        json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
