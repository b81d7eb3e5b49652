"""Splits and tabs: where each part is, what has the focus, what is closed."""

import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.panes import Panes
from sat.frontends.console.widgets.tabs import Tabs
from tests.frontends.console.widgets.support import PATIENT, attributes, drawn, press, told

SIZE = (40, 12)


def filled(letter):
    return urwid.SolidFill(letter)


def divided():
    """A beside B, which is over C."""
    panes = Panes("a", filled("a"))
    panes.split("b", filled("b"), beside=True)
    panes.split("c", filled("c"), beside=False)
    return panes


def test_panes_are_side_by_side_and_one_over_another():
    panes = divided()
    rows = drawn(panes, (25, 9))
    assert rows[0] == "a" * 12 + "│" + "b" * 12
    assert rows[4] == "a" * 12 + "│" + "─" * 12
    assert rows[8] == "a" * 12 + "│" + "c" * 12
    assert list(panes.panes) == ["a", "b", "c"]


def test_where_there_is_no_room_the_one_in_focus_is_shown():
    panes = divided()
    assert drawn(panes, (24, 9)) == ["b" * 24] * 4 + ["─" * 24] + ["c" * 24] * 4
    assert drawn(panes, (24, 8)) == ["c" * 24] * 8
    assert drawn(panes, (1, 1)) == ["c"]


def test_the_focus_goes_by_direction():
    panes = divided()
    heard = told(panes, "focused")
    drawn(panes, SIZE)
    assert press(panes, SIZE, "meta k", "meta h", "meta l", "meta j") == []
    assert [key for _, key in heard] == ["b", "a", "b", "c"]
    assert press(panes, SIZE, "meta l") == ["meta l"]
    press(panes, SIZE, "meta o")
    assert panes.focus_key == "a"
    press(panes, SIZE, "meta O")
    assert panes.focus_key == "c"


def drag(panes, start, end):
    panes.mouse_event(SIZE, "mouse press", 1, *start, True)
    panes.mouse_event(SIZE, "mouse drag", 1, *end, True)
    panes.mouse_event(SIZE, "mouse release", 0, *end, True)


@pytest.mark.parametrize("column", [13, 16, 26])
def test_a_line_is_drawn_to_where_it_is_wanted(column):
    panes = divided()
    (left,) = (at for at, char in enumerate(drawn(panes, SIZE)[0]) if char == "│")
    drag(panes, (left, 3), (column, 5))
    assert drawn(panes, SIZE)[0].index("│") == column
    (above,) = (at for at, row in enumerate(drawn(panes, SIZE)) if "─" in row)
    drag(panes, (column + 4, above), (column + 4, 7))
    assert drawn(panes, SIZE)[7][column + 1 :] == "─" * (40 - column - 1)
    assert panes.focus_key == "c"


def test_what_is_no_line_is_not_drawn_and_nobody_is_pushed_out():
    panes = divided()
    before = drawn(panes, SIZE)
    drag(panes, (3, 3), (9, 3))
    assert drawn(panes, SIZE) == before
    line = before[0].index("│")
    for column in (0, 39):
        drag(panes, (line, 3), (column, 3))
        line = drawn(panes, SIZE)[0].index("│")
        assert {*"".join(drawn(panes, SIZE))} >= {"a", "b", "c"}
    # The button was let go elsewhere: the next click begins anew.
    panes.mouse_event(SIZE, "mouse press", 1, line, 3, True)
    panes.mouse_event(SIZE, "mouse press", 1, 2, 2, True)
    panes.mouse_event(SIZE, "mouse drag", 1, 20, 2, True)
    assert drawn(panes, SIZE)[0].index("│") == line


def test_panes_grow_and_shrink_and_are_equal_again():
    panes = divided()
    half = panes.boxes(SIZE)
    press(panes, SIZE, "meta L", "meta J")
    grown = panes.boxes(SIZE)
    assert grown["c"].columns > half["c"].columns
    assert grown["c"].rows > half["c"].rows
    press(panes, SIZE, "meta =")
    assert panes.boxes(SIZE) == half
    press(panes, SIZE, *["meta H"] * 50)
    assert panes.boxes(SIZE)["c"].columns >= panes.least_columns


def test_what_is_beside_gets_the_place_of_what_is_closed():
    panes = divided()
    heard = told(panes, "closed", "focused")
    press(panes, SIZE, "meta w")
    assert heard == [("focused", "b"), ("closed", "c")]
    assert drawn(panes, (25, 2))[1] == "a" * 12 + "│" + "b" * 12
    press(panes, SIZE, "meta w")
    assert drawn(panes, (5, 1)) == ["aaaaa"]
    assert press(panes, SIZE, "meta w") == ["meta w"]
    assert list(panes.panes) == ["a"]


def test_one_can_be_shown_alone_for_a_while():
    panes = divided()
    press(panes, SIZE, "meta z")
    assert drawn(panes, SIZE) == ["c" * 40] * 12
    press(panes, SIZE, "meta z")
    assert drawn(panes, SIZE)[0][0] == "a"


def test_another_widget_takes_the_place_of_one():
    panes = divided()
    panes.show("d", filled("d"))
    assert list(panes.panes) == ["a", "b", "d"]
    with pytest.raises(KeyError):
        panes.show("a", filled("x"))
    with pytest.raises(KeyError):
        panes.focus_on("c")


def test_keys_are_the_widgets_first():
    panes = Panes("a", urwid.Filler(urwid.Edit()))
    assert press(panes, SIZE, "x", "meta z", "f5") == ["meta z", "f5"]
    assert drawn(panes, SIZE)[5].strip() == "x"


def test_a_click_puts_the_focus():
    panes = divided()
    assert panes.mouse_event(SIZE, "mouse press", 1, 2, 2, True)
    assert panes.focus_key == "a"
    assert not panes.mouse_event(SIZE, "mouse press", 4, 2, 2, True)
    names = [name for name, _ in attributes(panes, SIZE)[0]]
    assert "divider focus" in names


@given(
    steps=st.lists(st.sampled_from(["beside", "below", *Panes.KEYS]), max_size=20),
    size=st.tuples(st.integers(1, 60), st.integers(1, 30)),
)
@settings(PATIENT, max_examples=150)
def test_panes_of_any_size(steps, size):
    panes = Panes(0, filled("0"))
    for at, step in enumerate(steps, 1):
        if step in Panes.KEYS:
            panes.act(step)
        else:
            panes.split(at, filled("x"), beside=step == "beside")
        canvas = panes.render(size, True)
        assert (canvas.cols(), canvas.rows()) == size
        places = panes.boxes(size)
        assert panes.focus_key in places
        cells = [
            (x, y)
            for box in places.values()
            for x in range(box.left, box.left + box.columns)
            for y in range(box.top, box.top + box.rows)
        ]
        assert len(cells) == len(set(cells))
        assert all(0 <= x < size[0] and 0 <= y < size[1] for x, y in cells)


def tabs_of(*titles):
    tabs = Tabs()
    for title in titles:
        tabs.add(title, title, filled(title[0]))
    return tabs


def test_the_chosen_tab_is_shown_below_the_titles():
    tabs = tabs_of("alice", "bob")
    heard = told(tabs, "chosen")
    assert drawn(tabs, (14, 2)) == [" alice  bob", "a" * 14]
    press(tabs, (14, 2), "meta n")
    assert heard == [("chosen", "bob")]
    assert attributes(tabs, (14, 1)) == [[(None, "b" * 14)]]
    press(tabs, (14, 2), "meta 1")
    assert tabs.chosen == "alice"
    assert press(tabs, (14, 2), "meta 3") == ["meta 3"]


def test_marks_and_numbers():
    tabs = tabs_of("alice", "bob", "room")
    tabs.mark("bob", "unread", 3)
    tabs.mark("room", "mention")
    assert attributes(tabs, (40, 2))[0] == [
        ("tab chosen", " alice"),
        ("tab unread", " bob 3"),
        ("tab mention", " room"),
    ]
    tabs.mark("bob")
    assert drawn(tabs, (40, 2))[0] == " alice  bob  room"


def test_the_chosen_title_is_always_in_view():
    tabs = tabs_of(*(f"person{at}" for at in range(20)))
    assert drawn(tabs, (22, 2))[0] == " person0  person1 ›"
    tabs.choose("person9")
    assert drawn(tabs, (22, 2))[0] == "‹ person8  person9 ›"
    tabs.choose("person19")
    assert drawn(tabs, (22, 2))[0] == "‹ person18  person19"


def test_titles_can_do_no_harm():
    tabs = Tabs()
    tabs.add(1, "\x1b[31m" + "x" * 100 + "\n", filled("x"))
    assert drawn(tabs, (40, 2))[0] == " " + "x" * 19 + "…"


def test_tabs_are_moved_and_closed():
    tabs = tabs_of("a", "b", "c")
    heard = told(tabs, "closing")
    press(tabs, SIZE, "meta .", "meta c")
    assert tabs.tabs == ("b", "a", "c")
    assert heard == [("closing", "a")]
    tabs.remove("a")
    assert tabs.chosen == "b"
    tabs.remove("b")
    tabs.remove("c")
    assert tabs.chosen is None
    assert drawn(tabs, (5, 2)) == ["", ""]
    assert press(tabs, SIZE, "meta n") == ["meta n"]
    with pytest.raises(KeyError):
        tabs.remove("c")


def test_tabs_are_clicked():
    tabs = tabs_of("alice", "bob")
    heard = told(tabs, "closing")
    assert tabs.mouse_event((20, 3), "mouse press", 1, 9, 0, True)
    assert tabs.chosen == "bob"
    assert tabs.mouse_event((20, 3), "mouse press", 2, 1, 0, True)
    assert heard == [("closing", "alice")]
    assert not tabs.mouse_event((20, 3), "mouse press", 1, 19, 0, True)


@given(
    titles=st.lists(st.text(max_size=12), max_size=8),
    steps=st.lists(st.sampled_from([*Tabs.KEYS]), max_size=8),
    size=st.tuples(st.integers(1, 30), st.integers(1, 4)),
)
@settings(PATIENT, max_examples=100)
def test_tabs_of_any_size(titles, steps, size):
    tabs = Tabs()
    for at, title in enumerate(titles):
        tabs.add(at, title, filled("x"))
        tabs.mark(at, "unread", at * 100)
    for step in steps:
        tabs.act(step)
        canvas = tabs.render(size, True)
        assert (canvas.cols(), canvas.rows()) == size
