"""``sat doctor``: find out what doesn't work, why, and what to do."""

from __future__ import annotations

import sys

import msgspec

from sat.backend.doctor.finding import Finding, Severity
from sat.backend.doctor.run import examine
from sat.bridge.errors import CommandError
from sat.bridge.paths import home
from sat.frontends.core.clean import clean_line, encode_json


def main(arguments: list[str]) -> int:
    """Examine this home and its profiles, print what is found, and return 1 if anything is wrong.

    :param arguments: a profile's name, so that others are left out; ``--json``: an object a line
    :raises CommandError: if the arguments aren't these, or there is no such profile
    """
    as_json = "--json" in arguments
    names = [one for one in arguments if one != "--json"]
    if len(names) > 1 or any(name.startswith("-") for name in names):
        raise CommandError("usage.arguments", "sat doctor takes a profile's name and --json alone.")
    found = examine(home(), names[0] if names else None)
    for one in found:
        if as_json:
            sys.stdout.buffer.write(encode_json(msgspec.to_builtins(one)))
        else:
            print(render(one))
    return 1 if any(one.severity is Severity.ERROR for one in found) else 0


def render(finding: Finding) -> str:
    """Write a finding for people: how bad, of which profile, the cause, and below it the remedy."""
    whose = f"{finding.profile}: " if finding.profile else ""
    line = f"{finding.severity:8}{clean_line(whose + finding.cause)}"
    return f"{line}\n        → {clean_line(finding.remedy)}" if finding.remedy else line
