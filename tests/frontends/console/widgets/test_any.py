"""What holds for every widget: sizes, mouse, keys that the program says."""

import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.chooser import FileChooser
from sat.frontends.console.widgets.dialog import Dialog
from sat.frontends.console.widgets.editor import Candidate, Completions, Editor
from sat.frontends.console.widgets.form import Field, Form, Kind
from sat.frontends.console.widgets.helppage import HelpPage
from sat.frontends.console.widgets.keys import merged
from sat.frontends.console.widgets.menu import Item, Menu
from sat.frontends.console.widgets.messages import MessageList
from sat.frontends.console.widgets.panes import Panes
from sat.frontends.console.widgets.popup import Overlays, Popup
from sat.frontends.console.widgets.rows import Line, RowList
from sat.frontends.console.widgets.tabs import Tabs
from tests.frontends.console.widgets.support import PATIENT, Rows

ITEMS = [Item("Join", "/join", 1), Item("日本", "", 2), Item("", "", 3)]


def editor():
    offered = Completions(0, [Candidate("alice", "", "日本語"), Candidate("bob")])
    return Editor("write", max_rows=3, completer=lambda *_: offered)


def messages():
    rows = Rows(9)
    rows.heights = {3: 7, 5: 0}
    return MessageList(rows)


def panes():
    found = Panes(1, urwid.Filler(editor()))
    found.split(2, messages(), beside=True)
    found.split(3, form(), beside=False)
    return found


def tabs():
    found = Tabs()
    for at, widget in enumerate((messages(), contacts(), panes())):
        found.add(at, f"title {at}", widget)
    return found


def contacts():
    found = RowList()
    found.put_all((at, Line(at, [("name", f"日 {at}")], str(at), f"{at % 3}")) for at in range(12))
    return found


def form():
    options = [("a", "A"), ("b", "B")]
    return Form(
        [Field(kind.value, kind, kind.name, None, options, True, "hint") for kind in Kind], "Go"
    )


def overlays():
    found = Overlays(tabs())
    found.show(Popup(Menu(ITEMS, palette=True), "Title", 20, 4))
    return found


def chooser(folder):
    (folder / "a").mkdir(parents=True, exist_ok=True)
    (folder / "b").touch()
    return FileChooser(folder, folder)


MAKERS = {
    "chooser": chooser,
    "contacts": contacts,
    "dialog": lambda: Dialog("some text\n" * 5, ITEMS),
    "editor": lambda: urwid.Filler(editor()),
    "form": form,
    "help": lambda: HelpPage([("Heading", [("key", "sentence " * 9)])]),
    "menu": lambda: Menu(ITEMS, palette=True),
    "messages": messages,
    "overlays": overlays,
    "panes": panes,
    "popup": lambda: Popup(messages(), "Title", 20, 4),
    "tabs": tabs,
}
KEYED = [
    Dialog,
    Editor,
    FileChooser,
    Form,
    HelpPage,
    Menu,
    MessageList,
    Panes,
    Popup,
    RowList,
    Tabs,
]
KEYS = sorted({key for one in KEYED for keys in one.KEYS.values() for key in keys} - {"left"})

sizes = st.tuples(st.integers(1, 50), st.integers(1, 14))
steps = st.lists(
    st.one_of(
        st.sampled_from(KEYS),
        st.sampled_from(["x", "日", "f9", "paste a\nb", "begin paste", "end paste"]),
        st.tuples(
            st.sampled_from(["mouse press", "mouse release", "mouse drag", "meta mouse press"]),
            st.integers(0, 5),
            st.floats(0, 1, exclude_max=True),
            st.floats(0, 1, exclude_max=True),
        ),
        sizes.map(list),
    ),
    max_size=12,
)


@pytest.mark.parametrize("name", MAKERS)
@given(size=sizes, steps=steps)
@settings(PATIENT, max_examples=40)
def test_nothing_that_is_pressed_or_clicked_breaks_it(tmp_path_factory, name, size, steps):
    if name == "chooser":
        widget = chooser(tmp_path_factory.getbasetemp() / "pressed")
    else:
        widget = MAKERS[name]()
    size = tuple(size)
    for step in [None, *steps]:
        if isinstance(step, str):
            assert widget.keypress(size, step) in (None, step)
        elif isinstance(step, list):
            size = tuple(step)
        elif step is not None:
            event, button, x, y = step
            widget.mouse_event(size, event, button, int(x * size[0]), int(y * size[1]), True)
        for focus in True, False:
            canvas = widget.render(size, focus)
            assert (canvas.cols(), canvas.rows()) == size
            cursor = canvas.cursor
            assert cursor is None or (0 <= cursor[0] < size[0] and 0 <= cursor[1] < size[1])


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ("editor", "overlays")])
def test_no_key_is_bound_that_the_program_has_not_bound(tmp_path, name):
    widget = chooser(tmp_path) if name == "chooser" else MAKERS[name]()
    named = [key for key in KEYS if len(key) > 1 and not key.startswith("paste")]
    inner = {"form": widget._editors.values() if name == "form" else ()}.get(name, ())
    for one in (widget, *inner, *getattr(widget, "panes", {}).values()):
        for each in (one, getattr(one, "base_widget", one)):
            each.keys = {}
    bodies = [getattr(widget, "body", None), getattr(widget, "focus", None)]
    for body in bodies:
        for each in (body, getattr(body, "original_widget", None)):
            if each is not None:
                each.keys = {}
    widget.render((40, 12), True)
    assert [key for key in named if widget.keypress((40, 12), key) is None] == []


@pytest.mark.parametrize("one", KEYED, ids=lambda one: one.__name__)
def test_a_key_means_one_thing_and_all_actions_are_told(one):
    keys = [key for every in one.KEYS.values() for key in every]
    assert len(keys) == len(set(keys))


def test_some_keys_are_changed_and_others_stay():
    widget = messages()
    widget.keys = merged(MessageList.KEYS, {"line-up": ["k"], "line-down": ["j"]})
    assert widget.action("k") == "line-up"
    assert widget.action("up") is None
    assert widget.action("page up") == "page-up"
    assert widget.act("page-up")
    assert not widget.act("no such action")
