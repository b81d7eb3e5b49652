"""What is done with those who are in a room."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.frontends.console.doing.moving import write
from sat.frontends.console.texts import _

if TYPE_CHECKING:
    from sat.bridge.model import Occupant
    from sat.frontends.console.app import App
    from sat.frontends.console.panes.chat import ChatPane
    from sat.frontends.core.state import Key

#: Does something with somebody in a room.
Deed = Callable[["App", "Key", "Occupant"], Awaitable[object] | object]


def _room(app: "App") -> "ChatPane":
    pane = app.workspace.current
    if pane is None or not pane.is_room:
        raise CommandError("usage.room", _("Open a room first: only there are others."))
    return pane


def _people(app: "App") -> None:
    """Go to the list of who is in the room, or show it where it has no place beside."""
    from sat.frontends.console.windows import occupant

    pane = _room(app)
    if not app.shows_occupants:
        app.shows_occupants = True
        app.workspace.redraw()
    app.root.in_contacts = False
    if not pane.to_occupants():
        occupant.choose_one(app, pane.key, list(pane.occupants.view.rows))


def _move(action: str) -> Callable[["App"], None]:
    return lambda app: _room(app).occupants.act(action)


def _with_chosen(deed: Callable[[], Deed]) -> Callable[["App"], Awaitable[object] | object]:
    def act(app: "App") -> Awaitable[object] | object:
        pane = _room(app)
        chosen = pane.occupants.chosen
        if chosen is None:
            # Whoever came into that row meanwhile isn't meant.
            pane.occupants.enter()
            raise CommandError("unknown.occupant", _("They left the room: choose somebody else."))
        return deed()(app, pane.key, chosen)

    return act


def _deed(name: str) -> Callable[["App"], Awaitable[object] | object]:
    def find() -> Deed:
        from sat.frontends.console.windows import occupant

        return occupant.DEEDS[name]

    return _with_chosen(find)


def _help(app: "App") -> None:
    app.do("help")


def _command(app: "App") -> None:
    app.do("command")


DOING: dict[str, Callable[["App"], Awaitable[object] | object]] = {
    "people": _people,
    "people-help": _help,
    "people-command": _command,
    "people-down": _move("down"),
    "people-up": _move("up"),
    "people-page-down": _move("page-down"),
    "people-page-up": _move("page-up"),
    "people-first": _move("first"),
    "people-last": _move("last"),
    **{f"people-{name}": _deed(name)
       for name in ("menu", "private", "mention", "about", "invite", "block")},
    "people-write": write,
}  # fmt: skip
