"""Text from the network can't command a terminal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat.frontends.core.clean import clean, clean_line, encode_json

NASTY = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066", "\u200f"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("héllo 日本 👩‍👩‍👧 שלום", "héllo 日本 👩‍👩‍👧 שלום"),
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1bP+q544e\x1b\\b", "ab"),
        ("a\x9b2Jb", "ab"),
        ("a\x1bcb", "ab"),
        ("a\x1b[", "a"),
        ("safe\u202etxt.exe", "safetxt.exe"),
        ("\u2066a\u2069\u061c\u200e", "a"),
        ("a\rb\x08\x7f\x00", "ab"),
        ("a\nb\tc", "a\nb    c"),
        ("a\u2028b", "a\nb"),
        ("\ud800x", "\ufffdx"),
        ("مرحبا\u200cبك", "مرحبا\u200cبك"),
    ],
)
def test_clean(text, cleaned):
    assert clean(text) == cleaned


@given(st.text(st.one_of(st.sampled_from(NASTY), st.characters(exclude_categories=()))))
def test_nothing_that_a_terminal_obeys_is_left(text):
    assert not set(clean(text)) & (set(NASTY) - {"\n"})
    assert "\n" not in clean_line(text)
    assert clean(clean(text)) == clean(text)


@given(st.text(st.one_of(st.sampled_from(NASTY), st.characters(exclude_categories=()))))
def test_json_says_the_same_and_is_harmless(text):
    line = encode_json({"body": text})
    assert json.loads(line) == {"body": text}
    assert line.endswith(b"\n")
    assert not set(line[:-1].decode()) & set(NASTY)


def test_json_is_utf_8_on_one_line():
    assert encode_json({"a": "é\n"}) == '{"a":"é\\n"}\n'.encode()
