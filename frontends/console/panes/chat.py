"""One conversation: who it is with, its messages, who is in the room, and the line to write in."""

from typing import TYPE_CHECKING

import urwid

from sat.frontends.console.panes.header import Header
from sat.frontends.console.panes.history import History
from sat.frontends.console.panes.occupants import OccupantList
from sat.frontends.console.signs import rule, sign
from sat.frontends.console.texts import _, ngettext
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.editor import Editor
from sat.frontends.console.widgets.painting import paint
from sat.frontends.core.state import Key

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.state import Changes

#: Narrower conversations show no list of occupants.
_WITH_OCCUPANTS = 56


class ChatPane(urwid.Widget):
    """A conversation on the screen.

    :param app: the program
    :param key: its profile and peer
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(self, app: "App", key: Key) -> None:
        super().__init__()
        self.app = app
        self.key = key
        self.history = History(app, key)
        self.header = Header(app, key)
        self.occupants = OccupantList(app, key)
        self.editor = Editor(placeholder=_("Write a message"), max_rows=6)
        self.editor.keys = app.keys.widget("edit-")
        self.editor.too_long = _(
            "This text is too long: {limit} characters are the most. A file can be sent."
        )
        #: Whether the messages have the focus, and not the line to write in.
        self.in_messages = False
        #: Whether who is in the room has it.
        self.in_occupants = False
        urwid.connect_signal(self.editor, "send", self._send)
        urwid.connect_signal(self.editor, "change", self._written)
        urwid.connect_signal(self.editor, "complete", self._complete)
        urwid.connect_signal(self.editor, "refused", self._refused)
        self._size = (80, 24)
        self._draft = ""
        self._stale = True

    async def open(self) -> None:
        """Fetch what was said last, and what was begun."""
        self._take_draft()
        await self.history.open()

    async def close(self) -> None:
        """Let go of it."""
        self.history.close()
        self.occupants.close()

    def changed(self, changes: "Changes") -> None:
        """Take note of what happened."""
        if changes.anew or self.key in changes.conversations:
            self._take_draft()
        if changes.anew or self.key in changes.rooms:
            self.history.restyle()
        self._stale = True

    def refresh(self) -> None:
        """Have drawn anew what has changed since the last picture."""
        if self._stale or self.history.refresh():
            self._stale = False
            self.history.refresh()
            self.header.refresh()
            self._invalidate()

    def _take_draft(self) -> None:
        """Show what was begun elsewhere, where nothing was written here since."""
        conversation = self.app.attachment.state.conversations.get(self.key)
        draft = conversation.draft if conversation is not None else ""
        before, self._draft = self._draft, draft
        if draft != before and self.editor.text == before:
            self.editor.text = draft
            self.editor.cursor = len(draft)

    @property
    def is_room(self) -> bool:
        """Whether it is a room."""
        return self.key in self.app.attachment.state.rooms

    # ---- drawing

    def _places(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the lines of the header, of the messages and of the editor; columns of nicks."""
        columns, height = size
        editor = min(self.editor.rows((columns,)), max(1, height // 2))
        header = 1 if height - editor >= 2 else 0
        middle = height - editor - header
        line = 1 if middle >= 4 else 0
        shown = self.is_room and self.app.shows_occupants and columns >= _WITH_OCCUPANTS
        nicks = max(12, min(20, columns // 5)) if shown else 0
        return header, middle - line, editor + line, nicks

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        columns, _height = size
        self._size = size
        header, middle, below, nicks = self._places(size)
        rows = []
        if header:
            rows.append((self.header.render((columns,), focus), None, False))
        if middle > 0:
            rows.append((self._middle(columns, middle, nicks, focus), None, False))
        writes = focus and not (self.in_messages or (self.in_occupants and nicks))
        if below > self._editor_rows(size):
            rows.append((self._rule(columns, "line.focus" if writes else "line"), None, False))
        editor = urwid.CompositeCanvas(self.editor.render((columns,), writes))
        over = editor.rows() - self._editor_rows(size)
        if over > 0:
            # What is cut is what stands above the cursor.
            editor.trim(over, editor.rows() - over)
        rows.append((editor, None, writes))
        return urwid.CanvasCombine(rows)

    def _rule(self, columns: int, look: str) -> urwid.Canvas:
        """Return the line above the editor: it says where it is not the newest that is shown."""
        told = ""
        if self.history.is_back:
            conversation = self.app.attachment.state.conversations.get(self.key)
            unread = conversation.unread if conversation is not None else 0
            more = _("more below")
            if unread:
                more = ngettext("{number} new below", "{number} new below", unread)
                more = more.format(number=unread)
            key = self.app.keys.shown("newest")
            told = cells.cut(f" {sign('▾')} {more}{f': {key}' if key else ''} ", columns)
        left = max(0, columns - cells.width(told) - 2)
        right = columns - left - cells.width(told)
        return paint([[(look, rule(left)), ("count", told), (look, rule(right))]], columns, 1)

    def _editor_rows(self, size: tuple[int, int]) -> int:
        return min(self.editor.rows((size[0],)), max(1, size[1] // 2))

    def _middle(self, columns: int, rows: int, nicks: int, focus: bool) -> urwid.Canvas:
        width = columns - nicks - 1 if nicks else columns
        focused = focus and self.in_messages
        parts = [(self.history.render((width, rows), focused), None, focused, width)]
        if nicks:
            line = urwid.AttrMap(urwid.SolidFill(sign("│")), "line").render((1, rows))
            parts.append((line, None, False, 1))
            chosen = focus and self.in_occupants
            parts.append((self.occupants.render((nicks, rows), chosen), None, chosen, nicks))
        return urwid.CanvasJoin(parts)

    # ---- keys and clicks

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Write, or do what the key means in the messages."""
        _header, middle, _below, nicks = self._places(size)
        if self.in_occupants and nicks and middle > 0:
            self._invalidate()
            return self.occupants.keypress((nicks, middle), key)
        if self.in_messages and middle > 0:
            width = size[0] - nicks - 1 if nicks else size[0]
            return self.history.keypress((width, middle), key)
        left = self.editor.keypress((size[0],), key)
        self._invalidate()
        if left is not None and self.app.keys.action("editor", left) == "edit-leave":
            self.to_messages()
            return None
        return left

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Give a click to what is there."""
        header, middle, _below, nicks = self._places(size)
        width = size[0] - nicks - 1 if nicks else size[0]
        if row < header and event == "mouse press" and button == 1:
            return self.app.do("about")
        if header <= row < header + middle:
            if col < width:
                return bool(
                    self.history.mouse_event(
                        (width, middle), event, button, col, row - header, focus
                    )
                )
            if col > width:
                place = (nicks, middle), event, button, col - width - 1, row - header, focus
                return self.occupants.mouse_event(*place)
            return False
        first = size[1] - self._editor_rows(size)
        if row == first - 1 and event == "mouse press" and button == 1 and self.history.is_back:
            return self.app.do("newest")
        if row >= first and event == "mouse press" and button == 1:
            self.to_editor()
            return self.editor.mouse_event((size[0],), event, button, col, row - first, focus)
        return False

    def to_messages(self) -> None:
        """Let keys move in the messages."""
        self.in_messages, self.in_occupants = True, False
        self.history.enter()
        self._invalidate()

    def to_editor(self) -> None:
        """Let keys write."""
        self.in_messages = self.in_occupants = False
        self.history.leave()
        self._invalidate()

    def to_occupants(self) -> bool:
        """Let keys choose somebody in the room; tell whether there is room for the list."""
        if not self._places(self._size)[3]:
            return False
        self.to_editor()
        self.in_occupants = True
        self.occupants.enter()
        return True

    def quote(self, text: str) -> None:
        """Begin an answer with what was said (XEP-0393, section 5.1.3)."""
        quoted = "".join(f"> {line}\n" for line in text.split("\n"))
        self.to_editor()
        self.editor.insert(quoted)

    # ---- writing

    def _send(self, _editor: Editor, text: str) -> None:
        # Not at the start: commands are read by many tables.
        from sat.frontends.core.commands.line import message_of

        if self.history.is_back and message_of(text) is not None:
            # Who speaks wants to see it.
            self.app.spawn(self.history.go_to_end())
        self.app.submit(self, text)

    def _written(self, _editor: Editor, text: str) -> None:
        self.app.actions.draft(*self.key, text)

    def _complete(self, _editor: Editor, text: str, cursor: int) -> None:
        from sat.frontends.console.completion import complete

        context = self.app.commands.context(self.key)
        self.editor.offer(complete(self.app, text, cursor, context))
        if text.startswith("/") and not self.app.commands.learned:
            self.app.spawn(self._complete_later(text, cursor))

    async def _complete_later(self, text: str, cursor: int) -> None:
        """Complete what plugins bring, once the daemon has told what that is."""
        await self.app.commands.learn()
        if (self.editor.text, self.editor.cursor) == (text, cursor):
            self._complete(self.editor, text, cursor)

    def _refused(self, _editor: Editor, sentence: str) -> None:
        self.app.tell(sentence, "error")
