"""Primitivus in a real terminal: pictures below their messages, and files that are saved."""

import re
import zlib
from pathlib import Path

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

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
def folder(house: Daemon) -> Path:
    return Path(house.home)


def send(house: Daemon, profile: str, to: str, path: Path) -> None:
    house.jp("-p", profile, "file", "send", str(path), to)


def choose_last(console: Console) -> None:
    console.to_messages()
    console.press("End")
    console.press("Up")


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
        # In the theme's depth: the very colour.
        assert "38;2;200;0;0;48;2;200;0;0" in console.screen(colours=True).replace(";m", "m") or (
            re.search(r"200[;:]0[;:]0", console.screen(colours=True))
        )
        console.resize(40, 16)
        seen = console.wait_for(lambda seen: HALF in seen and HALF * 33 not in seen)
        assert all(len(line) <= 40 for line in seen.split("\n"))
        console.resize(80, 24)
        console.wait_for(HALF * 40)
        console.press("p")
        console.wait_without(HALF)
