"""The line at the bottom, for what concerns the whole program; and notices above it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import urwid

from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.core.attachment import Link

if TYPE_CHECKING:
    from sat.frontends.console.app import App

from sat.bridge.model import Phase, Profile, TransferState
from sat.frontends.console.signs import PRESENCE, sign
from sat.frontends.console.texts import _, ngettext
from sat.frontends.console.widgets import cells

_PHASES: dict[Phase, tuple[str, str]] = {
    Phase.ONLINE: ("●", "bar.good"),
    Phase.CONNECTING: ("◐", "bar.wait"),
    Phase.WAITING: ("◐", "bar.wait"),
    Phase.FAILED: ("✗", "bar.bad"),
    Phase.OFFLINE: ("○", "bar"),
}
#: Cells of a bar for a file on its way.
_BAR = 8
_SEVERAL = 2


class StatusBar(urwid.Widget):
    """One line: what concerns the whole program.

    :param app: the program
    """

    _sizing = frozenset([urwid.FLOW])
    _selectable = False

    def __init__(self, app: "App") -> None:
        super().__init__()
        self._app = app
        self._counts = False

    def refresh(self) -> None:
        """Draw it anew: something has changed, or a second less is left until the next try."""
        self._invalidate()
        waits = self._app.attachment.link.phase == "lost" or any(
            one.connection.phase is Phase.WAITING for one in self._app.profiles
        )
        if waits and not self._counts:
            self._counts = True
            self._app.later(1.0, self._counted)

    def _counted(self) -> None:
        self._counts = False

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return 1."""
        return 1

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        # Sentences are what is too long for the line: all else that it says stays on it.
        without = self._parts(0)
        taken = 1 + sum(2 + sum(cells.width(text) for _look, text in part) for part in without)
        left: list[Span] = [("bar", " ")]
        for part in self._parts((size[0] - taken) // max(1, self._sentences())):
            left += [*part, ("bar", "  ")]
        hint = cells.line(self._app.hint())
        room = size[0] - sum(cells.width(text) for _name, text in left) - cells.width(hint) - 1
        if room > 0:
            left += [("bar", " " * room), ("bar.key", hint)]
        return paint([[*left, ("bar", " ")]], size[0], 1)

    def _sentences(self) -> int:
        """Return how many sentences there are."""
        if self._app.attachment.link.phase != "attached":
            return 1
        return sum(bool(_sentence(one)) for one in self._app.profiles)

    def _parts(self, room: int) -> list[list[Span]]:
        """Return what the line says.

        :param room: cells that there are for each sentence
        """
        link, state = self._app.attachment.link, self._app.attachment.state
        mine = {one.name for one in self._app.profiles}
        parts: list[list[Span]] = []
        if link.phase != "attached":
            look = "bar.bad" if link.phase == "lost" else "bar.wait"
            shown = self._app.workspace.tells_trouble
            parts.append([(look, cells.cut(_link_text(link, shown), room))])
        else:
            parts += [_profile(one, room) for one in self._app.profiles]
        if state.storage.state == "full":
            parts.append([("bar.bad", _("disk full"))])
        unread = sum(one.unread for one in state.conversations.values() if one.profile in mine)
        if unread:
            parts.append(
                [
                    (
                        "bar.key",
                        ngettext("{number} new", "{number} new", unread).format(number=unread),
                    )
                ]
            )
        count = sum(one.profile in mine for one in state.questions.values())
        if count:
            told = ngettext("{number} question", "{number} questions", count)
            key = self._app.keys.shown("questions")
            told = told.format(number=count)
            parts.append([("bar.wait", f"{told}: {key}" if key else told)])
        running = [
            one
            for one in state.transfers.values()
            if one.profile in mine and one.state in (TransferState.WAITING, TransferState.RUNNING)
        ]
        for one in running[:_SEVERAL]:
            parts.append(_bar(one.name, one.done, one.size))
        if len(running) > _SEVERAL:
            parts.append([("bar", f"+{len(running) - _SEVERAL}")])
        return parts


def _link_text(link: Link, told_above: bool) -> str:
    """Return how it stands with the daemon.

    :param told_above: whether the screen says already why it is so
    """
    if told_above and link.phase == "lost":
        if link.retry_at is None:
            return _("no daemon")
        told = _("no daemon: Next try in {seconds} s.")
        return told.format(seconds=_left(link.retry_at))
    if link.phase == "connecting":
        told = _("reaching the daemon…")
        return f"{told} {cells.line(link.sentence)}" if link.sentence else told
    sentence = cells.line(link.sentence)
    if link.retry_at is None:
        return sentence
    # The sentence may be longer than the line.
    told = _("no daemon: Next try in {seconds} s. {sentence}")
    return told.format(sentence=sentence, seconds=_left(link.retry_at))


def _left(at: datetime) -> int:
    """Return how many seconds there are until then."""
    return max(0, round((at - datetime.now(UTC)).total_seconds()))


def without_next_try(sentence: str) -> str:
    """Return what the daemon says of a failure without when it tries again: that stands still."""
    return sentence.partition(" The next try is in ")[0]


def _sentence(profile: Profile) -> str:
    """Return why an account is not connected, if that is to be told, and when it is tried again."""
    connection = profile.connection
    if connection.phase not in (Phase.WAITING, Phase.FAILED):
        return ""
    sentence = cells.line(without_next_try(connection.sentence))
    if connection.phase is Phase.FAILED or connection.retry_at is None:
        return sentence
    # The sentence may be longer than the line.
    told = _("next try in {seconds} s. {sentence}")
    return told.format(seconds=_left(connection.retry_at), sentence=sentence)


def _profile(profile: Profile, room: int) -> list[Span]:
    char, look = _PHASES[profile.connection.phase]
    part: list[Span] = [(look, sign(char)), ("bar", f" {cells.line(profile.name)}")]
    if sentence := _sentence(profile):
        part.append((look, cells.cut(f": {sentence}", room)))
    elif profile.connection.phase is Phase.CONNECTING:
        part.append((look, f" {_('connecting…')}"))
    elif profile.show not in ("available", "unavailable"):
        part.append(("bar", f" ({_(PRESENCE[profile.show][2])})"))
    return part


def _bar(name: str, done: int, size: int) -> list[Span]:
    share = done / size if size else 0.0
    full = round(share * _BAR)
    return [
        ("bar", cells.cut(cells.line(name), 16) + " "),
        ("bar.good", sign("█") * full),
        ("bar", sign("░") * (_BAR - full) + f" {share:.0%}"),
    ]


class Notice(urwid.Widget):
    """A sentence for the person, for as long as it matters; no line where there is none."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = False
    #: Lines of one that are shown.
    MOST = 4

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._look = "dim"

    @property
    def text(self) -> str:
        """What it says."""
        return self._text

    def say(self, text: str, look: str = "dim") -> None:
        """Show a sentence instead of the last one; an empty one takes no line."""
        self._text, self._look = cells.clean(text), look
        self._invalidate()

    def rows(self, size: tuple[int], focus: bool = False) -> int:
        """Return how many lines the sentence takes."""
        return len(self._lines(size[0]))

    def _lines(self, columns: int) -> list[str]:
        if not self._text:
            return []
        told = " " + self._text
        lines = []
        layout = urwid.text_layout.default_layout.layout(told, columns, "left", "space")
        for segments in layout[: self.MOST]:
            ends = [one[2] for one in segments if len(one) == 3 and isinstance(one[2], int)]
            lines.append(told[segments[0][1] : ends[-1]] if ends else "")
        return lines

    def render(self, size: tuple[int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw it."""
        return paint([[(self._look, line)] for line in self._lines(size[0])], size[0])
