"""A paste is one key: whatever is in it, in whatever pieces it comes, however long it is."""

import urwid
from hypothesis import example, given, settings
from hypothesis import strategies as some
from urwid.display import escape

from sat.frontends.console.widgets.editor import Editor
from sat.frontends.console.widgets.paste import Pastes, PastingScreen, paste_key
from sat.frontends.console.widgets.wrapping import wrap
from tests.frontends.console.widgets.support import PATIENT

BEGIN, END = b"\x1b[200~", b"\x1b[201~"


def taken(pastes: Pastes, *pieces: bytes) -> list[bytes | str]:
    found: list[bytes | str] = []
    for piece in pieces:
        for part in pastes.split(piece):
            if isinstance(part, str):
                found.append(part)
            elif found and isinstance(found[-1], bytes):
                found[-1] += bytes(part)
            else:
                found.append(bytes(part))
    return found


@given(
    some.lists(some.tuples(some.sampled_from([b"a", b"\x1b[A", b""]), some.text(max_size=8))),
    some.lists(some.integers(0, 60), max_size=8),
)
@example([(b"a", "\x1b")], [0])
@settings(PATIENT, max_examples=200)
def test_in_whatever_pieces_it_comes(parts, cuts):
    whole = b"".join(before + BEGIN + text.encode() + END for before, text in parts)
    places = sorted(min(one, len(whole)) for one in cuts)
    # A sequence that begins a paste comes in one piece: urwid gives what it has begun once more.
    places = [one for one in places if not any(0 < one - at < 6 for at in _starts(whole))]
    pieces = [whole[low:high] for low, high in zip([0, *places], [*places, None], strict=True)]
    assert taken(Pastes(), *pieces) == taken(Pastes(), whole)


def _starts(whole: bytes) -> list[int]:
    return [at for at in range(len(whole)) if whole.startswith(BEGIN, at)]


def test_what_is_in_it_does_nothing():
    text = b"a\rb\r\nc\td\x1b[A\x03\x1bOPe\x00\x9b\xff"
    assert taken(Pastes(), b"x" + BEGIN + text + END + b"y") == [
        b"x",
        "a\nb\nc\tde\ufffd\ufffd",
        b"y",
    ]


def test_one_without_end_takes_no_more_than_its_limit():
    pastes = Pastes(limit=1000)
    assert taken(pastes, BEGIN, *[b"x" * 4096] * 100) == []
    assert len(pastes._held) < 2000
    (text,) = taken(pastes, b"\x1b[2", b"01~")
    assert 1000 <= len(text) < 1020


class Terminal(PastingScreen):
    """A screen without a terminal: what is written goes nowhere."""

    def write(self, data):
        """Write nothing."""


def test_urwid_makes_no_key_of_each_character(monkeypatch):
    keys, parsed = [], []
    process = escape.process_keyqueue

    def counted(codes, *more, **options):
        parsed.append(len(codes))
        return process(codes, *more, **options)

    monkeypatch.setattr(escape, "process_keyqueue", counted)
    screen = Terminal()
    whole = b"a" + BEGIN + b"word and more " * 7143 + END + b"\x1b[A"
    for at in range(0, len(whole), 4096):
        screen.parse_input(None, lambda found, _raw: keys.extend(found), [*whole[at : at + 4096]])
    assert keys == ["a", paste_key("word and more " * 7143), "up"]
    assert len(parsed) <= 4


def test_another_size_is_told_between_pastes():
    keys = []
    screen = Terminal()
    screen._resized = True
    screen.parse_input(None, lambda found, _raw: keys.extend(found), [])
    assert keys == ["window resize"]


def test_a_long_text_is_divided_once_for_a_key():
    editor = Editor(limit=1 << 20, max_rows=6)
    editor.insert("a line of text\n" * 7000)
    for key in ("x", "left", "backspace", "up"):
        before = wrap.cache_info().misses
        editor.keypress((80,), key)
        editor.rows((80,))
        canvas = urwid.CompositeCanvas(editor.render((80,), True))
        assert canvas.rows() == 6
        assert wrap.cache_info().misses - before <= 1, key
