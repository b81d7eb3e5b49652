"""Pictures that the terminal draws: where they are seen, when they are new, and nowhere else."""

import re

import pytest
import urwid

from sat.frontends.console.widgets.image import HalfBlocks, Picture
from sat.frontends.console.widgets.sixel import Sixel, SixelScreen, Strips
from tests.frontends.console.widgets.support import whole

STRIPS = Strips(4, [b"\x1bP0;1;0qA%d\x1b\\" % number for number in range(3)])
BLOCKS = HalfBlocks(Picture(2, 2, b"\0" * 12))


class Terminal(SixelScreen):
    """A screen whose terminal keeps what is written."""

    draws_sixel = True

    def __init__(self):
        super().__init__()
        self.written = ""
        self._started = True

    def write(self, data):
        """Keep it."""
        self.written += data

    def flush(self):
        """Nothing waits."""

    def pictures(self, widget, size=(10, 5)):
        """Draw a box widget; return the line and column of each strip that was drawn."""
        self.written = ""
        self.draw_screen(size, urwid.CompositeCanvas(widget.render(size, True)))
        found = re.findall(r"\x1b\[(\d+);(\d+)H\x1bP0;1;0qA(\d)", self.written)
        return [tuple(map(int, one)) for one in found]


@pytest.fixture
def terminal():
    return Terminal()


def page(*widgets):
    return urwid.ListBox(urwid.SimpleListWalker(list(widgets)))


def test_a_picture_is_drawn_once_in_its_place(terminal):
    picture = Sixel(STRIPS, BLOCKS)
    shown = page(urwid.Text("above"), urwid.Padding(picture, left=2))
    assert terminal.pictures(shown) == [(2, 3, 0), (3, 3, 1), (4, 3, 2)]
    # Text and picture are seen at once, and the cursor is where it was.
    assert terminal.written.startswith("\x1b[?2026h") and "\x1b7" in terminal.written
    assert terminal.written.endswith("\x1b8\x1b[?2026l")
    shown._invalidate()
    assert terminal.pictures(shown) == []


def test_what_moves_is_drawn_anew_and_what_is_cut_is_not_drawn(terminal):
    picture = Sixel(STRIPS, BLOCKS)
    assert terminal.pictures(page(urwid.Text("a"), picture))[0] == (2, 1, 0)
    moved = page(urwid.Text("a\nb\nc"), picture)
    assert terminal.pictures(moved) == [(4, 1, 0), (5, 1, 1)]
    assert terminal.pictures(page(urwid.Text("gone"))) == []
    assert terminal.pictures(moved) == [(4, 1, 0), (5, 1, 1)]


def test_text_in_the_same_row_that_changes_draws_that_strip_anew(terminal):
    picture, beside = Sixel(STRIPS, BLOCKS), urwid.Text("x")
    shown = page(urwid.Columns([(4, picture), beside]))
    assert len(terminal.pictures(shown)) == 3
    beside.set_text("x\ny")
    assert terminal.pictures(shown) == [(2, 1, 1)]


def test_two_beside_each_other(terminal):
    shown = page(urwid.Columns([(5, Sixel(STRIPS, BLOCKS)), (5, Sixel(STRIPS, BLOCKS))]))
    assert terminal.pictures(shown)[:2] == [(1, 1, 0), (1, 6, 0)]


def test_under_a_window_none_is_drawn_but_beside_it(terminal):
    picture = page(Sixel(STRIPS, BLOCKS))
    over = urwid.Overlay(urwid.SolidFill("#"), picture, "left", 2, "top", 2)
    assert terminal.pictures(over) == [(3, 1, 2)]
    assert terminal.pictures(picture) == [(1, 1, 0), (2, 1, 1)]


def test_a_cleared_screen_has_all_of_them_again(terminal):
    picture = page(Sixel(STRIPS, BLOCKS))
    assert len(terminal.pictures(picture)) == 3
    terminal.clear()
    assert len(terminal.pictures(picture)) == 3


def test_where_there_is_no_room_it_is_half_blocks():
    picture = Sixel(STRIPS, BLOCKS)
    assert picture.rows((3,)) == 1 and picture.rows((4,)) == 3
    assert whole(picture, (3,))[0].startswith("▀")
    assert whole(picture, (6,)) == [" " * 6] * 3


def test_a_terminal_that_draws_none_gets_none(terminal):
    terminal.draws_sixel = False
    assert terminal.pictures(page(Sixel(STRIPS, BLOCKS))) == []
