"""Describe the whole API as data: what ``api.describe`` answers, and documentation is made from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sat.bridge.command import CommandSpec
from sat.bridge.errors import EXIT_CODES
from sat.bridge.events import Event
from sat.bridge.model import Level
from sat.bridge.session import OWN_CALLS
from sat.bridge.types import encode_hook, schema_hook
from sat.bridge.wire import API_VERSION


def describe(commands: Iterable[CommandSpec], events: Iterable[type[Event]]) -> dict[str, Any]:
    """Describe commands and events, with JSON Schemas of their types.

    Types that are objects stand once, in ``types``, and are referred to by ``#/types/NAME``.
    """
    commands = sorted([*OWN_CALLS.values(), *commands], key=lambda spec: spec.name)
    events = list(events)
    wanted = [one.type for spec in commands for one in spec.parameters]
    wanted += [spec.result for spec in commands]
    wanted += [_data_type(event) for event in events]
    schemas, types = msgspec.json.schema_components(
        wanted, schema_hook=schema_hook, ref_template="#/types/{name}"
    )
    left = iter(schemas)
    methods: list[dict[str, Any]] = [
        {
            "name": spec.name,
            "cli": spec.cli,
            "level": spec.level.value,
            "per_profile": spec.per_profile,
            "summary": spec.summary,
            "doc": spec.doc,
            "raises": [{"name": name, "doc": doc} for name, doc in spec.raises],
            "params": [
                {
                    "name": one.name,
                    "schema": next(left),
                    "required": one.required,
                    "default": msgspec.to_builtins(one.default, enc_hook=encode_hook),
                    "doc": one.doc,
                }
                for one in spec.parameters
            ],
        }
        for spec in commands
    ]
    for method in methods:
        method["result"] = next(left)
    return {
        "api": API_VERSION,
        "methods": methods,
        "events": [
            {
                "type": event.type,
                "scope": event.scope,
                "volatile": event.volatile,
                "doc": (event.__doc__ or "").strip(),
                "data": next(left),
            }
            for event in events
        ],
        "types": types,
        "errors": [{"root": root, "exit_code": code} for root, code in EXIT_CODES.items()],
        "levels": [level.value for level in Level],
    }


def _data_type(event: type[Event]) -> object:
    return next(field.type for field in msgspec.structs.fields(event) if field.name == "data")
