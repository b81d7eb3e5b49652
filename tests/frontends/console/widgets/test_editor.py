"""The editor: what keys write, move, kill, bring back, complete and send."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.editor import Candidate, Completions, Editor
from sat.frontends.console.widgets.paste import PasteFilter
from tests.frontends.console.widgets.support import PATIENT, attributes, drawn, press, told, whole

SIZE = (10,)
FAMILY = "👨‍👩‍👧"


def write(text, **options):
    editor = Editor(**options)
    press(editor, SIZE, *text)
    return editor


def test_enter_sends_what_was_written():
    editor = write("hello")
    heard = told(editor, "send", "change")
    assert press(editor, SIZE, "enter") == []
    assert heard == [("change", ""), ("send", "hello")]
    assert editor.text == ""


def test_nothing_is_not_sent():
    editor = write("  ")
    heard = told(editor, "send")
    press(editor, SIZE, "enter")
    assert heard == []


@pytest.mark.parametrize("key", ["meta enter", "ctrl j"])
def test_lines(key):
    editor = write("one")
    press(editor, SIZE, key, *"two")
    assert editor.text == "one\ntwo"
    assert drawn(editor, SIZE) == ["one", "two"]
    assert editor.render(SIZE, True).cursor == (3, 1)


def test_other_keys_send_where_the_program_says_so():
    editor = write("one")
    heard = told(editor, "send")
    editor.keys = {"send": ["ctrl x"], "newline": ["enter"]}
    press(editor, SIZE, "enter", "ctrl x")
    assert heard == [("send", "one\n")]
    assert press(editor, SIZE, "ctrl a", "tab") == ["ctrl a", "tab"]


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        (["ctrl a", "x"], "xone two three", 1),
        (["ctrl a", "ctrl f", "ctrl f", "ctrl b", "x"], "oxne two three", 2),
        (["meta b", "meta b", "x"], "one xtwo three", 5),
        (["ctrl a", "meta f", "x"], "onex two three", 4),
        (["ctrl a", "ctrl k", "x"], "x", 1),
        (["meta b", "ctrl u"], "three", 0),
        (["ctrl w", "ctrl w"], "one ", 4),
        (["ctrl w", "ctrl w", "ctrl a", "ctrl y"], "two threeone ", 9),
        (["meta b", "meta b", "meta d"], "one  three", 4),
        (["ctrl w", "ctrl a", "ctrl k", "ctrl y", "meta y"], "three", 5),
        (["meta backspace"], "one two ", 8),
        (["backspace", "ctrl h"], "one two thr", 11),
        (["ctrl a", "delete", "ctrl d"], "e two three", 0),
        (["ctrl a", "ctrl k", "ctrl _"], "one two three", 0),
        (["ctrl a", "ctrl k", "ctrl _", "meta r"], "", 0),
        (["home", "end", "left", "right", "x"], "one two threex", 14),
        (["meta <", "meta >", "meta <", "x"], "xone two three", 1),
    ],
)
def test_keys_of_a_shell(keys, text, cursor):
    editor = write("one two three")
    press(editor, SIZE, *keys)
    assert (editor.text, editor.cursor) == (text, cursor)


def test_words_are_undone_one_by_one():
    editor = write("one two")
    press(editor, SIZE, "ctrl _")
    assert editor.text == "one"
    press(editor, SIZE, "ctrl _")
    assert editor.text == ""
    assert press(editor, SIZE, "ctrl _") == ["ctrl _"]


def test_the_cursor_goes_by_what_people_take_for_characters():
    editor = Editor()
    editor.insert(f"a{FAMILY}e\u0301b")
    press(editor, SIZE, "left", "left")
    assert editor.cursor == len("a" + FAMILY)
    press(editor, SIZE, "backspace")
    assert editor.text == "ae\u0301b"
    press(editor, SIZE, "delete")
    assert editor.text == "ab"


def test_what_is_drawn_is_safe_and_what_is_sent_is_what_was_written():
    editor = Editor()
    heard = told(editor, "send")
    editor.insert(f"{FAMILY}\u202e!")
    assert drawn(editor, SIZE) == ["👨👩👧!"]
    assert editor.render(SIZE, True).cursor == (7, 0)
    press(editor, SIZE, "enter")
    assert heard == [("send", f"{FAMILY}\u202e!")]


def test_rows_are_divided_after_spaces():
    editor = write("hello brave new world")
    assert drawn(editor, SIZE) == ["hello", "brave new", "world"]
    press(editor, SIZE, "up")
    assert editor.render(SIZE, True).cursor == (5, 1)
    press(editor, SIZE, "up", "x")
    assert editor.text == "hellox brave new world"


def test_a_row_that_is_full_is_followed_by_one_for_the_cursor():
    editor = write("0123456789")
    assert editor.rows(SIZE) == 2
    assert editor.render(SIZE, True).cursor == (0, 1)
    press(editor, SIZE, "up", "down", "x")
    assert editor.text == "0123456789x"


def test_it_grows_to_its_height_and_then_scrolls():
    editor = write("", max_rows=3)
    editor.text = "\n".join("abcdefg")
    assert drawn(editor, SIZE) == ["e", "f", "g"]
    press(editor, SIZE, "meta <")
    assert drawn(editor, SIZE) == ["a", "b", "c"]
    assert editor.render(SIZE, True).cursor == (0, 0)


def test_a_placeholder_stands_where_nothing_is_written():
    editor = Editor(placeholder="to alice")
    assert attributes(editor, SIZE) == [[("placeholder", "to alice")]]
    press(editor, SIZE, "x")
    assert attributes(editor, SIZE) == [[("editor", "x")]]


def test_what_was_sent_is_found_again_and_what_was_begun_is_kept():
    editor = Editor()
    for text in "one", "two":
        press(editor, SIZE, *text, "enter")
    press(editor, SIZE, *"thr", "up")
    assert editor.text == "two"
    press(editor, SIZE, "up", "up")
    assert editor.text == "one"
    assert press(editor, SIZE, "up") == ["up"]
    press(editor, SIZE, "down", "down")
    assert editor.text == "thr"
    assert press(editor, SIZE, "down") == ["down"]


def test_a_paste_is_text_whatever_keys_are_in_it():
    editor = Editor()
    heard = told(editor, "send")
    press(editor, SIZE, "begin paste", "a", "enter", "ctrl u", "up", "tab", "b", "end paste")
    assert editor.text == "a\n\tb"
    assert heard == []


def test_a_paste_that_is_too_long_is_refused_with_a_sentence():
    editor = write("kept", limit=1000)
    heard = told(editor, "refused")
    press(editor, SIZE, "begin paste", *"x" * 5000, "end paste")
    assert editor.text == "kept"
    assert heard == [
        ("refused", "The text is too long: 1,000 characters are the most. Send it as a file.")
    ]
    press(editor, SIZE, "begin paste", *"x" * 996, "end paste")
    assert len(editor.text) == 1000
    press(editor, SIZE, "y")
    assert len(editor.text) == 1000
    assert len(heard) == 2


def test_a_paste_comes_through_the_filter_as_one_key():
    paste = PasteFilter(limit=10)
    assert paste(["a", "begin paste", "x", "enter"]) == ["a"]
    keys = paste(["ctrl u", "y", "end paste", "up"])
    assert len(keys) == 2
    assert keys[1] == "up"
    editor = Editor()
    press(editor, SIZE, keys[0])
    assert editor.text == "x\ny"
    long = paste(["begin paste", *"z" * 50, "end paste"])
    assert len(long) == 1
    assert len(long[0]) < 20


def people(text, cursor):
    start = text.rfind(" ", 0, cursor) + 1
    names = ["alice", "albert", "bob"]
    return Completions(
        start,
        [Candidate(f"{one} ", one, "here") for one in names if one.startswith(text[start:cursor])],
    )


def test_completion_goes_around_and_back():
    editor = write("hi al", completer=people)
    size = (20,)
    press(editor, size, "tab")
    assert editor.text == "hi alice "
    assert editor.completing
    assert drawn(editor, size) == ["alice   here", "albert  here", "hi alice"]
    assert attributes(editor, size)[0][0][0] == "candidate chosen"
    press(editor, size, "tab")
    assert editor.text == "hi albert "
    press(editor, size, "tab", "shift tab")
    assert editor.text == "hi albert "
    press(editor, size, "esc")
    assert editor.text == "hi al"
    assert not editor.completing
    assert press(editor, size, "esc") == ["esc"]


def test_a_single_candidate_is_written_at_once():
    editor = write("bo", completer=people)
    press(editor, SIZE, "tab", "!")
    assert editor.text == "bob !"
    assert not editor.completing


def test_candidates_may_come_later():
    editor = write("/tm")
    heard = told(editor, "complete")
    press(editor, SIZE, "tab")
    assert heard == [("complete", "/tm", 3)]
    editor.offer(Completions(0, [Candidate("/tmp/"), Candidate("/tmx/")]))
    press(editor, SIZE, "tab")
    assert editor.text == "/tmp/"
    press(editor, SIZE, "x")
    assert editor.text == "/tmp/x"
    assert not editor.completing
    editor.offer(Completions(0, []))
    assert not editor.completing


def test_clicks_put_the_cursor_and_take_candidates():
    editor = write("al", completer=people)
    press(editor, (20,), "tab")
    assert editor.mouse_event((20,), "mouse press", 1, 2, 1, True)
    assert editor.text == "albert "
    assert editor.mouse_event((20,), "mouse press", 1, 2, 0, True)
    assert editor.cursor == 2
    assert not editor.mouse_event((20,), "mouse release", 0, 2, 0, True)


texts = st.text(st.sampled_from("ab \n\t🇫🇷👍🏽é日\u0301\u200d👩क्षि"), max_size=30)


@given(
    steps=st.lists(st.one_of(st.sampled_from([*Editor.KEYS]), texts), max_size=30),
    columns=st.integers(1, 12),
    max_rows=st.integers(1, 4),
)
@settings(PATIENT, max_examples=100)
def test_every_size_draws_what_it_says(steps, columns, max_rows):
    editor = Editor(max_rows=max_rows, placeholder="écrire", completer=people)
    for step in steps:
        if step in Editor.KEYS:
            editor.act(step)
        else:
            editor.insert(step)
        canvas = editor.render((columns,), True)
        assert canvas.cols() == columns
        assert canvas.rows() == editor.rows((columns,), True)
        assert canvas.cursor == editor.get_cursor_coords((columns,))
        assert 0 <= editor.cursor <= len(editor.text)
        assert all(
            one.isprintable() for one in "".join(whole(editor, (columns,))) if one != "\u200c"
        )


@given(texts, st.integers(1, 12))
@settings(PATIENT, max_examples=60)
def test_all_that_is_written_is_in_some_row(text, columns):
    from sat.frontends.console.widgets.wrapping import wrap

    rows = wrap(text, columns)
    assert rows[0].start == 0
    assert rows[-1].end == len(text)
    for one, other in pairwise(rows):
        assert text[one.end : other.start] in ("", "\n")
