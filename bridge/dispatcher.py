"""Find the command that a call names, check its arguments, and run it once for each transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred

from sat.bridge.call import Call
from sat.bridge.command import CommandSpec
from sat.bridge.errors import CommandError
from sat.bridge.grant import Grant
from sat.bridge.types import encode_hook

#: Returns the object whose method runs: for the named profile, or (None) for the whole daemon.
Owner = Callable[[str | None], object]

_encoder = msgspec.json.Encoder(enc_hook=encode_hook)


class Results(Protocol):
    """Where the results of transactions are kept."""

    def find(self, profile: str, txn: str) -> Awaitable[tuple[bytes, bytes] | None]:
        """Return the digest and the result that were recorded under a transaction."""

    def record(self, call: Call, result: bytes) -> Awaitable[None]:
        """Record the result of a call that has committed nothing by itself."""


@dataclass(frozen=True, slots=True)
class _Entry:
    spec: CommandSpec
    owner: Owner
    fault: Callable[[Exception], CommandError] | None


class Dispatcher:
    """All commands that can be called, by name.

    :param choose_profile: turns the name in a call (or None) into that of a profile which exists
    :param results: where the results of transactions are kept
    :param translate: turns an error of the network into one for people; None if it is none
    """

    def __init__(
        self,
        choose_profile: Callable[[str | None], str],
        results: Results,
        translate: Callable[[Exception], CommandError | None],
    ) -> None:
        self._choose_profile = choose_profile
        self._results = results
        self._translate = translate
        self._entries: dict[str, _Entry] = {}
        self._closed = False
        self._running: dict[tuple[str, str], list[Deferred[None]]] = {}

    @property
    def specs(self) -> list[CommandSpec]:
        """The commands that can be called now, by name."""
        return [self._entries[name].spec for name in sorted(self._entries)]

    def find(self, name: str) -> CommandSpec | None:
        """Return the command of a name, if it can be called now."""
        entry = self._entries.get(name)
        return entry.spec if entry is not None else None

    def add(
        self,
        spec: CommandSpec,
        owner: Owner,
        fault: Callable[[Exception], CommandError] | None = None,
    ) -> None:
        """Make a command callable.

        :param fault: is told of an error that should not be, and returns what the caller is told
        :raises ValueError: if another command has this name
        """
        if spec.name in self._entries:
            raise ValueError(f"the command {spec.name} exists already")
        self._entries[spec.name] = _Entry(spec, owner, fault)

    def remove(self, name: str) -> None:
        """Take a command away; calls that run go on."""
        self._entries.pop(name, None)

    def close(self) -> None:
        """Refuse every further call: the daemon ends."""
        self._closed = True

    async def run(self, call: Call, params: msgspec.Raw) -> bytes:
        """Run a call and return its result as JSON.

        :raises CommandError: if it is refused or fails
        """
        if self._closed:
            raise CommandError("daemon.ending", "the daemon is ending: ask again when it runs")
        entry = self._entries.get(call.method)
        if entry is None:
            raise CommandError(
                "unknown.method",
                f"there is no method {call.method}: its plugin may be missing, "
                "or the daemon older than this program (restart it after an upgrade)",
            )
        spec = entry.spec
        if not spec.per_profile:
            _check_level(call, spec)
        arguments, profile, call.txn = spec.decode(params)
        if spec.per_profile:
            call.profile = self._choose(profile, call.grant)
            _check_level(call, spec)
        method = getattr(entry.owner(call.profile), spec.attribute)
        if spec.wants_call:
            arguments["call"] = call
        try:
            if call.txn is None:
                return encode_result(await method(**arguments))
            return await self._run_once(call, method, arguments)
        except CommandError:
            raise
        except Exception as error:
            told = self._translate(error)
            if told is None and entry.fault is not None:
                told = entry.fault(error)
            if told is None:
                raise
            raise told from error

    def _choose(self, name: str | None, grant: Grant) -> str:
        """Return the profile that a call means, among those that its session may use.

        :raises CommandError: ``denied.profile``, whether or not there is such a profile
        """
        if grant.profiles is None:
            return self._choose_profile(name)
        allowed = ", ".join(sorted(grant.profiles)) or "none"
        if name is None and len(grant.profiles) != 1:
            raise CommandError(
                "usage.profile", f"which profile? This session may use {allowed}: name one"
            )
        chosen = name or next(iter(grant.profiles))
        if chosen not in grant.profiles:
            raise CommandError(
                "denied.profile",
                f"this session may not use a profile {chosen}; it may use: {allowed}",
            )
        return self._choose_profile(chosen)

    async def _run_once(
        self, call: Call, method: Callable[..., Awaitable[Any]], arguments: dict[str, object]
    ) -> bytes:
        assert call.txn is not None
        plain = {name: value for name, value in arguments.items() if name != "call"}
        text = msgspec.json.encode([call.method, plain], enc_hook=encode_hook, order="sorted")
        call.digest = hashlib.sha256(text).digest()
        key = (call.profile or "", call.txn)
        while key in self._running:
            turn: Deferred[None] = Deferred()
            self._running[key].append(turn)
            await turn
        self._running[key] = []
        try:
            known = await self._results.find(*key)
            if known is not None:
                if known[0] != call.digest:
                    raise CommandError(
                        "usage.txn",
                        f"the transaction {call.txn} was used for another call: "
                        "take a new one for each change",
                    )
                return known[1]
            result = encode_result(await method(**arguments))
            if not call.recorded:
                await self._results.record(call, result)
            return result
        finally:
            for waiting in self._running.pop(key):
                waiting.callback(None)


def _check_level(call: Call, spec: CommandSpec) -> None:
    if not call.grant.allows(spec.level, call.profile):
        level = call.grant.level_of(call.profile)
        raise CommandError(
            "denied.level",
            f"{call.method} needs the level {spec.level.value}; "
            f"this session has {level.value if level else 'none'}",
        )


def encode_result(value: object) -> bytes:
    """Write a command's result as JSON."""
    return _encoder.encode(value)
