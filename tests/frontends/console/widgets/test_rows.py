"""Rows by key: their order, headings, filter, and the selection that follows its row."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets import rows as module
from sat.frontends.console.widgets.rows import Line, RowList
from tests.frontends.console.widgets.support import PATIENT, attributes, drawn, press, told

SIZE = (20, 6)


def row(name, heading="", order=None):
    return Line(order or name, [(None, name)], name, heading)


def people():
    rows = RowList(headings=["Rooms", "Friends"])
    rows.put_all(
        [
            ("bob", row("bob", "Friends")),
            ("alice", row("alice", "Friends")),
            ("zoo", row("zoo", "Rooms")),
            ("carol", row("carol", "Work")),
            ("me", row("me")),
        ]
    )
    return rows


def test_rows_stand_in_order_under_their_headings():
    assert drawn(people(), (20, 9)) == [
        "me",
        "▾ Rooms (1)",
        "zoo",
        "▾ Friends (2)",
        "alice",
        "bob",
        "▾ Work (1)",
        "carol",
        "",
    ]


def test_none_are_an_empty_screen():
    rows = RowList()
    assert drawn(rows, (5, 2)) == ["", ""]
    assert press(rows, SIZE, "up", "down", "enter", "left", "x") == [
        "up",
        "down",
        "enter",
        "left",
        "x",
    ]


def test_the_selection_follows_its_row_by_key():
    rows = people()
    heard = told(rows, "selected", "activated")
    assert rows.select("bob")
    rows.put("bob", row("bob", "Friends", "aaa"))
    assert rows.selected == "bob"
    assert attributes(rows, (20, 9))[4] == [("row chosen", "bob")]
    press(rows, SIZE, "enter")
    assert heard == [("selected", "bob"), ("activated", "bob")]
    rows.remove("bob")
    assert attributes(rows, (20, 9))[4] == [("row chosen", "alice")]
    assert not rows.select("bob")
    with pytest.raises(KeyError):
        rows.remove("bob")


def test_headings_fold():
    rows = people()
    rows.select("bob")
    press(rows, SIZE, "left")
    assert drawn(rows, (20, 6))[3:] == ["▸ Friends (2)", "▾ Work (1)", "carol"]
    assert attributes(rows, SIZE)[3][0][0] == "heading chosen"
    assert rows.folded == {"Friends"}
    assert rows.selected is None
    press(rows, SIZE, "enter")
    assert rows.folded == frozenset()
    press(rows, SIZE, "left", "right", "down")
    assert rows.selected == "alice"
    rows.fold("Friends")
    assert rows.select("bob")
    assert rows.folded == frozenset()


def test_typing_filters():
    rows = people()
    heard = told(rows, "filtered")
    press(rows, SIZE, "/", "O")
    assert rows.filtering
    assert drawn(rows, SIZE) == ["/O", "▾ Rooms (1)", "zoo", "▾ Friends (2)", "bob", "▾ Work (1)"]
    assert rows.render(SIZE, True).cursor == (2, 0)
    press(rows, SIZE, "b")
    assert drawn(rows, SIZE)[:4] == ["/Ob", "▾ Friends (2)", "bob", ""]
    press(rows, SIZE, "backspace", "backspace")
    assert rows.filter == ""
    press(rows, SIZE, "c", "a", "enter")
    assert rows.selected == "carol"
    press(rows, SIZE, "esc")
    assert not rows.filtering
    assert rows.selected == "carol"
    assert heard[-1] == ("filtered", "")
    assert press(rows, SIZE, "esc", "backspace") == ["esc", "backspace"]


def test_what_comes_is_filtered_too():
    rows = people()
    rows.filter = "li"
    rows.put("olivia", row("olivia"))
    rows.put("dan", row("dan"))
    assert drawn(rows, SIZE) == ["/li", "olivia", "▾ Friends (2)", "alice", "", ""]
    rows.put("olivia", row("o"))
    rows.put("dan", row("lili"))
    assert drawn(rows, SIZE)[1] == "lili"


def test_what_is_folded_is_found_by_the_filter():
    rows = people()
    rows.fold("Friends")
    rows.filter = "bob"
    assert drawn(rows, SIZE)[1:3] == ["▾ Friends (2)", "bob"]


def test_the_selected_row_is_always_in_view():
    rows = RowList()
    rows.put_all((at, row(f"{at:02}")) for at in range(30))
    press(rows, (10, 5), "end")
    assert drawn(rows, (10, 5))[-1] == "29"
    press(rows, (10, 5), "page up", "up")
    assert drawn(rows, (10, 5))[0] == "24"
    press(rows, (10, 5), "home")
    assert drawn(rows, (10, 5))[0] == "00"
    assert rows.mouse_event((10, 5), "mouse press", 5, 0, 0, True)
    assert rows.selected == 3
    heard = told(rows, "activated")
    assert rows.mouse_event((10, 5), "mouse press", 1, 0, 1, True)
    assert rows.mouse_event((10, 5), "mouse press", 1, 0, 1, True)
    assert heard == [("activated", 1)]
    assert not rows.mouse_event((10, 5), "mouse release", 0, 0, 1, True)


def test_one_of_ten_thousand_rows_is_changed_alone(monkeypatch):
    rows = RowList()
    rows.put_all((at, row(f"{at:05}", f"group {at % 20}")) for at in range(10_000))
    drawn(rows, SIZE)
    rebuilt = rows._rows
    painted = []
    monkeypatch.setattr(rows, "_spans", lambda key, chosen: painted.append(key) or [])
    rows.put(77, Line("00077", [("away", "changed")], "00077", "group 17"))
    drawn(rows, SIZE)
    assert rows._rows is rebuilt
    assert len(painted) == SIZE[1]


def test_the_place_of_a_row_is_found_without_looking_at_all(monkeypatch):
    rows = RowList()
    rows.put_all((at, row(f"{at:05}")) for at in range(10_000))
    looked = []
    place = module._place
    monkeypatch.setattr(module, "_place", lambda entry: (looked.append(1), place(entry))[1])
    rows.put(5, row("99999"))
    rows.remove(7)
    assert len(looked) < 100


@given(
    steps=st.lists(
        st.one_of(
            st.sampled_from([*RowList.KEYS]),
            st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.sampled_from(["", "x", "y"])),
            st.integers(0, 9),
            st.text(max_size=2),
        ),
        max_size=30,
    ),
    size=st.tuples(st.integers(1, 20), st.integers(1, 8)),
)
@settings(PATIENT, max_examples=150)
def test_rows_of_any_size(steps, size):
    rows = RowList()
    model = {}
    for step in steps:
        if isinstance(step, tuple):
            key, order, heading = step
            model[key] = (heading, order)
            rows.put(key, Line(order, [("name", f"{key} {order}")], order, heading))
        elif isinstance(step, int):
            if step in model:
                del model[step]
                rows.remove(step)
        elif step in RowList.KEYS:
            rows.act(step)
        else:
            rows.filter = step.strip()
        canvas = rows.render(size, True)
        assert (canvas.cols(), canvas.rows()) == size
        keys = [one for one in rows._visible() if isinstance(one, int)]
        assert [model[key] for key in keys] == sorted(model[key] for key in keys)
        if not rows.filter and not rows.folded:
            assert set(keys) == set(model)
        assert rows.selected is None or rows.selected in model
