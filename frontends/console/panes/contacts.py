"""Rooms and contacts at the left: who is there, and where something waits to be read."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

import urwid

from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.painting import Span
from sat.frontends.console.widgets.rows import Line, RowList
from sat.frontends.core.views.contacts import ContactRow, Contacts

if TYPE_CHECKING:
    from sat.frontends.console.app import App


def line_of(row: ContactRow, account: bool = False) -> Line:
    """Return a contact or a room as a line of the list.

    :param account: whether it says whose it is: another account has one that is called so
    """
    char, look, _word = PRESENCE[row.show]
    heading = row.group
    if row.kind == "room":
        char, look = "#", "online" if row.state == "joined" else "offline"
        heading = _("Rooms")
    elif row.kind != "contact":
        heading = _("Others")
    there = row.show != "unavailable"
    spans: list[Span] = [("text", " "), (look, sign(char)), ("text", " ")]
    if row.unread:
        # A sign too, for those who see no colours.
        mine = ("mention", f"@{row.unread} ") if row.mentions else ("count", f"{row.unread} ")
        spans.append(mine)
    name_look = "unread" if row.unread else "text" if there else "dim"
    spans.append((name_look, cells.isolate(cells.line(row.name))))
    if account:
        spans.append(("dim", f" ({cells.line(row.profile)})"))
    if row.kind == "contact" and (row.ask or row.subscription in ("none", "from")):
        spans.append(("dim", " ?"))
    order = (not there and row.kind == "contact", row.name.casefold(), row.jid, row.profile)
    return Line(order, spans, heading=heading)


def _distance(row: ContactRow, wanted: str) -> int:
    """Return how far a row is from what somebody types to find it; 0 is the row itself."""
    name = row.name.casefold()
    if wanted in (name, row.jid.casefold()):
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if f" {wanted}" in f" {name}" else 3


class ContactsPane(urwid.Widget):
    """The list; it follows the view of contacts.

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
        self.list = RowList([_("Others"), _("Rooms")])
        self.list.keys = {}
        #: The keys of rows that the list has otherwise than the view; None are all.
        self._dirty: set[Hashable] | None = set()
        self._listed: set[Hashable] = set()
        #: The names that more than one account has somebody, or a room, for.
        self._twice: set[str] = set()
        self.list.unfolded_mark, self.list.folded_mark = f"{sign('▾')} ", f"{sign('▸')} "
        urwid.connect_signal(self.list, "activated", self._activated)
        self.view.rows.observe(self)

    # ---- what the view tells

    def added(self, index: int, row: ContactRow) -> None:
        """Draw a row where it belongs."""
        self._changed(row.key)

    def changed(self, index: int, row: ContactRow) -> None:
        """Draw a row anew."""
        self._changed(row.key)

    def removed(self, index: int, row: ContactRow) -> None:
        """Draw a row no more, unless it comes again."""
        self._changed(row.key)

    def reset(self) -> None:
        """Draw all rows anew."""
        self._dirty = None

    def _changed(self, key: Hashable) -> None:
        if self._dirty is not None:
            self._dirty.add(key)

    def refresh(self) -> None:
        """Have drawn anew what has changed since the last picture."""
        if self._dirty != set():
            self._invalidate()

    def _catch_up(self) -> None:
        """Bring the list to where the view is: once for each drawing, not for each event."""
        dirty, self._dirty = self._dirty, set()
        if dirty is None:
            gone = [key for key in self._listed if self.view.rows.get(key) is None]
            dirty = {*gone, *self.view.rows.keys}
        dirty |= self._renamed() if dirty else set()
        known = {key: row for key in dirty if (row := self.view.rows.get(key)) is not None}
        for key in self._listed & (dirty - known.keys()):
            self.list.remove(key)
            self._listed.discard(key)
        self.list.put_all(
            (key, line_of(row, row.name in self._twice)) for key, row in known.items()
        )
        self._listed |= known.keys()

    def _renamed(self) -> set[Hashable]:
        """Return the rows whose name is no longer, or not yet, that of one account's alone."""
        twice: set[str] = set()
        if len(self._app.profiles) > 1:
            owners: dict[str, str] = {}
            twice = {
                row.name
                for row in self.view.rows
                if owners.setdefault(row.name, row.profile) != row.profile
            }
        others, self._twice = twice ^ self._twice, twice
        return {row.key for row in self.view.rows if row.name in others} if others else set()

    # ---- what a person does

    @property
    def selected(self) -> ContactRow | None:
        """The chosen one."""
        self._catch_up()
        key = self.list.selected
        return None if key is None else self.view.rows.get(key)

    def enter(self) -> None:
        """Choose the conversation that is on the screen, or the first of all."""
        self._catch_up()
        pane = self._app.workspace.current
        if pane is not None and (key := self._key_of(pane.key)) is not None:
            self.list.select(key)

    def _key_of(self, conversation: tuple[str, str]) -> Hashable:
        found = (key for key in self.view.rows.keys if key[:2] == conversation)  # type: ignore[index]
        return next(found, None)

    def first(self) -> None:
        """Choose the first."""
        if self.view.rows and self.selected is None:
            self.list.act("first")
            if self.selected is None:
                self.list.act("down")

    def begin(self) -> None:
        """Choose whom to begin with: of several accounts the usual one's, who has news first."""
        self._catch_up()
        profiles = self._app.profiles
        rows = [self.view.rows[at] for at in range(len(self.view.rows))]
        if len(profiles) > 1 and rows:
            usual = {one.name for one in profiles if one.default}
            found = min(
                rows, key=lambda row: (row.profile not in usual, not row.unread, row.kind == "room")
            )
            self.list.select(found.key)
        else:
            self.first()

    def filter(self, text: str) -> None:
        """Show those alone who have these words in their name, address or group.

        Who is called so is chosen, before those whose name begins so, and those who only have it
        somewhere.
        """
        self.view.filter(text)
        wanted = text.strip().casefold()
        self._catch_up()
        if wanted and self.view.rows:
            rows = [self.view.rows[at] for at in range(len(self.view.rows))]
            self.list.select(min(rows, key=lambda row: _distance(row, wanted)).key)
        else:
            self.first()

    def hide_offline(self, hidden: bool) -> None:
        """Show those alone who are there, and what is unread."""
        self.hides_offline = hidden
        self.view.show(profile=self._app.arguments.profile, offline=not hidden)

    def act(self, action: str) -> None:
        """Move as a key of the list would."""
        self._catch_up()
        self.list.act(action)
        self._invalidate()

    def _activated(self, _list: RowList, _key: Hashable) -> None:
        if (row := self.selected) is not None:
            self.view.filter("")
            self._app.workspace.open((row.profile, row.jid))

    # ---- the widget

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        self._catch_up()
        return self.list.render(size, focus)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what a key means in the list."""
        action = self._app.keys.action("contacts", key)
        return None if action is not None and self._app.do(action) else key

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Scroll, or open what is clicked."""
        self._catch_up()
        before = self.list.selected
        done = bool(self.list.mouse_event(size, event, button, col, row, focus))
        now = self.list.selected
        if event == "mouse press" and button == 1 and now is not None and now != before:
            self.list.act("activate")
        self._invalidate()
        return done
