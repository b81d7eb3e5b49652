"""Text that is divided into rows: any text, in any width, with isolates of our own in it."""

import pytest
import urwid
from hypothesis import example, given, settings
from hypothesis import strategies as some

from sat.frontends.console.widgets.cells import (
    END_ISOLATE,
    ISOLATE,
    clean,
    is_right_to_left,
    isolate,
    width,
)
from sat.frontends.console.widgets.layout import ISOLATING
from tests.frontends.console.widgets.support import PATIENT

_WORDS = some.text(some.sampled_from("אבש ab日\u0301é\u200c…"), max_size=6).map(clean)
PARTS = some.lists(
    some.one_of(_WORDS, some.text(max_size=4).map(clean), _WORDS.map(isolate), some.just("\n")),
    max_size=8,
)


@given(
    PARTS,
    some.integers(1, 14),
    some.sampled_from(["space", "any", "clip", "ellipsis"]),
    some.sampled_from(["left", "right", "center"]),
)
@example([isolate("אב"), " אב"], 1, "space", "left")
@example([isolate("שלום עולם")], 6, "space", "left")
@settings(PATIENT, max_examples=300)
def test_any_text_takes_its_place_in_any_width(parts, columns, wrap, align):
    drawn = urwid.Text("".join(parts), align, wrap, layout=ISOLATING)
    canvas = drawn.render((columns,))
    assert canvas.rows() == drawn.rows((columns,))
    for row in canvas.text:
        text = row.decode()
        assert width(text) == columns
        if is_right_to_left(text):
            depth = 0
            for one in text:
                depth += (one == ISOLATE) - (one == END_ISOLATE)
                assert depth >= 0, "what it ends was begun elsewhere"
            assert depth == 0, "what stands beside it is drawn within it"


@pytest.mark.parametrize("columns", range(1, 12))
def test_a_row_that_begins_with_an_isolate_of_ours(columns):
    text = isolate("שלום") + ": שלום hello"
    rows = urwid.Text(text, layout=ISOLATING).render((columns,)).text
    told = "".join(row.decode().replace(" ", "") for row in rows)
    assert told.replace(ISOLATE, "").replace(END_ISOLATE, "") == "שלום:שלוםhello"
