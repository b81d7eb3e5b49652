"""Every text that people read, in their language: :func:`_`, and :func:`ngettext` for numbers.

The catalogue has what the core says too: :func:`share` hands it over.
"""

import os
from pathlib import Path

DOMAIN = "primitivus"
FOLDER = Path(__file__).with_name("locale")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gettext import NullTranslations


def _find() -> "NullTranslations | None":
    """Return what LANGUAGE, LC_ALL, LC_MESSAGES and LANG ask for; None for English."""
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next(filter(None, map(os.environ.get, names)), "")
    if not any((FOLDER / one[:2]).is_dir() for one in wanted.split(":") if one):
        return None
    # Slow to load, and most need none.
    import gettext

    return gettext.translation(DOMAIN, str(FOLDER), fallback=True)


_found = _find()


def _(text: str) -> str:
    """Return a text in the language of the person."""
    return text if _found is None else _found.gettext(text)


def share() -> None:
    """Let the core speak the same language as the console."""
    if _found is not None:
        from sat.frontends.core import texts

        texts.use(_found.gettext, _found.ngettext)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for a number, as the language has it: ``{number}`` is to be filled in."""
    if _found is None:
        return one if number == 1 else many
    return _found.ngettext(one, many, number)


def mark(text: str) -> str:
    """Mark a text that is translated where it is shown, not where it stands."""
    return text
