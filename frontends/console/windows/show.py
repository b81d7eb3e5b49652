"""Windows that show something, or let one of several things be chosen."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import urwid

from sat.frontends.console.keys import ACTIONS, PLACES, Action, shown
from sat.frontends.console.signs import PRESENCE, STATES, sign
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.helppage import HelpPage
from sat.frontends.console.widgets.menu import Item, Menu
from sat.frontends.console.widgets.popup import Popup

if TYPE_CHECKING:
    from sat.frontends.console.app import App

#: The most columns that a window takes by itself.
WIDE = 100


def choose(
    app: "App",
    title: str,
    items: Sequence[tuple[str, str, Callable[[], object]]],
    *,
    palette: bool = False,
) -> None:
    """Let one of several things be done: each a title, a hint, and what it does."""
    menu = Menu(
        [Item(name, hint, number) for number, (name, hint, _do) in enumerate(items)], palette
    )
    popup = Popup(menu, title, min(WIDE, max(menu.columns + 2, 30)), menu.rows_wanted)

    def chosen(_menu: Menu, number: int) -> None:
        app.dismiss(popup)
        app.run_action(lambda _: items[number][2]())

    urwid.connect_signal(menu, "chosen", chosen)
    app.show(popup)


def rows(app: "App", title: str, found: Sequence[tuple[str, str]]) -> None:
    """Show pairs: what is typed, and what it does."""
    page(app, title, [("", found)])


def text(app: "App", title: str, told: str) -> None:
    """Show a text of any length."""
    lines = [("", line) for line in cells.clean(told).rstrip("\n").split("\n")]
    page(app, title, [("", lines)])


def page(app: "App", title: str, chapters: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
    """Show chapters of pairs."""
    shows = HelpPage(chapters)
    every = [pair for _head, pairs in chapters for pair in pairs]
    left, right = (
        max((cells.width(cells.line(pair[side])) for pair in every), default=0) for side in (0, 1)
    )
    # What stands at the left has one column, as wide as the widest of it.
    widest = left + right + 4
    app.show(Popup(shows, title, min(WIDE, max(30, widest)), shows.rows_wanted))


def help_here(app: "App") -> None:
    """Show what can be done here first, then everywhere, and what the signs mean."""
    if app.root.in_contacts:
        first = ["contacts"]
    elif (pane := app.workspace.current) is not None and pane.in_occupants:
        first = ["occupants"]
    elif pane is not None and pane.in_messages:
        first = ["chat"]
    else:
        first = ["editor"]
    if first == ["editor"]:
        # Who writes knows how to move a cursor; what else there is comes first.
        first = ["anywhere", "editor"]
    order = [*dict.fromkeys((*first, "anywhere", *PLACES))]
    chapters = [(_(PLACES[place]), _pairs(app, place)) for place in order]
    chapters.insert(
        1, (_("Commands"), [("/help", _("what can be said in a conversation, beside messages"))])
    )
    signs = [
        *((sign(char), _(word)) for char, _look, word in STATES.values()),
        *((sign(char), _(word)) for char, _look, word in PRESENCE.values()),
    ]
    chapters.append((_("Signs"), signs))
    page(app, _("Help"), chapters)


def _pairs(app: "App", place: str) -> list[tuple[str, str]]:
    found = []
    numbered = False
    for action in ACTIONS:
        keys = app.keys.of(action.name)
        if action.place != place or not keys:
            continue
        if action.name.startswith("tab-") and action.name[4:].isdigit():
            if numbered:
                continue
            numbered = True
        found.append((", ".join(map(shown, keys)), _(action.title)))
    return found


def palette(app: "App") -> None:
    """Let any action be looked for and done."""
    from sat.frontends.console.doing import DOING

    def does(action: Action) -> Callable[[], object]:
        return lambda: app.do(action.name)

    offered = [
        (_(one.title).capitalize(), app.keys.shown(one.name), does(one))
        for one in ACTIONS
        if one.name in DOING and one.place in ("anywhere", "chat") and one.name != "palette"
        and not one.name.removeprefix("tab-").isdigit()
    ]  # fmt: skip
    choose(app, _("What is to be done?"), offered, palette=True)
