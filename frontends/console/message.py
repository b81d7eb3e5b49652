"""One message as lines of the screen: all that is ever drawn of one is drawn here."""

from collections.abc import Hashable
from functools import lru_cache
from typing import NamedTuple

import urwid
from sat.frontends.core.markup import Line, Run, Style

from sat.bridge.model import Attachment, Direction, Message, MessageState
from sat.frontends.console import themes
from sat.frontends.console.signs import STATES, sign
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.core import colours, markup

#: Columns of the time and the sign of how far it has come.
PREFIX = 8
#: Narrower ones have the time alone before a message, and narrower yet nothing.
NARROW = 30
#: Characters of one message that are drawn; all of it can be copied, and is shown by a key.
MOST = 20_000

Part = tuple[Hashable, str]


class Look(NamedTuple):
    """What the drawing of a message depends on beside the message itself.

    ``nick`` is what we are called in the room, where it is one.
    """

    theme: str
    colours: int
    nick: str = ""
    whole: bool = False


def widget(message: Message, author: str, seed: str, look: Look) -> urwid.Widget:
    """Return a flow widget that draws a message.

    :param author: the name before it
    :param seed: what the name's colour is made of: the bare JID where it is known, else the nick
    """
    mine = message.direction is Direction.OUT
    char, state_look, _title = STATES[message.state] if mine else (" ", "state", "")
    when = message.ts.astimezone().strftime("%H:%M")
    prefix: list[Part] = [("time", when), ("text", " "), (state_look, sign(char)), ("text", " ")]
    return _Row(prefix, _text(message, author, seed, look))


def _text(message: Message, author: str, seed: str, look: Look) -> list[Part]:
    mine = message.direction is Direction.OUT
    name = cells.isolate(cells.line(author)) or "?"
    name_look: Hashable = "mine" if mine else name_attribute(seed, look.theme, look.colours)
    parts: list[Part] = []
    body = message.body
    told = markup.action(body)
    if told is not None:
        parts += [("action", "* "), (name_look, name), ("action", " ")]
        body = told
    else:
        parts += [(name_look, name), ("dim", ": ")]
    if message.subject and not message.body:
        parts.append(("title.text", cells.line(message.subject)))
    elif message.subject:
        parts.append(("title.text", f"{cells.line(message.subject)}\n"))
    cut = len(body) > MOST and not look.whole
    text = cells.clean(body[:MOST] if cut else body)
    urls = {one.url for one in message.attachments}
    if not (urls and body.strip() in urls):
        parts += _body(text, look.nick, "action" if told is not None else "text")
    if cut:
        parts.append(("dim", _(" … ({count} more characters)").format(count=len(body) - MOST)))
    for one in message.attachments:
        parts += [("text", "\n" if len(parts) > 2 else ""), *_file(one)]
    if message.maybe_duplicate:
        parts.append(("dim", _(" (it may have been sent twice)")))
    if message.delayed and not mine:
        parts.append(("dim", _(" (late)")))
    if message.state is MessageState.FAILED:
        reason = cells.line(message.error or "") or _("no reason was given")
        parts.append(("failed", "\n" + _("not sent: {reason}").format(reason=reason)))
    return parts


def _body(text: str, nick: str, plain: str) -> list[Part]:
    """Return a text that is safe, as styling has it (XEP-0393), with links and mentions."""
    parts: list[Part] = []
    for number, line in enumerate(markup.lines_of(text, nick)):
        if number:
            parts.append((plain, "\n"))
        if line.quote:
            parts.append(("quote", sign("▏") * line.quote + " "))
        parts += [(_run_look(one, line, plain), _isolated(one, line)) for one in line.runs]
    return parts


def _isolated(run: Run, line: Line) -> str:
    return cells.isolate(run.text) if len(line.runs) == 1 else run.text


def _run_look(run: Run, line: Line, plain: str) -> str:
    style = run.style
    for flag, name in _FIRST:
        if style & flag:
            return name
    found = styled(style)
    if found:
        return found
    return "code" if line.pre else "quote" if line.quote else plain


_FIRST = (
    (Style.MENTION, "mention"),
    (Style.LINK, "link"),
    (Style.DIRECTIVE, "markup"),
    (Style.CODE, "code"),
)


def styled(style: Style) -> str:
    """Return the attribute of a text that is bold, slanted or struck out; empty for a plain one."""
    flags = ((Style.STRONG, "bold"), (Style.EMPHASIS, "italic"), (Style.STRIKE, "strike"))
    return "-".join(name for flag, name in flags if style & flag)


def _file(file: Attachment) -> list[Part]:
    size = "" if file.size is None else f" ({size_text(file.size)})"
    name = cells.line(file.name or file.url.rpartition("/")[2])
    return [
        ("title.text", f"{sign('⎘')} {name}"),
        ("dim", f"{size} "),
        ("link", cells.line(file.url)),
    ]


def size_text(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@lru_cache(4096)
def name_attribute(seed: str, theme: str, depth: int) -> urwid.AttrSpec:
    """Return how a name is written: in the colour that it has in every program (XEP-0392)."""
    light = theme == "light"
    found = colours.rgb(colours.hue(seed), lightness=45.0 if light else 70.0)
    red, green, blue = (round(one * 255) for one in found)
    return themes.name_look(theme, depth, (red, green, blue))


class _Row(urwid.Widget):
    """A message: its time and sign at the left, the text beside them."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = False

    def __init__(self, prefix: list[Part], text: list[Part]) -> None:
        super().__init__()
        self._parts = (prefix, text)
        self._prefix = urwid.Text(prefix, wrap="clip")
        self._text = urwid.Text(text)

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many lines it takes."""
        columns = size[0]
        if columns < NARROW:
            return urwid.Text([*self._parts[0], *self._parts[1]]).rows((columns,))
        return self._text.rows((columns - PREFIX,))

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it; in focus, it is the chosen one."""
        columns = size[0]
        if columns < NARROW:
            whole = [*self._parts[0], *self._parts[1]]
            return urwid.CompositeCanvas(_drawn(urwid.Text(whole), whole, focus).render(size))
        prefix = _drawn(self._prefix, self._parts[0], focus).render((PREFIX,))
        text = _drawn(self._text, self._parts[1], focus).render((columns - PREFIX,))
        left = urwid.CompositeCanvas(prefix)
        left.pad_trim_top_bottom(0, text.rows() - 1)
        return urwid.CanvasJoin(
            [(left, None, False, PREFIX), (text, None, False, columns - PREFIX)]
        )


def _drawn(widget: urwid.Widget, parts: list[Part], chosen: bool) -> urwid.Widget:
    """Return what draws parts: as they are, or all alike, as what is chosen is."""
    if not chosen:
        return widget
    return urwid.AttrMap(urwid.Text("".join(text for _look, text in parts)), "chosen")
