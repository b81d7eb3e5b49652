"""Decoding what anybody may have sent: in a process of its own, within limits, with a sentence."""

import asyncio
import io
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from sat.bridge.errors import CommandError
from sat.bridge.model import Attachment, Contact, Direction, Message, MessageType
from sat.frontends.console import pictures
from sat.frontends.core.views.chat import ChatRow

RED, BLACK, WHITE = b"\xff\0\0", b"\0\0\0", b"\xff\xff\xff"


def shown(content: bytes, background: str = "000000", graphics=None):
    """Return what is shown of a file, or the sentence that stands in its place."""

    async def story():
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.flush()
            try:
                return await pictures.decode(file.fileno(), background, graphics)
            except CommandError as error:
                return error.sentence

    return asyncio.run(story())


def decode(content: bytes, background: str = "000000"):
    """Return the pixels of a file, or the sentence that stands in its place."""
    found = shown(content, background)
    return found if isinstance(found, str) else found.picture


def made(size, colour="red", mode="RGB", kind="PNG", **how) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **how)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_each_kind_that_people_send(kind: str) -> None:
    picture = decode(made((30, 20), kind=kind, mode="RGB"))
    assert picture[:2] == (30, 20)
    red, green, blue = picture.average(0, 0, 30, 20)
    assert red > 240 and green < 10 and blue < 10


def test_a_larger_one_is_made_smaller_and_a_smaller_one_stays() -> None:
    assert decode(made((4000, 2000)))[:2] == (240, 120)
    assert decode(made((1, 1))) == (1, 1, RED)
    assert decode(made((20_000, 1)))[:2] == (240, 1)
    assert decode(made((1, 20_000)))[:2] == (1, 160)


def test_what_is_transparent_has_the_colour_of_the_theme() -> None:
    clear = made((1, 1), (255, 0, 0, 0), "RGBA")
    assert (decode(clear).pixels, decode(clear, "ffffff").pixels) == (BLACK, WHITE)
    palette = made((2, 1), 0, "P", transparency=0)
    assert decode(palette, "ffffff").pixels == WHITE * 2


def test_a_camera_that_lay_on_its_side() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    photo = made((400, 100), kind="JPEG", exif=turned)
    assert decode(photo)[:2] == (40, 160)


def test_sixteen_bits_are_as_light_as_eight() -> None:
    light = decode(made((2, 2), 0xFF00, "I;16"))
    assert light.average(0, 0, 2, 2) == (255, 255, 255)


def test_of_what_moves_the_first_picture_is_shown() -> None:
    frames = [Image.new("RGB", (4, 4), (0, 0, shade)) for shade in range(0, 250, 5)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert decode(file.getvalue()).average(0, 0, 4, 4) == (0, 0, 0)


#: A drawing of a few bytes which says that it is huge.
HUGE = b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0;"
BOMB = made((30_000, 30_000), 0, "1")
CUT = made((40, 30))[:-30]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "none of a kind"),
        (b"hello, I am no picture", "none of a kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of a kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "none of a kind"),
        (CUT, "damaged"),
        (made((40, 30), kind="JPEG")[:-300], "damaged"),
        (
            b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0;",
            "too many pixels",
        ),
        (BOMB, "too many pixels, 30000×30000"),
    ],
    ids=["empty", "text", "svg", "eps", "cut", "cut jpeg", "huge gif", "bomb"],
)
def test_what_cannot_be_decoded_has_a_sentence(content: bytes, word: str) -> None:
    assert word in decode(content)


def test_the_largest_that_is_decoded_fits_its_memory() -> None:
    side = 7000
    assert decode(made((side, side), 1, "P"))[:2] == (160, 160)


def test_one_that_takes_too_long_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(pictures, "PATIENCE", 0.0)
    assert "too long" in decode(made((9, 9)))


def drawn_by_sixel(strips) -> list[list[tuple[int, int, int]]]:
    """Return the pixels, in hundredths, that a terminal draws of strips one below another."""
    lines: list[list[tuple[int, int, int]]] = []
    for strip in strips:
        head, body = re.fullmatch(rb"\x1bP0;1;0q(\"[\d;]+)(.*)\x1b\\", strip, re.S).groups()
        width, height = map(int, head.split(b";")[2:])
        colours, colour, x, top = {}, 0, 0, len(lines)
        lines += [[(0, 0, 0)] * width for _ in range(height)]
        for one in re.finditer(rb"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([?-~])|([$-])", body):
            number, red, green, blue, count, many, single, move = one.groups()
            if number is not None:
                colour = int(number)
                if red is not None:
                    colours[colour] = (int(red), int(green), int(blue))
            elif move is not None:
                x, top = 0, top + (6 if move == b"-" else 0)
            else:
                end = x + int(count or 1)
                for bit in range(6):
                    if (many or single)[0] - 63 >> bit & 1:
                        lines[top + bit][x:end] = [colours[colour]] * (end - x)
                x = end
    return lines


@pytest.mark.parametrize("cell", [6, 13, 20, 100])
def test_what_the_terminal_draws_itself_is_the_picture(cell: int) -> None:
    image = Image.new("RGB", (60, 40))
    for x in range(60):
        for y in range(40):
            image.putpixel((x, y), (255 * (x // 20) // 2, 255 * (y // 10) // 3, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    found = shown(file.getvalue(), graphics=pictures.Graphics(256, 7, cell))
    assert found.strips.columns == 9
    assert len(found.strips.rows) == -(-40 // cell)
    assert found.picture[:2] == (60, 40)
    lines = drawn_by_sixel(found.strips.rows)
    for x in range(60):
        for y in range(40):
            wanted = [one / 2.55 for one in image.getpixel((x, y))]
            assert all(abs(one - two) <= 2 for one, two in zip(lines[y][x], wanted, strict=True))


def test_a_large_one_fits_the_cells_that_it_has() -> None:
    found = shown(made((4000, 3000)), graphics=pictures.Graphics(16, 10, 20))
    assert found.strips.columns <= 60 and len(found.strips.rows) <= 15
    assert found.picture.columns <= 240 and found.picture.rows <= 160


def test_a_decoder_that_was_taken_over_writes_nothing_to_the_terminal(
    tmp_path, monkeypatch
) -> None:
    evil = tmp_path / "decoding.py"
    evil.write_text("print('ok 1 1 1 9\\n\\0\\0\\0' + '\\x1b]0;evil\\a', end='')")
    monkeypatch.setattr(pictures, "__file__", str(tmp_path / "pictures.py"))
    assert "too long" in shown(made((1, 1)), graphics=pictures.Graphics(16, 10, 20))


def test_without_pillow_it_says_what_installs_it(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL" / "__init__.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "python3-pil" in decode(made((9, 9)))


def test_no_process_and_no_descriptor_is_left() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    # Other tests of this process may have some.
    before = len(os.listdir("/proc/self/fd")), children.read_text()
    for _ in range(3):
        decode(CUT)
    assert (len(os.listdir("/proc/self/fd")), children.read_text()) == before


MESSAGE = Message(
    id="1", profile="alice", peer="bob@x", type=MessageType.CHAT, direction=Direction.IN,
    from_="bob@x/there", to="alice@x", body="", ts=datetime(2026, 1, 1, tzinfo=UTC),
    state="received",
)  # fmt: skip


def row(*files: Attachment, **fields) -> ChatRow:
    message = msgspec.structs.replace(MESSAGE, attachments=files, **fields)
    return ChatRow(message=message, author="bob")


@pytest.mark.parametrize(
    ("files", "number"),
    [
        ([], None),
        ([{"url": "https://x/a.zip"}], None),
        ([{"url": "https://x/a.PNG?x=1#y"}], 0),
        ([{"url": "https://x/a"}, {"url": "https://x/b", "media_type": "image/webp"}], 1),
        ([{"url": "https://x/abc", "name": "photo.jpeg"}], 0),
        ([{"url": "https://[x"}], None),
        ([{"url": "https://x/a.svg"}], 0),
    ],
)
def test_which_file_is_a_picture(files, number) -> None:
    assert pictures.picture_of(row(*(Attachment(**one) for one in files)).message) == number


def test_whose_are_shown_by_themselves() -> None:
    bob = Contact(profile="alice", jid="bob@x", subscription="both")
    assert pictures.is_trusted(row(), bob)
    assert pictures.is_trusted(row(direction=Direction.OUT), None)
    assert not pictures.is_trusted(row(), None)
    for subscription in ("none", "to"):
        other = msgspec.structs.replace(bob, subscription=subscription)
        assert not pictures.is_trusted(row(), other)
    assert not pictures.is_trusted(row(type=MessageType.GROUPCHAT), bob)
    assert not pictures.is_trusted(row(peer="room@x/bob"), bob)


@pytest.mark.parametrize(
    "does",
    ["mmap.mmap(-1, 2 << 30)", "os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), b'x')"],
)
@pytest.mark.parametrize("confined", [True, False])
def test_who_decodes_has_little_memory_and_writes_no_file(tmp_path, does, confined) -> None:
    decoding = pictures.__file__.replace("pictures.py", "decoding.py")
    code = (
        "import mmap, os, runpy, sys\n"
        f"known = runpy.run_path({decoding!r})\n"
        f"known['confine']() if {confined} else None\n"
        f"{does}\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert (done.returncode == 0) is not confined
