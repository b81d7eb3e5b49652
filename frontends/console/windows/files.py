"""Choosing a file to send, and one to write a conversation to."""

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import urwid

from sat.bridge.errors import CommandError
from sat.bridge.model import Message
from sat.frontends.console.message import size_text
from sat.frontends.console.texts import _
from sat.frontends.console.widgets.chooser import FileChooser
from sat.frontends.console.widgets.popup import Popup
from sat.frontends.core.saving import safe_name
from sat.frontends.core.views.names import author_of, file_name, name_of

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.state import Key

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
#: Messages that are fetched at a time.
PAGE = 500


def _choose(
    app: "App",
    title: str,
    done: Callable[[str], object],
    *,
    new: bool = False,
    name: str = "",
) -> None:
    try:
        here = Path.cwd()
    except OSError:
        here = Path.home()
    chooser = FileChooser(here, Path.home(), new=new)
    chooser.no_file = _("“{name}” is no regular file.")
    chooser.not_readable = _("“{name}” can't be read: {why}.")
    chooser.not_there = _("There is no “{name}” here.")
    chooser.empty = _("(nothing)")
    chooser.hint = _("Left: folder above  Right: into it  Tab completes  Alt-. hidden ones")
    chooser.text = name
    popup = Popup(chooser, title, 70, 18)

    def chosen(_chooser: FileChooser, path: str) -> None:
        app.dismiss(popup)
        app.run_action(lambda _: done(path))

    urwid.connect_signal(chooser, "chosen", chosen)
    app.show(popup)


def send(app: "App") -> None:
    """Let a file be chosen, and send it to whom the conversation is with."""
    pane = app.workspace.current
    if pane is None:
        raise CommandError(
            "usage.peer", _("Open a conversation first: a file is sent to somebody.")
        )
    key, history = pane.key, pane.history

    async def put(path: str) -> None:
        await app.actions.send_file(*key, path)
        if history.is_back:
            await history.go_to_end()

    _choose(app, _("Send which file?"), put)


def export(app: "App") -> None:
    """Write a conversation to a file, as text."""
    pane = app.workspace.current
    if pane is None:
        raise CommandError("usage.peer", _("Open a conversation first."))
    key = pane.key
    title = _("Write this conversation to which file?")
    name = _free_name(safe_name(name_of(app.attachment.state, *key)), datetime.now().astimezone())
    _choose(app, title, lambda path: _write(app, key, path), new=True, name=name)


def _free_name(name: str, now: datetime) -> str:
    """Return the name of a file that isn't there yet, with a date."""
    stem = f"{name[:40].strip()} {now:%Y-%m-%d}".strip()
    names = (f"{stem}{number}.txt" for number in ("", *(f" ({one})" for one in range(2, 1000))))
    return next((one for one in names if not Path(one).exists()), f"{stem}.txt")


def save(app: "App", message: Message, number: int = 0) -> None:
    """Let a name be chosen, and fetch a file of a message to it."""
    if number >= len(message.attachments):
        raise CommandError("usage.message", _("This message has no file."))
    file = message.attachments[number]
    name, title = safe_name(file_name(file)), _("Save it as:")
    _choose(app, title, lambda path: _fetch(app, message, number, path), new=True, name=name)


async def _fetch(app: "App", message: Message, number: int, path: str) -> None:
    """Fetch a file; one that is there already is never written over, and half a one never stays."""
    try:
        app.tell(_("{file} is on its way…").format(file=path))
        found = await app.actions.save_file(message, number, path)
    except OSError as error:
        told = _("{file} can't be written: {reason}.")
        raise CommandError("failed.file", told.format(file=path, reason=error.strerror)) from error
    told = _("{file} is saved: {size}.")
    app.tell(told.format(file=path, size=size_text(found.size or 0)))


async def _write(app: "App", key: "Key", path: str) -> None:
    """Write all messages, oldest first; a file that is there already is never written over."""
    profile, peer = key
    count = 0
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            after: str | None = None
            while True:
                page = await app.attachment.call(
                    *("message.list", list[Message]),
                    profile=profile, peer=peer, limit=PAGE, after=after,
                    since=_BEGIN if after is None else None,
                )  # fmt: skip
                file.writelines(_lines(app, key, page))
                count += len(page)
                if len(page) < PAGE:
                    break
                after = page[-1].id
                await asyncio.sleep(0)
    except OSError as error:
        told = _("{file} can't be written: {reason}.")
        raise CommandError("failed.file", told.format(file=path, reason=error.strerror)) from error
    told = _("{count} messages are in {file}.")
    app.tell(told.format(count=count, file=path))


def _lines(app: "App", key: "Key", page: list[Message]) -> Iterator[str]:
    state = app.attachment.state
    for one in page:
        when = one.ts.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        author = author_of(state, *key, one.from_)
        files = [file.url for file in one.attachments if file.url not in one.body]
        text = "\n".join(filter(None, (one.subject, one.body, *files)))
        yield f"{when} {author}: {text.replace(chr(10), chr(10) + '    ')}\n"
