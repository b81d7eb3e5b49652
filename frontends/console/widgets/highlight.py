"""Words in what is drawn already, with another attribute."""

import re
from collections.abc import Hashable

import urwid


def highlighted(
    canvas: urwid.Canvas, pattern: re.Pattern[str], attribute: Hashable
) -> urwid.Canvas:
    """Return a canvas like this one, in which what matches has an attribute of its own."""
    texts, attributes, charsets = [], [], []
    encoding = urwid.util.get_encoding()
    for row in canvas.content():
        encoded = b"".join(text for _, _, text in row)
        runs: list[tuple[Hashable, int]] = [(name, len(text)) for name, _, text in row]
        charset = [(name, len(text)) for _, name, text in row]
        decoded = encoded.decode(encoding, "replace")
        for match in pattern.finditer(decoded):
            start = len(decoded[: match.start()].encode(encoding, "replace"))
            length = len(match[0].encode(encoding, "replace"))
            runs = _overlaid(runs, start, start + length, attribute)
        texts.append(encoded)
        attributes.append(runs)
        charsets.append(charset)
    return urwid.TextCanvas(texts, attributes, charsets, cursor=canvas.cursor, maxcol=canvas.cols())


def _overlaid(
    runs: list[tuple[Hashable, int]], start: int, end: int, attribute: Hashable
) -> list[tuple[Hashable, int]]:
    found: list[tuple[Hashable, int]] = []
    at = 0
    for name, length in runs:
        for low, high, one in (
            (at, min(at + length, start), name),
            (max(at, start), min(at + length, end), attribute),
            (max(at, end), at + length, name),
        ):
            if high > low:
                found.append((one, high - low))
        at += length
    return found
