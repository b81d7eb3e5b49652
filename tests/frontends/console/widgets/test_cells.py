"""Text as cells: what is shown, and that it is as wide as it is said to be."""

import re

import pytest
import urwid
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.cells import (
    MARKS,
    clean,
    cut,
    fill,
    graphemes,
    isolate,
    line,
    width,
)
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.painting import paint
from tests.frontends.console.widgets.support import PATIENT

#: Shown as they are.
HARMLESS = [
    "Salut à Toi",
    "naïve e\u0301",
    "日本語 한국어",
    "😀 🚀",
    "🇫🇷🇬🇧",
    "שלום עולם",
    "السلام عليكم",
    "می\u200cخواهم",
    "สวัสดีชาวโลก",
    "தமிழ",
    "x\u0301\u0302\u0303\u0304",
    "„quoted“ — 1 € … ½",
    "one\ntwo",
]

#: What comes, what is shown of it, and in how many cells.
SHOWN = [
    ("\x1b[31mred\x1b[0m", "red", 3),
    ("\x1b]0;title\x07text", "text", 4),
    ("\x1bP$q\x1b\\text", "text", 4),
    ("\x9b31mred", "red", 3),
    ("a\x1b", "a", 1),
    ("a\x00\x07\x08\x7f\x85b", "ab", 2),
    ("a\tb", "a    b", 6),
    ("a\u202eb\u2066c\u2069\u200f", "abc", 3),
    ("a\u200bb\u2060c\ufeff\u00ad", "abc", 3),
    ("\u034f\u180e\u3164\uffa0|", "  |", 3),
    ("👨‍👩‍👧", "👨👩👧", 6),
    ("❤️", "❤", 1),
    ("1️⃣", "1\u20e3", 1),
    ("👍🏽", "👍", 2),
    ("🏽", "\ufffd", 1),
    ("🇫", "F", 1),
    ("🇫🇷🇫", "🇫🇷F", 3),
    ("🏴\U000e0067\U000e007f", "🏴", 2),
    ("\ud800x\udfff", "\ufffdx\ufffd", 3),
    ("\ue000\U000f0000", "\ufffd\ufffd", 2),
    ("\u0378\U000e0fff", "\ufffd\ufffd", 2),
    ("\u0301x", "x", 1),
    ("क्षि", "क्\u200cषि", 3),
    ("\u093e", "\u25cc\u093e", 2),
    ("\u1112\u1161\u11ab", "한", 2),
    ("☰䷀", "\ufffd\ufffd", 2),
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text):
    assert clean(text) == text


@pytest.mark.parametrize(("text", "shown", "cells"), SHOWN)
def test_what_is_shown(text, shown, cells):
    assert clean(text).replace("\n", "") == shown
    assert width(shown) == cells


def test_line_ends():
    assert clean("a\r\nb\rc\u2028d\u2029e\x0bf") == "a\nb\nc\nd\ne\nf"
    assert line(" a\r\n  b \n") == "a b"


def test_a_letter_has_a_few_marks():
    assert clean("a" + "\u0301" * 10_000 + "b") == "a" + "\u0301" * MARKS + "b"
    assert clean("a" + "\u200c" * 10_000 + "b") == "a\u200cb"


anything = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Mn", "Mc", "Me", "Cf", "Cs", "Co", "So"]),
        st.sampled_from(
            "\u200d\u200c\ufe0f🏽🇫🇷👩❤क्षि\u0bca\u0b95\u1112\u1161\u11abלا\u0600\u1b44\u1b05\x1b[m\x9b]\n"
        ),
    ),
    max_size=40,
)


@given(anything)
@settings(PATIENT, max_examples=400)
@example("".join(text for text, _, _ in SHOWN))
def test_whatever_comes_is_safe(text):
    safe = clean(text)
    assert clean(safe) == safe
    assert all(one >= " " or one == "\n" for one in safe)
    assert not any("\x7f" <= one <= "\x9f" for one in safe)
    safe.encode()
    for row in safe.split("\n"):
        assert width(row) == sum(width(one) for one in graphemes(row))


@given(anything, st.integers(0, 12))
@settings(PATIENT, max_examples=200)
def test_what_is_cut_fits(text, cells):
    safe = line(text)
    for mark in "…", "":
        assert width(cut(safe, cells, mark)) <= cells
        assert width(fill(safe, cells, mark)) == cells
    assert width(isolate(safe)) == width(safe)


@given(st.lists(st.lists(anything.map(line), max_size=3), max_size=4), st.integers(1, 20))
@settings(PATIENT, max_examples=200)
def test_what_is_painted_is_as_wide_as_was_wanted(rows, columns):
    canvas = paint([[("name", one) for one in row] for row in rows], columns, 3)
    assert (canvas.cols(), canvas.rows()) == (columns, 3)
    for row in canvas.text:
        assert width(row.decode()) == columns


@given(anything, st.integers(1, 20), st.sampled_from(["left", "right", "center"]))
@settings(PATIENT, max_examples=200)
def test_what_is_laid_out_is_as_wide_as_was_wanted(text, columns, align):
    drawn = urwid.Text(clean(text), align=align, layout=ISOLATING).render((columns,))
    for row in drawn.text:
        assert width(row.decode()) == columns
        assert row.decode().count("\u2068") == row.decode().count("\u2069") <= 1


def test_a_row_keeps_its_direction_to_itself():
    texts = urwid.Text([("name", "שלום:"), " hello שלום"], layout=ISOLATING).render((8,)).text
    assert [row.decode().rstrip() for row in texts] == [
        "\u2068שלום:\u2069",
        "hello",
        "\u2068שלום\u2069",
    ]
    painted = paint([[("name", "שלום"), (None, "│"), ("body", "abc")]], 8).text
    assert [row.decode() for row in painted] == ["\u2068שלום\u2069│abc"]
    assert isolate("abc") == "abc"
    assert isolate("שלום") == "\u2068שלום\u2069"


LONG = [
    "a",
    "\u0301",
    "é",
    "日",
    "👨‍👩‍👧",
    "\x1b[31m",
    "\x1b]",
    "\x1bP",
    "क्षि",
    "🇫",
    "שׁ",
    "\u1112",
    "\u202e",
]


@pytest.mark.parametrize("text", LONG)
def test_nothing_in_a_long_line_is_looked_at_as_a_whole(text):
    """Where a character, or a run of flags, is without end, wcwidth takes quadratic time."""
    safe = clean((text * 100_000)[:100_000])
    assert max(map(len, graphemes(safe)), default=0) <= 6
    assert not re.search("[🇦-🇿]{17}", safe)
    assert urwid.Text(safe, layout=ISOLATING).rows((80,)) <= 2501


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two", "three"]),
        ("one  two", 4, ["one ", "two"]),
        ("one  two", 3, ["one", "", "two"]),
        ("threefour", 5, ["three", "four"]),
        ("a\n\nb", 5, ["a", "", "b"]),
        ("日本語 日本", 9, ["日本語 日", "本"]),
        ("a日", 2, ["a", "日"]),
        ("日a", 1, ["", "a"]),
        ("", 1, [""]),
    ],
)
def test_rows_are_divided_at_spaces(text, columns, rows):
    canvas = urwid.Text(text, layout=ISOLATING).render((columns,))
    padded = [row + " " * (columns - width(row)) for row in rows]
    assert [row.decode() for row in canvas.text] == padded


@pytest.fixture
def encoding():
    before = urwid.util.get_encoding()
    yield urwid.set_encoding
    urwid.set_encoding(before)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("ascii", "na?ve ?? ???? ?"), ("iso8859-1", "naïve ?? ???? ?"), ("utf8", "naïve 日 שלום ë́")],
)
def test_what_another_encoding_lacks_is_a_question_mark_in_each_cell(encoding, name, shown):
    encoding(name)
    assert clean("naïve 日 שלום ë́") == shown


@pytest.mark.parametrize("name", ["ascii", "iso8859-1", "koi8-r"])
def test_all_is_drawn_without_utf8(encoding, name):
    encoding(name)
    for text in [*HARMLESS, *(text for text, _, _ in SHOWN)]:
        for columns in range(1, 12):
            paint([[("name", line(text)), (None, cut(line(text), 3) + "│")]], columns, 1)
            drawn = urwid.Text(clean(text), layout=ISOLATING).render((columns,)).text
            assert {len(row) for row in drawn} == {columns}
