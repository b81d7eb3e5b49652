"""What a console's screen says of a conversation, read as a person does."""

import re
from dataclasses import dataclass

#: The signs of how far a message of ours has come, as help names them.
SIGNS = {
    "pending": "…",
    "sent": "↑",
    "acknowledged": "✓",
    "received": "✔",
    "displayed": "◉",
    "failed": "✗",
}
_MESSAGE = re.compile(r"\d\d:\d\d (.) (?:(\w+): )?(m\d+ \w+)")
_RULE = re.compile(r"─+")
_EMPTY = "Write a message"
#: A day across a conversation, which has another length each day.
_DAY = r"[─ ]*\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,[^│\n\x1b]*"


@dataclass(frozen=True)
class Line:
    """A message on the screen; ``author`` is empty where whoever speaks on stands above it."""

    sign: str
    author: str
    body: str


@dataclass(frozen=True)
class Shown:
    """A conversation on the screen.

    ``lines`` are its messages; ``whole`` tells that there is room for more, so that these are all;
    ``draft`` is what stands in the line to write in; ``unread`` what the bottom line counts.
    """

    lines: tuple[Line, ...]
    whole: bool
    draft: str
    unread: int


def read_screen(screen: str) -> Shown | None:
    """Return what a screen shows of the one conversation on it, if it shows one.

    Messages are those whose text is a number and a word, such as ``m12 hello``; a draft has one
    line.
    """
    rows = screen.split("\n")
    beside = rows[0].find("│") + 1
    chat = [row[beside:] for row in rows]
    rules = [number for number, row in enumerate(chat) if _RULE.fullmatch(row)]
    if not rules or rules[-1] + 1 >= len(rows):
        return None
    middle, editor = chat[: rules[-1]], chat[rules[-1] + 1]
    lines: list[Line] = []
    whole = False
    author = ""
    for row in middle:
        found = _MESSAGE.match(row)
        if found is not None:
            author = found[2] or author
            lines.append(Line(found[1], author, found[3]))
        elif not lines and not row.strip():
            whole = True
    draft = "" if editor == _EMPTY else editor
    return Shown(tuple(lines), whole, draft, read_unread(screen))


def read_unread(screen: str) -> int:
    """Return how many messages are unread, as the bottom line of a screen counts them."""
    counted = re.search(r" (\d+) new\b", screen.split("\n")[-1])
    return int(counted[1]) if counted else 0


def without_times(screen: str) -> str:
    """Return a screen with a word for each day and time on it: they are others each time."""
    screen = re.sub(_DAY, "──DAY──", screen)
    screen = re.sub(r"\d{4}-\d\d-\d\d", "YYYY-MM-DD", screen)
    return re.sub(r"(?<!\d)\d\d:\d\d(?!\d)", "HH:MM", screen)
