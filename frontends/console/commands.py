"""Lines that are written: messages, jp's commands, and the console's own."""

from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.frontends.console.keys import ACTIONS
from sat.frontends.console.settings import Settings
from sat.frontends.console.texts import _
from sat.frontends.core.commands import running
from sat.frontends.core.commands.line import (
    CommandLine,
    Context,
    Help,
    help_of,
    kind_of,
    message_of,
    plain_places,
    split,
    summary,
    usage,
)
from sat.frontends.core.commands.table import GROUPS

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.state import Key

#: What `primitivus.toml` holds, which the daemon knows nothing of.
OWN = Settings._fields


class Commands:
    """Does what lines say.

    :param app: the program
    """

    def __init__(self, app: "App") -> None:
        self._app = app
        self.line = CommandLine()
        self._learned = False
        #: How many messages the daemon has not taken yet.
        self.waiting = 0
        #: Whether it was told that leaving loses them.
        self.warned = False

    def context(self, key: "Key | None") -> Context:
        """Return what a line's words mean in a conversation, or where none is open."""
        if key is None:
            profiles = self._app.profiles
            chosen = [one.name for one in profiles if one.default or len(profiles) == 1]
            return Context(chosen[0] if chosen else None)
        return Context(*key, key in self._app.attachment.state.rooms)

    def own(self, context: Context) -> list[tuple[str, str]]:
        """Return the console's own commands: names of what keys do anywhere, with their titles."""
        taken = {*self.line.short, *GROUPS, "help"}
        return [
            (one.name, _(one.title))
            for one in ACTIONS
            if one.place == "anywhere" and one.name not in taken
        ]

    def submit(self, key: "Key", text: str) -> None:
        """Send what was written in a conversation, or do it if it is a command."""
        message = message_of(text)
        if message is not None:
            self._app.spawn(self._send(key, message.rstrip(), text))
        else:
            self.run(text, self.context(key))

    async def _send(self, key: "Key", message: str, text: str) -> None:
        """Send a message; what was written comes back where it is refused."""
        if not self._app.attachment.is_attached:
            self._app.tell(_("There is no daemon: this message goes out once it is there."))
        self.waiting += 1
        try:
            await self._app.actions.send(*key, message)
        except CommandError:
            self._app.workspace.give_back(key, text)
            raise
        finally:
            self.waiting -= 1
            self.warned = self.warned and self.waiting > 0

    def run(self, line: str, context: Context) -> None:
        """Do a command line, with or without its slash."""
        words = line.removeprefix("/").split()
        if len(words) == 1 and words[0] in {name for name, _title in self.own(context)}:
            self._app.do(words[0])
        elif words:
            self._app.spawn(self._run(line, context))

    @property
    def learned(self) -> bool:
        """Whether it is known what the daemon's plugins can do now."""
        return self._learned

    def forget(self) -> None:
        """Take note that plugins came or went: the next line asks what there is."""
        self._learned = False

    async def learn(self) -> None:
        """Know what the daemon's plugins can do."""
        if not self._learned and self._app.attachment.is_attached:
            self._learned = True
            try:
                await running.learn(self.line, self._app.attachment)
            except CommandError:
                self._learned = False
                raise

    def _short(self) -> list[tuple[str, str]]:
        """Return what is said most often, by its short names."""
        found = []
        for name, words in self.line.short.items():
            told, _count = self.line.find(words.split())
            takes = usage(told).removeprefix(words).strip()
            found.append((f"/{name} {takes}".strip(), summary(told)))
        return sorted(found)

    def _meant_here(self, line: str, context: Context) -> None:
        """Refuse what can't be meant where a line is written, in words of the console.

        :raises CommandError: ``usage.room`` without a room, ``usage.option`` for own settings
        """
        words = split(line.removeprefix("/"))
        if not words or words[0] in ("help", "?") or {"--help", "-h"} & {*words}:
            return
        command, count = self.line.find(words)
        first = command.arguments[0] if command.arguments else None
        said = words[count:]
        places = plain_places(command, said)
        plain = said[places[0]] if places else ""
        if command.words == "option set" and plain in OWN:
            told = _("“{name}” is a setting of this console: {key} lists them, and changes them.")
            key = self._app.keys.shown("settings") or "/settings"
            raise CommandError("usage.option", told.format(name=plain, key=key))
        needs = first is not None and kind_of(first) == "room" and command.words != "room join"
        if needs and not context.is_room and "@" not in plain:
            told = _("/{command} is for a room: open one first, or say which: /{usage}")
            raise CommandError(
                "usage.room", told.format(command=" ".join(words[:count]), usage=usage(command))
            )

    async def _run(self, line: str, context: Context) -> None:
        await self.learn()
        self._meant_here(line, context)
        call = self.line.read(line, context)
        if isinstance(call, Help):
            rows = help_of(self.line.commands, call.words)
            if not rows:
                raise CommandError(
                    "usage.command", _("There is no command “{words}”.").format(words=call.words)
                )
            if not call.words:
                rows = [*self._short(), *rows]
            self._app.show_rows(f"/help {call.words}".strip(), rows)
            return
        told = await running.run(call, self._app.attachment, self._app.actions)
        words = call.command.words
        if words == "room join":
            room = str(call.params.get("room", "")).partition("/")[0]
            found = [key for key in self._app.attachment.state.rooms if key[1] == room]
            if found:
                self._app.workspace.open(found[0])
        if told.strip():
            self._app.show_text(f"/{words}", told)
        elif words == "roster add":
            asked = _("{jid} is asked to let you see when they are there: “?” is for that.")
            self._app.tell(asked.format(jid=call.params["jid"]))
        elif call.command.changes or call.command.acts:
            self._app.tell(_("/{command}: done.").format(command=words))
        elif not call.command.run:
            self._app.tell(_("/{command}: there is nothing to show.").format(command=words))
