"""Primitivus in a real terminal: pictures below their messages, and files that are saved."""

import re
import zlib
from pathlib import Path

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console

pytestmark = pytest.mark.any_server

HALF = "▀"
COLOURS = {"COLORTERM": "truecolor"}


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG (RFC 2083, section 3.2)."""
    ends = zlib.crc32(kind + data).to_bytes(4)
    return len(data).to_bytes(4) + kind + data + ends


def png(width: int, height: int, red: int, rows: int | None = None) -> bytes:
    """Return a picture of one colour, or the head of a larger one with fewer rows in it."""
    head = width.to_bytes(4) + height.to_bytes(4) + bytes((8, 2, 0, 0, 0))
    row = b"\0" + bytes((red, 0, 0)) * width
    data = zlib.compress(row * (height if rows is None else rows))
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def own_file(house: Daemon):
    """The person's file of settings, which is taken away again."""
    file = Path(house.home) / "primitivus.toml"
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture
def folder(house: Daemon) -> Path:
    return Path(house.home)


def send(house: Daemon, profile: str, to: str, path: Path) -> None:
    house.jp("-p", profile, "file", "send", str(path), to)


def test_a_picture_is_shown_below_its_message_and_hidden_again(
    server, house: Daemon, two, folder
) -> None:
    alice, bob = two
    path = folder / "red.png"
    path.write_bytes(png(40, 20, 200))
    send(house, bob, server.jid(alice), path)
    with Console(house, "-p", alice, server.jid(bob), environment=COLOURS) as console:
        console.wait_for("red.png")
        assert HALF not in console.screen()
        console.to_messages()
        console.press("p")
        seen = console.wait_for(HALF * 40)
        assert seen.count(HALF * 40) == 10
        # In the terminal's depth: the very colour.
        assert re.search(r"38[;:]2[;:]+200[;:]0[;:]0", console.screen(colours=True))
        console.resize(40, 16)
        seen = console.wait_for(lambda seen: HALF in seen and HALF * 33 not in seen)
        assert all(len(line) <= 40 for line in seen.split("\n"))
        console.resize(80, 24)
        console.wait_for(HALF * 40)
        console.press("p")
        console.wait_without(HALF)


def test_what_is_no_picture_has_a_sentence_in_its_place(server, house: Daemon, two, folder) -> None:
    alice, bob = two
    files = {
        "text.png": b"hello",
        "cut.png": png(40, 20, 200)[:-30],
        "bomb.png": png(9000, 9000, 1, 1),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
        send(house, bob, server.jid(alice), folder / name)
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("bomb.png")
        console.to_messages()
        console.press("p")
        console.wait_for("No picture: it has too many pixels, 9000×9000.")
        console.press("Up", "p")
        console.wait_for("No picture: it is damaged.")
        console.press("Up")
        console.press("Enter")
        console.wait_for("Show the picture")
        console.press("Enter")
        console.wait_for("No picture: it is none of a kind")
        # The mouse does as well: the chosen one is clicked, and then the first of what can be done.
        console.click(*console.find("text.png"))
        console.wait_for("Hide the picture")
        console.click(*console.find("Hide the picture"))
        console.wait_without("none of a kind")


def test_pictures_scroll_and_are_cut_at_the_edge(server, house: Daemon, two, folder) -> None:
    alice, bob = two
    path = folder / "high.png"
    path.write_bytes(png(20, 60, 120))
    send(house, bob, server.jid(alice), path)
    with Console(
        house, "-p", alice, server.jid(bob), size=(80, 14), environment=COLOURS
    ) as console:
        console.wait_for("high.png")
        console.to_messages()
        console.press("p")
        console.wait_for(HALF * 10)
        for number in range(4):
            house.jp("-p", bob, "message", "send", server.jid(alice), f"line {number}")
        console.press("End")
        seen = console.wait_for(lambda seen: "high.png" not in seen and "line 3" in seen)
        assert HALF in seen
        # A picture ends where the conversation does: above the line to write in.
        assert HALF not in "".join(seen.split("\n")[-3:])
        console.press("M-t")
        console.wait_without(HALF)
        console.press("M-1")
        console.wait_for(HALF)
        console.press("M-w")
        console.wait_without(HALF)


@pytest.mark.parametrize("mine", [True, False], ids=["mine", "a contact's"])
def test_pictures_of_contacts_are_shown_by_themselves_where_that_is_wanted(
    server, house: Daemon, two, folder, own_file, mine
) -> None:
    alice, bob = two
    own_file.write_text('images = "contacts"\n')
    path = folder / "red.png"
    path.write_bytes(png(40, 20, 200))
    author, to = (alice, bob) if mine else (bob, alice)
    send(house, author, server.jid(to), path)
    with Console(house, "-p", alice, server.jid(bob), environment=COLOURS) as console:
        console.wait_for(HALF * 40)
        console.to_messages()
        console.press("p")
        console.wait_without(HALF)


def test_where_they_are_never_shown_it_says_so(
    server, house: Daemon, two, folder, own_file
) -> None:
    alice, bob = two
    own_file.write_text('images = "never"\n')
    path = folder / "red.png"
    path.write_bytes(png(4, 2, 200))
    send(house, bob, server.jid(alice), path)
    house.jp("-p", bob, "message", "send", server.jid(alice), "words alone")
    with Console(house, "-p", alice, server.jid(bob), environment=COLOURS) as console:
        console.wait_for("words alone")
        console.to_messages()
        console.press("p")
        console.wait_for("This message has no picture.")
        console.press("Up", "p")
        console.wait_for("Pictures are switched off")
        console.press("F9")
        console.wait_for("never shown")


def test_a_file_is_saved_and_none_is_written_over(server, house: Daemon, two, folder) -> None:
    alice, bob = two
    path = folder / "notes.txt"
    path.write_bytes(b"what is in it " * 100)
    send(house, bob, server.jid(alice), path)
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("notes.txt")
        console.to_messages()
        console.press("s")
        console.wait_for("> notes.txt")
        console.press("Enter")
        console.wait_for("can't be written: File exists")
        console.press("s")
        console.wait_for("> notes.txt")
        console.press("C-u")
        console.type("copy.txt")
        console.press("Enter")
        console.wait_for("is saved: 1.4 kB")
    assert (folder / "copy.txt").read_bytes() == path.read_bytes()
    assert not list(folder.glob("*.part"))
