"""Settings: those of the daemon and its plugins, as they describe themselves, and the console's."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import urwid

from sat.bridge.errors import CommandError
from sat.bridge.model import Option
from sat.frontends.console import settings
from sat.frontends.console.keys import PRESETS
from sat.frontends.console.texts import _, mark
from sat.frontends.console.themes import THEMES
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.painting import Span
from sat.frontends.console.widgets.popup import Popup
from sat.frontends.console.widgets.rows import Line
from sat.frontends.console.windows.lists import Listed, follow
from sat.frontends.console.windows.show import choose
from sat.frontends.core.views.parts import Settings, section_of

if TYPE_CHECKING:
    from sat.frontends.console.app import App


_NAMES = {
    "theme": mark("theme"),
    "preset": mark("keys"),
    "bell": mark("bell"),
    "notify": mark("notices on the desktop"),
    "images": mark("pictures"),
}


def options(app: "App") -> None:
    """Show all settings; Enter changes the chosen one."""
    view = Settings(app.model)

    def change(key: Hashable) -> None:
        own = _own(app, put_own).get(str(key))
        if own is not None:
            own[1]()
        elif (option := view.rows.get(key)) is not None:
            _change(app, option)

    def explain(key: Hashable) -> str:
        option = view.rows.get(key)
        return option.help if option is not None else ""

    def put_own() -> None:
        for at, (name, (value, _do)) in enumerate(_own(app, put_own).items()):
            spans: list[Span] = [
                ("text", f"  {cells.fill(_(_NAMES[name]), 24)} "),
                ("unread", value),
            ]
            line = Line((0, at, name), spans, words=_(_NAMES[name]), heading=_("This console"))
            listed.list.put(name, line)
        listed._invalidate()

    keys = {"enter": (_("change it"), change), "/": (_("look for"), None)}
    listed = Listed(keys, "", notes=2)
    follow(listed, view.rows, _line, put_own)
    listed.explain = explain
    popup = Popup(listed, _("Settings"), 96, 40)
    urwid.connect_signal(popup, "closed", lambda _popup: view.close())
    app.show(popup)


def _line(option: Option) -> Line:
    name = option.name.partition(".")[2] or option.name
    value = _shown(option.value)
    look = "text" if option.value == option.default else "unread"
    spans: list[Span] = [
        ("text", f"  {cells.fill(cells.line(name), 24)} "),
        (look, f"{cells.fill(cells.line(value), 14)} "),
        ("dim", cells.line(option.help)),
    ]
    words = f"{option.name} {option.help}"
    return Line((1, 0, option.name), spans, words=words, heading=section_of(option))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def _change(app: "App", option: Option) -> None:
    async def put(value: bool | float | str) -> None:
        await app.actions.set_option(option.name, value)

    if option.kind == "boolean":
        app.spawn(put(not option.value))
    elif option.choices:
        choose(app, cells.line(option.name), [(one, "", _puts(put, one)) for one in option.choices])
    else:
        from sat.frontends.console.widgets.form import Field, Kind
        from sat.frontends.console.windows.forms import Values, fill_in

        async def done(values: Values) -> None:
            text = str(values["value"]).strip()
            await put(_read(option, text))

        hints = [_("usually {value}").format(value=option.default)]
        if option.minimum is not None:
            hints.append(_("at least {number}").format(number=f"{option.minimum:g}"))
        if option.maximum is not None:
            hints.append(_("at most {number}").format(number=f"{option.maximum:g}"))
        told = Field("", Kind.FIXED, f"{option.help} ({', '.join(hints)})")
        field = Field("value", Kind.TEXT, cells.line(option.name), str(option.value))
        fill_in(app, _("Settings"), [told, field], done)


def _puts(
    put: Callable[[bool | float | str], object], value: bool | float | str
) -> Callable[[], object]:
    return lambda: put(value)


def _read(option: Option, text: str) -> float | str:
    if option.kind == "text":
        return text
    try:
        return int(text) if option.kind == "integer" else float(text)
    except ValueError:
        told = _("“{text}” is no number.").format(text=text)
        raise CommandError("usage.value", told) from None


def _own(app: "App", changed: Callable[[], None]) -> dict[str, tuple[str, Callable[[], object]]]:
    """Return the console's own settings: how each is, and what changes it.

    :param changed: is called when one has changed
    """

    def keep(name: str, value: str | int | bool) -> None:
        try:
            settings.save(settings.path(), name, value)
        except OSError as error:
            told = _("It can't be kept: {reason}.").format(reason=error.strerror)
            raise CommandError("failed.settings", told) from error

    def theme(name: str) -> Callable[[], object]:
        def put() -> None:
            app.screen.set_theme(name)
            app.workspace.restyle()
            changed()
            keep("theme", name)

        return put

    def preset(name: str) -> Callable[[], object]:
        def put() -> None:
            keep("preset", name)
            own, wrong = settings.load(settings.path())
            app.settings = app.settings._replace(preset=name, keys=own.keys)
            app.keys = own.keys
            app.workspace.take_keys()
            changed()
            if wrong:
                app.tell("\n".join(wrong), "error")

        return put

    def images(name: str) -> Callable[[], object]:
        def put() -> None:
            app.settings = app.settings._replace(images=name)
            keep("images", name)

        return put

    def switch(name: str, value: bool) -> Callable[[], object]:
        def put() -> None:
            app.settings = app.settings._replace(**{name: not value})  # type: ignore[arg-type]
            changed()
            keep(name, not value)

        return put

    found: dict[str, tuple[str, Callable[[], object]]] = {
        "theme": (
            app.screen.theme,
            lambda: choose(app, _("Theme"), [(one, "", theme(one)) for one in THEMES]),
        ),
        "preset": (
            app.settings.preset,
            lambda: choose(app, _("Keys"), [(one, "", preset(one)) for one in PRESETS]),
        ),
    }
    pictures = {
        "never": _("never shown"),
        "asked": _("shown when you ask for one"),
        "contacts": _("your contacts' shown by themselves"),
    }
    found["images"] = (
        pictures[app.settings.images],
        lambda: choose(
            app, _("Pictures"), [(title, "", images(one)) for one, title in pictures.items()]
        ),
    )
    for name in ("bell", "notify"):
        value = bool(getattr(app.settings, name))
        found[name] = (_shown(value), switch(name, value))
    return found
