"""What is pasted into a terminal, as one text: never as keys that would do something."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from urwid.display import raw
from urwid.util import get_encoding

from sat.frontends.console.widgets.cells import line

_BEGIN, _END = b"\x1b[200~", b"\x1b[201~"
#: What would do something as a key, and what has no place in a text.
_NO_TEXT = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|O[ -~])?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PREFIX = "paste "
_AS_TEXT = {"enter": "\n", "ctrl j": "\n", "ctrl m": "\n", "tab": "\t"}


def paste_key(text: str) -> str:
    """Return a pasted text as a key that widgets of this package understand."""
    return _PREFIX + text


def pasted(key: str) -> str | None:
    """Return the text that a key of :class:`PasteFilter` holds, or None if it is another key."""
    return key[len(_PREFIX) :] if key.startswith(_PREFIX) else None


def written(key: str, most: int = 200) -> str:
    """Return what a key writes into a line: itself, or the paste that it is; else nothing.

    :param most: how many characters of a paste
    """
    if len(key) == 1:
        return key if key.isprintable() else ""
    return line(pasted(key) or "")[:most]


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


class Pastes:
    """Finds pastes among the bytes that a terminal sends.

    :param limit: how many bytes of a paste are kept; a few more tell that there were more
    """

    def __init__(self, limit: int = 1 << 22) -> None:
        self._limit = limit
        self._held: bytearray | None = None

    def split(self, codes: Sequence[int]) -> Iterator[list[int] | str]:
        """Yield what is no paste as bytes, and each paste that ends here as its text, in order."""
        left = bytes(codes)
        while left or self._held is not None:
            if self._held is None:
                before, begin, left = left.partition(_BEGIN)
                if before:
                    yield list(before)
                if not begin:
                    return
                self._held = bytearray()
            # The end may come in two pieces.
            searched = max(0, len(self._held) - len(_END))
            self._held += left
            at = self._held.find(_END, searched)
            if at < 0:
                if len(self._held) > self._limit:
                    del self._held[self._limit : -len(_END)]
                return
            left = bytes(self._held[at + len(_END) :])
            text = bytes(self._held[:at])
            self._held = None
            yield _text(text)


def _text(pasted: bytes) -> str:
    text = pasted.decode(get_encoding(), "replace").replace("\r\n", "\n").replace("\r", "\n")
    return _NO_TEXT.sub("", text)


class PastingScreen(raw.Screen):
    """urwid's raw screen, to which a paste is one key from the beginning (see :func:`pasted`).

    urwid makes a key of each of its characters, and copies all that follow: 100,000 of them take it
    seconds.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._pastes = Pastes()

    def parse_input(
        self,
        event_loop: Any,
        callback: Callable[[list[Any], list[int]], Any] | None,
        codes: list[int],
        wait_for_more: bool = True,
    ) -> Any:
        """Parse what came, and give each paste as one key."""
        if callback is None:
            return super().parse_input(event_loop, callback, codes, wait_for_more)
        parsed = False
        for part in self._pastes.split(codes):
            if isinstance(part, str):
                callback([paste_key(part)], [])
            else:
                parsed = True
                super().parse_input(event_loop, callback, part, wait_for_more)
        if not parsed:
            # That is also how it tells of another size.
            super().parse_input(event_loop, callback, [], wait_for_more)
        return None
