"""A form to be filled in: fields of a few kinds, and buttons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.acting import Acting, steps
from sat.frontends.console.widgets.cells import clean, line
from sat.frontends.console.widgets.editor import Editor
from sat.frontends.console.widgets.fields import Field, Kind, Value, initial, is_missing
from sat.frontends.console.widgets.keys import KeyMap
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.painting import Span, paint

__all__ = ["Field", "Form", "Kind", "Value"]


@dataclass(frozen=True)
class _Spot:
    """What can have the focus: a field, one of its options, or a button."""

    field: Field | None
    option: str = ""
    button: str = ""


class Form(Acting):
    """A box widget with fields one below another, which scrolls, and buttons at its end.

    Signals, each with the form first: ``submitted`` (values by name; only if nothing that is
    required is missing), ``cancelled``, ``change`` (name).

    Attributes of the display: ``form label``, ``form required`` (the mark), ``form hint``,
    ``form text`` (fixed), ``form field``, ``form field chosen`` (options and switches),
    ``form error``, ``button``, ``button chosen``, and those of :class:`Editor`.

    Actions: ``next``, ``previous`` (field), ``up``, ``down`` (also among options), ``page-up``,
    ``page-down``, ``choose`` (press a button, switch, take an option; in a text go on to the next
    field), ``toggle`` (the same, save in a text), ``submit``, ``cancel``. A click chooses.

    :param fields: from top to bottom; names differ
    :param submit: the label of the button that submits
    :param cancel: the label of the one that cancels; "" leaves it out
    :param editor_keys: the keys of texts; those that send and make a line there make a line in
        texts of several lines, and those of other actions which are the form's are left out
    """

    signals: ClassVar[list[str]] = ["submitted", "cancelled", "change"]
    KEYS: ClassVar[KeyMap] = {
        "next": ("tab",),
        "previous": ("shift tab",),
        "up": ("up",),
        "down": ("down",),
        "page-up": ("page up",),
        "page-down": ("page down",),
        "choose": ("enter",),
        "toggle": (" ",),
        "submit": ("ctrl x", "meta enter"),
        "cancel": ("esc",),
    }
    #: What the keys of texts are left without; the form has them.
    NOT_EDITOR = frozenset(("send", "older", "newer", "complete", "complete-back", "cancel"))
    #: Said of a required field that is empty.
    missing = "This has to be filled in."
    #: Drawn after the label of what is required.
    required_mark = " *"

    def __init__(
        self,
        fields: Sequence[Field],
        submit: str = "OK",
        cancel: str = "Cancel",
        editor_keys: KeyMap = Editor.KEYS,
    ) -> None:
        super().__init__()
        self._editor_keys = editor_keys
        self._fields = list(fields)
        self._values: dict[str, Value] = {}
        self._editors: dict[str, Editor] = {}
        self._errors: dict[str, str] = {}
        self._buttons = [("submit", line(submit)), *([("cancel", line(cancel))] if cancel else [])]
        self._spots: list[_Spot] = []
        self._at = 0
        self._top = 0
        self._follows = True
        for field in self._fields:
            self._add(field)
        self._spots += [_Spot(None, button=name) for name, _ in self._buttons]

    def _add(self, field: Field) -> None:
        if field.kind in (Kind.TEXT, Kind.PRIVATE, Kind.LINES):
            several = field.kind is Kind.LINES
            editor = Editor(
                field.hint,
                max_rows=6 if several else 3,
                lines=several,
                masked=field.kind is Kind.PRIVATE,
            )
            without = self.NOT_EDITOR | (set() if several else {"up", "down", "newline"})
            every = self._editor_keys
            keys = {name: tuple(key) for name, key in every.items() if name not in without}
            if several:
                breaks = {*every.get("send", ()), *every.get("newline", ())}
                own = {key for name in ("submit", "next") for key in self.keys.get(name, ())}
                keys["newline"] = tuple(breaks - own)
            editor.keys = keys
            editor.text = str(initial(field))
            editor.recall.texts.clear()
            urwid.connect_signal(editor, "change", self._written, user_args=[field.name])
            self._editors[field.name] = editor
        elif field.kind is not Kind.FIXED:
            self._values[field.name] = initial(field)
        if field.kind in (Kind.ONE, Kind.SEVERAL):
            self._spots += [_Spot(field, option=value) for value, _ in field.options]
        elif field.kind is not Kind.FIXED:
            self._spots.append(_Spot(field))

    def _written(self, name: str, _editor: Editor, _text: str) -> None:
        self._errors.pop(name, None)
        self._invalidate()
        self._emit("change", name)

    @property
    def values(self) -> dict[str, Value]:
        """What is filled in, by name: bool, str, or a tuple of the options that were taken."""
        found: dict[str, Value] = {}
        for field in self._fields:
            if field.name in self._editors:
                found[field.name] = self._editors[field.name].text
            elif field.kind is not Kind.FIXED:
                found[field.name] = self._values[field.name]
        return found

    @property
    def errors(self) -> Mapping[str, str]:
        """Sentences of what is wrong, by the names of fields."""
        return self._errors

    @errors.setter
    def errors(self, errors: Mapping[str, str]) -> None:
        self._errors = dict(errors)
        wrong = [
            (at, spot.field)
            for at, spot in enumerate(self._spots)
            if spot.field is not None and spot.field.name in errors
        ]
        if wrong:  # the sentence stands below the last option
            self._go(max(at for at, field in wrong if field is wrong[0][1]))
        self._invalidate()

    def submit(self) -> bool:
        """Submit what is filled in, or say what is missing; tell whether it was submitted."""
        values = self.values
        wrong = {one.name: self.missing for one in self._fields if is_missing(one, values)}
        self.errors = wrong
        if not wrong:
            self._emit("submitted", values)
        return not wrong

    def _go(self, at: int) -> None:
        self._at = max(0, min(at, len(self._spots) - 1))
        self._follows = True
        self._invalidate()

    def act(self, action: str) -> bool:
        """Do an action by name."""
        spot = self._spots[self._at]
        match action:
            case "up" | "down":
                before = self._at
                self._go(self._at + (-1 if action == "up" else 1))
                return self._at != before
            case "next" | "previous":
                self._go(self._other(1 if action == "next" else -1))
            case "page-up" | "page-down":
                self._top = max(0, self._top + steps(self._size[1])[action])
                self._follows = False
                self._invalidate()
            case "choose" | "toggle":
                self._choose(spot)
            case "submit":
                self.submit()
            case "cancel":
                self._emit("cancelled")
            case _:
                return False
        return True

    def _other(self, step: int) -> int:
        """Return the place of the next field or button, and after the last one the first."""
        here = self._spots[self._at]
        at = self._at
        for _ in self._spots:
            at = (at + step) % len(self._spots)
            there = self._spots[at]
            if there.field is None or there.field is not here.field:
                break
        while step < 0 and at and there.field and self._spots[at - 1].field is there.field:
            at -= 1
        return at

    def _choose(self, spot: _Spot) -> None:
        field = spot.field
        if field is None:
            self.act(spot.button)
            return
        value = self._values.get(field.name)
        if field.kind is Kind.BOOLEAN:
            self._values[field.name] = not value
        elif field.kind is Kind.ONE:
            taken = value == spot.option and not field.required
            self._values[field.name] = "" if taken else spot.option
        elif field.kind is Kind.SEVERAL:
            had = value if isinstance(value, tuple) else ()
            order = [one for one, _ in field.options]
            wanted = set(had) ^ {spot.option}
            self._values[field.name] = tuple(one for one in order if one in wanted)
        else:
            self._go(self._other(1))
            return
        self._errors.pop(field.name, None)
        self._invalidate()
        self._emit("change", field.name)

    def _editor(self) -> Editor | None:
        field = self._spots[self._at].field
        return None if field is None else self._editors.get(field.name)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Write into the text in focus, or do what the key means."""
        self._size = size
        editor = self._editor()
        if editor is not None:
            self._follows = True
            left = editor.keypress((max(1, size[0] - 2),), key)
            if left is None:
                self._invalidate()
                return None
            key = left
            if self.action(key) == "toggle":
                return key
        return super().keypress(size, key)

    def clicked(self, col: int, row: int) -> bool:
        """Put the focus where a click is, and choose what is there."""
        columns = self._size[0]
        spots = self._blocks(columns, True)[1]
        at = self._top + row
        if at >= len(spots):
            return False
        where, line_of = spots[at]
        if where is None or line_of < 0:
            return False
        self._go(where)
        editor = self._editor()
        if editor is not None:
            inner = (max(1, columns - 2),)
            editor.mouse_event(inner, "mouse press", 1, max(0, col - 2), line_of, True)
        else:
            self._choose(self._spots[where])
        return True

    def _blocks(
        self, columns: int, focus: bool
    ) -> tuple[list[tuple[urwid.Canvas, bool]], list[tuple[int | None, int]]]:
        """Return what is drawn, and for each row whose it is, and which of its rows.

        A row below 0 is of a sentence about it.
        """
        drawn: list[tuple[urwid.Canvas, bool]] = []
        spots: list[tuple[int | None, int]] = []

        def add(canvas: urwid.Canvas, at: int | None = None) -> None:
            drawn.append((canvas, at == self._at))
            spots.extend((at, row) for row in range(canvas.rows()))

        def text(name: str, words: str, at: int | None = None) -> None:
            body = urwid.Text((name, clean(words)), layout=ISOLATING)
            drawn.append((urwid.CompositeCanvas(body.render((columns,))), False))
            spots.extend([(at, -1)] * drawn[-1][0].rows())

        at = 0
        for field in self._fields:
            if field.kind is Kind.FIXED:
                text("form text", field.label)
                continue
            mark: Span = ("form required", self.required_mark if field.required else "")
            if field.kind is not Kind.BOOLEAN:
                add(paint([[("form label", line(field.label)), mark]], columns))
            if field.hint and field.name not in self._editors:
                text("form hint", field.hint)
            if field.name in self._editors:
                add(self._drawn_editor(field.name, columns, focus and at == self._at), at)
                at += 1
            else:
                for label, taken in self._marks(field):
                    name = "form field chosen" if at == self._at else "form field"
                    end = mark if field.kind is Kind.BOOLEAN else ("form field", "")
                    add(paint([[(name, f"{taken} {line(label)}"), end]], columns), at)
                    at += 1
            if field.name in self._errors:
                text("form error", self._errors[field.name], at - 1)
        for name, label in self._buttons:
            chosen = self._spots[self._at].button == name
            span = ("button chosen" if chosen else "button", f"[ {label} ]")
            add(paint([[span, (None, "")]], columns), at)
            at += 1
        return drawn, spots

    def _drawn_editor(self, name: str, columns: int, focus: bool) -> urwid.Canvas:
        if columns < 3:
            return urwid.CompositeCanvas(self._editors[name].render((columns,), focus))
        body = self._editors[name].render((columns - 2,), focus)
        side = paint([[("form label", "> ")]], 2, body.rows())
        return urwid.CanvasJoin([(side, None, False, 2), (body, None, True, columns - 2)])

    def _marks(self, field: Field) -> list[tuple[str, str]]:
        """Return the labels of what can be taken, each with the mark of whether it is."""
        value = self._values[field.name]
        if field.kind is Kind.BOOLEAN:
            return [(field.label, "[x]" if value else "[ ]")]
        if field.kind is Kind.ONE:
            return [(label, "(x)" if one == value else "( )") for one, label in field.options]
        taken = value if isinstance(value, tuple) else ()
        return [(label, "[x]" if one in taken else "[ ]") for one, label in field.options]

    def rows_wanted(self, columns: int) -> int:
        """Return how high it would be, with all its fields."""
        return len(self._blocks(columns, False)[1])

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw what is in view, with what has the focus in it."""
        self._size = columns, height = size
        drawn, spots = self._blocks(columns, focus)
        if self._follows:
            rows = [row for row, (at, _) in enumerate(spots) if at == self._at] or [0]
            above = rows[0] if self._at else 0
            self._top = max(min(self._top, above), min(rows[-1] - height + 1, rows[0]))
        self._top = max(0, min(self._top, len(spots) - height))
        canvas = urwid.CanvasCombine([(one, None, is_focus) for one, is_focus in drawn])
        if self._top:
            canvas.trim(self._top)
        if canvas.rows() > height:
            canvas.trim(0, height)
        elif canvas.rows() < height:
            canvas.pad_trim_top_bottom(0, height - canvas.rows())
        if canvas.cursor is not None and not 0 <= canvas.cursor[1] < height:
            canvas.cursor = None  # earlier versions of urwid leave it where it was cut off
        return canvas
