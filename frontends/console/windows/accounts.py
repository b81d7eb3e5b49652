"""The person's accounts: making one known, registering one, connecting, showing a status."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sat.bridge.errors import CommandError
from sat.bridge.model import Form, Phase, Profile, Show
from sat.frontends.console.panes.status import without_next_try
from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.form import Field, Kind
from sat.frontends.console.windows.forms import (
    Values,
    answered,
    decide,
    field_of,
    fill_in,
    question,
)
from sat.frontends.console.windows.show import choose

if TYPE_CHECKING:
    from sat.frontends.console.app import App

#: Seconds that logging in, or registering, may take.
PATIENCE = 120.0
#: Why a login fails that the daemon asks about; seconds in which the question comes.
_ASKS = ("tls.", "downgrade")
_SOON, _PAUSE = 3.0, 0.05
_PHASES = {
    Phase.OFFLINE: ("○", _("not connected")),
    Phase.CONNECTING: ("◐", _("connecting…")),
    Phase.ONLINE: ("●", _("connected")),
    Phase.WAITING: ("◐", _("waits for the next try")),
    Phase.FAILED: ("✗", _("failed")),
}


def accounts(app: "App") -> None:
    """Show the accounts, and how to make one known.

    :raises CommandError: ``daemon.lost`` where it isn't known which there are
    """
    if not (app.profiles or app.attachment.is_attached):
        told = _("Accounts are the daemon's, which is not reached: {reason}")
        reason = app.attachment.link.sentence
        raise CommandError("daemon.lost", told.format(reason=reason or "…"))
    items: list[tuple[str, str, Callable[[], object]]] = []
    for one in app.profiles:
        char, told = _PHASES[one.connection.phase]
        title = f"{sign(char)} {cells.line(one.name)}  {cells.line(one.jid)}"
        items.append((title, told, _opens(app, one)))
    items += [
        (_("Use an account that you have"), "", lambda: add(app)),
        (_("Register a new account"), "", lambda: register(app)),
    ]
    if not app.profiles:
        items.append((_("Only try it, without an account"), "", lambda: _demo(app)))
    title = _("Your accounts") if app.profiles else _("Welcome! You need an account first")
    choose(app, title, items)


async def _demo(app: "App") -> None:
    from sat.frontends.console.windows.demo import demo

    await demo(app)


def _opens(app: "App", profile: Profile) -> Callable[[], object]:
    return lambda: account(app, profile)


def account(app: "App", profile: Profile) -> None:
    """Show what can be done with an account."""
    name = profile.name
    items: list[tuple[str, str, Callable[[], object]]] = []
    if profile.connection.phase in (Phase.OFFLINE, Phase.FAILED, Phase.WAITING):
        items.append((_("Connect"), profile.connection.sentence, lambda: _connect(app, name)))
    if profile.connection.phase is not Phase.OFFLINE:
        items.append((_("Disconnect"), "", lambda: app.actions.disconnect(name)))
    items.append((_("What others see of you…"), profile.status, lambda: _status(app, profile)))
    if not profile.default:
        items.append((_("Make it the usual one"), "", lambda: _default(app, name)))
    items.append((_("Its server…"), profile.server or "", lambda: _server(app, profile)))
    items.append((_("Change the password…"), "", lambda: _password(app, profile)))
    items.append((_("Forget it…"), "", lambda: _forget(app, profile)))
    choose(app, f"{cells.line(name)}  {cells.line(profile.jid)}", items)


async def _connect(app: "App", name: str) -> None:
    app.tell(_("Connecting…"))
    await app.actions.connect(name)
    app.tell("")


async def _default(app: "App", name: str) -> None:
    await app.attachment.change("profile.default", Profile, name=name)


def _status(app: "App", profile: Profile) -> None:
    shows: list[Show] = ["available", "chat", "away", "xa", "dnd"]
    fields = [
        Field(
            "show", Kind.ONE, _("You are"), profile.show,
            [(one, f"{sign(PRESENCE[one][0])} {_(PRESENCE[one][2])}") for one in shows], True,
        ),
        Field("status", Kind.TEXT, _("In a few words"), profile.status),
    ]  # fmt: skip

    async def done(values: Values) -> None:
        wanted = next(one for one in shows if one == values["show"])
        await app.actions.show(profile.name, wanted, str(values["status"]))

    fill_in(app, _("What others see of you"), fields, done)


def _server(app: "App", profile: Profile) -> None:
    """Let it be changed where an account connects to, and whom it trusts."""

    async def done(values: Values) -> None:
        given = {"server": str(values["server"]).strip()}
        if path := str(values["ca"]).strip():
            given["ca"] = _authority(path)
        name = profile.name
        await app.attachment.change("profile.set", Profile, name=name, values=given)
        # What was set counts from the next connection on.
        await app.actions.disconnect(name)
        await app.actions.connect(name)

    kept = _("the one that it has") if profile.ca else _("none")
    fields = [
        Field(
            "server", Kind.TEXT, _("Server"), profile.server or "",
            hint=_("as the address says, or HOST:PORT"),
        ),
        Field("ca", Kind.TEXT, _("File of a private certificate authority"), hint=kept),
    ]  # fmt: skip
    fill_in(
        app, cells.line(profile.jid), fields, done,
        submit=_("Connect"), busy=_("Connecting…"), place=_place,
    )  # fmt: skip


def _password(app: "App", profile: Profile) -> None:
    async def done(values: Values) -> None:
        await app.attachment.change(
            "profile.password", type(None), within=PATIENCE, name=profile.name,
            password=values["password"],
        )  # fmt: skip

    told = _("The password is changed on the server, and kept here.")
    fields = [
        Field("", Kind.FIXED, told),
        Field("password", Kind.PRIVATE, _("The new password"), required=True),
    ]
    fill_in(app, cells.line(profile.jid), fields, done)


def _forget(app: "App", profile: Profile) -> None:
    async def forget() -> None:
        await app.attachment.change("profile.delete", type(None), name=profile.name)

    told = _("{jid} is forgotten here, with all its messages. The account stays on its server.")
    decide(
        app,
        _("Forget this account?"),
        told.format(jid=profile.jid),
        [(_("No"), lambda: None), (_("Forget it"), forget)],
    )


def _common() -> list[Field]:
    return [
        Field("jid", Kind.TEXT, _("Address"), required=True, hint="alice@example.org"),
        Field("password", Kind.PRIVATE, _("Password"), required=True),
        Field("name", Kind.TEXT, _("What it is called here"), hint=_("as the address begins")),
        Field("server", Kind.TEXT, _("Server"), hint=_("as the address says, or HOST:PORT")),
        Field("ca", Kind.TEXT, _("File of a private certificate authority"), hint=_("none")),
    ]


def _short(jid: str) -> str:
    """Return what an account may be called, after its address."""
    return re.sub(r"[^\w.-]", "-", jid.partition("@")[0]).lstrip("-.")[:64]


def _asked(values: Values) -> dict[str, Any]:
    """Return what the form says, as the daemon takes it.

    :raises CommandError: ``unknown.file`` if the authority's file can't be read
    """
    jid = str(values["jid"]).strip()
    params: dict[str, Any] = {
        "name": str(values["name"]).strip() or _short(jid),
        "jid": jid,
        "password": values["password"],
        "server": str(values["server"]).strip() or None,
    }
    if path := str(values["ca"]).strip():
        params["ca"] = _authority(path)
    return params


def _authority(path: str) -> str:
    """Return the certificate authority that a file holds.

    :raises CommandError: ``unknown.file`` if it can't be read
    """
    try:
        return Path(path).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or _("it is no UTF-8")
        told = _("{file} can't be read: {reason}.")
        raise CommandError("unknown.file", told.format(file=path, reason=reason)) from error


def _plain(error: CommandError) -> CommandError:
    """Return an error without the names that programs have for what it is about."""
    if error.name != "usage.params":
        return error
    return CommandError(error.name, re.sub(r"^[\w.]+: (\w+: )?", "", error.sentence), error.data)


def _place(error: CommandError) -> str:
    """Return the field that an error is about, as far as its name says so."""
    places = {
        "denied.exists": "jid",
        "denied.register": "jid",
        "denied.password": "password",
        "failed.exists": "name",
        "usage.name": "name",
        "usage.jid": "jid",
        "usage.server": "server",
        "unknown.file": "ca",
    }
    if error.name == "usage.params":
        return "jid"
    return places.get(error.name, "")


def add(app: "App") -> None:
    """Ask for an account that there is, and connect it."""
    made: list[str] = []
    before: dict[str, Any] = {}

    async def drop() -> None:
        while made:
            await app.attachment.change("profile.delete", type(None), name=made.pop())

    async def done(values: Values) -> None:
        params = _asked(values)
        nonlocal before
        others = {name for name in params if params[name] != before.get(name)}
        if made and others == {"password"}:
            # Whom it trusts was decided already.
            given = {"password": params["password"]}
            await app.attachment.change("profile.set", Profile, name=made[0], values=given)
        else:
            # The server refused the last try: what is filled in now counts, and nothing else.
            await drop()
            try:
                await app.attachment.change("profile.create", Profile, within=PATIENCE, **params)
            except CommandError as error:
                raise _plain(error) from error
            made.append(str(params["name"]))
        before = params
        try:
            await app.actions.connect(made[0])
        except CommandError as error:
            # Whom to trust is asked: with the answer it may go on.
            if not await _answered(app, made[0], error):
                # It is tried again, which is told where it is counted: at the bottom.
                told = without_next_try(error.sentence)
                raise CommandError(error.name, told, error.data) from error
            app.tell(_("Connecting…"))
            await app.actions.connect(made[0])

    fill_in(
        app, _("An account that you have"), _common(), done,
        submit=_("Connect"), busy=_("Connecting…"), place=_place, left=drop,
    )  # fmt: skip


async def _answered(app: "App", name: str, error: CommandError) -> bool:
    """Let what the daemon asks about a login that failed be answered; tell whether it was."""
    reason = error.name.partition(".")[2]
    if not reason.startswith(_ASKS):
        return False
    end = asyncio.get_running_loop().time() + _SOON
    while asyncio.get_running_loop().time() < end:
        state = app.attachment.state
        for one in state.questions.values():
            if one.profile == name:
                answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
                question(app, one, answer.set_result)
                return await answer
        await asyncio.sleep(_PAUSE)
    return False


def register(app: "App") -> None:
    """Ask for an account to be made on a server, and connect it."""

    async def done(values: Values) -> None:
        params = _asked(values)
        try:
            await _register(app, params, {})
        except CommandError as error:
            form = error.data.get("form")
            if error.name != "usage.form" or form is None:
                raise
            app.tell("")
            await _more(app, params, msgspec.convert(form, Form))
        # It is made; why it can't connect is told where accounts are.
        app.spawn(_connect(app, str(params["name"])))

    fill_in(
        app, _("A new account"), _common(), done,
        submit=_("Register"), busy=_("Asking the server for an account…"), place=_place,
    )  # fmt: skip


async def _register(app: "App", params: dict[str, Any], fields: dict[str, str]) -> None:
    await app.attachment.change(
        "profile.register", Profile, within=PATIENCE, fields=fields, **params
    )


async def _more(app: "App", params: dict[str, Any], form: Form) -> None:
    """Ask what else the server wants to know, and register with it.

    :raises CommandError: what the server refuses, but for more that it wants to know
    """
    known = ("username", "password")
    asked = [one for one in form.fields if one.kind != "hidden" and one.name not in known]
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def done(values: Values) -> None:
        given = {
            one.name: "\n".join(answered(one, values.get(one.name)))
            for one in asked
            if one.kind != "fixed"
        }
        try:
            await _register(app, params, given)
        except CommandError as error:
            if error.name == "usage.form":
                raise
            answer.set_exception(error)
        else:
            answer.set_result(None)

    async def left() -> None:
        told = _("No account was asked for: the server wants to know more.")
        answer.set_exception(CommandError("usage.form", told))

    told = [Field("", Kind.FIXED, form.instructions)] if form.instructions else []
    fields = [*told, *(field_of(one) for one in asked)]
    title = cells.line(form.title or params["jid"])
    fill_in(app, title, fields, done, submit=_("Register"), left=left)
    await answer
