"""What can be done with somebody in a room, as far as the daemon can."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.bridge.model import Occupant
from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.texts import _, mark
from sat.frontends.console.widgets import cells
from sat.frontends.console.windows.forms import decide
from sat.frontends.console.windows.show import choose, rows
from sat.frontends.core.views.names import bare, name_of

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.state import Key

_ROLES = {
    "moderator": mark("moderator: may take the floor from others"),
    "participant": mark("participant: may speak"),
    "visitor": mark("visitor: may listen"),
    "none": mark("left"),
}
_AFFILIATIONS = {
    "owner": mark("owner"),
    "admin": mark("administrator"),
    "member": mark("member"),
    "none": mark("none"),
    "outcast": mark("banned"),
}


def choose_one(app: "App", key: "Key", there: Sequence[Occupant]) -> None:
    """Let one of those in a room be chosen, then what is to be done."""

    def does(one: Occupant) -> Callable[[], object]:
        return lambda: menu(app, key, one)

    items = [
        (f"{sign(PRESENCE[one.show][0])} {cells.line(one.nick)}", _(_AFFILIATIONS[one.affiliation])
         if one.affiliation != "none" else "", does(one))
        for one in there
    ]  # fmt: skip
    choose(app, _("Who is in the room"), items, palette=True)


def menu(app: "App", key: "Key", one: Occupant) -> None:
    """Offer what can be done with somebody."""

    def does(name: str) -> Callable[[], object]:
        return lambda: DEEDS[name](app, key, one)

    offered = [("about", _("What is known"))]
    if not _is_self(app, key, one):
        offered = [
            ("private", _("Write in private")),
            ("mention", _("Speak to in the room")),
            *offered,
        ]
        if one.jid is not None and one.jid:
            jid = bare(one.jid)
            offered.append(("direct", _("Talk outside of the room")))
            if (key[0], jid) not in app.attachment.state.roster:
                offered.append(("add", _("Add to the contacts")))
            offered.append(("invite", _("Invite to another room…")))
        offered.append(("block", _("Block, or no more…")))
    items = [
        (title, app.keys.shown(f"people-{name}") if name in _KEYS else "", does(name))
        for name, title in offered
    ]
    choose(app, cells.line(one.nick), items)


def _is_self(app: "App", key: "Key", one: Occupant) -> bool:
    room = app.attachment.state.rooms.get(key)
    return room is not None and room.nick == one.nick


def _not_self(app: "App", key: "Key", one: Occupant) -> None:
    if _is_self(app, key, one):
        raise CommandError("usage.self", _("That is you."))


def _address(one: Occupant) -> str:
    if not one.jid:
        told = _("This room does not show the address of {nick}.")
        raise CommandError("unknown.address", told.format(nick=cells.line(one.nick)))
    return bare(one.jid)


def _private(app: "App", key: "Key", one: Occupant) -> None:
    _not_self(app, key, one)
    app.workspace.open((key[0], f"{key[1]}/{one.nick}"))


def _direct(app: "App", key: "Key", one: Occupant) -> None:
    app.workspace.open((key[0], _address(one)))


def _mention(app: "App", key: "Key", one: Occupant) -> None:
    pane = app.workspace.open(key)
    # At its beginning a message speaks to somebody.
    after = " " if pane.editor.text else ": "
    pane.editor.insert(cells.line(one.nick) + after)


def _about(app: "App", key: "Key", one: Occupant) -> None:
    _char, _look, shown = PRESENCE[one.show]
    told = [
        (_("Nick"), cells.line(one.nick)),
        (_("Address"), cells.line(one.jid) if one.jid else _("the room does not show it")),
        (_("In the room"), _(_ROLES[one.role])),
        (_("For the room"), _(_AFFILIATIONS[one.affiliation])),
        (_("Shows"), ": ".join(filter(None, (_(shown), cells.line(one.status))))),
    ]
    rows(app, cells.line(one.nick), told)


async def _add(app: "App", key: "Key", one: Occupant) -> None:
    await app.actions.add_contact(key[0], _address(one))
    told = _("{nick} is a contact now, and is asked to let you see when they are there.")
    app.tell(told.format(nick=cells.line(one.nick)))


def _invite(app: "App", key: "Key", one: Occupant) -> None:
    _not_self(app, key, one)
    jid = _address(one)
    state = app.attachment.state
    others = [
        room
        for (profile, room), known in state.rooms.items()
        if profile == key[0] and room != key[1] and known.state == "joined"
    ]
    if not others:
        raise CommandError("usage.room", _("You are in no other room: join one first."))

    def invites(room: str) -> Callable[[], object]:
        async def invite() -> None:
            await app.actions.invite(key[0], room, jid)
            told = _("{nick} is invited to {room}.")
            app.tell(told.format(nick=cells.line(one.nick), room=name_of(state, key[0], room)))

        return invite

    choose(
        app, _("To which room?"),
        [(name_of(state, key[0], room), cells.line(room), invites(room)) for room in others],
        palette=True,
    )  # fmt: skip


async def _block(app: "App", key: "Key", one: Occupant) -> None:
    """Ask whether somebody is to be blocked, by their own address where that is known."""
    _not_self(app, key, one)
    jid = bare(one.jid) if one.jid else f"{key[1]}/{one.nick}"
    blocked = await app.attachment.call("blocking.list", list[str], profile=key[0])

    async def change(method: str, told: str) -> None:
        await app.attachment.change(method, list[str], profile=key[0], jid=jid)
        app.tell(told.format(jid=cells.line(jid)))

    if jid in blocked:
        await change("blocking.unblock", _("{jid} is blocked no more."))
        return
    sure = _("Nothing comes from {jid} any more, and nothing goes there: no message, no presence.")
    if not one.jid:
        sure += " " + _("The room shows no address, so another nick gets around it.")
    decide(
        app,
        _("Block {nick}?").format(nick=cells.line(one.nick)),
        sure.format(jid=jid),
        [
            (_("No"), lambda: None),
            (_("Block"), lambda: change("blocking.block", _("{jid} is blocked."))),
        ],
    )


_KEYS = ("private", "mention", "about", "invite", "block")
#: What can be done, by name.
DEEDS: dict[str, Callable[["App", "Key", Occupant], Awaitable[object] | object]] = {
    "menu": menu,
    "private": _private,
    "mention": _mention,
    "about": _about,
    "direct": _direct,
    "add": _add,
    "invite": _invite,
    "block": _block,
}
