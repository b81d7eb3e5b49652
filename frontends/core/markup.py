"""What a message's text means: styling, links, mentions, actions.

Grammar of the styling (XEP-0393, sections 4 to 6), over a text that is cleaned before::

    text    = line *( LF line )
    line    = *quote ( fence / inside / spans )
    quote   = ">" [ space ]          ; as many as there are; within a fence as many as it began with
    fence   = "```" *any             ; begins a preformatted block; alone on its line ends it
    spans   = *( span / any )
    span    = open spans close       ; a "`" span holds plain text alone
    open    = "*" / "_" / "~" / "`"  ; at the start, after space or another open; before neither
                                     ; space nor itself
    close   = the nearest of its kind that no space stands before

What doesn't fit is plain text. Each character is looked at a bounded number of times: spans of one
kind don't nest, so there are at most four, one in another.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import IntFlag
from functools import lru_cache
from typing import NamedTuple

from sat.frontends.core.clean import clean


class Style(IntFlag):
    """How a run of text is to be drawn."""

    PLAIN = 0
    STRONG = 1
    EMPHASIS = 2
    STRIKE = 4
    CODE = 8
    DIRECTIVE = 16
    LINK = 32
    MENTION = 64


class Run(NamedTuple):
    """A piece of a line in one style; ``link`` is where it leads."""

    text: str
    style: Style = Style.PLAIN
    link: str = ""


class Line(NamedTuple):
    """A line: within so many quotations, preformatted or not, and its runs."""

    runs: tuple[Run, ...]
    quote: int = 0
    pre: bool = False


_KINDS = {
    "*": Style.STRONG,
    "_": Style.EMPHASIS,
    "~": Style.STRIKE,
    "`": Style.CODE,
}
_FENCE = "```"
_LINK = re.compile(
    r"(?<![A-Za-z0-9+.-])(?:https?://|xmpp:|geo:|mailto:)[^\s<>\"“”«»]+", re.IGNORECASE
)
_AFTER_LINK = ".,;:!?'’*_~`…"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_ME = "/me "


def lines_of(
    text: str, nick: str = "", *, styled: bool = True, cleaned: bool = False
) -> list[Line]:
    """Return a text as lines of runs, cleaned of what could harm a terminal.

    :param nick: what we are called there: where it is said, that is a mention
    :param styled: whether styling counts; links and mentions always do
    :param cleaned: whether the caller has cleaned the text, or will clean the runs
    """
    found: list[Line] = []
    fence = -1
    for line in (text if cleaned else clean(text)).split("\n"):
        if not styled:
            found.append(Line(_runs(line, nick, [])))
            continue
        if fence >= 0:
            depth, start = _quotes(line, fence)
            if depth == fence:
                inside = line[start:]
                if inside == _FENCE:
                    fence = -1
                    found.append(Line((Run(inside, Style.DIRECTIVE),), depth, True))
                else:
                    found.append(Line(_one(inside, Style.CODE), depth, True))
                continue
            fence = -1
        depth, start = _quotes(line)
        inside = line[start:]
        if inside.startswith(_FENCE):
            fence = depth
            found.append(Line((Run(inside, Style.DIRECTIVE),), depth, True))
        else:
            found.append(Line(_runs(inside, nick, _spans(inside)), depth))
    return found


def action(text: str) -> str | None:
    """Return what somebody does, where a message says so by ``/me`` (XEP-0245); else None."""
    return text[len(_ME) :] if text.startswith(_ME) and text[len(_ME) :].strip() else None


def mentions(text: str, nick: str) -> bool:
    """Tell whether a text says a nick, as a word of its own."""
    found = _nick(nick)
    return found is not None and found.search(text) is not None


def links(text: str) -> list[str]:
    """Return the links in a text, in order, each once."""
    return list(dict.fromkeys(link for _, _, link in _links(clean(text))))


@lru_cache(64)
def _nick(nick: str) -> re.Pattern[str] | None:
    if not nick.strip():
        return None
    return re.compile(rf"(?<!\w){re.escape(nick)}(?!\w)", re.IGNORECASE)


def _quotes(line: str, most: int = -1) -> tuple[int, int]:
    """Return how many quotations a line is in, and where what they hold begins."""
    depth = start = 0
    while depth != most and line.startswith(">", start):
        depth += 1
        start += 1
        if start < len(line) and line[start].isspace():
            start += 1
    return depth, start


def _spans(line: str) -> list[tuple[int, int, Style]]:
    """Return the styled pieces of a line, an outer one before those in it."""
    closers: dict[str, list[int]] = {}
    for place, one in enumerate(line):
        if one in _KINDS and place and not line[place - 1].isspace():
            closers.setdefault(one, []).append(place)
    found: list[tuple[int, int, Style]] = []
    if not closers:
        return found
    ends: list[int] = []
    opened = -1
    place = 0
    while place < len(line):
        while ends and place >= ends[-1]:
            # The closing directive itself opens nothing.
            place = max(place, ends.pop() + 1)
        if place >= len(line):
            break
        one = line[place]
        kind = _KINDS.get(one)
        end = -1
        if kind is not None and (
            place == 0 or line[place - 1].isspace() or (opened == place - 1 >= 0)
        ):
            end = _closing(line, place, closers.get(one, []), ends[-1] if ends else len(line))
        if kind is not None and end >= 0:
            found.append((place, end + 1, kind))
            if kind is Style.CODE:
                place = end + 1
                continue
            opened = place
            ends.append(end)
        place += 1
    return found


def _closing(line: str, opening: int, closers: list[int], limit: int) -> int:
    """Return the directive that ends a span, or -1 if this one opens none."""
    following = line[opening + 1 : opening + 2]
    if not following or following.isspace() or following == line[opening]:
        return -1
    index = bisect_right(closers, opening)
    return closers[index] if index < len(closers) and closers[index] < limit else -1


def _links(line: str) -> list[tuple[int, int, str]]:
    found = []
    for match in _LINK.finditer(line):
        text = match.group()
        end = len(text)
        # Counted once: a flood of brackets is no reason to count them again for each.
        counts = {one: text.count(one) for pair in _PAIRS.items() for one in pair}
        while end:
            last = text[end - 1]
            if last in _PAIRS and counts[last] > counts[_PAIRS[last]]:
                counts[last] -= 1
            elif last not in _AFTER_LINK:
                break
            end -= 1
        link = text[:end]
        scheme, _, rest = link.partition(":")
        if rest.strip("/"):
            found.append((match.start(), match.start() + end, f"{scheme.lower()}:{rest}"))
    return found


def _one(text: str, style: Style) -> tuple[Run, ...]:
    return (Run(text, style),) if text else ()


def _runs(line: str, nick: str, spans: list[tuple[int, int, Style]]) -> tuple[Run, ...]:
    """Cut a line where anything begins or ends."""
    edges: dict[int, Style] = {}

    def mark(start: int, end: int, style: Style) -> None:
        # What overlaps itself nowhere is on between an odd edge and the next.
        edges[start] = edges.get(start, Style.PLAIN) ^ style
        edges[end] = edges.get(end, Style.PLAIN) ^ style

    code = []
    for start, end, kind in spans:
        mark(start, end, kind)
        mark(start, start + 1, Style.DIRECTIVE)
        mark(end - 1, end, Style.DIRECTIVE)
        if kind is Style.CODE:
            code.append((start, end))
    leads: dict[int, str] = {}
    for start, end, link in _outside(_links(line), code):
        mark(start, end, Style.LINK)
        leads[start] = link
    pattern = _nick(nick)
    if pattern is not None:
        for match in pattern.finditer(line):
            mark(match.start(), match.end(), Style.MENTION)
    if not edges:
        return _one(line, Style.PLAIN)
    runs = []
    style, link, last = Style.PLAIN, "", 0
    for place in sorted({*edges, len(line)}):
        if place > last:
            runs.append(Run(line[last:place], style, link if style & Style.LINK else ""))
        style ^= edges.get(place, Style.PLAIN)
        link = leads.get(place, link)
        last = place
    return tuple(runs)


def _outside(
    found: list[tuple[int, int, str]], code: list[tuple[int, int]]
) -> list[tuple[int, int, str]]:
    """Leave out links that preformatted text touches."""
    ends = [end for _, end in code]
    left = []
    for start, end, link in found:
        index = bisect_right(ends, start)
        if index == len(code) or code[index][0] >= end:
            left.append((start, end, link))
    return left
