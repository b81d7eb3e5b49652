"""Rows: whoever draws them is told of each change, and of no more than that."""

from hypothesis import given
from hypothesis import strategies as st

from sat.frontends.core.views.rows import Rows
from tests.frontends.core.support import Watch

STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "replace"]), st.integers(0, 6), st.integers(0, 3))
)


@given(STEPS)
def test_what_is_told_amounts_to_what_is_there(steps):
    rows = Rows()
    watch = Watch(rows)
    model = {}
    for step, key, order in steps:
        if step == "put":
            model[key] = (order, key)
            rows.put(key, model[key], f"{key} {order}")
        elif step == "drop":
            model.pop(key, None)
            rows.drop(key)
        else:
            model = {one: (order, one) for one in range(key)}
            rows.replace((one, place, f"{one} {order}") for one, place in model.items())
        expected = sorted(model, key=lambda one: model[one])
        assert rows.keys == expected
        assert list(rows) == [rows.get(one) for one in expected] == rows[:]
        assert [rows.index_of(one) for one in expected] == [*range(len(expected))]
        assert len(rows) == len(model)
        watch.check()


def test_one_row_of_many_changes_alone():
    rows = Rows()
    rows.replace((key, (key,), key) for key in range(10_000))
    watch = Watch(rows)
    rows.put(5000, (5000,), "new")
    rows.put(5000, (5000,), "new")
    assert watch.told == [("changed", "new")]
    rows.put(5000, (-1,), "new")
    assert watch.told[1:] == [("removed", "new"), ("added", "new")]
    assert rows.index_of(5000) == 0 and rows.get("none") is None and rows.index_of("none") is None


def test_an_observer_may_leave():
    rows = Rows()
    watch = Watch(rows)
    end = rows.observe(watch)
    end()
    end()
    rows.put(1, (1,), 1)
    assert watch.told == [("added", 1)]
