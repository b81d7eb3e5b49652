"""A chat with oneself: a list of messages, an editor, tabs, a palette of commands."""

import asyncio
from collections.abc import Hashable

import urwid

from sat.frontends.console.widgets.cells import clean
from sat.frontends.console.widgets.editor import Editor
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.menu import Item, Menu
from sat.frontends.console.widgets.messages import MessageList
from sat.frontends.console.widgets.paste import PastingScreen
from sat.frontends.console.widgets.popup import Overlays, Popup
from sat.frontends.console.widgets.tabs import Tabs

PALETTE = [
    (None, "", ""),
    ("row chosen", "black", "light gray"),
    ("tab chosen", "bold", ""),
    ("menu chosen", "black", "light gray"),
    ("menu found", "bold", ""),
    ("placeholder", "dark gray", ""),
]


class Said:
    """A source of rows: what was said, numbered."""

    live = True

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __contains__(self, key: object) -> bool:
        return isinstance(key, int) and 0 <= key < len(self.lines)

    def first(self) -> Hashable:
        """Return the first number."""
        return 0 if self.lines else None

    def last(self) -> Hashable:
        """Return the last number."""
        return len(self.lines) - 1 if self.lines else None

    def before(self, key: int) -> Hashable:
        """Return the number before."""
        return key - 1 if key else None

    def after(self, key: int) -> Hashable:
        """Return the number after."""
        return key + 1 if key + 1 in self else None

    def widget(self, key: int) -> urwid.Widget:
        """Draw a line; `clean` makes what comes from elsewhere harmless."""
        text = urwid.Text(clean(self.lines[key]), layout=ISOLATING)
        return urwid.AttrMap(text, None, "row chosen")


class Room(urwid.Frame):
    """What is said, and an editor below it."""

    def __init__(self, later: object) -> None:
        said = Said()
        messages = MessageList(said, later=later)
        editor = Editor(placeholder="Say something; Alt-x shows what else can be done")
        super().__init__(messages, footer=editor, focus_part="footer")

        def say(_: Editor, text: str) -> None:
            said.lines.append(text)
            messages.changed()

        urwid.connect_signal(editor, "send", say)
        self.messages = messages

    def keypress(self, size: tuple[int, int], key: str) -> str | None:
        """Give the list what means nothing to the editor."""
        left = super().keypress(size, key)
        action = None if left is None else self.messages.action(left)
        return None if action is not None and self.messages.act(action) else left


class Program(Overlays):
    """Rooms in tabs, and a palette over them."""

    def __init__(self, later: object) -> None:
        self.tabs = Tabs()
        super().__init__(self.tabs)
        self.later = later
        self.add()

    def add(self) -> None:
        """Open another room."""
        name = f"room {len(self.tabs.tabs) + 1}"
        self.tabs.add(name, name, Room(self.later))
        self.tabs.choose(name)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:
        """Show the palette."""
        left = super().keypress(size, key)
        if left == "meta x" and self.top is None:
            items = [Item("Add a room", "", "add"), Item("Next room", "Alt-n", "next")]
            menu = Menu([*items, Item("Quit", "", "quit")], palette=True)
            popup = self.show(Popup(menu, "Do", menu.columns, menu.rows_wanted))
            urwid.connect_signal(menu, "chosen", self.do, user_args=[popup])
            return None
        return left

    def do(self, popup: Popup[Menu], _: Menu, action: str) -> None:
        """Do what was chosen."""
        self.hide(popup)
        if action == "quit":
            raise urwid.ExitMainLoop
        if action == "add":
            self.add()
        else:
            self.tabs.act(action)


def main() -> None:
    """Run until Quit is chosen."""
    loop = asyncio.new_event_loop()
    urwid.MainLoop(
        Program(loop.call_later),
        PALETTE,
        screen=PastingScreen(bracketed_paste_mode=True),
        event_loop=urwid.AsyncioEventLoop(loop=loop),
    ).run()


if __name__ == "__main__":
    main()
