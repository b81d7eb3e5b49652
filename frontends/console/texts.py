"""Every text that people read, in their language: :func:`_`, and :func:`ngettext` for numbers."""

import gettext
from pathlib import Path

DOMAIN = "primitivus"
FOLDER = Path(__file__).with_name("locale")

# What LANGUAGE, LC_ALL, LC_MESSAGES and LANG ask for; else English.
_found = gettext.translation(DOMAIN, str(FOLDER), fallback=True)


def _(text: str) -> str:
    """Return a text in the language of the person."""
    return _found.gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for a number, as the language has it: ``{number}`` is to be filled in."""
    return _found.ngettext(one, many, number)


def mark(text: str) -> str:
    """Mark a text that is translated where it is shown, not where it stands."""
    return text
