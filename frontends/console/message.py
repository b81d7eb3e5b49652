"""One message as lines of the screen: all that is ever drawn of one is drawn here."""

from collections.abc import Hashable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import urwid

from sat.bridge.model import Attachment, MessageState, MessageType
from sat.frontends.console import themes
from sat.frontends.console.signs import STATES, rule, sign
from sat.frontends.console.texts import _
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.painting import paint
from sat.frontends.core import colours, markup
from sat.frontends.core.markup import Line, Run, Style
from sat.frontends.core.views.chat import ChatRow
from sat.frontends.core.views.names import file_name

if TYPE_CHECKING:
    from sat.frontends.console.pictures import Shown

#: Columns of the time and the sign of how far it has come.
PREFIX = 8
#: Narrower ones have the time alone before a message, and narrower yet nothing.
NARROW = 30
#: Characters of one message that are drawn; all of it can be copied, and is shown by a key.
MOST = 20_000

Part = tuple[Hashable, str]


class Look(NamedTuple):
    """What the drawing of a message depends on beside the message itself.

    ``nick`` is what we are called in the room, where it is one; ``picture`` is what stands below.
    """

    theme: str
    colours: themes.Depth
    nick: str = ""
    whole: bool = False
    picture: "Shown | None" = None


def widget(row: ChatRow, look: Look) -> urwid.Widget:
    """Return a flow widget that draws a message, with the day and the read line before it."""
    message = row.message
    char, state_look, _title = STATES[message.state] if row.ours else (" ", "state", "")
    when = message.ts.astimezone().strftime("%H:%M")
    prefix: list[Part] = [("time", when), ("text", " "), (state_look, sign(char)), ("text", " ")]
    above: list[tuple[str, str]] = []
    if row.day is not None:
        above.append(("day", day_text(row.day)))
    if row.unread:
        above.append(("read", _("new")))
    return _Row(above, prefix, _text(row, look), _below(look))


def _below(look: Look) -> urwid.Widget | None:
    """Return what draws the picture of a message, or says why there is none."""
    if look.picture is None:
        return None
    if look.picture.picture is None:
        return urwid.Text(("dim", cells.clean(look.picture.sentence)), layout=ISOLATING)
    from sat.frontends.console.pictures import CELLS
    from sat.frontends.console.widgets.image import HalfBlocks
    from sat.frontends.console.widgets.sixel import Sixel

    blocks = HalfBlocks(look.picture.picture, *CELLS, look.colours)
    return Sixel(look.picture.strips, blocks) if look.picture.strips is not None else blocks


def day_text(day: date) -> str:
    """Return a day as people write it."""
    weekday = (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"),
        _("Sunday"),
    )[day.weekday()]  # fmt: skip
    month = (
        _("January"), _("February"), _("March"), _("April"), _("May"), _("June"), _("July"),
        _("August"), _("September"), _("October"), _("November"), _("December"),
    )[day.month - 1]  # fmt: skip
    return _("{weekday}, {day} {month} {year}").format(
        weekday=weekday, day=day.day, month=month, year=day.year
    )


def _text(row: ChatRow, look: Look) -> list[Part]:
    message, mine = row.message, row.ours
    name = cells.isolate(cells.line(row.author)) or "?"
    name_look: Hashable = "mine"
    if not mine:
        group = message.type is MessageType.GROUPCHAT or "/" in message.peer
        seed = message.from_.partition("/")[2 if group else 0] or row.author
        name_look = name_attribute(seed, look.theme, look.colours)
    parts: list[Part] = []
    body = message.body
    told = markup.action(body)
    if told is not None:
        parts += [("action", "* "), (name_look, name), ("action", " ")]
        body = told
    elif not row.continued:
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
        parts += [(_run_look(one, line, plain), one.text) for one in line.runs]
    return parts


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
    name = cells.line(file_name(file))
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
def name_attribute(seed: str, theme: str, depth: themes.Depth) -> urwid.AttrSpec:
    """Return how a name is written: in the colour that it has in every program (XEP-0392)."""
    light = theme == "light"
    found = colours.rgb(colours.hue(seed), lightness=45.0 if light else 70.0)
    red, green, blue = (round(one * 255) for one in found)
    return themes.name_look(theme, depth, (red, green, blue))


class _Row(urwid.Widget):
    """A message: its time and sign at the left, the text beside them, the picture below it."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = False

    def __init__(
        self,
        above: list[tuple[str, str]],
        prefix: list[Part],
        text: list[Part],
        below: urwid.Widget | None,
    ) -> None:
        super().__init__()
        self._below = below
        self._above = above
        self._parts = (prefix, text)
        self._texts: dict[tuple[bool, bool], urwid.Text | urwid.AttrMap[urwid.Text]] = {}

    def _drawn(self, narrow: bool, chosen: bool) -> urwid.Text | urwid.AttrMap[urwid.Text]:
        """Return what draws the text: as it is, or all alike, as what is chosen is."""
        known = self._texts.get((narrow, chosen))
        if known is None:
            prefix, text = self._parts
            signed = prefix if prefix[2][1].strip() else prefix[:2]
            parts = [*signed, *text] if narrow else text
            if chosen:
                alike = urwid.Text("".join(text for _, text in parts), layout=ISOLATING)
                known = urwid.AttrMap(alike, "chosen")
            else:
                known = urwid.Text(parts, layout=ISOLATING)
            self._texts[narrow, chosen] = known
        return known

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many lines it takes."""
        columns = size[0]
        if columns < NARROW:
            rows = self._drawn(True, False).rows((columns,))
        else:
            rows = self._drawn(False, False).rows((columns - PREFIX,))
        return len(self._above) + rows + self._picture_rows(columns)

    def _picture_rows(self, columns: int) -> int:
        if self._below is None:
            return 0
        rows: int = self._below.rows((self._indented(columns),))  # type: ignore[attr-defined]
        return rows

    @staticmethod
    def _indented(columns: int) -> int:
        return columns if columns < NARROW else columns - PREFIX

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it; in focus, it is the chosen one."""
        columns = size[0]
        if columns < NARROW:
            drawn = self._drawn(True, focus).render((columns,))
        else:
            text = self._drawn(False, focus).render((columns - PREFIX,))
            left = paint([self._prefix(focus)], PREFIX, text.rows())
            drawn = urwid.CanvasJoin(
                [(left, None, False, PREFIX), (text, None, False, columns - PREFIX)]
            )
        parts = [(drawn, None, False)]
        if self._above:
            above = paint([[(look, _across(word, columns))] for look, word in self._above], columns)
            parts.insert(0, (above, None, False))
        if self._below is not None:
            room = self._indented(columns)
            below = urwid.CompositeCanvas(self._below.render((room,)))
            below.pad_trim_left_right(columns - room, 0)
            parts.append((below, None, False))
        return urwid.CanvasCombine(parts)

    def _prefix(self, chosen: bool) -> list[Part]:
        return [("chosen" if chosen else look, text) for look, text in self._parts[0]]


def _across(word: str, columns: int) -> str:
    """Return a word in a line across the conversation."""
    text = cells.cut(f" {word} ", columns)
    left = max(0, columns - cells.width(text)) // 2
    return rule(left) + text + rule(columns - left - cells.width(text))
