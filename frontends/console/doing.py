"""What each action does: the functions behind the names of :mod:`sat.frontends.console.keys`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sat.frontends.console.app import App

Doing = Callable[["App"], Awaitable[object] | object]


def _quit(app: "App") -> None:
    app.leave()


def _contacts(app: "App") -> None:
    app.root.in_contacts = not app.root.in_contacts
    if app.root.in_contacts:
        app.contacts.enter()


def _messages(app: "App") -> None:
    app.root.in_contacts = False
    if (pane := app.workspace.current) is not None:
        pane.to_messages()


def _write(app: "App") -> None:
    app.root.in_contacts = False
    if (pane := app.workspace.current) is not None:
        pane.to_editor()


def _redraw(app: "App") -> None:
    app.screen.redraw()


def _list(action: str) -> Doing:
    return lambda app: app.contacts.act(action)


def _history(action: str) -> Doing:
    def act(app: "App") -> None:
        if (pane := app.workspace.current) is not None:
            pane.history.act(action)

    return act


def _list_open(app: "App") -> None:
    row = app.contacts.selected
    if row is not None:
        app.workspace.open((row.profile, row.jid))


async def _newest(app: "App") -> None:
    if (pane := app.workspace.current) is not None:
        await pane.history.go_to_end()


DOING: dict[str, Doing] = {
    "quit": _quit,
    "contacts": _contacts,
    "messages": _messages,
    "write": _write,
    "redraw": _redraw,
    "page-up": _history("page-up"),
    "page-down": _history("page-down"),
    "newest": _newest,
    "list-down": _list("select-down"),
    "list-up": _list("select-up"),
    "list-open": _list_open,
    "list-write": _write,
    "chat-down": _history("select-down"),
    "chat-up": _history("select-up"),
    "chat-first": _history("start"),
    "chat-last": _newest,
    "chat-write": _write,
}
