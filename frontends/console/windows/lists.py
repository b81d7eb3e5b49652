"""Windows with a list that follows a view, or is filled once: what is found, files on their way."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import urwid

from sat.bridge.model import Transfer, TransferState
from sat.frontends.console.keys import shown
from sat.frontends.console.message import size_text
from sat.frontends.console.signs import sign
from sat.frontends.console.texts import _, mark, ngettext
from sat.frontends.console.widgets import cells
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.console.widgets.popup import Popup
from sat.frontends.console.widgets.rows import Line, RowList
from sat.frontends.core import markup
from sat.frontends.core.views.names import file_name
from sat.frontends.core.views.parts import Transfers
from sat.frontends.core.views.search import FoundRow, Search

if TYPE_CHECKING:
    from sat.frontends.console.app import App

_BAR = 10
#: Characters that are shown of a message that was found, and how far from its start the words may
#: be without their surroundings being shown instead.
_CONTEXT = 300
_FAR = 40
_ENDS = (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)
_STATES = {
    TransferState.WAITING: mark("waits"),
    TransferState.RUNNING: mark("under way"),
    TransferState.DONE: mark("done"),
    TransferState.FAILED: mark("failed"),
    TransferState.CANCELLED: mark("cancelled"),
}


class Listed(urwid.Widget):
    """A list, and below it a line that says which keys do what.

    :param keys: what a key does with the chosen row, and what that is called; the list itself
        does what is None
    :param empty: what is said where there is nothing
    :param notes: lines that there are for what is told of the chosen row
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(
        self,
        keys: Mapping[str, tuple[str, Callable[[Hashable], object] | None]],
        empty: str,
        notes: int = 0,
    ) -> None:
        super().__init__()
        self.list = RowList()
        self.list.keys = {**RowList.KEYS, "clear": ()}
        self._keys = keys
        self._empty = empty
        self._notes = notes
        self._note = ""
        #: Tells what is said below the list of a row, in place of what was said last.
        self.explain: Callable[[Hashable], str] | None = None
        urwid.connect_signal(self.list, "activated", lambda _list, key: self._do("enter", key))

    def _do(self, key: str, row: Hashable) -> bool:
        does = self._keys.get(key, ("", None))[1]
        if does is None or row is None:
            return False
        does(row)
        return True

    def say(self, note: str) -> None:
        """Say something below the list."""
        self._note = note
        self._invalidate()

    def _inner(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the columns and lines of the list itself."""
        notes = self._notes if size[1] > self._notes + 1 else 0
        return size[0], max(1, size[1] - notes - 1)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Do what a key does with the chosen row, or move."""
        self._invalidate()
        if not self.list.filtering and key != "enter" and self._do(key, self.list.selected):
            return None
        return self.list.keypress(self._inner(size), key)

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Choose what is clicked."""
        inner = self._inner(size)
        self._invalidate()
        return row < inner[1] and self.list.mouse_event(inner, event, button, col, row, focus)

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        if size[1] == 1:
            return self.list.render(size, focus)
        inner = self._inner(size)
        hint = "   ".join(f"{_shown(key)} {title}" for key, (title, _do) in self._keys.items())
        below = [hint if len(self.list) else self._empty]
        notes = size[1] - inner[1] - 1
        if notes:
            note = self._note if self.explain is None else self.explain(self.list.selected)
            told = urwid.Text(cells.line(note), layout=ISOLATING)
            rows = told.render((max(1, size[0] - 2),)).text
            found = [row.decode(errors="replace") for row in rows[:notes]]
            below = [*found, *[""] * (notes - len(found)), *below]
        elif self._note and not self._notes:
            below = [self._note]
        lines: list[list[Span]] = [
            [("text" if at < notes else "dim", f" {cells.line(one)}")]
            for at, one in enumerate(below)
        ]
        drawn = self.list.render(inner, focus)
        return urwid.CanvasCombine(
            [(drawn, None, True), (paint(lines, size[0], len(lines)), None, False)]
        )


def _shown(key: str) -> str:
    """Return a key of a list as people read it: a letter is what is typed."""
    return key if len(key) == 1 else shown(key)


def search(app: "App", peer: tuple[str, str] | None = None) -> None:
    """Ask for words, and show which messages have them all."""

    async def done(text: str) -> None:
        if text.strip():
            await _found(app, text, peer)

    where = _("Search in this conversation:") if peer is not None else _("Search in all messages:")
    app.ask(where, done)


async def _found(app: "App", text: str, peer: tuple[str, str] | None) -> None:
    view = Search(app.attachment)
    profile = peer[0] if peer is not None else app.arguments.profile
    if not await view.find(text, profile=profile, peer=peer[1] if peer is not None else None):
        app.tell(view.error, "error")
        return
    if not view.rows:
        app.tell(_("Nothing was found with “{words}”.").format(words=cells.line(text)))
        return

    def go(key: Hashable) -> None:
        row = view.rows.get(key)
        if row is not None:
            app.dismiss(popup)
            app.workspace.open(row.conversation)
            app.spawn(_go(app, row, text))

    def look(_list: RowList, key: Hashable) -> None:
        row = view.rows.get(key)
        if row is not None:
            app.spawn(_context(view, row, listed))

    listed = Listed({"enter": (_("go there"), go)}, "", notes=2)
    words = [one.rstrip("*") for one in text.split()]
    for row in view.rows:
        listed.list.put(row.key, _found_line(row, words))
    urwid.connect_signal(listed.list, "selected", look)
    count = len(view.rows)
    title = ngettext("{count} message with “{words}”", "{count} messages with “{words}”", count)
    popup = Popup(listed, cells.line(title.format(count=count, words=text)), 96, count + 3)
    app.show(popup)
    await _context(view, view.rows[0], listed)


async def _go(app: "App", row: FoundRow, text: str) -> None:
    pane = app.workspace.current
    if pane is not None:
        pane.to_messages()
        pane.history.list.highlight(text.split()[0].rstrip("*"))
        await pane.history.go_to(row.message.id)


async def _context(view: Search, row: FoundRow, listed: Listed) -> None:
    before, after = await view.context(row, 1)
    around = [cells.line(one.body[:200]) for one in (*before, *after)]
    listed.say(" … ".join(filter(None, around)))


def _found_line(row: FoundRow, words: Sequence[str]) -> Line:
    when = row.message.ts.astimezone().strftime("%Y-%m-%d %H:%M")
    name = cells.cut(cells.line(row.name), 16)
    author = cells.cut(cells.line(row.author or _("me")), 12)
    spans: list[Span] = [("dim", f" {when} "), ("heading", name)]
    spans.append(("heading", ": ") if name == author else ("unread", f", {author}: "))
    said = cells.line(_around(row.message.body, words) or row.line)
    spans += _marked(said, words)
    return Line((-int(row.message.id, 16), row.key), spans, words=f"{name} {author} {row.line}")


def _around(body: str, words: Sequence[str]) -> str:
    """Return the part of a text that has the first of the words, where it is far from the start."""
    at = min((place for one in words if (place := body.casefold().find(one.casefold())) >= 0),
             default=0)  # fmt: skip
    return body[:_CONTEXT] if at < _FAR else f"…{body[at - _FAR // 2 : at + _CONTEXT]}"


def _marked(text: str, words: Sequence[str]) -> list[Span]:
    """Return a safe text with the words in it as what was found."""
    if cells.isolate(text) != text:
        # What is isolated is one piece.
        return [("text", cells.isolate(text))]
    begun = "|".join(map(re.escape, filter(None, words)))
    pattern = re.compile(rf"(?<!\w)(?:{begun})" if begun else "(?!)", re.IGNORECASE)
    spans: list[Span] = []
    end = 0
    for match in pattern.finditer(text):
        spans += [("text", text[end : match.start()]), ("found", match[0])]
        end = match.end()
    return [*spans, ("text", text[end:])]


def transfers(app: "App") -> None:
    """Show the files that are on their way, and those that came to an end."""
    view = Transfers(app.model)

    def cancel(key: Hashable) -> None:
        transfer = view.rows.get(key)
        if transfer is not None and transfer.state not in _ENDS:
            app.spawn(app.actions.cancel(transfer))

    def copy(key: Hashable) -> None:
        transfer = view.rows.get(key)
        if transfer is not None and transfer.url:
            app.screen.copy(transfer.url)
            listed.say(_("The address is in the clipboard, if the terminal allows it."))

    listed = Listed(
        {"c": (_("copy its address"), copy), "x": (_("cancel"), cancel)},
        _("No file is on its way: Ctrl-O sends one."),
        notes=2,
    )
    listed.explain = lambda key: _transfer_note(view.rows.get(key))
    follow(listed, view.rows, _transfer_line)
    # So that why it failed stands below without another key.
    listed.list.act("first")
    popup = Popup(listed, _("Files"), 80, 12)
    urwid.connect_signal(popup, "closed", lambda _popup: view.close())
    app.show(popup)


def _transfer_note(one: Transfer | None) -> str:
    """Return what there is no room for in the line of a transfer."""
    if one is None:
        return ""
    return one.sentence or one.url or _("to {name}").format(name=one.peer)


def _transfer_line(one: Transfer) -> Line:
    share = one.done / one.size if one.size else 0.0
    if one.state is TransferState.DONE:
        share = 1.0
    full = round(share * _BAR)
    look = {TransferState.FAILED: "bad", TransferState.DONE: "good"}.get(one.state, "text")
    told = cells.line(one.sentence) if one.state is TransferState.FAILED else ""
    spans: list[Span] = [
        ("text", f" {cells.fill(cells.line(one.name), 24)} "),
        (look, sign("█") * full + sign("░") * (_BAR - full)),
        ("text", f" {share:4.0%} {size_text(one.size):>9} "),
        (look, f"{_(_STATES[one.state])} "),
        ("dim", told or cells.line(one.peer)),
    ]
    return Line((one.state in _ENDS, -one.ts.timestamp(), one.id), spans)


class _Following:
    def __init__(
        self,
        listed: Listed,
        rows: Any,
        draw: Callable[[Any], Line],
        others: Callable[[], None] | None,
    ) -> None:
        self._listed, self._rows, self._draw = listed, rows, draw
        self._others = others

    def added(self, index: int, row: Any) -> None:
        self._listed.list.put(self._rows.keys[index], self._draw(row))
        self._listed._invalidate()

    changed = added

    def removed(self, index: int, row: Any) -> None:
        self.reset()

    def reset(self) -> None:
        self._listed.list.clear()
        for key, row in zip(self._rows.keys, self._rows, strict=True):
            self._listed.list.put(key, self._draw(row))
        if self._others is not None:
            self._others()
        self._listed._invalidate()


def follow(
    listed: Listed,
    rows: Any,
    draw: Callable[[Any], Line],
    others: Callable[[], None] | None = None,
) -> None:
    """Draw the rows of a view in a list, as they come and go.

    :param others: puts in those rows that are not of the view
    """
    following = _Following(listed, rows, draw, others)
    following.reset()
    rows.observe(following)


def links(app: "App") -> None:
    """Show the links and files of a conversation, the newest first."""
    from sat.frontends.console.doing.messages import open_link
    from sat.frontends.console.windows.show import choose

    pane = app.workspace.current
    found: list[tuple[str, str, Callable[[], object]]] = []
    rows: Iterable[Any] = reversed(pane.history.view.rows) if pane is not None else ()
    for row in rows:
        named = {one.url: file_name(one) for one in row.message.attachments}
        for link in dict.fromkeys([*named, *markup.links(row.message.body)]):
            when = row.message.ts.astimezone().strftime("%d.%m. %H:%M")
            title = cells.cut(cells.line(named.get(link, link)), 70)
            found.append((title, f"{cells.line(row.author)} {when}", _opens(open_link, app, link)))
    if found:
        choose(app, _("Links and files"), found, palette=True)
    else:
        app.tell(_("There is no link in what was fetched of this conversation."))


def _opens(
    open_link: Callable[["App", str], object], app: "App", link: str
) -> Callable[[], object]:
    return lambda: open_link(app, link)
