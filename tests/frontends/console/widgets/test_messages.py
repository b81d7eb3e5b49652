"""The list of messages: what is in view, what it keeps, what it tells."""

import tracemalloc

import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.messages import MessageList
from tests.frontends.console.widgets.support import PATIENT, Rows, attributes, drawn, press, told

SIZE = (10, 4)


def made(count=100, **options):
    rows = Rows(count)
    return rows, MessageList(rows, **options)


def test_it_begins_at_the_end():
    _, widget = made()
    assert drawn(widget, SIZE) == ["96.0", "97.0", "98.0", "99.0"]
    assert widget.at_end
    assert widget.in_view == (96, 97, 98, 99)


def test_few_rows_stand_at_the_bottom():
    _, widget = made(2)
    assert drawn(widget, SIZE) == ["", "", "0.0", "1.0"]


def test_none_are_an_empty_screen():
    _, widget = made(0)
    assert drawn(widget, SIZE) == [""] * 4
    assert press(widget, SIZE, "up", "page up", "home", "end", "meta up") == []
    assert press(widget, SIZE, "x", "enter", "esc") == ["x", "enter", "esc"]


def test_at_the_end_it_stays_there_when_rows_come():
    rows, widget = made()
    drawn(widget, SIZE)
    rows.keys.append(100)
    widget.changed()
    assert drawn(widget, SIZE)[-1] == "100.0"


def test_elsewhere_it_stays_where_it_is():
    rows, widget = made()
    drawn(widget, SIZE)
    press(widget, SIZE, "up")
    before = drawn(widget, SIZE)
    assert not widget.at_end
    rows.keys.append(100)
    widget.changed()
    assert drawn(widget, SIZE) == before == ["95.0", "96.0", "97.0", "98.0"]
    press(widget, SIZE, "down", "down")
    assert widget.at_end
    assert drawn(widget, SIZE)[-1] == "100.0"


def test_rows_above_come_and_grow_without_moving_what_is_looked_at():
    rows, widget = made()
    drawn(widget, SIZE)
    widget.jump(50)
    before = drawn(widget, SIZE)
    rows.keys[:0] = range(-20, 0)
    rows.heights[10] = 7
    rows.heights[49] = 3
    widget.changed([10, 49])
    after = drawn(widget, SIZE)
    assert before == ["49.0", "50.0", "51.0", "52.0"]
    assert after == ["49.2", "50.0", "51.0", "52.0"]


def test_the_selected_row_keeps_its_line_when_one_above_it_grows():
    rows, widget = made()
    drawn(widget, SIZE)
    press(widget, SIZE, "meta up", "meta up")
    assert attributes(widget, SIZE)[2] == [("row chosen", "98.0")]
    rows.heights[97] = 2
    widget.changed([97])
    assert attributes(widget, SIZE)[2] == [("row chosen", "98.0")]
    assert drawn(widget, SIZE)[:2] == ["97.0", "97.1"]


def test_what_grows_in_view_moves_what_is_below_it_alone():
    rows, widget = made()
    drawn(widget, SIZE)
    widget.jump(50)
    assert drawn(widget, SIZE) == ["49.0", "50.0", "51.0", "52.0"]
    rows.heights[50] = 2
    widget.changed([50])
    assert drawn(widget, SIZE) == ["49.0", "50.0", "50.1", "51.0"]
    widget.select(51)
    drawn(widget, SIZE)
    rows.heights[49] = 2
    widget.changed([49])
    assert drawn(widget, SIZE) == ["49.1", "50.0", "50.1", "51.0"]


def test_what_is_selected_goes_and_comes_by_key():
    rows, widget = made()
    heard = told(widget, "selected", "activated")
    drawn(widget, SIZE)
    press(widget, SIZE, "meta up", "enter")
    assert heard == [("selected", 99), ("activated", 99)]
    rows.keys.remove(99)
    widget.changed()
    drawn(widget, SIZE)
    assert heard[-1] == ("selected", None)
    assert widget.selected is None
    with pytest.raises(KeyError):
        widget.select(99)
    with pytest.raises(KeyError):
        widget.jump(99)


def test_selecting_goes_on_beyond_the_view_and_through_rows_higher_than_it():
    rows, widget = made()
    rows.heights[97] = 9
    drawn(widget, SIZE)
    press(widget, SIZE, "meta up", "meta up")
    assert widget.selected == 98
    press(widget, SIZE, "meta up")
    assert widget.selected == 97
    assert drawn(widget, SIZE) == ["97.7", "97.8", "98.0", "99.0"]
    press(widget, SIZE, "meta up")
    assert drawn(widget, SIZE) == ["97.4", "97.5", "97.6", "97.7"]
    press(widget, SIZE, "meta up", "meta up")
    assert drawn(widget, SIZE) == ["97.0", "97.1", "97.2", "97.3"]
    press(widget, SIZE, "meta up")
    assert widget.selected == 96
    press(widget, SIZE, "meta down", "meta down")
    assert widget.selected == 97
    assert drawn(widget, SIZE) == ["97.3", "97.4", "97.5", "97.6"]


def test_its_ends_are_told_once_for_what_is_there():
    rows, widget = made(10)
    heard = told(widget, "near-top", "near-bottom")
    drawn(widget, SIZE)
    assert heard == [("near-bottom", 9)]
    press(widget, SIZE, "page up")
    drawn(widget, SIZE)
    widget.changed()
    drawn(widget, SIZE)
    assert heard.count(("near-top", 0)) == 1
    rows.keys[:0] = range(-3, 0)
    widget.changed()
    drawn(widget, SIZE)
    assert heard.count(("near-top", 0)) == 1
    press(widget, SIZE, "page up", "page up")
    drawn(widget, SIZE)
    assert ("near-top", -3) in heard


def test_what_comes_into_view_is_told():
    _, widget = made()
    heard = told(widget, "viewed")
    drawn(widget, SIZE)
    drawn(widget, SIZE)
    press(widget, SIZE, "up")
    drawn(widget, SIZE)
    assert heard == [("viewed", (96, 97, 98, 99)), ("viewed", (95, 96, 97, 98))]


def test_a_row_whose_last_line_is_below_is_not_looked_at_yet():
    rows, widget = made()
    rows.heights[50] = 9
    drawn(widget, SIZE)
    widget.jump(50)
    drawn(widget, SIZE)
    assert widget.in_view == (49,)


def test_where_rows_are_no_longer_it_holds_to_the_nearest():
    rows, widget = made()
    drawn(widget, SIZE)
    widget.jump(50)
    drawn(widget, SIZE)
    del rows.keys[:51]
    widget.changed()
    assert drawn(widget, SIZE)[0] == "51.0"
    rows.keys[:] = range(200, 300)
    widget.changed()
    assert drawn(widget, SIZE)[-1] == "299.0"


def test_what_is_searched_for_is_shown():
    _, widget = made()
    widget.highlight("8.0")
    assert attributes(widget, SIZE)[2] == [("row", "9"), ("found", "8.0")]
    widget.highlight("")
    assert attributes(widget, SIZE)[2] == [("row", "98.0")]


def test_the_wheel_scrolls_and_a_click_selects():
    _, widget = made()
    drawn(widget, SIZE)
    assert widget.mouse_event(SIZE, "mouse press", 4, 1, 1, True)
    assert drawn(widget, SIZE)[0] == "93.0"
    assert widget.mouse_event(SIZE, "mouse press", 1, 1, 2, True)
    assert widget.selected == 95
    assert not widget.mouse_event(SIZE, "mouse release", 0, 1, 2, True)


def test_keys_are_what_the_program_says():
    _, widget = made()
    drawn(widget, SIZE)
    widget.keys = {"line-up": ["k"]}
    assert press(widget, SIZE, "k", "up") == ["up"]
    assert drawn(widget, SIZE)[-1] == "98.0"


class Loop:
    """A clock that is moved by hand."""

    def __init__(self):
        self.waiting = []

    def call_later(self, delay, function):
        self.waiting.append((delay, function))

    def pass_by(self):
        waiting, self.waiting = self.waiting, []
        for _, function in waiting:
            function()


def test_many_changes_are_drawn_as_one():
    loop = Loop()
    rows, widget = made(100, later=loop.call_later, pace=0.05)
    drawings = []
    invalidate = widget._invalidate
    widget._invalidate = lambda: (drawings.append(1), invalidate())
    for key in range(100, 300):
        rows.keys.append(key)
        widget.changed()
    assert len(drawings) == 1
    assert [delay for delay, _ in loop.waiting] == [0.05]
    loop.pass_by()
    assert len(drawings) == 2
    loop.pass_by()
    assert len(drawings) == 2
    assert drawn(widget, SIZE)[-1] == "299.0"


class Endless(Rows):
    """Rows that are counted and not kept."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def __contains__(self, key):
        return isinstance(key, int) and 0 <= key < self.count

    def first(self):
        return 0

    def last(self):
        return self.count - 1

    def before(self, key):
        return key - 1 if key else None

    def after(self, key):
        return key + 1 if key < self.count - 1 else None

    def widget(self, key):
        return urwid.Text(f"{key} " + "word " * (key % 40))


def test_a_hundred_thousand_rows_take_what_a_thousand_take():
    widget = MessageList(Endless(100_000))
    size = (40, 12)

    def page_up(times):
        for _ in range(times):
            press(widget, size, "page up")
            widget.render(size, True)

    page_up(30)
    tracemalloc.start()
    try:
        page_up(20)
        before, _ = tracemalloc.get_traced_memory()
        page_up(150)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(widget._cache) <= 4 * 12 + 32
    assert after - before < 100_000


@given(
    heights=st.dictionaries(st.integers(0, 29), st.integers(0, 12), max_size=30),
    steps=st.lists(st.sampled_from(["a", "p", "r", "g", "s", *MessageList.KEYS]), max_size=25),
    size=st.tuples(st.integers(1, 12), st.integers(1, 9)),
    data=st.data(),
)
@settings(PATIENT, max_examples=60)
def test_there_is_never_a_gap_nor_a_row_twice(heights, steps, size, data):
    rows, widget = made(30)
    rows.heights = heights
    for step in steps:
        if step == "a":
            rows.keys.append(rows.keys[-1] + 1)
        elif step == "p":
            rows.keys.insert(0, rows.keys[0] - 1)
        elif step == "r" and len(rows.keys) > 1:
            rows.keys.remove(data.draw(st.sampled_from(rows.keys)))
        elif step == "g":
            key = data.draw(st.sampled_from(rows.keys))
            rows.heights[key] = data.draw(st.integers(0, 12))
            widget.changed([key])
        elif step == "s":
            size = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 9)))
        else:
            widget.act(step)
        widget.changed()
        canvas = widget.render(size, True)
        assert (canvas.cols(), canvas.rows()) == size
        shown = [one.key for one in widget._placed()]
        lines = sum(rows.heights.get(key, 1) for key in rows.keys)
        assert shown == [key for key in rows.keys if key in shown]
        if size[0] >= 6:
            # What is in view is a part of all lines without a gap; short ones stand at the bottom.
            every = [f"{k}.{n}" for k in rows.keys for n in range(rows.heights.get(k, 1))]
            text = [row.decode().strip() for row in canvas.text]
            filled = text[max(0, size[1] - lines) :]
            starts = [at for at in range(len(every)) if every[at : at + len(filled)] == filled]
            assert starts or not filled


def test_a_key_draws_nothing_of_the_list_while_rows_come():
    source = Endless(1000)
    widget = MessageList(source, later=Loop().call_later)
    frame = urwid.Frame(widget, footer=urwid.Edit(), focus_part="footer")
    widget.changed()
    screen = frame.render((120, 40), True)
    layouts = []
    placed = widget._placed
    widget._placed = lambda: (layouts.append(1), placed())[1]
    for _ in range(20):
        for _ in range(10):
            source.count += 1
            widget.changed()
        frame.keypress((120, 40), "x")
        screen = frame.render((120, 40), True)
    assert screen.text[-1].startswith(b"x" * 20)
    assert layouts == []
