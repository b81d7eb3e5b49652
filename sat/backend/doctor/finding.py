"""What an examination finds."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad it is: an error keeps something from working, a warning makes it work worse."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was examined.

    :param check: a dotted name, for programs
    :param severity: how bad it is
    :param cause: a sentence: what was found
    :param remedy: a sentence: what to do; empty where all is well
    :param profile: whose it is; empty for what concerns all
    """

    check: str
    severity: Severity = Severity.OK
    cause: str
    remedy: str = ""
    profile: str = ""
