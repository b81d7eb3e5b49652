"""Themes: what each name of an attribute looks like, with 16, 256 and true colours, or none."""

import os
from collections.abc import Mapping
from itertools import combinations
from typing import Literal

from urwid import AttrSpec

#: An attribute's foreground and background with 16 colours, without any, and with 256 or more.
Look = tuple[str, str, str, str, str]
#: How many colours a terminal has.
Depth = Literal[1, 16, 256, 16777216]

_STYLES = {"bold": "bold", "italic": "italics", "strike": "strikethrough"}
_DARK: dict[str, tuple[str, ...]] = {
    "text": ("default", "default", "", "default", "default"),
    "dim": ("dark gray", "default", "", "g58", "default"),
    "title": ("white,bold", "dark blue", "standout", "#fff,bold", "#235"),
    "title.dim": ("light gray", "dark blue", "standout", "#bbb", "#235"),
    "bar": ("light gray", "dark blue", "standout", "#ccc", "#223"),
    "bar.good": ("light green", "dark blue", "standout", "#8d8", "#223"),
    "bar.wait": ("yellow", "dark blue", "standout", "#dd6", "#223"),
    "bar.bad": ("light red,bold", "dark blue", "standout", "#f88,bold", "#223"),
    "bar.key": ("white,bold", "dark blue", "standout,bold", "#fff,bold", "#223"),
    "line": ("dark gray", "default", "", "g35", "default"),
    "line.focus": ("light cyan", "default", "bold", "#6cf", "default"),
    "focus": ("black", "light gray", "standout", "#fff", "#346"),
    "chosen": ("white,bold", "default", "bold", "#fff,bold", "g23"),
    "row": ("default", "default", "", "default", "default"),
    "bad": ("light red", "default", "bold", "#f77", "default"),
    "good": ("light green", "default", "", "#7d7", "default"),
    "popup": ("light cyan", "default", "", "#6cf", "default"),
    "popup title": ("white,bold", "default", "bold", "#fff,bold", "default"),
    "menu": ("default", "default", "", "default", "default"),
    "menu chosen": ("black", "light gray", "standout", "#fff", "#346"),
    "menu hint": ("dark cyan", "default", "", "#9bd", "default"),
    "menu hint chosen": ("dark blue", "light gray", "standout", "#9bd", "#346"),
    "menu found": ("yellow,bold", "default", "bold", "#fd6,bold", "default"),
    "menu prompt": ("yellow", "default", "bold", "#fd6", "default"),
    "chooser path": ("light cyan", "default", "bold", "#6cf", "default"),
    "chooser text": ("yellow", "default", "bold", "#fd6", "default"),
    "chooser error": ("light red", "default", "bold", "#f77", "default"),
    "file": ("default", "default", "", "default", "default"),
    "folder": ("light cyan,bold", "default", "bold", "#6cf,bold", "default"),
    "file size": ("dark gray", "default", "", "g58", "default"),
    "dialog text": ("default", "default", "", "default", "default"),
    "form label": ("light cyan", "default", "bold", "#9bd", "default"),
    "form required": ("light red", "default", "bold", "#f77", "default"),
    "form hint": ("dark gray", "default", "", "g58", "default"),
    "form text": ("default", "default", "", "default", "default"),
    "form field": ("default", "default", "", "default", "default"),
    "form field chosen": ("black", "light gray", "standout", "#fff", "#346"),
    "form error": ("light red,bold", "default", "bold", "#f77,bold", "default"),
    "button chosen": ("black", "light gray", "standout,bold", "#fff,bold", "#48a"),
    "help heading": ("light cyan,bold", "default", "bold", "#6cf,bold", "default"),
    "help key": ("white,bold", "default", "bold", "#fff,bold", "default"),
    "help text": ("default", "default", "", "default", "default"),
    "filter": ("yellow", "default", "bold", "#fd6", "default"),
    "heading": ("dark cyan", "default", "bold", "#7ac", "default"),
    "unread": ("white,bold", "default", "bold", "#fff,bold", "default"),
    "count": ("yellow,bold", "default", "standout", "#fd6,bold", "default"),
    "mention": ("light red,bold", "default", "standout,bold", "#f77,bold", "default"),
    "online": ("light green", "default", "", "#7d7", "default"),
    "away": ("brown", "default", "", "#db6", "default"),
    "busy": ("light red", "default", "", "#f77", "default"),
    "offline": ("dark gray", "default", "", "g46", "default"),
    "time": ("dark gray", "default", "", "g50", "default"),
    "mine": ("light cyan", "default", "bold", "#6cf", "default"),
    "state": ("dark gray", "default", "", "g58", "default"),
    "state.good": ("dark green", "default", "", "#7b7", "default"),
    "failed": ("light red,bold", "default", "bold", "#f77,bold", "default"),
    "day": ("dark cyan", "default", "", "#7ac", "default"),
    "read": ("light red", "default", "bold", "#d66", "default"),
    "action": ("light magenta,italics", "default", "", "#c9e,italics", "default"),
    "title.text": ("default,bold", "default", "bold", "default,bold", "default"),
    **{
        "-".join(names): (
            "".join(["default", *(f",{_STYLES[one]}" for one in names)]),
            "default",
            ",".join(_STYLES[one] for one in names if one != "strike"),
            "".join(["default", *(f",{_STYLES[one]}" for one in names)]),
            "default",
        )
        for count in (1, 2, 3)
        for names in combinations(_STYLES, count)
    },
    "editor": ("default", "default", "", "default", "default"),
    "placeholder": ("dark gray", "default", "", "g50", "default"),
    "divider": ("dark gray", "default", "", "g35", "default"),
    "divider focus": ("light cyan", "default", "bold", "#6cf", "default"),
    "tab": ("light gray", "dark blue", "standout", "#bbb", "#223"),
    "tab chosen": ("white,bold", "default", "bold", "#fff,bold", "default"),
    "tab unread": ("white,bold", "dark blue", "standout", "#fff,bold", "#223"),
    "tab mention": ("light red,bold", "dark blue", "standout,bold", "#f88,bold", "#223"),
    "candidate": ("light gray", "dark blue", "", "#ddd", "#235"),
    "candidate chosen": ("black", "light gray", "standout", "#fff", "#48a"),
    "candidate hint": ("dark cyan", "dark blue", "", "#9bd", "#235"),
    "broken": ("light red", "default", "bold", "#f77", "default"),
    "picture": ("default", "default", "", "default", "default"),
    "code": ("light green", "default", "", "#ad8", "g15"),
    "quote": ("dark cyan", "default", "", "#8ab", "default"),
    "markup": ("dark gray", "default", "", "g46", "default"),
    "link": ("light blue,underline", "default", "underline", "#7af,underline", "default"),
    "found": ("black", "yellow", "standout", "#000", "#fd6"),
    "error": ("light red", "default", "bold", "#f77", "default"),
    "dialog": ("light gray", "black", "", "#ddd", "g11"),
    "dialog.title": ("white,bold", "dark blue", "standout", "#fff,bold", "#235"),
    "dialog.dim": ("dark gray", "black", "", "g58", "g11"),
    "field": ("white", "dark blue", "underline", "#fff", "g19"),
    "field.focus": ("black", "light gray", "standout", "#fff", "#346"),
    "button": ("white,bold", "dark gray", "bold", "#fff,bold", "g30"),
    "button.focus": ("black", "light gray", "standout,bold", "#fff,bold", "#48a"),
    "progress": ("light gray", "dark gray", "", "#ccc", "g23"),
    "progress.done": ("white,bold", "dark green", "standout", "#fff", "#386"),
}
_LIGHT = _DARK | {
    "dim": ("dark gray", "default", "", "g42", "default"),
    "title": ("white,bold", "dark blue", "standout", "#fff,bold", "#358"),
    "title.dim": ("light gray", "dark blue", "standout", "#dde", "#358"),
    "bar": ("black", "light gray", "standout", "#222", "#cde"),
    "bar.good": ("dark green", "light gray", "standout", "#162", "#cde"),
    "bar.wait": ("brown", "light gray", "standout", "#640", "#cde"),
    "bar.bad": ("dark red,bold", "light gray", "standout", "#a00,bold", "#cde"),
    "bar.key": ("black,bold", "light gray", "standout,bold", "#000,bold", "#cde"),
    "line": ("light gray", "default", "", "g70", "default"),
    "line.focus": ("dark blue", "default", "bold", "#06a", "default"),
    "focus": ("white", "dark blue", "standout", "#000", "#adf"),
    "chosen": ("black,bold", "default", "bold", "#000,bold", "g85"),
    "bad": ("dark red", "default", "bold", "#c00", "default"),
    "good": ("dark green", "default", "", "#162", "default"),
    "popup": ("dark blue", "default", "", "#06a", "default"),
    "popup title": ("black,bold", "default", "bold", "#000,bold", "default"),
    "menu chosen": ("white", "dark blue", "standout", "#000", "#adf"),
    "menu hint": ("dark blue", "default", "", "#357", "default"),
    "menu hint chosen": ("white", "dark blue", "standout", "#357", "#adf"),
    "menu found": ("dark red,bold", "default", "bold", "#a40,bold", "default"),
    "menu prompt": ("dark red", "default", "bold", "#a40", "default"),
    "chooser path": ("dark blue", "default", "bold", "#06a", "default"),
    "chooser text": ("dark red", "default", "bold", "#a40", "default"),
    "chooser error": ("dark red", "default", "bold", "#c00", "default"),
    "folder": ("dark blue,bold", "default", "bold", "#06a,bold", "default"),
    "file size": ("dark gray", "default", "", "g42", "default"),
    "form label": ("dark blue", "default", "bold", "#357", "default"),
    "form required": ("dark red", "default", "bold", "#c00", "default"),
    "form hint": ("dark gray", "default", "", "g42", "default"),
    "form field chosen": ("white", "dark blue", "standout", "#000", "#adf"),
    "form error": ("dark red,bold", "default", "bold", "#c00,bold", "default"),
    "button chosen": ("white,bold", "dark blue", "standout,bold", "#fff,bold", "#358"),
    "help heading": ("dark blue,bold", "default", "bold", "#06a,bold", "default"),
    "help key": ("black,bold", "default", "bold", "#000,bold", "default"),
    "filter": ("dark red", "default", "bold", "#a40", "default"),
    "heading": ("dark blue", "default", "bold", "#357", "default"),
    "unread": ("black,bold", "default", "bold", "#000,bold", "default"),
    "count": ("dark red,bold", "default", "standout", "#a40,bold", "default"),
    "mention": ("dark red,bold", "default", "standout,bold", "#c00,bold", "default"),
    "online": ("dark green", "default", "", "#162", "default"),
    "busy": ("dark red", "default", "", "#a00", "default"),
    "away": ("brown", "default", "", "#740", "default"),
    "offline": ("dark gray", "default", "", "g50", "default"),
    "time": ("dark gray", "default", "", "g46", "default"),
    "mine": ("dark blue", "default", "bold", "#06a", "default"),
    "state": ("dark gray", "default", "", "g46", "default"),
    "state.good": ("dark green", "default", "", "#162", "default"),
    "failed": ("dark red,bold", "default", "bold", "#c00,bold", "default"),
    "day": ("dark blue", "default", "", "#357", "default"),
    "read": ("dark red", "default", "bold", "#c00", "default"),
    "placeholder": ("dark gray", "default", "", "g46", "default"),
    "divider": ("light gray", "default", "", "g70", "default"),
    "divider focus": ("dark blue", "default", "bold", "#06a", "default"),
    "tab": ("black", "light gray", "standout", "#333", "#cde"),
    "tab chosen": ("black,bold", "default", "bold", "#000,bold", "default"),
    "tab unread": ("black,bold", "light gray", "standout", "#000,bold", "#cde"),
    "tab mention": ("dark red,bold", "light gray", "standout,bold", "#c00,bold", "#cde"),
    "candidate": ("black", "light gray", "", "#111", "#cde"),
    "candidate chosen": ("white", "dark blue", "standout", "#fff", "#358"),
    "candidate hint": ("dark blue", "light gray", "", "#357", "#cde"),
    "action": ("dark magenta,italics", "default", "", "#828,italics", "default"),
    "broken": ("dark red", "default", "bold", "#c00", "default"),
    "code": ("dark green", "default", "", "#261", "g93"),
    "quote": ("dark cyan", "default", "", "#257", "default"),
    "markup": ("light gray", "default", "", "g62", "default"),
    "link": ("dark blue,underline", "default", "underline", "#04b,underline", "default"),
    "error": ("dark red", "default", "bold", "#c00", "default"),
    "dialog": ("black", "light gray", "", "#111", "g93"),
    "dialog.title": ("white,bold", "dark blue", "standout", "#fff,bold", "#358"),
    "dialog.dim": ("dark gray", "light gray", "", "g42", "g93"),
    "field": ("black", "white", "underline", "#000", "g85"),
    "field.focus": ("white", "dark blue", "standout", "#000", "#adf"),
    "button": ("black,bold", "white", "bold", "#000,bold", "g78"),
    "button.focus": ("white,bold", "dark blue", "standout,bold", "#fff,bold", "#358"),
    "progress": ("black", "white", "", "#111", "g78"),
    "progress.done": ("white,bold", "dark green", "standout", "#fff", "#162"),
}


def _contrasted(name: str) -> tuple[str, ...]:
    """Return white on black, or black on what shines, whatever the terminal's own colours are."""
    dark = _DARK[name]
    kept = ("bold", "underline", "italics", "strikethrough")
    marks = "".join(f",{one}" for one in kept if one in dark[0])
    if "standout" in dark[2]:
        return (f"black{marks}", "white", "standout", f"#000{marks}", "#fff")
    if name in ("mention", "failed", "error", "read", "busy", "broken"):
        return (f"yellow{marks}", "black", "bold", f"#ff0{marks}", "#000")
    return (f"white{marks}", "black", dark[2], f"#fff{marks}", "#000")


#: What lines of lists are drawn with; the chosen line's is a look of its own.
ROWS = (
    *("text", "dim", "online", "away", "busy", "offline", "unread", "count", "mention"),
    *("row", "heading", "error", "bad", "good", "file", "folder", "file size"),
)


def _with_chosen(theme: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Add how each of a list's looks is in the chosen line."""
    focus = theme["focus"]
    return theme | {f"{name} chosen": focus for name in ROWS} | {"found chosen": theme["found"]}


THEMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "dark": _with_chosen(_DARK),
    "light": _with_chosen(_LIGHT),
    "high-contrast": _with_chosen({name: _contrasted(name) for name in _DARK}),
}


def palette(theme: str) -> list[tuple[str, str, str, str, str, str]]:
    """Return a theme as urwid's screens take it."""
    return [(name, *look) for name, look in THEMES[theme].items()]  # type: ignore[misc]


def depth(environment: Mapping[str, str] = os.environ) -> Depth:
    """Return how many colours the terminal says that it has: 1, 16, 256 or 2 ** 24."""
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR") or term in ("dumb", "vt100", "vt220", ""):
        return 1
    if environment.get("COLORTERM", "") in ("truecolor", "24bit") or term.endswith("-direct"):
        return 16777216
    return 256 if "256color" in term or term.startswith(("xterm-", "tmux-", "foot")) else 16


def name_look(theme: str, colours: Depth, rgb: tuple[int, int, int]) -> AttrSpec:
    """Return how a name of this colour is written.

    :param colours: as :func:`depth` tells
    :param rgb: each from 0 to 255
    """
    background = "black" if theme == "high-contrast" else "default"
    if colours >= 1 << 24:
        return AttrSpec("#{:02x}{:02x}{:02x},bold".format(*rgb), background, 16777216)
    if colours == 256:
        red, green, blue = (round(one / 17) for one in rgb)
        return AttrSpec(f"#{red:x}{green:x}{blue:x},bold", background, 256)
    if colours == 16:
        return AttrSpec(f"{_nearest(rgb, theme == 'light')},bold", background, 16)
    return AttrSpec("default,bold", "default", 16)


def _nearest(rgb: tuple[int, int, int], dark: bool) -> str:
    """Return that of the terminal's six hues which is nearest to a colour."""
    middle = sum(rgb) / 3
    bits = (rgb[0] > middle, rgb[1] > middle, rgb[2] > middle)
    hue = {
        (True, False, False): "red",
        (True, True, False): "yellow",
        (False, True, False): "green",
        (False, True, True): "cyan",
        (False, False, True): "blue",
    }.get(bits, "magenta")
    if dark:
        return "brown" if hue == "yellow" else f"dark {hue}"
    return hue if hue == "yellow" else f"light {hue}"
