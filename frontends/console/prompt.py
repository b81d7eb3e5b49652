"""One line at the bottom that asks for a text: an address, a command, what is looked for."""

from collections.abc import Callable

import urwid

from sat.frontends.console.keys import Keys
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.completing import Completions
from sat.frontends.console.widgets.editor import Editor
from sat.frontends.console.widgets.painting import paint


class Prompt(urwid.Widget):
    """Asks for one line; it takes all keys until it is answered or left.

    :param label: what is asked for
    :param done: is told the text; it may be asked for again
    :param left: is called when there is nothing more to ask, with or without an answer
    :param keys: the person's
    :param changed: is told each change of the text
    :param completer: gives candidates for a text and a cursor
    :param dropped: is called when it is left without an answer
    """

    _sizing = frozenset([urwid.FLOW])
    _selectable = True

    def __init__(
        self,
        label: str,
        done: Callable[[str], object],
        *,
        left: Callable[[], None],
        keys: Keys,
        text: str = "",
        changed: Callable[[str], object] | None = None,
        completer: Callable[[str, int], Completions | None] | None = None,
        dropped: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._label = f" {cells.line(label)} "
        self._done = done
        self._left = left
        self._keys = keys
        self.editor = Editor(max_rows=1, limit=4096, completer=completer)
        self.editor.candidate_rows = 5
        self.editor.keys = keys.widget("edit-") | {"newline": (), "leave": ()}
        self.editor.text = text
        self.editor.cursor = len(text)
        self._changed = changed
        self._dropped = dropped
        if changed is not None:
            urwid.connect_signal(self.editor, "change", lambda _editor, new: changed(new))

    def keypress(self, size: tuple[int], key: str) -> str | None:  # type: ignore[override]
        """Write; Enter answers, Esc leaves."""
        self._invalidate()
        action = self._keys.action("editor", key)
        if action == "edit-send":
            text = self.editor.text
            self._left()
            self._done(text)
            return None
        if action == "edit-leave" or self._keys.action("dialog", key) == "dialog-close":
            if self.editor.completing:
                self.editor.act("cancel")
                return None
            if self._changed is not None:
                self._changed("")
            self._left()
            self._dropped()
            return None
        self.editor.keypress((self._room(size[0]),), key)
        return None

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Put the cursor where a click is."""
        room = self._room(size[0])
        place = max(0, col - (size[0] - room))
        return self.editor.mouse_event((room,), event, button, place, row, focus)

    def _room(self, columns: int) -> int:
        width = cells.width(self._label)
        return columns - width if columns - width >= 8 else columns

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many lines it takes, with the candidates that are shown."""
        return self.editor.rows((self._room(size[0]),))

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        room = self._room(size[0])
        drawn = self.editor.render((room,), True)
        if room == size[0]:
            return urwid.CompositeCanvas(drawn)
        rows = [*([[("text", "")]] * (drawn.rows() - 1)), [("bar.key", self._label)]]
        label = paint(rows, size[0] - room)
        return urwid.CanvasJoin([(label, None, False, size[0] - room), (drawn, None, True, room)])
