"""Settings, described so that every frontend can offer them: the calls ``option.*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy.dialects.sqlite import insert as upsert

from sat.backend import schema
from sat.backend.journal import Journal
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.backend.transaction import Transaction
from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import OptionChanged
from sat.bridge.model import Level, Option

Value = bool | int | float | str

_setting = upsert(schema.option)
_SET = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["name"],
        set_={"value": _setting.excluded.value, "rev": _setting.excluded.rev},
    )
)
_ALL = Prepared("SELECT name, value, rev FROM option")
_KINDS: dict[type, Any] = {bool: "boolean", int: "integer", float: "number", str: "text"}
_YES = {"yes", "true", "on", "1"}
_NO = {"no", "false", "off", "0"}


class Options:
    """The settings of the daemon and its plugins; a value that is not set is the default."""

    def __init__(self, journal: Journal, stored: list[tuple[str, str, int]]) -> None:
        self._journal = journal
        self._described: dict[str, Option] = {}
        self._checks: dict[str, Callable[[Value], None]] = {}
        self._values = {name: (msgspec.json.decode(text), rev) for name, text, rev in stored}
        journal.project(OptionChanged, self._changed)

    @staticmethod
    def stored(reader: Reader) -> list[tuple[str, str, int]]:
        """Read the values that are set."""
        return [(row[0], row[1], row[2]) for row in reader.all(_ALL)]

    def describe(
        self,
        name: str,
        default: Value,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        choices: tuple[str, ...] = (),
        help: str = "",
        check: Callable[[Value], None] | None = None,
    ) -> None:
        """Let a setting be known; a value that was set before counts.

        :param check: refuses values, beyond what the limits do
        """
        if check is not None:
            self._checks[name] = check
        value, rev = self._values.get(name, (default, 0))
        option = Option(
            name=name,
            kind=_KINDS[type(default)],
            value=default,
            default=default,
            minimum=minimum,
            maximum=maximum,
            choices=choices,
            help=help,
            rev=rev,
        )
        # A newer plugin may have other kinds and limits than the one for which a value was set.
        self._described[name] = _as_stored(option, value, rev)

    def forget(self, name: str) -> None:
        """Let a setting be known no longer; its value is kept for when it comes back."""
        self._described.pop(name, None)
        self._checks.pop(name, None)

    def value(self, name: str) -> Value | None:
        """Return the present value of a setting, or None if it is not known."""
        option = self._described.get(name)
        return option.value if option is not None else None

    def snapshot(self, reader: Reader, profiles: frozenset[str] | None) -> list[Option]:
        """Return all settings as they stand in the database."""
        stored = {row[0]: (msgspec.json.decode(row[1]), row[2]) for row in reader.all(_ALL)}
        return [
            _as_stored(option, *stored[name]) if name in stored else option
            for name, option in sorted(self._described.items())
        ]

    @command("option.list", level=Level.READ, per_profile=False)
    async def all(self) -> list[Option]:
        """Return all settings, with their limits and what they are for."""
        return [self._described[name] for name in sorted(self._described)]

    @command("option.get", level=Level.READ, per_profile=False)
    async def get(self, name: str) -> Option:
        """Return one setting.

        :param name: ``PLUGIN.NAME``
        :raises unknown.option: if there is none
        """
        return self._find(name)

    @command("option.set", level=Level.ADMIN, per_profile=False)
    async def set(self, call: Call, name: str, value: bool | int | float | str) -> Option:
        """Change a setting.

        :param name: ``PLUGIN.NAME``
        :param value: of its kind; a text is read as one where it can be
        :raises unknown.option: if there is none
        :raises usage.value: if it can't have that value
        """
        option = self._find(name)
        checked = _check(option, value)
        if name in self._checks:
            self._checks[name](checked)

        def change(tx: Transaction) -> Option:
            changed = msgspec.structs.replace(option, value=checked, rev=tx.rev)
            tx.run(_SET, name=name, value=msgspec.json.encode(checked).decode(), rev=tx.rev)
            tx.emit("", OptionChanged(changed))
            return changed

        return await self._journal.commit(change, call=call)

    def _find(self, name: str) -> Option:
        option = self._described.get(name)
        if option is None:
            raise CommandError("unknown.option", f"there is no option {name}; see: jp option list")
        return option

    def _changed(self, event: OptionChanged) -> None:
        option = event.data
        self._values[option.name] = (option.value, option.rev)
        if option.name in self._described:
            self._described[option.name] = option


def _as_stored(option: Option, value: Value, rev: int) -> Option:
    """Return a setting with a value that was set before, or its default if it allows it no more."""
    try:
        allowed = _check(option, value)
    except CommandError:
        allowed = option.default
    return msgspec.structs.replace(option, value=allowed, rev=rev)


def _check(option: Option, value: Value) -> Value:
    converted = _convert(option.kind, value)
    if converted is None:
        raise CommandError("usage.value", f"{option.name} is a {option.kind}, not {value!r}")
    if isinstance(converted, int | float) and not isinstance(converted, bool):
        low, high = option.minimum, option.maximum
        if (low is not None and converted < low) or (high is not None and converted > high):
            bounds = " and ".join(
                f"{word} {bound:g}"
                for word, bound in (("at least", low), ("at most", high))
                if bound is not None
            )
            raise CommandError("usage.value", f"{option.name} must be {bounds}")
    if option.choices and converted not in option.choices:
        raise CommandError(
            "usage.value", f"{option.name} must be one of: {', '.join(option.choices)}"
        )
    return converted


def _convert(kind: str, value: Value) -> Value | None:
    """Read a value as one of a kind; None if it can't be."""
    text = str(value).strip()
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "boolean":
        lower = text.lower()
        return True if lower in _YES else False if lower in _NO else None
    if isinstance(value, bool):
        return None
    try:
        if kind == "integer":
            return int(text)
        number = float(text)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None
