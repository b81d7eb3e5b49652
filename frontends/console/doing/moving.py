"""Going from one part of the screen to another, and what is on it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.frontends.console import settings
from sat.frontends.console.texts import _, ngettext
from sat.frontends.console.themes import THEMES

if TYPE_CHECKING:
    from sat.frontends.console.app import App


def _quit(app: "App") -> None:
    """Leave; where that loses what was sent, only when it is said again."""
    commands = app.commands
    waiting = commands.waiting
    if waiting and not commands.warned:
        commands.warned = True
        told = ngettext(
            "{number} message waits for the daemon, and is lost then. Once more leaves all the"
            " same.",
            "{number} messages wait for the daemon, and are lost then. Once more leaves all the"
            " same.",
            waiting,
        )
        app.tell(told.format(number=waiting), "error")
    else:
        app.leave()


def _contacts(app: "App") -> None:
    # There is no way back to where nothing is.
    app.root.in_contacts = not app.root.in_contacts or app.workspace.current is None
    if app.root.in_contacts:
        app.contacts.enter()


def _messages(app: "App") -> None:
    app.root.in_contacts = False
    if (pane := app.workspace.current) is not None:
        pane.to_messages()


def write(app: "App") -> None:
    """Go to where messages are written."""
    app.root.in_contacts = False
    if (pane := app.workspace.current) is not None:
        pane.to_editor()


def _reach(app: "App") -> None:
    if app.attachment.is_attached:
        app.tell(_("The daemon is there."))
    else:
        app.attachment.try_now()


def _redraw(app: "App") -> None:
    app.screen.redraw()


def _list(action: str) -> Callable[["App"], None]:
    return lambda app: app.contacts.act(action)


def _list_open(app: "App") -> None:
    app.contacts.act("activate")


async def _next_unread(app: "App") -> None:
    """Go to what waits longest for being read; to where our name was said first of all."""
    mine = {one.name for one in app.profiles}
    state = app.attachment.state
    waiting = [
        (not app.mentions[key], one.last.ts if one.last is not None else None, key)
        for key, one in state.conversations.items()
        if one.unread and key[0] in mine
    ]
    if not waiting:
        app.tell(_("Nothing is unread."))
        return
    pane = app.workspace.open(min(waiting, key=lambda one: (one[0], str(one[1])))[2])
    if pane.history.is_back:
        await pane.history.go_to_end()


def _filter(app: "App") -> None:
    before = app.root.in_contacts
    app.root.in_contacts = True

    def done(text: str) -> None:
        app.contacts.filter(text)
        if text.strip() and not app.contacts.view.rows:
            app.contacts.filter("")
            app.root.in_contacts = before or app.workspace.current is None
            told = _("Nobody here is called “{name}”. {key} talks to any address.")
            raise CommandError(
                "unknown.contact", told.format(name=text.strip(), key=app.keys.shown("open"))
            )
        if text:
            _list_open(app)

    def dropped() -> None:
        app.root.in_contacts = before or app.workspace.current is None

    app.ask(_("Who?"), done, changed=app.contacts.filter, dropped=dropped)


def _previous(app: "App") -> None:
    if not app.workspace.back():
        app.tell(_("No other conversation was open."))


def _theme(app: "App") -> None:
    names = [*THEMES]
    name = names[(names.index(app.screen.theme) + 1) % len(names)]
    app.screen.set_theme(name)
    app.workspace.restyle()
    try:
        settings.save(settings.path(), "theme", name)
    except OSError as error:
        app.tell(_("The theme can't be kept: {reason}.").format(reason=error.strerror), "error")


def _occupants(app: "App") -> None:
    app.shows_occupants = not app.shows_occupants
    app.workspace.redraw()


def _offline(app: "App") -> None:
    app.contacts.hide_offline(not app.contacts.hides_offline)


def _split(beside: bool) -> Callable[["App"], None]:
    return lambda app: app.workspace.split(beside=beside)


def _list_beside(app: "App") -> None:
    row = app.contacts.selected
    if row is not None:
        app.contacts.filter("")
        app.workspace.split(beside=True)
        app.workspace.open((row.profile, row.jid))


def _panes(action: str, other: str = "") -> Callable[["App"], None]:
    def act(app: "App") -> None:
        app.root.in_contacts = False
        if not app.workspace.act_panes(action) and other:
            app.workspace.act_panes(other)

    return act


def _tabs(action: str) -> Callable[["App"], None]:
    def act(app: "App") -> None:
        app.workspace.act_tabs(action)

    return act


_NUMBERS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]

DOING: dict[str, Callable[["App"], Awaitable[object] | object]] = {
    "quit": _quit,
    "contacts": _contacts,
    "filter": _filter,
    "messages": _messages,
    "write": write,
    "reach": _reach,
    "redraw": _redraw,
    "next-unread": _next_unread,
    "previous": _previous,
    "theme": _theme,
    "occupants": _occupants,
    "split-right": _split(True),
    "split-below": _split(False),
    "close": lambda app: app.workspace.close_current(),
    "focus-next": _panes("focus-next"),
    "grow": _panes("wider", "higher"),
    "shrink": _panes("narrower", "lower"),
    "tab-new": lambda app: app.workspace.new_tab(),
    "tab-next": _tabs("next"),
    "tab-previous": _tabs("previous"),
    **{f"tab-{at}": _tabs(name) for at, name in enumerate(_NUMBERS, 1)},
    "list-beside": _list_beside,
    "list-down": _list("down"),
    "list-up": _list("up"),
    "list-fold": _list("activate"),
    "list-page-down": _list("page-down"),
    "list-page-up": _list("page-up"),
    "list-first": _list("first"),
    "list-last": _list("last"),
    "list-open": _list_open,
    "list-filter": _filter,
    "list-offline": _offline,
    "list-write": write,
}
