"""Popups, menus, the palette and help: what is over what, and what is found."""

import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.dialog import Dialog
from sat.frontends.console.widgets.fuzzy import search
from sat.frontends.console.widgets.helppage import HelpPage
from sat.frontends.console.widgets.menu import Item, Menu
from sat.frontends.console.widgets.paste import paste_key
from sat.frontends.console.widgets.popup import Overlays, Popup
from tests.frontends.console.widgets.support import PATIENT, attributes, drawn, press, told

SIZE = (20, 7)
COMMANDS = [
    Item("Join a room", "/join", "join"),
    Item("Leave the room", "/leave", "leave"),
    Item("Quit", "ctrl x", "quit"),
]


def shown():
    below = urwid.Filler(urwid.Edit())
    overlays = Overlays(below)
    menu = Menu(COMMANDS)
    popup = overlays.show(Popup(menu, "Do", 14, 3))
    return overlays, menu, popup


def test_a_popup_stands_in_the_middle_in_a_frame():
    overlays, _, _ = shown()
    assert drawn(overlays, SIZE) == [
        "",
        "  ┌ Do ──────────┐",
        "  │ Join a room  │",
        "  │ Leave the roo│",
        "  │ Quit  ctrl x │",
        "  └──────────────┘",
        "",
    ]


def test_it_has_all_keys_until_it_is_closed():
    overlays, _, popup = shown()
    heard = told(popup, "closed")
    assert press(overlays, SIZE, "x") == ["x"]
    assert press(overlays, SIZE, "esc", "x") == []
    assert heard == [("closed",)]
    assert overlays.top is None
    assert "x" in drawn(overlays, SIZE)[3]
    overlays.hide(popup)


def test_the_last_popup_has_the_keys():
    overlays, _, first = shown()
    second = overlays.show(Popup(Menu(COMMANDS), "Again", 14, 3))
    press(overlays, SIZE, "esc")
    assert overlays.top is first
    second.act("close")
    assert overlays.top is first


def test_clicks_choose_or_close():
    overlays, menu, _ = shown()
    heard = told(menu, "chosen")
    assert overlays.mouse_event(SIZE, "mouse press", 1, 5, 3, True)
    assert heard == [("chosen", "leave")]
    assert not overlays.mouse_event(SIZE, "mouse press", 1, 2, 1, True)
    assert overlays.mouse_event(SIZE, "mouse press", 1, 0, 0, True)
    assert overlays.top is None


def test_a_menu_goes_around():
    menu = Menu(COMMANDS)
    heard = told(menu, "chosen")
    press(menu, SIZE, "up", "enter", "down", "enter")
    assert heard == [("chosen", "quit"), ("chosen", "join")]
    assert press(menu, SIZE, "x", "backspace") == ["x", "backspace"]
    assert attributes(menu, SIZE)[0] == [
        ("menu chosen", " Join a room"),
        ("menu hint chosen", " /join"),
    ]


def test_a_palette_finds_what_is_typed():
    menu = Menu(COMMANDS, palette=True)
    heard = told(menu, "chosen")
    press(menu, SIZE, *"lr")
    assert drawn(menu, SIZE)[:3] == ["> lr", " Leave the room", ""]
    assert menu.render(SIZE, True).cursor == (4, 0)
    assert ("menu found", "L") in attributes(menu, SIZE)[1]
    press(menu, SIZE, "enter", "ctrl u", paste_key("qu\nit"), "enter")
    assert menu.text == "qu it"
    press(menu, SIZE, "ctrl u", *"zzz", "enter")
    assert heard == [("chosen", "leave"), ("chosen", "quit")]
    assert drawn(menu, SIZE)[1] == ""


@pytest.mark.parametrize(
    ("typed", "titles", "best"),
    [
        ("room", ["mushroom", "the room"], "the room"),
        ("jr", ["major", "join the room"], "join the room"),
        ("JOIN", ["join"], "join"),
        ("jrm", ["jxxxxxxxrm", "xjrm"], "xjrm"),
        ("é", ["été", "ete"], "été"),
        ("", ["b", "a"], "b"),
    ],
)
def test_the_best_comes_first(typed, titles, best):
    assert titles[search(titles, typed)[0].item] == best


def test_letters_have_to_be_in_order():
    assert search(["join"], "nj") == []


HELP = [
    ("Moving", [("up", "one row up"), ("page up", "a page up, שלום")]),
    ("Else", [("?", "this help, which is a long sentence")]),
]


def test_help_says_what_keys_do():
    page = HelpPage(HELP)
    assert drawn(page, (30, 7)) == [
        "Moving",
        "up       one row up",
        "page up  \u2068a page up, שלום\u2069",
        "",
        "Else",
        "?        this help, which is a",
        "         long sentence",
    ]
    press(page, (30, 3), "end")
    assert drawn(page, (30, 3))[0] == "Else"
    press(page, (30, 3), "home", "down")
    assert drawn(page, (30, 3))[0].startswith("up")
    assert press(page, (30, 3), "x") == ["x"]


def test_a_long_key_stands_above_what_it_does_and_none_is_cut():
    page = HelpPage([("", [("/send FILE… JID", "send files"), ("/quit", "leave")])])
    assert drawn(page, (20, 4)) == [
        "/send FILE… JID",
        "          send files",
        "/quit     leave",
        "",
    ]
    assert page.rows_wanted(20) == 3


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 12)),
    keys=st.lists(
        st.sampled_from(["up", "down", "a", "esc", "page down", "enter", "end"]), max_size=9
    ),
    title=st.text(max_size=30),
    which=st.sampled_from([0, 1, 2]),
)
@settings(PATIENT, max_examples=150)
def test_popups_of_any_size_are_within_the_screen(size, keys, title, which):
    overlays = Overlays(urwid.SolidFill("."))
    page = HelpPage(HELP)
    for body, rows in [
        (Menu(COMMANDS), 3),
        (Menu(COMMANDS, palette=True), 4),
        (page, page.rows_wanted),
    ][: which + 1]:
        overlays.show(Popup(body, title, 24, rows))
    for key in keys:
        overlays.keypress(size, key) if overlays.top else None
        canvas = overlays.render(size, True)
        assert (canvas.cols(), canvas.rows()) == size
        assert all(len(row.decode()) >= 1 for row in canvas.text)


QUESTION = "Let bob@example.org see when you are here?\n\nHe says: \x1b[31mhello"


def test_a_dialog_asks_and_is_answered():
    dialog = Dialog(QUESTION, [Item("Yes", "", True), Item("No", "", False)])
    heard = told(dialog, "chosen")
    assert drawn(dialog, (24, 6)) == [
        "Let bob@example.org see",
        "when you are here?",
        "",
        "He says: hello",
        "",
        "[ Yes ] [ No ]",
    ]
    assert dialog.rows_wanted(24) == 6
    press(dialog, (24, 6), "right", "enter", "tab", "enter")
    assert heard == [("chosen", False), ("chosen", True)]
    assert dialog.mouse_event((24, 6), "mouse press", 1, 9, 5, True)
    assert heard[-1] == ("chosen", False)
    assert not dialog.mouse_event((24, 6), "mouse press", 1, 7, 5, True)


def test_a_long_text_scrolls_above_its_answers():
    dialog = Dialog("\n".join("abcdefgh"), [Item("OK", "", 1)])
    assert drawn(dialog, (10, 5)) == ["a", "b", "c", "", "[ OK ]"]
    press(dialog, (10, 5), "down", "page down", "page down", "page down", "page down")
    assert drawn(dialog, (10, 5)) == ["f", "g", "h", "", "[ OK ]"]
    press(dialog, (10, 5), "up")
    assert drawn(dialog, (10, 5))[0] == "e"
    alone = Dialog("\n".join("abcdefgh"))
    assert drawn(alone, (10, 3)) == ["a", "b", "c"]
    assert press(alone, (10, 3), "enter", "tab") == ["enter", "tab"]


@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 8)),
    text=st.text(max_size=60),
    answers=st.lists(st.text(max_size=12), max_size=5),
    keys=st.lists(st.sampled_from(["down", "page down", "up", "tab", "enter"]), max_size=8),
)
@settings(PATIENT, max_examples=150)
def test_dialogs_of_any_size(size, text, answers, keys):
    dialog = Dialog(text, [Item(one, "", one) for one in answers])
    for key in ["", *keys]:
        press(dialog, size, *([key] if key else []))
        canvas = dialog.render(size, True)
        assert (canvas.cols(), canvas.rows()) == size
    assert dialog.rows_wanted(size[0]) >= 1
    assert dialog.columns >= 0
