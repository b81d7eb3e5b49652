"""The character set of the terminal, as the locale tells it; what to do where it tells nonsense."""

import locale
import os
from collections.abc import Mapping

from sat.frontends.console.texts import _

_COERCED = ("c.utf-8", "c.utf8", "utf-8")


def choose(environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return what is written to the terminal, ``utf-8`` or ``ascii``, and what is to be said of it.

    A locale that names no character set, or that this system doesn't have, is taken for UTF-8: it
    is what terminals are by now, and what a program started over ssh rarely hears of.
    """
    named = next(filter(None, map(environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    try:
        locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        told = _("This system has no locale “{name}”: the screen is drawn in UTF-8.")
        return "utf-8", told.format(name=named)
    if named.lower() in _COERCED and environment.get("LANG") in ("C", "POSIX"):
        # Python itself has put another in its place (PEP 538).
        named = environment["LANG"]
    charset = named.partition(".")[2].partition("@")[0].lower().replace("-", "")
    if charset == "utf8":
        return "utf-8", ""
    if charset and charset != "usascii" and named not in ("C", "POSIX"):
        told = _("The locale “{name}” has no UTF-8: only ASCII is drawn. Set LANG=C.UTF-8.")
        return "ascii", told.format(name=named)
    told = _("The locale “{name}” names no character set: UTF-8 is drawn. Set LANG=C.UTF-8.")
    return "utf-8", told.format(name=named or "C")
