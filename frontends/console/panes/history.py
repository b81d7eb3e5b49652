"""The messages of one conversation: without end, fetched as they are scrolled to."""

from collections.abc import Hashable
from datetime import date
from typing import TYPE_CHECKING

import urwid

from sat.frontends.console import message
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.messages import MessageList
from sat.frontends.console.widgets.painting import paint
from sat.frontends.core.state import Key
from sat.frontends.core.views.chat import Chat, ChatRow

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.console.pictures import Pictures


class _Source:
    """The rows of a conversation's view, as the list of them asks for them."""

    def __init__(self, history: "History") -> None:
        self._history = history
        self._rows = history.view.rows

    @property
    def live(self) -> bool:
        return self._history.view.at_end

    def __contains__(self, key: object, /) -> bool:
        return isinstance(key, str) and self._rows.get(key) is not None

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
        return message.widget(row, self._history.look(key))


class History(urwid.Widget):
    """Messages, which are marked read where they were looked at.

    :param app: the program
    :param key: the conversation's profile and peer
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(self, app: "App", key: Key) -> None:
        super().__init__()
        self._app = app
        self.key = key
        self.view = Chat(app.attachment, *key)
        self.list = MessageList(_Source(self), app.later, broken=app.fault)
        self.list.keys = {}
        self._whole: set[Hashable] = set()
        self._pictures: Pictures | None = None
        self._opened = False
        #: Whether somebody looks at it.
        self._watched = False
        self._stale: set[Hashable] | None = None
        self._ends = [self.view.rows.observe(self), self.view.observe_status(self._status)]
        urwid.connect_signal(self.list, "viewed", self._viewed)
        urwid.connect_signal(self.list, "near-top", self._near_top)
        urwid.connect_signal(self.list, "near-bottom", self._near_bottom)
        urwid.connect_signal(self.list, "activated", self._activated)

    async def open(self) -> None:
        """Fetch the end of the conversation."""
        if not self._opened and self._app.attachment.is_attached:
            self._opened = await self.view.open()
            self._changed()

    def close(self) -> None:
        """Follow the conversation no more."""
        for end in self._ends:
            end()
        if self._pictures is not None:
            self._pictures.close()
        self.view.close()

    def look(self, key: Hashable) -> message.Look:
        """Return how a message is drawn here."""
        room = self._app.attachment.state.rooms.get(self.key)
        screen = self._app.screen
        nick = room.nick if room is not None else ""
        return message.Look(
            *(screen.theme, screen.colours, nick, key in self._whole),
            picture=self._pictures.get(str(key)) if self._pictures is not None else None,
        )

    @property
    def pictures(self) -> "Pictures":
        """What is shown of pictures: nothing, until it is asked for."""
        if self._pictures is None:
            from sat.frontends.console.pictures import Pictures

            self._pictures = Pictures(self._app, self._changed)
        return self._pictures

    # ---- what the view tells

    def added(self, index: int, row: ChatRow) -> None:
        """Draw a message that came."""
        self._changed()

    def changed(self, index: int, row: ChatRow) -> None:
        """Draw a message anew."""
        self._changed(row.key)

    def removed(self, index: int, row: ChatRow) -> None:
        """Draw a message no more."""
        self._changed(row.key)

    def reset(self) -> None:
        """All messages are others."""
        self.list.changed_all()
        self._changed()

    def _changed(self, *keys: Hashable) -> None:
        self._stale = {*keys, *(self._stale or ())}
        self._app.screen.draw_soon()

    def refresh(self) -> bool:
        """Have drawn anew what has changed since the last picture; tell if there is any."""
        if self._stale is None:
            return False
        self.list.changed(self._stale)
        self._stale = None
        self._invalidate()
        return True

    def _status(self) -> None:
        if self.view.error:
            self._app.tell(self.view.error, "error")
        self._changed()

    def restyle(self) -> None:
        """Draw all messages anew: in another theme, or with another nick of ours."""
        self.list.changed_all()

    # ---- what the list tells

    def _viewed(self, _list: MessageList, keys: tuple[Hashable, ...]) -> None:
        if keys:
            self.view.look(str(keys[0]))
            if self._app.settings.images == "contacts":
                self.pictures.seen(self.view.rows.get(key) for key in keys)
        self.mark_read()

    def watched(self, seen: bool) -> None:
        """Take note whether somebody looks at it: who comes back sees from where on it is new."""
        if seen and not self._watched:
            self.view.draw_read_line()
            # Not only for the next picture, which may be drawn already: there are never two lines.
            self.refresh()
        self._watched = seen

    def mark_read(self) -> None:
        """Mark what is in view as read, if somebody is there to see it."""
        keys = self.list.in_view
        if keys and self._app.sees(self):
            self._app.actions.read_to(*self.key, str(keys[-1]))

    def _near_top(self, _list: MessageList, _key: Hashable) -> None:
        if not self.view.at_start and not self.view.loading:
            self._app.spawn(self.view.earlier())

    def _near_bottom(self, _list: MessageList, _key: Hashable) -> None:
        if not self.view.at_end and not self.view.loading:
            self._app.spawn(self.view.later())

    def _activated(self, _list: MessageList, key: Hashable) -> None:
        self._app.do("chat-menu")

    # ---- what a person does

    @property
    def is_back(self) -> bool:
        """Whether something newer was said than what is in view."""
        if not self.view.rows:
            return False
        last = self.view.rows.keys[-1]
        return not (self.view.at_end and (self.list.at_end or last in self.list.in_view))

    @property
    def selected(self) -> ChatRow | None:
        """The chosen message."""
        key = self.list.selected
        return None if key is None else self.view.rows.get(key)

    def enter(self) -> None:
        """Choose a message, the newest in view if there is none chosen."""
        if self.list.selected is None and self.list.in_view:
            self.list.select(self.list.in_view[-1])

    def leave(self) -> None:
        """Choose none."""
        if self.list.selected is not None:
            self.list.select(None)

    def show_whole(self, key: Hashable) -> None:
        """Draw all of a message that was cut."""
        self._whole.add(key)
        self._changed(key)

    async def go_to(self, id: str) -> bool:
        """Show a message and choose it; tell whether it is there."""
        if not await self.view.go_to(id):
            return False
        self.list.jump(id)
        self.list.select(id)
        self._changed()
        return True

    async def go_to_day(self, day: date) -> None:
        """Show what was said on a day."""
        found = await self.view.go_to_day(day)
        if found is not None and self.view.rows.get(found) is not None:
            self.list.jump(found)
            self.list.select(found)
        self._changed()

    async def go_to_new(self) -> bool:
        """Show and choose the first message that was new when one came; tell if there is one."""
        found = await self.view.go_to_unread()
        if found is not None and self.view.rows.get(found) is not None:
            self.list.jump(found)
            self.list.select(found)
        self._changed()
        return found is not None

    async def go_to_end(self, *, choose: bool = False) -> None:
        """Show what was said last.

        :param choose: choose the last message, else none
        """
        if not self.view.at_end:
            await self.view.go_to_end()
        self.list.select(self.view.rows.keys[-1] if choose and self.view.rows else None)
        self.list.act("end")
        self._changed()

    def act(self, action: str) -> None:
        """Move as a key of the list would."""
        self.list.act(action)
        self._invalidate()

    # ---- the widget

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the messages, or why there are none."""
        if self.view.rows:
            return self.list.render(size, focus)
        columns, rows = size
        if self.view.error:
            text = self.view.error
        elif not self._opened or self.view.loading:
            text = _("…")
        else:
            text = _("Nothing was said yet.")
        above = (rows - 1) // 2
        line = cells.cut(cells.line(text), columns)
        margin = " " * ((columns - cells.width(line)) // 2)
        return paint([*([[]] * above), [("dim", margin + line)]], columns, rows)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what a key means in the messages."""
        action = self._app.keys.action("chat", key)
        if action is None or not self._app.do(action):
            return key
        return None

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Scroll, or choose what is clicked."""
        if not self.view.rows:
            return False
        done = bool(self.list.mouse_event(size, event, button, col, row, focus))
        self._invalidate()
        return done
