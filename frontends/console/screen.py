"""The terminal: drawing on it, what it is told beside the picture, and how it is left."""

import asyncio
import base64
import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import urwid

from sat.frontends.console import themes
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.sixel import SixelScreen

if TYPE_CHECKING:
    from sat.frontends.console.pictures import Graphics
    from sat.frontends.console.settings import Settings

#: Seconds between two pictures while what is shown changes by itself; a key is drawn at once.
PACE = 0.05
#: Pictures take at most such a part of the time: keys come in between.
SHARE = 5

#: Seconds that a terminal has to say what it draws.
ANSWER = 1.5
#: What terminals answer: XTSMGRAPHICS, and DA1 after it, or DA1 alone.
_ANSWER = re.compile(rb"\x1b\[\?[\d;]*[Sc]")

#: Is given keys, and clicks as urwid has them; tells which are left for what has the focus.
Event = str | tuple[str, int, int, int]
Filter = Callable[[list[Event]], list[Event]]
Fault = Callable[[Exception, bool], None]


class _Raw(SixelScreen):
    """urwid's screen, which tells of a closed terminal instead of raising where nobody catches.

    ``answered`` waits for what the terminal says that it is.
    """

    answered: "asyncio.Future[bytes] | None" = None
    _heard = b""

    def __init__(self, closed: Callable[[], None]) -> None:
        super().__init__(bracketed_paste_mode=True, focus_reporting=True)
        self._closed = closed

    def parse_input(
        self,
        event_loop: Any,
        callback: Callable[[list[Any], list[int]], Any] | None,
        codes: list[int],
        wait_for_more: bool = True,
    ) -> Any:
        """Parse what came, but for what was asked for."""
        if self.answered is not None:
            came = bytes(codes)
            for answer in _ANSWER.findall(came):
                self._heard += answer
                if answer.endswith(b"c") and not self.answered.done():
                    self.answered.set_result(self._heard)
            # One that comes late is no key either.
            codes = [*_ANSWER.sub(b"", came)]
        return super().parse_input(event_loop, callback, codes, wait_for_more)

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


#: So many pictures in a row that can't be drawn end the program: a screen that lies is worse.
_FAILURES = 3


class _Main(urwid.MainLoop):
    """urwid's main loop, in which an error of one key, or of one picture, is that one's alone."""

    def __init__(self, *args: Any, fault: Fault, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._fault = fault
        self._failures = 0

    def process_input(self, keys: Iterable[Event]) -> bool:
        """Let each key do what it means."""
        done = False
        for key in keys:
            try:
                done |= super().process_input([key])
            except Exception as error:
                self._fault(error, False)
        return done

    def draw_screen(self) -> None:
        """Draw what there is."""
        try:
            super().draw_screen()
        except Exception as error:
            self._failures += 1
            if isinstance(error, OSError):
                raise
            self._fault(error, self._failures >= _FAILURES)
            self.screen.clear()
        else:
            self._failures = 0


def read_answer(told: bytes) -> tuple[int, bool]:
    """Return how many colours a terminal says that its pictures have, and if it draws sixel."""
    colours = re.search(rb"\x1b\[\?1;0;(\d{1,5})S", told)
    device = re.search(rb"\x1b\[\?([\d;]*)c", told)
    can = device is not None and b"4" in device[1].split(b";")[1:]
    # The VT340 had sixteen; more than 256 make no difference that is seen.
    return max(2, min(256, int(colours[1]) if colours else 16)), can


class Screen:
    """What is drawn where, from :meth:`start` to :meth:`stop`.

    :param closed: is called when the terminal is gone
    :param before: is called before a picture that no key has made, to say what has changed
    :param fault: is told of an error of a key, or of a picture, and whether it can't go on so
    """

    def __init__(
        self,
        widget: urwid.Widget,
        settings: "Settings",
        *,
        filter: Filter,
        closed: Callable[[], None],
        before: Callable[[], None],
        fault: Fault,
    ) -> None:
        self._before = before
        self._fault = fault
        self._filter = filter
        self.colours: themes.Depth = settings.colours or themes.depth()
        self.theme = settings.theme
        self._raw = _Raw(closed)
        self._raw.set_terminal_properties(colors=self.colours, bright_is_bold=False)
        self._raw.register_palette(themes.palette(self.theme))
        self._loop = asyncio.get_running_loop()
        self._main = _Main(
            widget,
            fault=fault,
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
        self._asking: asyncio.Task[Graphics | None] | None = None

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
            self._drawing = None
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
        try:
            self._before()
        except Exception as error:
            self._fault(error, False)
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

    async def graphics(self) -> "Graphics | None":
        """Return what the terminal says that it draws itself, which it is asked once.

        Inside tmux it is tmux that answers. None if it draws nothing but text.
        """
        if self._asking is None:
            self._asking = self._loop.create_task(self._ask_graphics())
        return await asyncio.shield(self._asking)

    async def _ask_graphics(self) -> "Graphics | None":
        from sat.frontends.console.pictures import Graphics

        cell = self._cell()
        if cell is None or not self._raw.started:
            return None
        self._raw.answered = self._loop.create_future()
        # How many colours (xterm's XTSMGRAPHICS), then what it is (DA1), which all answer.
        self._say("\x1b[?1;1;0S\x1b[c")
        try:
            told = await asyncio.wait_for(self._raw.answered, ANSWER)
        except TimeoutError:
            return None
        colours, can = read_answer(told)
        if not can:
            return None
        self._raw.draws_sixel = True
        return Graphics(colours, *cell)

    def _cell(self) -> tuple[int, int] | None:
        """Return how many pixels a cell has, if the terminal tells."""
        import fcntl
        import struct
        import termios

        try:
            told = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
        except OSError:
            return None
        lines, columns, width, height = struct.unpack("HHHH", told)
        if not (lines and columns and width >= 2 * columns and height >= 4 * lines):
            return None
        return width // columns, height // lines

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
