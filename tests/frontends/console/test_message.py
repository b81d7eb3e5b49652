"""One message on the screen: its parts, and that nothing of a peer's can be more than text."""

from datetime import UTC, date, datetime

import msgspec
import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as some

from sat.bridge.model import Attachment, Direction, Message, MessageState, MessageType
from sat.frontends.console import message
from sat.frontends.core.views.chat import ChatRow

DAY = date(2026, 11, 21)
LOOK = message.Look("dark", 256)
BASE = Message(
    id="1",
    profile="p",
    peer="bob@example.org",
    type=MessageType.CHAT,
    direction=Direction.IN,
    from_="bob@example.org/x",
    to="alice@example.org",
    body="hello",
    ts=datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
    state=MessageState.RECEIVED,
)


def drawn(columns: int = 60, *, focus: bool = False, **changed: object) -> urwid.Canvas:
    names = {one: changed.pop(one) for one in ("day", "unread", "continued") if one in changed}
    row = ChatRow(message=msgspec.structs.replace(BASE, **changed), author="bob", **names)
    return message.widget(row, LOOK).render((columns,), focus)


def lines(columns: int = 60, **changed: object) -> list[str]:
    return [line.decode().rstrip() for line in drawn(columns, **changed).text]


def looks(canvas: urwid.Canvas, text: str) -> object:
    """Return the attribute of the first cell of a text."""
    for row in canvas.content():
        at = 0
        whole = b"".join(part for _, _, part in row).decode()
        place = whole.find(text)
        for look, _, part in row:
            if place >= 0 and at <= place < at + len(part.decode()):
                return look
            at += len(part.decode())
    raise AssertionError(f"{text!r} is not drawn")


def test_a_message_has_its_time_its_author_and_its_text() -> None:
    (line,) = lines()
    assert line[2] == ":" and line[8:] == "bob: hello"


def test_what_is_long_is_divided_beside_the_time() -> None:
    first, second = lines(30, body="hello how are you today")
    assert first[8:] == "bob: hello how are you"
    assert second == " " * 8 + "today"


@pytest.mark.parametrize(
    ("state", "sign"), [("pending", "…"), ("sent", "↑"), ("acknowledged", "✓"), ("received", "✔"),
                        ("displayed", "◉"), ("failed", "✗")],
)  # fmt: skip
def test_how_far_ones_own_has_come_is_one_sign(state: str, sign: str) -> None:
    line = lines(direction=Direction.OUT, state=MessageState(state))[0]
    assert line[6] == sign


def test_the_first_of_a_day_has_the_day_above_it_and_the_first_unread_one_a_line() -> None:
    day, line, text = lines(40, day=DAY, unread=True)
    assert " Saturday, 21 November 2026 " in day and day.startswith("──")
    assert " new " in line and text.endswith("bob: hello")


def test_who_goes_on_speaking_is_named_once() -> None:
    assert lines(continued=True)[0][8:] == "hello"


def test_a_failed_one_says_why() -> None:
    said = lines(direction=Direction.OUT, state=MessageState.FAILED, error="nobody there")
    assert said[1].strip() == "not sent: nobody there"


def test_what_somebody_does() -> None:
    assert lines(body="/me waves")[0][8:] == "* bob waves"


def test_styling_links_and_mentions_have_their_looks() -> None:
    look = LOOK._replace(nick="alice")
    one = msgspec.structs.replace(
        BASE, body="*bold* _x_ `code` https://example.org alice\n> said", type="groupchat"
    )
    canvas = message.widget(ChatRow(message=one, author="bob"), look).render((80,))
    for text, wanted in {
        "bold": "bold", "code": "code", "https": "link", "alice": "mention", "said": "quote",
    }.items():  # fmt: skip
        assert looks(canvas, text) == wanted, text


def test_a_file_is_told_by_name_and_size_instead_of_its_address_alone() -> None:
    file = Attachment(url="https://x.example/f.png", name="f.png", size=1500)
    said = "\n".join(lines(80, body=file.url, attachments=(file,)))
    assert "f.png (1.5 kB)" in said and said.count(file.url) == 1


def test_a_chosen_one_looks_alike_all_over() -> None:
    canvas = drawn(60, focus=True, body="*bold* text")
    assert {look for row in canvas.content() for look, _, _ in row} == {"chosen"}


def test_a_flood_is_cut_and_says_so() -> None:
    said = "".join(lines(100, body="x" * 100_000))
    assert len(said) < 30_000 and "80000 more characters" in said


@settings(max_examples=60, deadline=None)
@given(
    body=some.text(max_size=200),
    author=some.text(max_size=40),
    columns=some.integers(1, 100),
    focus=some.booleans(),
)
def test_whatever_it_says_it_takes_its_place_and_no_more(
    body: str, author: str, columns: int, focus: bool
) -> None:
    one = msgspec.structs.replace(BASE, body=body, subject=author, error=author)
    widget = message.widget(ChatRow(message=one, author=author, day=DAY, unread=True), LOOK)
    canvas = widget.render((columns,), focus)
    assert canvas.cols() == columns
    assert canvas.rows() == widget.rows((columns,), focus)
    for row in canvas.text:
        text = row.decode()
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text)
        assert urwid.calc_width(text, 0, len(text)) == columns


def test_nothing_that_a_peer_names_is_more_than_text() -> None:
    evil = "a\x1b[2J\u202eb\u200b\x9b31m"
    file = Attachment(url=f"https://x.example/{evil}", name=evil, size=1)
    one = msgspec.structs.replace(
        BASE,
        subject=evil,
        error=evil,
        attachments=(file,),
        direction=Direction.OUT,
        state=MessageState.FAILED,
    )
    canvas = message.widget(ChatRow(message=one, author=evil), LOOK).render((200,))
    said = "".join(row.decode() for row in canvas.text)
    assert said.count("ab") == 5
    assert not {"\x1b", "\x9b", "\u202e", "\u200b"} & {*said}


@pytest.mark.parametrize("author", ["שלום", "a שלום", "\u0301", ""])
@pytest.mark.parametrize("body", ["שלום עולם, hello", "/me שלום", "\u0301", "א\u0301\u0301b"])
def test_what_runs_from_right_to_left_takes_its_place(author: str, body: str) -> None:
    one = msgspec.structs.replace(BASE, body=body, subject=author)
    widget = message.widget(ChatRow(message=one, author=author), LOOK)
    for columns in range(1, 41):
        assert widget.render((columns,), False).rows() == widget.rows((columns,), False)


EVIL = "Ev\x1b]0;owned\x07il\x9b2J\u202e\u2067\u200b\u2028\x85end"


@pytest.mark.parametrize(
    "changed",
    [
        {"body": EVIL},
        {"subject": EVIL},
        {"subject": EVIL, "body": ""},
        {"state": MessageState.FAILED, "error": EVIL, "direction": Direction.OUT},
        {"attachments": (Attachment(url=f"https://example.org/{EVIL}", name=EVIL),)},
        {"attachments": (Attachment(url=f"https://example.org/{EVIL}"),)},
        {"body": f"/me {EVIL}"},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_no_part_of_a_message_is_more_than_text(changed: dict[str, object]) -> None:
    shown = "\n".join(lines(**changed))
    assert "Ev" in shown and "end" in shown
    assert not {char for char in shown if char in EVIL and not char.isprintable() and char != "\n"}
