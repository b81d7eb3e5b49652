"""Rooms and contacts at the left: who is there, and where something waits to be read."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

import urwid

from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.messages import MessageList
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.core.views.contacts import ContactRow, Contacts

if TYPE_CHECKING:
    from sat.frontends.console.app import App


class _Row(urwid.Widget):
    _sizing = frozenset([urwid.FLOW])

    def __init__(self, row: ContactRow) -> None:
        super().__init__()
        self._row = row

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        return 1

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        return paint([spans(self._row, size[0], focus)], size[0], 1)


def spans(row: ContactRow, columns: int, chosen: bool) -> list[Span]:
    """Return a contact as a line."""
    char, look, _word = PRESENCE[row.show]
    if row.kind == "room":
        char, look = "#", "online" if row.state == "joined" else "offline"
    count = str(row.unread) if row.unread else ""
    name_look = "unread" if row.unread else "text" if row.show != "unavailable" else "dim"
    name = cells.fill(cells.line(row.name), max(0, columns - 3 - len(count) - bool(count)))
    found: list[Span] = [
        ("text", " "),
        (look, sign(char)),
        ("text", " "),
        (name_look, cells.isolate(name)),
    ]
    if count:
        found += [("mention" if row.mentions else "count", count), ("text", " ")]
    return [("focus", text) for _look, text in found] if chosen else found


class _Source:
    def __init__(self, view: Contacts) -> None:
        self._rows = view.rows

    live = False

    def __contains__(self, key: object, /) -> bool:
        return isinstance(key, tuple) and self._rows.get(key) is not None

    def first(self) -> Hashable:
        return self._rows.keys[0] if self._rows else None

    def last(self) -> Hashable:
        return self._rows.keys[-1] if self._rows else None

    def before(self, key: Hashable, /) -> Hashable:
        return self._beside(key, -1)

    def after(self, key: Hashable, /) -> Hashable:
        return self._beside(key, 1)

    def _beside(self, key: Hashable, step: int) -> Hashable:
        place = self._rows.index_of(key)
        if place is None or not 0 <= place + step < len(self._rows):
            return None
        return self._rows.keys[place + step]

    def widget(self, key: Hashable, /) -> urwid.Widget:
        row = self._rows.get(key)
        assert row is not None
        return _Row(row)


class ContactsPane(urwid.Widget):
    """The list.

    :param app: the program
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(self, app: "App") -> None:
        super().__init__()
        self._app = app
        self.hides_offline = app.settings.hide_offline
        self.view = Contacts(
            app.model,
            app.mentions,
            profile=app.arguments.profile,
            offline=not self.hides_offline,
        )
        self.list = MessageList(_Source(self.view), app.later)
        self.list.keys = {}
        self.list.act("start")
        self.view.rows.observe(self)

    def added(self, index: int, row: ContactRow) -> None:
        """Draw anew."""
        self._changed()

    def changed(self, index: int, row: ContactRow) -> None:
        """Draw anew."""
        self._changed(row.key)

    def removed(self, index: int, row: ContactRow) -> None:
        """Draw anew."""
        self._changed(row.key)

    def reset(self) -> None:
        """Draw anew."""
        self.list.changed_all()
        self.list.act("start")
        self._changed()

    def _changed(self, *keys: Hashable) -> None:
        self.list.changed(keys)
        self._invalidate()

    @property
    def selected(self) -> ContactRow | None:
        """The chosen one."""
        key = self.list.selected
        return None if key is None else self.view.rows.get(key)

    def enter(self) -> None:
        """Choose the first, if none is chosen."""
        if self.list.selected is None and self.view.rows:
            self.list.select(self.view.rows.keys[0])

    def first(self) -> None:
        """Choose the first."""
        if self.view.rows:
            self.list.select(self.view.rows.keys[0])

    def filter(self, text: str) -> None:
        """Show those alone who have these words in their name, address or group."""
        self.view.filter(text)
        self._changed()

    def hide_offline(self, hidden: bool) -> None:
        """Show those alone who are there, and what is unread."""
        self.hides_offline = hidden
        self.view.show(profile=self._app.arguments.profile, offline=not hidden)

    def act(self, action: str) -> None:
        """Move as a key of the list would."""
        self.list.act(action)
        self._invalidate()

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        return self.list.render(size, focus)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what a key means in the list."""
        action = self._app.keys.action("contacts", key)
        return None if action is not None and self._app.do(action) else key

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Scroll, or open what is clicked."""
        done = bool(self.list.mouse_event(size, event, button, col, row, focus))
        if event == "mouse press" and button == 1 and self.selected is not None:
            self._app.do("list-open")
        self._invalidate()
        return done
