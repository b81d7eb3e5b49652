"""Windows that an action opens."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.bridge.model import Message, MessageState
from sat.frontends.console.doing.messages import chosen
from sat.frontends.console.texts import _
from sat.frontends.core import markup

if TYPE_CHECKING:
    from sat.frontends.console.app import App


def _help(app: "App") -> None:
    from sat.frontends.console.windows import show

    show.help_here(app)


def _palette(app: "App") -> None:
    from sat.frontends.console.windows import show

    show.palette(app)


def _search(app: "App") -> None:
    from sat.frontends.console.windows import lists

    lists.search(app)


def _search_here(app: "App") -> None:
    from sat.frontends.console.windows import lists

    pane = app.workspace.current
    lists.search(app, pane.key if pane is not None else None)


def _about(app: "App") -> None:
    from sat.frontends.console.windows import about

    about.about(app)


def _transfers(app: "App") -> None:
    from sat.frontends.console.windows import lists

    lists.transfers(app)


def _links(app: "App") -> None:
    from sat.frontends.console.windows import lists

    lists.links(app)


def _message_menu(app: "App") -> None:
    """Offer what can be done with the chosen message."""
    from sat.frontends.console.doing.messages import open_link
    from sat.frontends.console.pictures import picture_of
    from sat.frontends.console.windows import show

    pane = app.workspace.current
    row = chosen(app)
    message = row.message
    if pane is None:
        raise CommandError("usage.message", _("Open a conversation first."))
    items: list[tuple[str, str, Callable[[], object]]] = [
        (_("Copy it"), app.keys.shown("chat-copy"), lambda: app.do("chat-copy"))
    ]
    links = [*(one.url for one in message.attachments), *markup.links(message.body)]
    for number, link in enumerate(dict.fromkeys(links)):
        key = app.keys.shown("chat-open") if not number else ""
        items.append((_("Open {link}").format(link=link), key, _opens(app, link, open_link)))
    if picture_of(message) is not None:
        key = app.keys.shown("chat-picture")
        shown = pane.history.pictures.get(message.id) is not None
        title = _("Hide the picture") if shown else _("Show the picture")
        items.insert(0, (title, key, lambda: app.do("chat-picture")))
    for number, file in enumerate(message.attachments):
        key = app.keys.shown("chat-save") if not number else ""
        name = file.name or file.url.rpartition("/")[2]
        title = _("Save {name}").format(name=name)
        items.append((title, key, _saves(app, message, number)))
    if message.state is MessageState.FAILED:
        key = app.keys.shown("chat-retry")
        items.append((_("Send it again"), key, lambda: app.do("chat-retry")))
    items.append((_("Show all of it"), "", lambda: show.text(app, row.author, message.body)))
    items.append((_("Quote it"), "", lambda: pane.quote(message.body)))
    show.choose(app, _("This message"), items)


def _opens(
    app: "App", link: str, opener: Callable[["App", str], Awaitable[None]]
) -> Callable[[], object]:
    return lambda: opener(app, link)


def _saves(app: "App", message: Message, number: int) -> Callable[[], object]:
    from sat.frontends.console.windows import files

    return lambda: files.save(app, message, number)


def _questions(app: "App") -> None:
    from sat.frontends.console.windows import forms

    forms.questions(app)


def _profiles(app: "App") -> None:
    from sat.frontends.console.windows import accounts

    accounts.accounts(app)


def _settings(app: "App") -> None:
    from sat.frontends.console.windows import options

    options.options(app)


DOING: dict[str, Callable[["App"], Awaitable[object] | object]] = {
    "help": _help,
    "list-help": _help,
    "chat-help": _help,
    "palette": _palette,
    "search": _search,
    "chat-search": _search_here,
    "about": _about,
    "transfers": _transfers,
    "links": _links,
    "questions": _questions,
    "profiles": _profiles,
    "settings": _settings,
    "chat-menu": _message_menu,
}
