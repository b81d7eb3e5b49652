"""The pictures of a conversation: fetched by the daemon, decoded beside, drawn below their message.

Whoever gives an address sees who fetches it. So nothing is fetched before the person asks, unless
they have said that their contacts' pictures are shown by themselves.
"""

import asyncio
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from sat.bridge.errors import CommandError
from sat.bridge.model import Attachment, Contact, Message, MessageType
from sat.frontends.console.texts import _
from sat.frontends.console.widgets.image import Picture
from sat.frontends.console.widgets.sixel import Strips
from sat.frontends.core.views.chat import ChatRow

if TYPE_CHECKING:
    from sat.frontends.console.app import App

#: Pixels that are kept of a picture: what is drawn has two in a cell, and more make it smoother.
PIXELS = (240, 160)
#: Cells of a picture: in a row, and rows; and bytes of what the terminal draws itself.
CELLS = (60, 15)
STRIPS = 4_000_000
#: Whatever became of the process that decodes: nothing else than this is written to a terminal.
_SIXEL = re.compile(rb'\x1bP0;1;0q[0-9;"#!$?-~-]*\x1b\\')
#: Bytes that are fetched at most: when somebody asks, and by itself.
MOST = 30_000_000
MOST_UNASKED = 5_000_000
#: Pictures that are kept of a conversation; those shown first go first.
KEPT = 24
#: Seconds that decoding may take, waiting for the processor included.
PATIENCE = 60.0

_KINDS = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp")
_DRAWINGS = (".svg", ".svgz")


class Shown(NamedTuple):
    """What stands below a message: a picture, or a sentence in its place.

    ``strips`` are the picture as the terminal draws it itself, if it does.
    """

    picture: Picture | None
    sentence: str = ""
    strips: Strips | None = None


class Graphics(NamedTuple):
    """What a terminal draws itself: how many colours, and how many pixels a cell has."""

    colours: int
    width: int
    height: int


def picture_of(message: Message) -> int | None:
    """Return which of a message's files is a picture, as it is called; None if none is."""
    for number, file in enumerate(message.attachments):
        if _kind(file):
            return number
    return None


def is_trusted(row: ChatRow, contact: Contact | None) -> bool:
    """Tell whether a message is the person's own, or of a contact who may see them anyway.

    Whoever may see when they are there learns little from seeing that a picture is fetched.

    :param contact: whom the conversation is with, if it is one
    """
    message = row.message
    if row.ours:
        return True
    if message.type is MessageType.GROUPCHAT or "/" in message.peer or contact is None:
        return False
    return contact.subscription in ("both", "from")


def _kind(file: Attachment) -> str:
    if file.media_type is not None and file.media_type.startswith("image/"):
        return ".svg" if "svg" in file.media_type else ".png"
    with contextlib.suppress(ValueError):
        for name in (file.name or "", urlsplit(file.url).path):
            for ending in (*_KINDS, *_DRAWINGS):
                if name.lower().endswith(ending):
                    return ending
    return ""


def _no(reason: str) -> str:
    return _("No picture: {reason}").format(reason=reason)


class Pictures:
    """What is shown of the pictures of one conversation, by the messages' ids.

    :param app: the program
    :param changed: is told whose message is another one now
    """

    def __init__(self, app: "App", changed: Callable[[Hashable], None]) -> None:
        self._app = app
        self._changed = changed
        self._shown: dict[str, Shown] = {}
        self._looked_at: set[str] = set()
        self._turns = asyncio.Semaphore(2)
        self._closed = False

    def get(self, key: str) -> Shown | None:
        """Return what stands below a message."""
        return self._shown.get(key)

    def close(self) -> None:
        """Show none any more."""
        self._closed = True
        self._shown.clear()

    def toggle(self, row: ChatRow) -> None:
        """Show the picture of a message, or hide it.

        :raises CommandError: ``usage.message`` if it has none; ``denied.images`` if none are shown
        """
        if self._shown.pop(row.key, None) is not None:
            self._changed(row.key)
            return
        number = picture_of(row.message)
        if number is None:
            raise CommandError("usage.message", _("This message has no picture."))
        if self._app.settings.images == "never":
            raise CommandError("denied.images", _("Pictures are switched off in the settings."))
        self._begin(row, number, MOST)

    def seen(self, rows: Iterable[ChatRow | None]) -> None:
        """Show the pictures of what has come into view, where the person wants that."""
        if self._app.settings.images != "contacts":
            return
        for row in rows:
            if row is None or row.key in self._looked_at:
                continue
            number = picture_of(row.message)
            if number is None:
                continue
            self._looked_at.add(row.key)
            roster = self._app.attachment.state.roster
            contact = roster.get((row.message.profile, row.message.peer))
            if is_trusted(row, contact):
                file = row.message.attachments[number]
                if file.size is None or file.size <= MOST_UNASKED:
                    self._begin(row, number, MOST_UNASKED)

    def _begin(self, row: ChatRow, number: int, limit: int) -> None:
        kind = _kind(row.message.attachments[number])
        if kind in _DRAWINGS:
            self._put(
                row.key,
                Shown(None, _no(_("SVG is not drawn here."))),
            )
            return
        self._put(row.key, Shown(None, _("The picture is on its way…")))
        self._app.spawn(self._show(row.message, number, limit))

    def _put(self, key: str, shown: Shown) -> None:
        self._shown[key] = shown
        for old in list(self._shown)[:-KEPT]:
            del self._shown[old]
            self._changed(old)
        self._changed(key)

    async def _show(self, message: Message, number: int, limit: int) -> None:
        async with self._turns:
            if self._closed or message.id not in self._shown:
                return
            try:
                with tempfile.TemporaryFile() as file:
                    descriptor = file.fileno()
                    await self._app.actions.fetch_file(message, number, descriptor, limit)
                    dark = self._app.screen.theme != "light"
                    graphics = await self._app.screen.graphics()
                    shown = await decode(descriptor, "000000" if dark else "ffffff", graphics)
            except CommandError as error:
                shown = Shown(None, _no(error.sentence))
            except OSError as error:
                shown = Shown(None, _no(error.strerror or str(error)))
        if not self._closed and message.id in self._shown:
            self._put(message.id, shown)


async def decode(descriptor: int, background: str, graphics: Graphics | None = None) -> Shown:
    """Return what is shown of a picture, decoded in a process of its own.

    :param descriptor: of the open file
    :param background: the colour under what is transparent, six hexadecimal digits
    :param graphics: what the terminal draws itself
    :raises CommandError: ``failed.picture``, with the reason
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    sixel: list[int] = []
    if graphics is not None:
        columns, rows = CELLS
        sixel = [columns * graphics.width, rows * graphics.height, graphics.colours]
        sixel.append(graphics.height)
    pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(Path(__file__).with_name("decoding.py"))),
        *(*map(str, PIXELS), background, *map(str, sixel)),
        stdin=descriptor,
        stdout=pipe,
        stderr=none,
    )
    assert process.stdout is not None
    try:
        return await asyncio.wait_for(_read(process.stdout, graphics), PATIENCE)
    except (TimeoutError, asyncio.IncompleteReadError, ValueError):
        raise CommandError("failed.picture", _("it takes too long, or too much memory.")) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _read(said: asyncio.StreamReader, graphics: Graphics | None) -> Shown:
    words = (await said.readuntil(b"\n")).decode("ascii").split()
    if words[0] == "ok":
        columns, rows = int(words[1]), int(words[2])
        if not (0 < columns <= PIXELS[0] and 0 < rows <= PIXELS[1]):
            raise ValueError("it is larger than was asked for")
        picture = Picture(columns, rows, await said.readexactly(3 * columns * rows))
        if graphics is None:
            return Shown(picture)
        width, *sizes = map(int, words[3:])
        cells = -(-width // graphics.width)
        if not (0 < cells <= CELLS[0] and 0 < len(sizes) <= CELLS[1] and sum(sizes) <= STRIPS):
            return Shown(picture)
        strips = [await said.readexactly(one) for one in sizes]
        if not all(_SIXEL.fullmatch(one) for one in strips):
            raise ValueError("it would do something else than to draw")
        return Shown(picture, "", Strips(cells, strips))
    sentences = {
        "missing": _(
            "Pillow is missing (pip install salut-a-toi[images], or your system’s python3-pil)."
        ),
        "large": _("it has too many pixels, {size}.").format(size="×".join(words[1:])),
        "unknown": _("it is none of a kind that is decoded here."),
        "broken": _("it is damaged."),
    }
    sentence = sentences.get(words[0])
    if sentence is None:
        raise ValueError(words[0])
    raise CommandError("failed.picture", sentence)
