"""What the core says, in the language of whoever looks: English, unless a frontend says otherwise.

It stands on the way of every ``jp``, whose words scripts and their authors read: so it imports
nothing, and looks for no language itself.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_one: "Callable[[str], str] | None" = None
_of_number: "Callable[[str, str, int], str] | None" = None


def use(
    gettext: "Callable[[str], str] | None", ngettext: "Callable[[str, str, int], str] | None"
) -> None:
    """Let a frontend translate what the core says from now on; None is English again."""
    global _one, _of_number
    _one, _of_number = gettext, ngettext


def is_english() -> bool:
    """Tell whether nothing is translated."""
    return _one is None


def _(text: str) -> str:
    """Return a text in the language of the person; one that nobody has translated as it is."""
    # The translation of nothing is what a catalogue says of itself.
    return text if _one is None or not text else _one(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for a number, as the language has it: ``{number}`` is to be filled in."""
    if _of_number is None:
        return one if number == 1 else many
    return _of_number(one, many, number)


def mark(text: str) -> str:
    """Mark a text that is translated where it is shown, not where it stands."""
    return text
