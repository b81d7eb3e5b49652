"""Forms in windows: questions of the daemon, accounts, settings."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import urwid

from sat.bridge import model
from sat.bridge.errors import CommandError
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.dialog import Dialog
from sat.frontends.console.widgets.form import Field, Form, Kind, Value
from sat.frontends.console.widgets.menu import Item
from sat.frontends.console.widgets.popup import Popup

if TYPE_CHECKING:
    from sat.frontends.console.app import App

_KINDS = {
    "boolean": Kind.BOOLEAN,
    "fixed": Kind.FIXED,
    "jid-multi": Kind.LINES,
    "list-multi": Kind.SEVERAL,
    "list-single": Kind.ONE,
    "text-multi": Kind.LINES,
    "text-private": Kind.PRIVATE,
}
#: So many answers stand side by side.
_FEW = 4
_YES = ("true", "1", "yes")
#: The kind of a question whether to follow an invitation to its peer, a room.
_INVITATION = "room.invitation"
#: What a form may be wide.
WIDE = 64

Values = Mapping[str, Value]


def fill_in(
    app: "App",
    title: str,
    fields: Sequence[Field],
    done: Callable[[Values], Awaitable[object]],
    *,
    submit: str = "",
    busy: str = "",
    place: Callable[[CommandError], str] = lambda _error: "",
    left: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Let a form be filled in; it stays open until ``done`` has taken it.

    What it is refused with stands in the form, and what was filled in stays.

    :param busy: said while ``done`` works
    :param place: returns the name of the field that an error is about; by default the last one
    :param left: is called when the form is closed without being taken
    """
    form = Form(fields, submit or _("OK"), _("Cancel"))
    form.missing = _("This has to be filled in.")
    form.keys = {**Form.KEYS, "submit": ("meta enter",)}
    popup = Popup(form, cells.line(title), WIDE, lambda columns: form.rows_wanted(columns))
    asked = [one.name for one in fields if one.kind is not Kind.FIXED]

    working = taken = gone = False

    async def submitted(values: Values) -> None:
        nonlocal working, taken
        if working:
            # Enter again, for an answer that takes long: it is asked for already.
            return
        working = True
        if busy:
            app.tell(busy)
        try:
            await done(values)
        except CommandError as error:
            app.tell("")
            if asked:
                form.errors = {place(error) or asked[-1]: error.sentence}
            if gone or not asked:
                app.tell(error.sentence, "error")
        else:
            taken = True
            app.tell("")
            app.dismiss(popup)
        finally:
            working = False
        if gone and not taken and left is not None:
            await left()
        app.screen.draw_soon()

    def closed(_popup: Popup[Form]) -> None:
        nonlocal gone
        gone = True
        if left is not None and not (taken or working):
            app.spawn(_do(left))

    urwid.connect_signal(form, "submitted", lambda _form, values: app.spawn(submitted(values)))
    urwid.connect_signal(form, "cancelled", lambda _form: app.dismiss(popup))
    urwid.connect_signal(popup, "closed", closed)
    app.show(popup)


async def _do(work: Callable[[], Awaitable[object]]) -> None:
    await work()


def decide(
    app: "App",
    title: str,
    text: str,
    answers: Sequence[tuple[str, Callable[[], object]]],
    left: Callable[[], object] = lambda: None,
) -> None:
    """Say something, and let one of several answers be given; the first is the harmless one.

    :param left: is called when it is closed without an answer
    """
    given = False
    dialog = Dialog(text, [Item(name, "", at) for at, (name, _do) in enumerate(answers)])
    popup = Popup(dialog, cells.line(title), max(dialog.columns, 30), dialog.rows_wanted)

    def chosen(_dialog: Dialog, at: int) -> None:
        nonlocal given
        given = True
        app.dismiss(popup)
        app.run_action(lambda _: answers[at][1]())

    urwid.connect_signal(dialog, "chosen", chosen)
    urwid.connect_signal(popup, "closed", lambda _popup: None if given else left())
    app.show(popup)


# ---- questions


def questions(app: "App") -> None:
    """Show what waits for a decision: the only question, or a list of them."""
    mine = {one.name for one in app.profiles}
    waiting = sorted(
        (one for one in app.attachment.state.questions.values() if one.profile in mine),
        key=lambda one: one.ts,
    )
    if not waiting:
        app.tell(_("Nothing waits for your decision."))
    elif len(waiting) == 1:
        question(app, waiting[0])
    else:
        from sat.frontends.console.windows.show import choose

        choose(
            app,
            _("What waits for your decision"),
            [
                (cells.cut(cells.line(one.sentence), 80), one.profile, _asks(app, one))
                for one in waiting
            ],
        )


def _asks(app: "App", one: model.Question) -> Callable[[], object]:
    return lambda: question(app, one)


def question(
    app: "App", asked: model.Question, done: Callable[[bool], object] = lambda _answered: None
) -> None:
    """Ask what the daemon asks.

    :param done: is told at the end whether it was answered
    """
    fields = [one for one in asked.form.fields if one.kind != "hidden"]
    title = asked.form.title or (asked.peer or asked.profile)

    async def answer(values: Mapping[str, Sequence[str]]) -> None:
        if asked.id not in app.attachment.state.questions:
            raise CommandError("unknown.question", _("It was answered elsewhere meanwhile."))
        await app.actions.answer(asked, values)

    if len(fields) == 1 and (options := choices_of(fields[0])):
        name = fields[0].name
        text = "\n".join(filter(None, (asked.sentence, asked.form.instructions, fields[0].label)))

        def gives(value: str) -> Callable[[], object]:
            async def give() -> None:
                try:
                    await answer({name: [value]})
                except CommandError:
                    done(False)
                    raise
                if asked.kind == _INVITATION and value == "yes" and asked.peer:
                    # Whoever says yes wants to be there, as with /room join.
                    app.workspace.open((asked.profile, asked.peer))
                done(True)

            return give

        def later() -> None:
            done(False)

        answers = [(told, gives(value)) for value, told in options]
        decide(app, title, text, [(_("Later"), later), *answers], later)
        return

    async def filled(values: Values) -> None:
        asked_for = [one for one in fields if one.kind != "fixed"]
        await answer({one.name: answered(one, values.get(one.name)) for one in asked_for})
        done(True)

    async def left() -> None:
        done(False)

    told = [Field("", Kind.FIXED, asked.sentence)]
    if asked.form.instructions:
        told.append(Field("", Kind.FIXED, asked.form.instructions))
    fill_in(app, title, [*told, *(field_of(one) for one in fields)], filled, left=left)


def choices_of(field: model.Field) -> list[tuple[str, str]]:
    """Return what a question of one field is answered by, where that is few things to choose."""
    words = {"yes": _("Yes"), "no": _("No")}
    if field.kind == "boolean":
        return [("true", _("Yes")), ("false", _("No"))]
    if field.kind == "list-single" and field.required and len(field.options) <= _FEW:
        return [(one, words.get(one, cells.line(one))) for one in field.options]
    return []


def field_of(field: model.Field) -> Field:
    """Return a field of the daemon's as one of a form on the screen."""
    kind = _KINDS.get(field.kind, Kind.TEXT)
    label = cells.line(field.label or field.name)
    if kind is Kind.FIXED:
        told = "\n".join(cells.clean(one) for one in field.value)
        return Field(field.name, kind, f"{label}: {told}" if field.label else told)
    value: Value
    if kind is Kind.BOOLEAN:
        value = bool(field.value) and field.value[0] in _YES
    elif kind is Kind.SEVERAL:
        value = field.value
    elif kind is Kind.LINES:
        value = "\n".join(field.value)
    else:
        value = field.value[0] if field.value else ""
    options = [(one, cells.line(one)) for one in field.options]
    hint = _("one address a line") if field.kind == "jid-multi" else ""
    return Field(field.name, kind, label, value, options, field.required, hint)


def answered(field: model.Field, value: Value | None) -> list[str]:
    """Return what was filled in as the daemon takes it."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, tuple):
        return [*value]
    text = value or ""
    if field.kind in ("text-multi", "jid-multi"):
        return [line for line in text.split("\n") if line or field.kind == "text-multi"]
    return [text] if text else []
