"""Spans as rows of a canvas."""

import pytest

from sat.frontends.console.widgets.cells import END_ISOLATE, ISOLATE, isolate
from sat.frontends.console.widgets.painting import paint


@pytest.mark.parametrize("text", ["שלום " * 9, isolate("שלום " * 9), "שלום", isolate("שלום")])
def test_what_is_cut_reorders_nothing_that_stands_beside_it(text: str) -> None:
    (row,) = paint([[("name", text)]], 10).text
    shown = row.decode()
    assert (shown.count(ISOLATE), shown.count(END_ISOLATE)) == (1, 1)
    assert shown.index(ISOLATE) < shown.index("ש") < shown.index(END_ISOLATE)
