"""What is done with messages: moving among them, copying, opening, sending again."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.bridge.model import MessageState
from sat.frontends.console.doing.moving import write
from sat.frontends.console.texts import _
from sat.frontends.core import markup

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.views.chat import ChatRow

#: What a link that is opened begins with: a file or an option of this machine is none.
SCHEMES = ("http", "https", "xmpp", "geo", "mailto")


def _history(action: str) -> Callable[["App"], None]:
    def act(app: "App") -> None:
        if (pane := app.workspace.current) is not None:
            pane.history.act(action)

    return act


async def _newest(app: "App") -> None:
    if (pane := app.workspace.current) is not None:
        # Who is among the messages goes on from there.
        await pane.history.go_to_end(choose=pane.in_messages)


async def _first_new(app: "App") -> None:
    if (pane := app.workspace.current) is not None:
        if not await pane.history.go_to_new():
            app.tell(_("Nothing was new here when you came."))
            return
        pane.to_messages()


def chosen(app: "App") -> "ChatRow":
    """Return the chosen message.

    :raises CommandError: ``usage.message`` if none is chosen
    """
    pane = app.workspace.current
    row = pane.history.selected if pane is not None else None
    if row is None:
        raise CommandError("usage.message", _("Choose a message first: Esc, then the arrows."))
    return row


def _copy(app: "App") -> None:
    app.screen.copy(chosen(app).message.body)
    app.tell(_("The message is in the clipboard, if the terminal allows it."))


async def _retry(app: "App") -> None:
    message = chosen(app).message
    if message.state is not MessageState.FAILED:
        raise CommandError("usage.message", _("Only a message that failed is sent again."))
    await app.actions.retry(message)


async def _open(app: "App") -> None:
    message = chosen(app).message
    links = [*(one.url for one in message.attachments), *markup.links(message.body)]
    if not links:
        raise CommandError("usage.message", _("This message has no link."))
    await open_link(app, links[0])


def _picture(app: "App") -> None:
    row = chosen(app)
    if (pane := app.workspace.current) is not None:
        pane.history.pictures.toggle(row)


def _save(app: "App") -> None:
    from sat.frontends.console.windows import files

    files.save(app, chosen(app).message)


async def open_link(app: "App", link: str) -> None:
    """Open a link with what the desktop has for it, or show it where there is no desktop.

    :raises CommandError: ``denied.link`` if it leads to no other machine, as what a peer names may;
        ``failed.open`` if there is nothing to open it with
    """
    if link.partition(":")[0].lower() not in SCHEMES:
        raise CommandError(
            "denied.link", _("Only links to other machines are opened: {link}").format(link=link)
        )
    import asyncio
    import os

    none = asyncio.subprocess.DEVNULL
    command = os.environ.get("BROWSER", "").split(":")[0] or "xdg-open"
    try:
        process = await asyncio.create_subprocess_exec(
            command, link, stdin=none, stdout=none, stderr=none, start_new_session=True
        )
    except OSError as error:
        app.screen.copy(link)
        told = _("{command} can't be run: {reason}. The link is in the clipboard instead.")
        raise CommandError(
            "failed.open", told.format(command=command, reason=error.strerror)
        ) from error
    if await process.wait():
        raise CommandError(
            "failed.open", _("{command} could not open the link.").format(command=command)
        )


def _date(app: "App") -> None:
    async def done(text: str) -> None:
        pane = app.workspace.current
        if pane is not None and text.strip():
            await pane.history.go_to_day(read_date(text))
            pane.to_messages()

    app.ask(_("Go to the date (2026-11-21, 21.11., yesterday, -7):"), done)


def read_date(text: str, today: date | None = None) -> date:
    """Return the date that somebody means.

    :raises CommandError: ``usage.date`` if it is none
    """
    today = today or datetime.now().astimezone().date()
    text = text.strip().lower()
    named = {_("today").lower(): 0, "today": 0, _("yesterday").lower(): 1, "yesterday": 1}
    if text in named:
        return today - timedelta(days=named[text])
    try:
        if text.startswith("-") and text[1:].isdecimal():
            return today - timedelta(days=int(text[1:]))
        for sign, form in (("-", "%Y-%m-%d"), (".", "%d.%m.%Y"), ("/", "%d/%m/%Y")):
            if sign in text:
                numbers = [one for one in text.split(sign) if one]
                if len(numbers) == 2:
                    year = str(today.year)
                    numbers = [year, *numbers] if sign == "-" else [*numbers, year]
                return datetime.strptime(sign.join(numbers), form).date()
    except (ValueError, OverflowError):
        pass
    raise CommandError(
        "usage.date", _("“{text}” is no date: write it as 2026-11-21.").format(text=text)
    )


DOING: dict[str, Callable[["App"], Awaitable[object] | object]] = {
    "page-up": _history("page-up"),
    "page-down": _history("page-down"),
    "newest": _newest,
    "first-new": _first_new,
    "date": _date,
    "chat-down": _history("select-down"),
    "chat-up": _history("select-up"),
    "chat-first": _history("start"),
    "chat-last": _newest,
    "chat-copy": _copy,
    "chat-retry": _retry,
    "chat-open": _open,
    "chat-picture": _picture,
    "chat-save": _save,
    "chat-write": write,
}
