"""Bars and pictures."""

import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.image import HalfBlocks, Picture
from sat.frontends.console.widgets.progress import Progress
from tests.frontends.console.widgets.support import PATIENT, attributes, drawn, whole

RED, BLUE, BLACK, WHITE = b"\xff\0\0", b"\0\0\xff", b"\0\0\0", b"\xff\xff\xff"


def test_a_bar_is_done_from_the_left():
    bar = Progress("a.png", 0.5)
    assert attributes(bar, (20,)) == [[("progress done", "a.png")]]
    bar.set(0.125)
    assert attributes(bar, (20,)) == [[("progress done", "a."), ("progress", "png")]]
    bar.set(0.4375, "x")
    assert attributes(bar, (4,)) == [[("progress done", "x"), ("progress edge", "▊")]]
    bar.set(None)
    assert attributes(bar, (4,)) == [[("progress", "x")]]
    bar.set(7.0, "\x1b[31mdone\n")
    assert attributes(bar, (4,)) == [[("progress done", "done")]]


@given(st.text(max_size=20), st.floats(allow_nan=True) | st.none(), st.integers(1, 30))
@settings(PATIENT, max_examples=60)
def test_bars_of_any_size(text, done, columns):
    canvas = Progress(text, done).render((columns,))
    assert (canvas.cols(), canvas.rows()) == (columns, 1)


def test_two_pixels_are_in_a_cell():
    canvas = HalfBlocks(Picture(1, 2, RED + BLUE)).render((3,))
    assert canvas.text == ["▀  ".encode()]
    spec = next(iter(canvas.content()))[0][0]
    assert (spec.foreground, spec.background) == ("#ff0000", "#0000ff")


def test_few_colours_are_shades():
    picture = HalfBlocks(Picture(2, 2, BLACK + WHITE + BLACK + WHITE), colours=16)
    assert whole(picture, (2,)) == [" █"]
    assert attributes(picture, (2,))[0][0][0] == "picture"


def test_256_colours_are_named_as_urwid_wants_them():
    canvas = HalfBlocks(Picture(1, 2, RED + BLUE), colours=256).render((1,))
    spec = next(iter(canvas.content()))[0][0]
    assert isinstance(spec, urwid.AttrSpec)
    assert (spec.foreground, spec.background) == ("#f00", "#00f")


def test_a_picture_is_as_large_as_there_is_room():
    picture = HalfBlocks(Picture(1000, 500, BLUE * 500_000))
    assert picture.drawn_size(80) == (60, 15)
    assert picture.drawn_size(20) == (20, 5)
    high = HalfBlocks(Picture(10, 10_000, BLUE * 100_000))
    assert high.drawn_size(80) == (1, 20)
    assert len(drawn(high, (80,))) == 20


@pytest.mark.parametrize(
    "picture", [Picture(0, 1, b""), Picture(1, 1, b"xx"), Picture(-1, -1, RED)]
)
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(ValueError, match="a picture has"):
        HalfBlocks(picture)


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.sampled_from([16, 256, 1 << 24])
)
@settings(PATIENT, max_examples=60)
def test_pictures_of_any_size(wide, high, columns, colours):
    picture = HalfBlocks(Picture(wide, high, RED * wide * high), colours=colours)
    canvas = picture.render((columns,))
    assert canvas.cols() == columns
    assert canvas.rows() == picture.rows((columns,)) <= 20
