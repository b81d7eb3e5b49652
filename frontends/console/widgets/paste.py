"""What is pasted into a terminal, as one text: never as keys that would do something."""

from collections.abc import Sequence

_PREFIX = "paste "
_AS_TEXT = {"enter": "\n", "ctrl j": "\n", "ctrl m": "\n", "tab": "\t"}


def paste_key(text: str) -> str:
    """Return a pasted text as a key that widgets of this package understand."""
    return _PREFIX + text


def pasted(key: str) -> str | None:
    """Return the text that a key of :class:`PasteFilter` holds, or None if it is another key."""
    return key[len(_PREFIX) :] if key.startswith(_PREFIX) else None


def as_text(key: str) -> str:
    """Return what a key means within a paste: itself, a line end, or nothing."""
    return key if len(key) == 1 else _AS_TEXT.get(key, "")


class PasteFilter:
    """Takes the keys of a paste together: an ``input_filter`` of urwid's main loop.

    A terminal with bracketed paste (``urwid.display.raw.Screen(bracketed_paste_mode=True)``) says
    where one begins and ends. All between comes to the widget in focus as a single key, so that a
    paste costs little and can't do anything, wherever the focus is.

    :param limit: how many characters of a paste are kept; one more tells that there were more
    """

    def __init__(self, limit: int = 1 << 20) -> None:
        self._limit = limit
        self._parts: list[str] | None = None
        self._length = 0

    def __call__(
        self,
        keys: Sequence[str | tuple[str, int, int, int]],
        raw: Sequence[int] = (),
    ) -> list[str | tuple[str, int, int, int]]:
        """Return the keys, with one for each whole paste among them."""
        found: list[str | tuple[str, int, int, int]] = []
        for key in keys:
            if key == "begin paste":
                self._parts, self._length = [], 0
            elif key == "end paste":
                if self._parts is not None:
                    found.append(paste_key("".join(self._parts)))
                self._parts = None
            elif self._parts is None:
                found.append(key)
            elif isinstance(key, str) and self._length <= self._limit:
                part = as_text(key)
                self._parts.append(part)
                self._length += len(part)
        return found
