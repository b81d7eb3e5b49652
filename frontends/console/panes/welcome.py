"""What stands where no conversation is open: what can be done first, or why nothing can."""

import textwrap
from typing import TYPE_CHECKING

import urwid

from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.painting import Span, paint

if TYPE_CHECKING:
    from sat.frontends.console.app import App


class Welcome(urwid.Widget):
    """The first keys that somebody needs.

    :param app: the program
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(self, app: "App") -> None:
        super().__init__()
        self._app = app

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what the key means in a conversation, as far as it needs none."""
        action = self._app.keys.action("chat", key)
        if action in ("chat-help", "chat-command") and self._app.do(action):
            return None
        return key

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        columns, rows = size
        lines: list[list[Span]] = [
            [("title.text", "Salut à Toi")],
            [],
            *self._trouble(columns),
            *(
                self._line(name, text)
                for name, text in (
                    ("contacts", _("choose somebody in the list")),
                    ("open", _("talk to an address")),
                    ("join", _("join a room")),
                    ("next-unread", _("go to what is unread")),
                    ("profiles", _("your accounts")),
                    ("palette", _("all commands")),
                    ("help", _("help")),
                    ("quit", _("leave; the daemon goes on")),
                )
            ),
        ]
        above = max(0, (rows - len(lines)) // 3)
        width = max(sum(cells.width(text) for _look, text in line) for line in lines)
        left = max(0, (columns - width) // 2)
        margin: Span = ("text", " " * left)
        return paint([*([[]] * above), *([margin, *line] for line in lines)], columns, rows)

    def _trouble(self, columns: int) -> list[list[Span]]:
        """Return why there is no daemon, in full: the bottom line has room for its beginning."""
        link = self._app.attachment.link
        if link.phase == "attached" or not link.sentence:
            return []
        wide = max(20, min(64, columns - 4))
        told = textwrap.wrap(cells.clean(link.sentence), wide)
        again = self._line("reach", _("try now, and start the daemon"))
        lines: list[list[Span]] = [[("error", line)] for line in told]
        return [*lines, again, []]

    def _line(self, name: str, text: str) -> list[Span]:
        return [("count", cells.fill(self._app.keys.shown(name), 9)), ("text", text)]
