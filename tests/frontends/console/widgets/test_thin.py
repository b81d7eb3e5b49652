"""What is sent to a terminal: little, and always what shows the same as urwid's own drawing."""

import re

import pyte
import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as some
from urwid.display import raw

from sat.frontends.console.widgets.stretches import shorten
from sat.frontends.console.widgets.thin import ThinScreen, read_frame
from tests.frontends.console.widgets.drawing import (
    NAMES,
    PALETTE,
    WORDS,
    Story,
    beside,
    picture,
)
from tests.frontends.console.widgets.support import PATIENT


class Kept:
    """What is sent is kept, and shown by a terminal."""

    def __init__(self, columns, lines):
        super().__init__()
        self.set_terminal_properties(colors=256)
        self.register_palette(PALETTE)
        self._started = True
        self.back_color_erase = True
        self.sent = ""
        self.terminal = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self.terminal)

    def write(self, data):
        self.sent += data
        # pyte takes the mark of a private mode for one of ANSI's.
        self._stream.feed(data.replace("\x1b[?2026h", "").replace("\x1b[?2026l", ""))

    def flush(self):
        """Nothing waits."""

    def draw(self, canvas):
        """Draw, and return what was sent."""
        self.sent = ""
        self.draw_screen((canvas.cols(), canvas.rows()), canvas)
        return self.sent

    def seen(self):
        """Return all that a person sees."""
        terminal = self.terminal
        cells = [
            [terminal.buffer[line][column] for column in range(terminal.columns)]
            for line in range(terminal.lines)
        ]
        hidden = terminal.cursor.hidden
        return cells, hidden or (terminal.cursor.x, terminal.cursor.y)


class Urwids(Kept, raw.Screen):
    """urwid's own."""


class Thin(Kept, ThinScreen):
    """Ours."""


PARTS = some.lists(some.tuples(some.sampled_from(NAMES), some.sampled_from(WORDS)), max_size=6)
TEXTS = some.lists(some.sampled_from(WORDS), min_size=1, max_size=9).map(
    lambda words: [(None, " ".join(words))]
)
LINES = some.one_of(PARTS, TEXTS)
STEPS = some.one_of(
    some.tuples(some.just("new"), some.integers(0, 1), LINES),
    some.tuples(some.just("scroll"), some.integers(0, 1), some.integers(-7, 7)),
    some.tuples(some.just("both"), some.integers(-3, 3)),
    some.tuples(some.just("set"), some.integers(0, 1), some.integers(0, 30), LINES),
    some.tuples(
        some.just("cursor"), some.none() | some.tuples(some.floats(0, 0.99), some.floats(0, 0.99))
    ),
    some.tuples(some.just("size"), some.integers(4, 40), some.integers(1, 16)),
    some.tuples(some.just("foot"), LINES),
    some.tuples(some.just("clear")),
    some.tuples(some.just("same")),
)


@settings(PATIENT, max_examples=80)
@given(
    some.lists(some.lists(LINES, min_size=1, max_size=25), min_size=2, max_size=2),
    some.lists(STEPS, min_size=1, max_size=12),
)
def test_the_same_is_seen_as_with_urwids_own_drawing(lists, steps):
    story = Story(lists)
    theirs, ours = Urwids(*story.size), Thin(*story.size)
    for step in [("same",), *steps]:
        story.step(*step)
        for screen in theirs, ours:
            if step[0] == "size":
                screen.terminal.resize(story.size[1], story.size[0])
                screen.clear()
            if step[0] == "clear":
                screen.terminal.erase_in_display(2)
                screen.clear()
        canvas = story.canvas()
        expected, sent = theirs.draw(canvas), ours.draw(canvas)
        assert ours.seen() == theirs.seen(), (expected, sent)


@pytest.fixture
def thin():
    return Thin(30, 8)


def page(*texts, width=30, lines=8, **keywords):
    rows = [[(None, one)] if isinstance(one, str) else one for one in texts]
    return picture([*rows, *[[]] * (lines - len(rows))], width, **keywords)


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ("one word here", "one tree here", "\x1b[1;5H\x1b[mtree"),
        ("same", "same", ""),
        ("gone is all of it", "gone", "\x1b[1;6H\x1b[m\x1b[K"),
        ("abcdefghi", "xyz", "\x1b[H\x1b[mxyz\x1b[K"),
        ("日 cccccccc x", "本 cccccccc y", "\x1b[H\x1b[m本\x1b[10Cy"),
        ("ab", "a", "\x1b[1;2H\x1b[m "),
        ("a日本c", "a日木c", "\x1b[1;4H\x1b[m木"),
        ("a日c", "axyc", "\x1b[1;2H\x1b[mxy"),
        ("axyc", "a日c", "\x1b[1;2H\x1b[m日"),
        ("we said e\u0301", "we said e", "\x1b[1;9H\x1b[me"),
        (
            "one red word",
            [(None, "one "), ("red", "red"), (None, " word")],
            "\x1b[1;5H\x1b[0;91mred",
        ),
        ("left            right", "LEFT            RIGHT", "\x1b[H\x1b[mLEFT\x1b[12CRIGHT"),
        # What joins isn't taken apart.
        ("flag 🇫🇷 x", "flag 🇫🇷 y", "\x1b[H\x1b[0;39;49mflag 🇫🇷 y\x1b[K"),
    ],
)
def test_what_is_sent_of_a_row(thin, before, after, sent):
    thin.draw(page(before))
    assert thin.draw(page(after)).removeprefix("\x1b[?25l") == sent


def test_the_last_cell_of_all_is_written_as_urwid_writes_it():
    thin, theirs = Thin(6, 2), Urwids(6, 2)
    for text in "abcdef", "abcdeX", "abcdXY":
        expected = theirs.draw(page("row", text, width=6, lines=2))
        sent = thin.draw(page("row", text, width=6, lines=2))
        assert "\x1b[4h" in expected and "\x1b[4h" in sent
        assert thin.seen() == theirs.seen()
    assert "\x1b[4h" not in thin.draw(page("row", "xbcdXY", width=6, lines=2))
    assert thin.terminal.display == ["row   ", "xbcdXY"]


def test_what_no_erasing_makes_is_not_erased(thin):
    thin.draw(page([("struck", "a long line")]))
    assert thin.draw(page([("struck", "a")])).startswith("\x1b[H\x1b[0;90;9;49ma\x1b[K")
    thin.back_color_erase = False
    for name in "bar", "under", "out":
        thin.clear()
        thin.draw(page([(name, "a long line")]))
        assert "\x1b[K" not in thin.draw(page([(name, "a")]))


def test_the_cursor_alone_moves_and_is_seen_and_hidden(thin):
    thin.draw(page("text"))
    assert thin.draw(page("text", cursor=(2, 0))) == "\x1b[1;3H\x1b[?25h"
    assert thin.draw(page("text", cursor=(0, 1))) == "\x1b[2H"
    assert thin.draw(page("text.", cursor=(5, 0))) == "\x1b[1;5H\x1b[m.\x1b[1;6H"
    assert thin.draw(page("text.")) == "\x1b[?25l"


SAID = [" ".join(f"{one * number:x}" for one in range(7, 13)) for number in range(999, 9999, 177)]


def chat(first, columns=50, lines=24, contacts=30):
    """Return people beside a conversation, above a line in which is written."""
    people = [[("red", "o "), (None, f"Contact {one}")] for one in range(lines - 1)]
    said = [
        [("red", "12:34 "), ("bold", "alice "), (None, SAID[one % len(SAID)])]
        for one in range(first, first + lines - 1)
    ]
    foot = [("bar", "> ")]
    return beside(picture([*people, foot], contacts), picture([*said, foot], columns))


@pytest.mark.parametrize("by", [1, 3, -1, -3])
def test_a_list_that_scrolls_beside_another_is_moved(by):
    thin, theirs = Thin(80, 24), Urwids(80, 24)
    for screen in thin, theirs:
        screen.draw(chat(10))
    expected, sent = theirs.draw(chat(10 + by)), thin.draw(chat(10 + by))
    assert thin.seen() == theirs.seen()
    # What moves in takes the background that is set.
    assert re.search(r"\x1b\[m(\x1b\[\d*H)\x1b\[\d*[ML]", sent)
    assert len(sent) * 4 < len(expected), sent


def test_what_is_no_shorter_moved_is_not_moved():
    thin = Thin(80, 24)
    thin.draw(chat(10))
    assert not re.search(r"\x1b\[\d*[MLr]", thin.draw(chat(500)))


def test_rows_that_are_kept_are_never_moved():
    thin, theirs = Thin(80, 24), Urwids(80, 24)
    thin.kept = {12}
    for screen in thin, theirs:
        screen.draw(chat(10))
    theirs.draw(chat(11))
    regions = re.findall(r"\x1b\[(\d+);(\d+)r", thin.draw(chat(11)))
    assert thin.seen() == theirs.seen()
    assert regions
    assert not any(int(top) - 1 <= 12 < int(end) for top, end in regions)


def test_a_line_that_is_soiled_is_drawn_whole_once(thin):
    canvas = page("one", "two")
    thin.draw(canvas)
    thin.soiled = {1}
    assert thin.draw(page("one", "two")).removeprefix("\x1b[?25l").startswith("\x1b[2H")
    assert thin.draw(page("one", "two")) == ""


def test_what_comes_after_is_seen_at_once_with_it(thin):
    thin.draw(page("one"))
    thin.after = "\x1b7picture\x1b8"
    assert thin.draw(page("two")) == "\x1b[?2026h\x1b[H\x1b[mtwo\x1b7picture\x1b8\x1b[?2026l"
    assert thin.after == ""
    thin.after = "\x1b7picture\x1b8"
    canvas = page("three")
    thin.clear()
    sent = thin.draw(canvas)
    assert sent.startswith("\x1b[?2026h") and sent.endswith("\x1b8\x1b[?2026l")


def test_a_terminal_that_knows_synchronized_updates_gets_them(thin):
    if not hasattr(thin, "modes"):
        # An older urwid asks no terminal what it knows: one that may not know it isn't told.
        thin.draw(page("one", "two"))
        assert "2026" not in thin.draw(page("a", "b"))
        return
    thin.modes.synchronized_output = True
    thin.draw(page("one", "two"))
    assert thin.sent.count("\x1b[?2026h") == thin.sent.count("\x1b[?2026l") == 1
    sent = thin.draw(page("a", "b"))
    assert sent.startswith("\x1b[?2026h") and sent.endswith("\x1b[?2026l")
    thin.after = "\x1b7picture\x1b8"
    sent = thin.draw(page("c", "d"))
    assert sent.count("\x1b[?2026h") == sent.count("\x1b[?2026l") == 1
    thin.clear()
    thin.after = "\x1b7picture\x1b8"
    sent = thin.draw(page("a", "b"))
    assert sent.endswith("\x1b8\x1b[?2026l") and sent.count("\x1b[?2026l") == 1
    # One stretch can't tear.
    assert "2026" not in thin.draw(page("a", "c"))


def test_after_clear_and_with_another_size_all_is_drawn(thin):
    canvas = page("one", "two")
    first = thin.draw(canvas)
    thin.clear()
    assert thin.draw(page("one", "two")) == first.replace("\x1b)0", "")
    assert "one" in thin.draw(page("one", "two", width=29))
    assert "one" in thin.draw(page("one", "two", width=29, lines=7))
    assert thin.draw(page("one", "two", width=29, lines=7)) == ""


def test_what_could_not_be_written_is_drawn_anew(thin):
    class Full(Thin):
        full = False

        def write(self, data):
            if self.full:
                raise BlockingIOError(11, "it takes no more")
            super().write(data)

    screen = Full(30, 8)
    screen.draw(page("one", "two"))
    screen.full = True
    with pytest.raises(BlockingIOError):
        screen.draw(page("one", "three"))
    screen.full = False
    sent = screen.draw(page("one", "three"))
    assert "one" in sent and "three" in sent


def test_a_palette_that_changes_is_seen():
    thin, theirs = Thin(30, 8), Urwids(30, 8)
    for screen in thin, theirs:
        screen.draw(page([("red", "text"), (None, " other")]))
        screen.register_palette([("red", "light green", "default")])
        screen.clear()
        screen.draw(page([("red", "text"), (None, " other")]))
    assert thin.seen() == theirs.seen()


def test_what_is_not_known_is_sent_as_urwid_writes_it():
    before = urwid.util.get_encoding()
    urwid.set_encoding("iso8859-1")
    try:
        thin, theirs = Thin(30, 8), Urwids(30, 8)
        for text in "one", "two", "two x":
            expected = theirs.draw(page(text, cursor=(1, 1)))
            assert thin.draw(page(text, cursor=(1, 1))) == expected
            assert "\x0f" in expected
    finally:
        urwid.set_encoding(before)


def test_the_width_of_a_row_is_checked(thin):
    # As if a terminal had others: what isn't as wide as the screen is drawn whole.
    frame = read_frame("\x1b[?25l\x1b[H\x1b[0;39;49mabc\x1b[2;1Habcd", 4)
    assert frame.rows[0].chars == () and "".join(frame.rows[1].chars) == "abcd"
    assert frame.rows[1].raw == "\x1b[0;39;49mabcd"


@pytest.mark.parametrize(
    "written",
    ["\x1b[3A", "a\rb", "\x1b[1;1Ha\x1b]8;;x\x1b\\b", "\x1b[1;5Hb", "\x1b[1m", "a\x9bb", "\x1b"],
)
def test_a_frame_with_what_is_not_known(written):
    assert read_frame("\x1b[?25l" + written, 4) is None


@pytest.mark.parametrize(
    ("attribute", "short"),
    [
        ("\x1b[0;39;49m", "\x1b[m"),
        ("\x1b[0;38;5;39;49m", "\x1b[0;38;5;39m"),
        ("\x1b[0;38;2;49;39;0;1;48;5;49m", "\x1b[0;38;2;49;39;0;1;48;5;49m"),
        ("\x1b[0;39;1;4;44m", "\x1b[0;1;4;44m"),
    ],
)
def test_attributes_are_shortened(attribute, short):
    assert shorten(attribute) == short
