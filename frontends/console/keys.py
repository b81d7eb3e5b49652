"""What can be done by a key: names of actions in one table, which help and presets come from.

A key is written as urwid names it (``ctrl x``, ``meta 1``, ``f2``, ``shift tab``). An action of the
place ``anywhere`` is looked for before what has the focus gets the key.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sat.frontends.console.texts import mark


class Action(NamedTuple):
    """What a key does: its name, what people read of it, where, and the keys by preset."""

    name: str
    title: str
    place: str
    plain: tuple[str, ...]
    vi: tuple[str, ...] | None = None

    def keys(self, preset: str) -> tuple[str, ...]:
        """Return the keys that a preset has for it."""
        return self.plain if preset == "plain" or self.vi is None else self.vi


#: The places of actions, and what help calls them.
PLACES = {
    "anywhere": mark("Anywhere"),
    "contacts": mark("In the list of contacts"),
    "chat": mark("In the messages"),
    "occupants": mark("Among who is in the room"),
    "editor": mark("Where you write"),
    "dialog": mark("In a window on top"),
}

ACTIONS: tuple[Action, ...] = (
    Action("help", mark("what can be done here"), "anywhere", ("f1", "meta ?")),
    Action("palette", mark("all commands"), "anywhere", ("ctrl p", "meta x")),
    Action("quit", mark("leave; the daemon goes on"), "anywhere", ("ctrl x",)),
    Action("command", mark("command line"), "anywhere", ("meta :",)),
    Action("contacts", mark("to the contacts, and back"), "anywhere", ("f2",)),
    Action("filter", mark("look for a contact"), "anywhere", ("ctrl t",)),
    Action("messages", mark("to the messages"), "anywhere", ("f4",)),
    Action("write", mark("to where you write"), "anywhere", ("f5",)),
    Action("occupants", mark("show who is in the room"), "anywhere", ("f3",)),
    Action("people", mark("to who is in the room"), "anywhere", ("meta m",)),
    Action("about", mark("whom this conversation is with"), "anywhere", ("meta i",)),
    Action(
        "next-unread", mark("to the next unread conversation"), "anywhere", ("meta a", "ctrl n")
    ),
    Action("previous", mark("back to the conversation before"), "anywhere", ("meta /",)),
    Action("open", mark("talk to somebody else"), "anywhere", ("meta o",)),
    Action("join", mark("join a room"), "anywhere", ("meta j",)),
    Action("split-right", mark("one more conversation beside this"), "anywhere", ("meta v",)),
    Action("split-below", mark("one more conversation below this"), "anywhere", ("meta h",)),
    Action("close", mark("close this conversation"), "anywhere", ("meta w",)),
    Action("focus-next", mark("to the next conversation on the screen"), "anywhere", ("f6",)),
    Action("grow", mark("more room for this conversation"), "anywhere", ("meta +", "meta =")),
    Action("shrink", mark("less room for this conversation"), "anywhere", ("meta -",)),
    Action("tab-new", mark("new tab"), "anywhere", ("meta t",)),
    Action("tab-next", mark("next tab"), "anywhere", ("ctrl page down", "meta n")),
    Action("tab-previous", mark("previous tab"), "anywhere", ("ctrl page up", "meta p")),
    *(
        Action(f"tab-{number}", mark("tab by its number"), "anywhere", (f"meta {number}",))
        for number in range(1, 10)
    ),
    Action("reach", mark("reach the daemon now, and start it"), "anywhere", ("meta c",)),
    Action("search", mark("search in all messages"), "anywhere", ("ctrl f",)),
    Action("date", mark("go to a date"), "anywhere", ("meta g",)),
    Action("questions", mark("what waits for your decision"), "anywhere", ("f7", "meta q")),
    Action("transfers", mark("files on their way"), "anywhere", ("f11", "meta k")),
    Action("links", mark("links and files of this conversation"), "anywhere", ("meta l",)),
    Action("send-file", mark("send a file"), "anywhere", ("ctrl o",)),
    Action("export", mark("write this conversation to a file"), "anywhere", ("meta e",)),
    Action("profiles", mark("your accounts"), "anywhere", ("f8",)),
    Action("settings", mark("settings"), "anywhere", ("f9",)),
    Action("theme", mark("next theme"), "anywhere", ("f10",)),
    Action("page-up", mark("older messages"), "anywhere", ("page up",)),
    Action("page-down", mark("newer messages"), "anywhere", ("page down",)),
    Action("newest", mark("to the newest message"), "anywhere", ("meta end", "ctrl end")),
    Action("first-new", mark("to where it is new"), "anywhere", ("meta home",)),
    Action("redraw", mark("draw the screen anew"), "anywhere", ("ctrl l",)),
    Action("list-help", mark("what can be done here"), "contacts", ("?",)),
    Action("list-filter", mark("look for a contact"), "contacts", ("/",)),
    Action("list-command", mark("command line"), "contacts", (":",)),
    Action("list-down", mark("down"), "contacts", ("down",), ("j", "down")),
    Action("list-up", mark("up"), "contacts", ("up",), ("k", "up")),
    Action("list-page-down", mark("a screen down"), "contacts", ("ctrl d",)),
    Action("list-page-up", mark("a screen up"), "contacts", ("ctrl u",)),
    Action("list-first", mark("to the first"), "contacts", ("home",), ("g", "home")),
    Action("list-last", mark("to the last"), "contacts", ("end",), ("G", "end")),
    Action("list-open", mark("open the conversation"), "contacts", ("enter",), ("enter", "l")),
    Action(
        "list-beside",
        mark("open it beside this one"),
        "contacts",
        ("meta enter",),
        ("o", "meta enter"),
    ),
    Action("list-fold", mark("fold a group, or open it"), "contacts", (" ",)),
    Action("list-offline", mark("hide who is offline, or show them"), "contacts", ("h",)),
    Action(
        "list-write",
        mark("back to where you write"),
        "contacts",
        ("esc", "tab"),
        ("esc", "tab", "i"),
    ),
    Action("chat-help", mark("what can be done here"), "chat", ("?",)),
    Action("chat-command", mark("command line"), "chat", (":",)),
    Action("chat-search", mark("search in this conversation"), "chat", ("/",)),
    Action("chat-down", mark("next message"), "chat", ("down",), ("j", "down")),
    Action("chat-up", mark("previous message"), "chat", ("up",), ("k", "up")),
    Action("chat-first", mark("to the oldest here"), "chat", ("home",), ("g", "home")),
    Action("chat-last", mark("to the newest message"), "chat", ("end",), ("G", "end")),
    Action("chat-menu", mark("what can be done with this message"), "chat", ("enter", " ")),
    Action("chat-copy", mark("copy the message"), "chat", ("c",), ("y",)),
    Action("chat-retry", mark("send a failed message again"), "chat", ("r",)),
    Action("chat-open", mark("open its link"), "chat", ("o",)),
    Action("chat-picture", mark("show its picture, or hide it"), "chat", ("p",)),
    Action("chat-save", mark("save its file"), "chat", ("s",)),
    Action(
        "chat-write", mark("back to where you write"), "chat", ("esc", "tab"), ("i", "a", "tab")
    ),
    Action("people-help", mark("what can be done here"), "occupants", ("?",)),
    Action("people-command", mark("command line"), "occupants", (":",)),
    Action("people-down", mark("down"), "occupants", ("down",), ("j", "down")),
    Action("people-up", mark("up"), "occupants", ("up",), ("k", "up")),
    Action("people-page-down", mark("a screen down"), "occupants", ("ctrl d",)),
    Action("people-page-up", mark("a screen up"), "occupants", ("ctrl u",)),
    Action("people-first", mark("to the first"), "occupants", ("home",), ("g", "home")),
    Action("people-last", mark("to the last"), "occupants", ("end",), ("G", "end")),
    Action("people-menu", mark("what can be done with somebody"), "occupants", ("enter", " ")),
    Action("people-private", mark("write to somebody in private"), "occupants", ("p",)),
    Action("people-mention", mark("speak to somebody in the room"), "occupants", ("m",)),
    Action("people-about", mark("what is known of somebody"), "occupants", ("w",)),
    Action("people-invite", mark("invite somebody to another room"), "occupants", ("n",)),
    Action("people-block", mark("block somebody, or no more"), "occupants", ("b",)),
    Action(
        "people-write",
        mark("back to where you write"),
        "occupants",
        ("esc", "tab"),
        ("esc", "tab", "i"),
    ),
    Action("edit-leave", mark("to the messages"), "editor", ("esc",)),
    Action("edit-send", mark("send"), "editor", ("enter",)),
    Action("edit-newline", mark("new line"), "editor", ("meta enter", "shift enter")),
    Action("edit-complete", mark("complete a name, command or path"), "editor", ("tab",)),
    Action("edit-complete-back", mark("the completion before"), "editor", ("shift tab",)),
    Action("edit-left", mark("left"), "editor", ("left", "ctrl b")),
    Action("edit-right", mark("right"), "editor", ("right",)),
    Action("edit-word-left", mark("a word left"), "editor", ("meta b", "ctrl left")),
    Action("edit-word-right", mark("a word right"), "editor", ("meta f", "ctrl right")),
    Action("edit-line-start", mark("start of the line"), "editor", ("home", "ctrl a")),
    Action("edit-line-end", mark("end of the line"), "editor", ("end", "ctrl e")),
    Action("edit-text-start", mark("start of the text"), "editor", ("meta <", "ctrl home")),
    Action("edit-text-end", mark("end of the text"), "editor", ("meta >",)),
    Action("edit-up", mark("up, or what you sent before"), "editor", ("up",)),
    Action("edit-down", mark("down, or what you sent after"), "editor", ("down",)),
    Action("edit-delete-left", mark("delete to the left"), "editor", ("backspace", "ctrl h")),
    Action("edit-delete-right", mark("delete to the right"), "editor", ("delete", "ctrl d")),
    Action("edit-kill-line-end", mark("cut to the end of the line"), "editor", ("ctrl k",)),
    Action("edit-kill-line-start", mark("cut to the start of the line"), "editor", ("ctrl u",)),
    Action("edit-kill-blank-left", mark("cut the word before"), "editor", ("ctrl w",)),
    Action("edit-kill-word-left", mark("cut to the word's start"), "editor", ("meta backspace",)),
    Action("edit-kill-word-right", mark("cut to the word's end"), "editor", ("meta d",)),
    Action("edit-yank", mark("put in what was cut"), "editor", ("ctrl y",)),
    Action("edit-yank-pop", mark("put in what was cut before"), "editor", ("meta y",)),
    Action("edit-undo", mark("undo"), "editor", ("ctrl _", "meta u")),
    Action("edit-redo", mark("redo"), "editor", ("meta r",)),
    Action("dialog-close", mark("close it"), "dialog", ("esc", "ctrl g")),
)

BY_NAME: Mapping[str, Action] = {one.name: one for one in ACTIONS}
PRESETS = ("plain", "vi")


class Keys:
    """Which key does what, as a preset and the person have it.

    :param chosen: what the person's file says: keys by names of actions
    :raises ValueError: for an action that there isn't, or a key of two actions of one place
    """

    def __init__(self, preset: str, chosen: Mapping[str, Iterable[str]] | None = None) -> None:
        own_keys = {name: tuple(keys) for name, keys in (chosen or {}).items()}
        if unknown := sorted(own_keys.keys() - BY_NAME.keys()):
            raise ValueError(f"there is no action “{unknown[0]}”")
        self._keys: dict[str, tuple[str, ...]] = {}
        self._actions: dict[tuple[str, str], str] = {}
        taken = {(BY_NAME[name].place, key) for name, keys in own_keys.items() for key in keys}
        for action in ACTIONS:
            own = own_keys.get(action.name)
            # A key that the person gave away does no longer what the preset has for it.
            keys = own if own is not None else tuple(
                key for key in action.keys(preset) if (action.place, key) not in taken
            )  # fmt: skip
            self._keys[action.name] = keys
            for key in keys:
                other = self._actions.setdefault((action.place, key), action.name)
                if other != action.name:
                    raise ValueError(f"“{key}” is the key of {other} and of {action.name}")

    def action(self, place: str, key: str) -> str | None:
        """Return the name of what a key does in a place, if it does something there."""
        return self._actions.get((place, key))

    def widget(self, prefix: str) -> dict[str, tuple[str, ...]]:
        """Return the keys of a widget's own actions, which are in the table under a prefix."""
        return {
            name.removeprefix(prefix): keys
            for name, keys in self._keys.items()
            if name.startswith(prefix)
        }

    def of(self, action: str) -> tuple[str, ...]:
        """Return the keys of an action."""
        return self._keys[action]

    def shown(self, action: str) -> str:
        """Return the first key of an action as people read it, or nothing if it has none."""
        keys = self._keys[action]
        return shown(keys[0]) if keys else ""


def shown(key: str) -> str:
    """Return a key as it is written on keyboards: ``ctrl x`` is ``Ctrl-X``."""
    *marks, last = key.split(" ") if key != " " else ["Space"]
    names = {"meta": "Alt", "page": "Page", "esc": "Esc"}
    last = last.upper() if marks and len(last) == 1 else names.get(last, last)
    if len(last) > 1 and last.islower():
        last = last.capitalize()
    return "-".join([*(names.get(one, one.capitalize()) for one in marks), last])
