"""The terminal: drawing on it, what it is told beside the picture, and how it is left."""

import asyncio
import base64
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import urwid
from urwid.display import raw

from sat.frontends.console import themes
from sat.frontends.console.widgets import cells

if TYPE_CHECKING:
    from sat.frontends.console.settings import Settings

#: Seconds between two pictures while what is shown changes by itself; a key is drawn at once.
PACE = 0.05
#: Pictures take at most such a part of the time: keys come in between.
SHARE = 5

#: Is given keys, and clicks as urwid has them; tells which are left for what has the focus.
Event = str | tuple[str, int, int, int]
Filter = Callable[[list[Event]], list[Event]]


class _Raw(raw.Screen):
    """urwid's screen, which tells of a closed terminal instead of raising where nobody catches."""

    def __init__(self, closed: Callable[[], None]) -> None:
        super().__init__(bracketed_paste_mode=True, focus_reporting=True)
        self._closed = closed

    def write(self, data: str) -> None:
        try:
            super().write(data)
        except OSError:
            self._closed()

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._closed()


class Screen:
    """What is drawn where, from :meth:`start` to :meth:`stop`.

    :param closed: is called when the terminal is gone
    :param before: is called before a picture that no key has made, to say what has changed
    """

    def __init__(
        self,
        widget: urwid.Widget,
        settings: "Settings",
        *,
        filter: Filter,
        closed: Callable[[], None],
        before: Callable[[], None],
    ) -> None:
        self._before = before
        self._filter = filter
        self.colours: themes.Depth = settings.colours or themes.depth()
        self.theme = settings.theme
        self._raw = _Raw(closed)
        self._raw.set_terminal_properties(colors=self.colours, bright_is_bold=False)
        self._raw.register_palette(themes.palette(self.theme))
        self._loop = asyncio.get_running_loop()
        self._main = urwid.MainLoop(
            widget,
            screen=self._raw,
            handle_mouse=settings.mouse,
            event_loop=urwid.AsyncioEventLoop(loop=self._loop),
            input_filter=self._filtered,
            unhandled_input=lambda _: True,
        )
        self._drawing: asyncio.TimerHandle | None = None
        self._drawn = self._cost = 0.0
        self._title = ""
        #: Whether the person looks at this terminal, as far as it tells.
        self.focused = True
        self._pasting = False

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        columns, lines = self._raw.get_cols_rows()
        return max(1, columns), max(1, lines)

    @property
    def widget(self) -> urwid.AbstractWidget:
        """What is drawn."""
        return self._main.widget

    @widget.setter
    def widget(self, widget: urwid.Widget) -> None:
        self._main.widget = widget
        self.draw_soon()

    def start(self) -> None:
        """Take the terminal."""
        for stream in (sys.stdin, sys.stdout):
            if not stream.isatty():
                raise OSError("not a terminal")
        self._main.start()
        # Ctrl-C, Ctrl-\\, Ctrl-S and Ctrl-Q are keys; Ctrl-Z stops the program, as anywhere.
        self._raw.tty_signal_keys("undefined", "undefined", "undefined", "undefined")

    def stop(self) -> None:
        """Give the terminal back as it was."""
        if self._drawing is not None:
            self._drawing.cancel()
        self._set_title("")
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._main.stop()

    def draw_soon(self) -> None:
        """Draw what has changed, a moment later, with what else changes until then."""
        if self._drawing is None:
            pause = max(PACE, SHARE * self._cost)
            wait = max(0.0, self._drawn + pause - self._loop.time())
            self._drawing = self._loop.call_later(wait, self._draw)

    def _draw(self) -> None:
        self._drawing = None
        if not self._raw.started:
            return
        begun = self._loop.time()
        self._before()
        self._main.draw_screen()
        self._drawn = self._loop.time()
        self._cost = min(self._drawn - begun, 0.1)

    def redraw(self) -> None:
        """Draw everything anew: something else wrote on the terminal."""
        self._raw.clear()
        self.draw_soon()

    def set_theme(self, name: str) -> None:
        """Draw in another theme."""
        self.theme = name
        self._raw.register_palette(themes.palette(name))
        self._main.screen.clear()
        self._main.widget._invalidate()
        self.draw_soon()

    def _filtered(self, keys: list[Event], _raw: Sequence[int]) -> list[Event]:
        left: list[Event] = []
        for key in keys:
            if key in ("focus in", "focus out"):
                self.focused = key == "focus in"
            left.append(key)
        return self._filter(left)

    # What follows is no picture: sequences that terminals know, or ignore.

    def bell(self) -> None:
        """Ring the terminal's bell."""
        self._say("\a")

    def notify(self, title: str, text: str) -> None:
        """Let the terminal show a notice on the desktop (OSC 777, or OSC 9)."""
        title, text = (cells.line(one).replace(";", ",")[:200] for one in (title, text))
        if os.environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "ghostty"):
            self._say(self._through(f"\x1b]9;{title}: {text}\a"))
        else:
            self._say(self._through(f"\x1b]777;notify;{title};{text}\a"))

    def copy(self, text: str) -> None:
        """Put a text into the clipboard, by way of the terminal (OSC 52)."""
        packed = base64.b64encode(text.encode("utf-8", "replace")).decode()
        self._say(f"\x1b]52;c;{packed}\a")

    def set_title(self, title: str) -> None:
        """Name the terminal's window."""
        self._set_title(cells.line(title)[:100])

    def _set_title(self, title: str) -> None:
        if title != self._title and os.environ.get("TERM") not in ("linux", "dumb"):
            # The old name is kept by the terminal, and put back at the end (xterm's CSI 22 and 23).
            before = "\x1b[22;2t" if not self._title else ""
            self._say(f"{before}\x1b]2;{title}\a" if title else "\x1b[23;2t")
            self._title = title

    def _through(self, sequence: str) -> str:
        """Return a sequence so that tmux passes it on to the terminal around it."""
        if not os.environ.get("TMUX"):
            return sequence
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"

    def _say(self, sequence: str) -> None:
        if self._raw.started:
            self._raw.write(sequence)
            self._raw.flush()

    def suspend(self) -> None:
        """Stop the program as Ctrl-Z does, and draw again when it goes on."""
        os.kill(os.getpid(), signal.SIGTSTP)
