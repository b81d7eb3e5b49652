"""Plain lines, one after another: for screen readers, braille lines, and the simplest terminals.

Nothing is drawn twice and nothing moves: what happens is a line, what is typed is a line.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sat import __version__
from sat.bridge.errors import CommandError
from sat.bridge.model import Direction, Message, MessageState, Question
from sat.frontends.console.main import HUNG_UP
from sat.frontends.console.message import size_text
from sat.frontends.console.signs import STATES, sign
from sat.frontends.console.texts import _, ngettext
from sat.frontends.console.widgets import cells
from sat.frontends.core import markup
from sat.frontends.core.actions import Actions
from sat.frontends.core.attachment import Attachment, Link
from sat.frontends.core.commands import running
from sat.frontends.core.commands.line import CommandLine, Context, Help, help_of, message_of
from sat.frontends.core.reach import Reach
from sat.frontends.core.state import Changes, Key
from sat.frontends.core.views.names import author_of, file_name, name_of

if TYPE_CHECKING:
    from sat.frontends.console.main import Arguments
    from sat.frontends.console.settings import Settings

#: Messages that are read out when a conversation is opened.
LAST = 10


async def run(arguments: "Arguments", settings: "Settings", wrong: list[str]) -> int:
    """Run until the input ends, or ``/quit``; return the exit code."""
    return await Plain(arguments).run(wrong)


class Plain:
    """A console of lines.

    :param arguments: the command line
    """

    def __init__(self, arguments: "Arguments") -> None:
        self._arguments = arguments
        self._reach = Reach(f"primitivus {__version__}", arguments.remote)
        self._attachment = Attachment(self._reach)
        self._actions = Actions(self._attachment)
        self._commands = CommandLine()
        self._key: Key | None = None
        self._states: dict[str, MessageState] = {}
        self._left: asyncio.Future[int]

    async def run(self, wrong: Iterable[str]) -> int:
        """Run until the end; return the exit code."""
        loop = asyncio.get_running_loop()
        await self._reach.prepare()
        self._left = loop.create_future()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self._leave, HUNG_UP)
        for sentence in wrong:
            self._say(sentence)
        self._say(_("primitivus in plain lines. /help lists commands, /quit leaves."))
        self._attachment.observe_link(self._link_changed)
        self._attachment.model.observe(self._changed)
        self._attachment.begin()
        reading = loop.create_task(self._read())
        try:
            return await self._left
        finally:
            reading.cancel()
            await self._actions.flush()
            await self._attachment.close()
            await self._reach.close()

    def _leave(self, code: int) -> None:
        if not self._left.done():
            self._left.set_result(code)

    def _say(self, text: str, margin: str = "") -> None:
        """Print a text; what goes on in further lines begins none that could be taken for ours."""
        safe = cells.clean(text).replace("\n", "\n    ")
        try:
            print(f"{margin}{safe}", flush=True)
        except OSError:
            self._leave(HUNG_UP)

    # ---- what is typed

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 20)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), _typed())
        await self._attachment.attached()
        await self._guarded(running.learn(self._commands, self._attachment))
        for address in self._arguments.open[:1]:
            await self._guarded(self._open(address))
        while line := await reader.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text.strip():
                await self._guarded(self._take(text))
            if self._left.done():
                return
        self._leave(0)

    async def _guarded(self, work: "asyncio.Future[None] | object") -> None:
        try:
            await work  # type: ignore[misc]
        except CommandError as error:
            self._say(error.sentence)

    async def _take(self, text: str) -> None:
        message = message_of(text)
        if message is not None:
            if self._key is None:
                raise CommandError("usage.peer", _("Say to whom first: /to ADDRESS."))
            await self._actions.send(*self._key, message)
            return
        words = text[1:].split()
        if words[:1] == ["quit"]:
            self._leave(0)
        elif words[:1] == ["to"] and len(words) == 2:
            await self._open(words[1])
        elif words[:1] == ["people"]:
            self._people()
        else:
            await self._command(text)

    async def _command(self, text: str) -> None:
        context = Context(self._arguments.profile or self._profile())
        if self._key is not None:
            context = Context(*self._key, self._key in self._attachment.state.rooms)
        call = self._commands.read(text, context)
        if isinstance(call, Help):
            rows = help_of(self._commands.commands, call.words)
            if not rows:
                told = _("There is no command “{words}”.").format(words=call.words)
                raise CommandError("usage.command", told)
            if not call.words:
                rows = [
                    ("/to ADDRESS", _("talk to somebody")),
                    ("/people", _("who is there")),
                    ("/quit", _("leave; the daemon goes on")),
                    *rows,
                ]
            for typed, does in rows:
                self._say(f"{typed}: {does}")
            return
        told = await running.run(call, self._attachment, self._actions)
        for line in told.rstrip().split("\n") if told.strip() else ():
            self._say(line, margin="  ")
        if not told.strip():
            self._say(_("Done."))

    def _profile(self) -> str | None:
        profiles = self._attachment.state.profiles
        chosen = [one.name for one in profiles.values() if one.default or len(profiles) == 1]
        return chosen[0] if chosen else next(iter(profiles), None)

    async def _open(self, address: str) -> None:
        state = self._attachment.state
        owners = [
            name
            for name in state.profiles
            if (name, address) in state.roster or (name, address) in state.rooms
        ]
        profile = self._arguments.profile or (owners[0] if owners else self._profile())
        if profile is None:
            raise CommandError(
                "unknown.profile", _("There is no account yet: “jp profile create” makes one.")
            )
        self._key = (profile, address)
        found = await self._attachment.call(
            "message.list", list[Message], profile=profile, peer=address, limit=LAST
        )
        self._say(_("Talking to {name}.").format(name=name_of(state, *self._key)))
        for message in found:
            self._read_out(message)

    def _people(self) -> None:
        state = self._attachment.state
        there = {(profile, jid.partition("/")[0]) for profile, jid in state.presence}
        for key in state.roster:
            word = _("available") if key in there else _("offline")
            self._say(f"{name_of(state, *key)}, {key[1]}: {word}")
        for key in state.rooms:
            self._say(f"# {name_of(state, *key)}, {key[1]}")

    # ---- what happens

    def _link_changed(self, link: Link) -> None:
        if link.phase == "attached":
            unread = sum(one.unread for one in self._attachment.state.conversations.values())
            self._say(_("Connected to the daemon."))
            if unread:
                told = ngettext("{number} unread message.", "{number} unread messages.", unread)
                self._say(told.format(number=unread))
        elif link.phase == "lost":
            self._say(link.sentence)

    def _changed(self, changes: Changes) -> None:
        named = self._arguments.profile
        for message in changes.added:
            if named is None or message.profile == named:
                self._read_out(message)
        for message in changes.changed:
            if message.direction is Direction.OUT and message.id in self._states:
                self._tell_state(message)
        for name in changes.questions:
            question = self._attachment.state.questions.get(name)
            if question is not None:
                self._say(f"{_('Question')} {question.id}: {question.sentence}")
                self._say(_("Answer it with: {line}").format(line=_answer_to(question)), "  ")

    def _read_out(self, message: Message) -> None:
        state = self._attachment.state
        key = (message.profile, message.peer)
        author = cells.line(author_of(state, *key, message.from_)) or "?"
        where = "" if key == self._key else f" ({cells.line(name_of(state, *key))})"
        when = message.ts.astimezone().strftime("%H:%M")
        told = markup.action(message.body)
        if told is not None:
            self._say(f"{when} * {author}{where} {told}")
        else:
            self._say(f"{when} {author}{where}: {_text(message)}")
        if message.direction is Direction.OUT:
            self._states[message.id] = message.state
        elif key == self._key:
            self._actions.read_to(*key, message.id)

    def _tell_state(self, message: Message) -> None:
        """Say what matters: that it failed, or that somebody has looked at it."""
        if self._states[message.id] is message.state:
            return
        self._states[message.id] = message.state
        if message.state is MessageState.FAILED:
            told = _("Not sent: {reason}").format(
                reason=cells.line(message.error or message.body[:60])
            )
            self._say(told)
        elif message.state is MessageState.DISPLAYED:
            self._say(_(STATES[message.state][2]).capitalize() + ".")


def _answer_to(question: Question) -> str:
    """Return the command that answers a question, with what each field may be."""
    asked = [one for one in question.form.fields if one.kind not in ("fixed", "hidden")]
    pairs = [f"{one.name}={'|'.join(one.options) or '…'}" for one in asked]
    return cells.line(" ".join(["/question answer", question.id, *pairs]))


def _typed() -> IO[bytes]:
    """Return what is typed, as a file of its own.

    Reading without waiting makes writing not wait either where both are one open file, and then a
    long text is cut where the terminal is slow.
    """
    try:
        return Path(os.ttyname(sys.stdin.fileno())).open("rb", buffering=0)
    except OSError:
        return sys.stdin.buffer


def _text(message: Message) -> str:
    """Return what a message says, with its subject before, and its files after it."""
    urls = {one.url for one in message.attachments}
    parts = [message.subject or "", "" if message.body.strip() in urls else message.body]
    for one in message.attachments:
        size = "" if one.size is None else f" ({size_text(one.size)})"
        name = cells.line(file_name(one))
        parts.append(f"{sign('⎘')} {name}{size} {cells.line(one.url)}")
    return "\n".join(filter(None, parts))
