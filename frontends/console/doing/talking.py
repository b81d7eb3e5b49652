"""Talking to somebody else, and in rooms."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sat.frontends.console.completion import addresses, commands
from sat.frontends.console.texts import _

if TYPE_CHECKING:
    from sat.frontends.console.app import App


def _open(app: "App") -> None:
    def done(text: str) -> None:
        address = text.strip()
        if address:
            app.workspace.open((app.workspace.profile_for(address), address))

    app.ask(_("Talk to:"), done, completer=addresses(app))


def _join(app: "App") -> None:
    async def done(text: str) -> None:
        words = text.split()
        if words:
            profile = app.workspace.profile_for(words[0])
            await join(app, profile, words[0], words[1] if len(words) > 1 else None)

    app.ask(_("Join the room (and as whom):"), done, completer=addresses(app, rooms=True))


async def join(app: "App", profile: str, room: str, nick: str | None = None) -> None:
    """Join a room and show it."""
    app.tell(_("Joining {room}…").format(room=room))
    joined = await app.actions.join(profile, room, nick)
    app.tell("")
    app.workspace.open((profile, joined.jid))


def _command(app: "App") -> None:
    pane = app.workspace.current
    context = app.commands.context(pane.key if pane is not None else None)

    def done(text: str) -> None:
        if text.strip():
            app.commands.run(text, context)

    # What plugins bring is known by the time that somebody has written a word of it.
    app.spawn(app.commands.learn())
    app.ask(":", done, completer=commands(app, context))


def _send_file(app: "App") -> None:
    from sat.frontends.console.windows import files

    files.send(app)


def _export(app: "App") -> None:
    from sat.frontends.console.windows import files

    files.export(app)


DOING: dict[str, Callable[["App"], Awaitable[object] | object]] = {
    "open": _open,
    "join": _join,
    "command": _command,
    "list-command": _command,
    "chat-command": _command,
    "send-file": _send_file,
    "export": _export,
}
