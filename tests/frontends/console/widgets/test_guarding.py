"""What raises has a sentence in its place; what is beside it is drawn."""

import pytest
import urwid

from sat.frontends.console.widgets.guarding import Guarded, drawn
from sat.frontends.console.widgets.messages import MessageList
from sat.frontends.console.widgets.popup import Overlays, Popup
from tests.frontends.console.widgets.support import Rows
from tests.frontends.console.widgets.support import drawn as rows_of


class Failing(urwid.Text):
    """Raises where it is said to."""

    def __init__(self, where):
        super().__init__("fine")
        self.where = where

    def rows(self, size, focus=False):
        if self.where == "rows":
            raise ZeroDivisionError
        return super().rows(size, focus)

    def render(self, size, focus=False):
        if self.where == "render":
            raise ZeroDivisionError
        return urwid.CompositeCanvas(super().render(size[:1], focus))


class Half(Rows):
    """Rows of which one fails."""

    def __init__(self, where):
        super().__init__(5)
        self.where = where

    def widget(self, key):
        if key != 2:
            return super().widget(key)
        if self.where == "make":
            raise ZeroDivisionError
        return Failing(self.where)


@pytest.mark.parametrize("where", ["make", "rows", "render"])
def test_a_row_that_cannot_be_drawn_is_a_sentence_and_the_rest_goes_on(where):
    taken = []

    def broken(error):
        taken.append(error)
        return f"broken: {type(error).__name__}"

    listed = MessageList(Half(where), broken=broken)
    assert rows_of(listed, (40, 5)) == ["0.0", "1.0", "broken: ZeroDivisionError", "3.0", "4.0"]
    listed.act("select-up")
    assert rows_of(listed, (40, 5))[2] == "broken: ZeroDivisionError"
    assert not listed.mouse_event((40, 5), "mouse press", 2, 1, 2, True)
    assert len(taken) == 1
    with pytest.raises(ZeroDivisionError):
        MessageList(Half(where)).render((40, 5))


def test_a_long_sentence_is_in_the_place_of_a_part():
    canvas = drawn(Failing("render"), (5, 3), True, lambda error: "word " * 9)
    assert (canvas.cols(), canvas.rows()) == (5, 3)
    canvas = drawn(Failing(""), (5,), True, lambda error: "word")
    assert canvas.text == [b"fine "]


@pytest.mark.parametrize("size", [(1, 1), (7, 2), (40, 10)])
def test_a_popup_that_cannot_be_drawn_can_be_closed(size):
    overlays = Overlays(urwid.SolidFill("."), lambda error: "it is broken")
    overlays.show(Popup(Failing("render"), "Title", 20, 4))
    canvas = overlays.render(size, True)
    assert (canvas.cols(), canvas.rows()) == size
    if size[0] == 40:
        assert any(b"it is broken" in row for row in canvas.text)
    overlays.keypress(size, "esc")
    assert overlays.top is None
    assert rows_of(overlays, size)[0] == "." * size[0]


def test_what_does_not_fail_is_as_it_was():
    widget = Guarded(lambda: urwid.Text("some text"), lambda error: "broken")
    assert widget.rows((4,)) == 2
    assert rows_of(widget, (4,)) == ["some", "text"]
