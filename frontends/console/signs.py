"""Signs that stand for a word: one cell each, and another where the terminal has ASCII alone."""

import urwid

from sat.bridge.model import MessageState, Show
from sat.frontends.console.texts import mark

_ASCII = {
    "●": "*",
    "◐": "-",
    "⊖": "x",
    "○": "o",
    "…": ".",
    "↑": "^",
    "✓": "v",
    "✔": "V",
    "◉": "@",
    "✗": "!",
    "─": "-",
    "│": "|",
    "▾": "v",
    "▸": ">",
    "▏": "|",
    "·": "-",
    "⎘": "@",
    "♪": "#",
    "✎": "~",
    "█": "#",
    "░": ".",
}

#: What a contact shows, and the attribute that it is drawn with.
PRESENCE: dict[Show, tuple[str, str, str]] = {
    "chat": ("●", "online", mark("wants to talk")),
    "available": ("●", "online", mark("available")),
    "away": ("◐", "away", mark("away")),
    "xa": ("◐", "away", mark("away for long")),
    "dnd": ("⊖", "busy", mark("busy")),
    "unavailable": ("○", "offline", mark("offline")),
}

#: How far a message that was sent has come, its attribute, and what help says of it.
STATES: dict[MessageState, tuple[str, str, str]] = {
    MessageState.PENDING: ("…", "state", mark("waits to be sent")),
    MessageState.SENT: ("↑", "state", mark("sent")),
    MessageState.ACKNOWLEDGED: ("✓", "state", mark("the server has it")),
    MessageState.RECEIVED: ("✔", "state.good", mark("a program of the other has it")),
    MessageState.DISPLAYED: ("◉", "state.good", mark("the other has looked at it")),
    MessageState.FAILED: ("✗", "failed", mark("failed")),
}


def sign(char: str) -> str:
    """Return a sign as the terminal can show it."""
    return char if urwid.get_encoding_mode() == "utf8" else _ASCII.get(char, char)


def rule(cells: int) -> str:
    """Return a line across so many cells."""
    return sign("─") * max(0, cells)
