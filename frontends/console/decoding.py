"""Decodes one picture, as a program of its own: ``python decoding.py COLUMNS ROWS RRGGBB < FILE``.

With ``WIDTH HEIGHT COLOURS CELL`` after it, it also encodes it as sixel (DEC STD 070): at most so
many pixels wide and high, in so many colours, in strips as high as a cell.

Whoever made the file may be a stranger, and decoders have faults: so it is done in a process which
has little memory and time, can't write a file, and ends with the picture.

It writes one line, and for ``ok`` the pixels after it, three bytes each, row by row:

- ``ok COLUMNS ROWS WIDTH SIZE…``: what follows fits the size that was asked for, in pixels; where
  it is transparent it has the colour that was named; then strips follow of so many bytes each, of a
  picture that is so many pixels wide
- ``large WIDTH HEIGHT``: it has more pixels than are decoded
- ``unknown``: it is of no kind that is decoded; ``broken``: it is, but can't be; ``missing``: there
  is no Pillow; ``heavy``: it takes more memory than it may
"""

import contextlib
import re
import resource
import sys
from typing import Any, BinaryIO, NamedTuple

#: The most pixels: decoded, each takes up to four bytes, twice.
PIXELS = 50_000_000
#: Bytes of memory, and seconds of the processor.
MEMORY = 1 << 30
SECONDS = 20
#: What is decoded: never what is a program of its own (SVG, PostScript).
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP")
#: The tag of Exif that says how the camera was held, and what it says where it lay on its side.
_ORIENTATION = 0x0112
_ON_ITS_SIDE = (5, 6, 7, 8)


class Sixel(NamedTuple):
    """What sixel takes: the most pixels, how many colours, and how high a cell is."""

    width: int
    height: int
    colours: int
    cell: int


def confine() -> None:
    """Give up what decoding doesn't need."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard),) * 2)


def decode(
    file: BinaryIO, columns: int, rows: int, background: str, sixel: Sixel | None = None
) -> tuple[str, bytes]:
    """Return the line that tells of a picture, and its pixels."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        return "missing", b""
    # What isn't built into this Pillow isn't decoded.
    with contextlib.suppress(ImportError):
        from PIL import WebPImagePlugin  # noqa: F401
    with contextlib.suppress(ImportError):
        from PIL import AvifImagePlugin  # noqa: F401
    Image.preinit()
    # Its own limit only warns, up to twice as much.
    Image.MAX_IMAGE_PIXELS = None
    try:
        image: Image.Image = Image.open(file, formats=[one for one in FORMATS if one in Image.OPEN])
    except UnidentifiedImageError:
        return "unknown", b""
    width, height = image.size
    if width * height > PIXELS or min(width, height) < 1:
        return f"large {width} {height}", b""
    box = (columns, rows) if sixel is None else (sixel.width, sixel.height)
    # A photo is decoded at no more than twice the size that is wanted.
    image.draft("RGB", (2 * box[0], 2 * box[1]))
    image.load()
    if image.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE:
        box = box[::-1]
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    see_through = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    if image.mode not in ("L", "RGB", "RGBA") or (see_through and image.mode != "RGBA"):
        image = image.convert("RGBA" if see_through else "RGB")
    image.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    ImageOps.exif_transpose(image, in_place=True)
    if see_through:
        image = Image.alpha_composite(Image.new("RGBA", image.size, f"#{background}"), image)
    drawn = image.convert("RGB")
    strips: list[bytes] = []
    width = drawn.width
    if sixel is not None:
        strips = encode(drawn.quantize(sixel.colours), sixel.cell)
        drawn.thumbnail((columns, rows), Image.Resampling.LANCZOS)
    sizes = "".join(f" {len(one)}" for one in strips)
    pixels = drawn.tobytes() + b"".join(strips)
    return f"ok {drawn.width} {drawn.height} {width}{sizes}", pixels


def encode(image: Any, cell: int) -> list[bytes]:
    """Return a picture with a palette as sixel: a sequence for each strip as high as a cell."""
    width, height = image.size
    pixels, palette = image.tobytes(), image.getpalette()
    lines = [pixels[at : at + width] for at in range(0, width * height, width)]
    return [_strip(lines[top : top + cell], palette) for top in range(0, height, cell)]


def _strip(lines: list[bytes], palette: list[int]) -> bytes:
    # What isn't drawn stays as it is (P2 = 1): a strip ends within the last six lines.
    parts = [b'\x1bP0;1;0q"1;1;%d;%d' % (len(lines[0]), len(lines))]
    for colour in sorted({*b"".join(lines)}):
        shares = (round(one * 100 / 255) for one in palette[3 * colour : 3 * colour + 3])
        parts.append(b"#%d;2;%d;%d;%d" % (colour, *shares))
    bands = [_band(lines[at : at + 6]) for at in range(0, len(lines), 6)]
    return b"".join(parts) + b"-".join(bands) + b"\x1b\\"


def _band(lines: list[bytes]) -> bytes:
    """Return six lines: for each colour which of them have it, column by column."""
    width = len(lines[0])
    found = []
    for colour in sorted({*b"".join(lines)}):
        has = bytes(one == colour for one in range(256))
        # One large number has a byte for each column, and a bit in it for each line.
        bits = sum(int.from_bytes(one.translate(has)) << at for at, one in enumerate(lines))
        row = (bits + int.from_bytes(b"?" * width)).to_bytes(width).rstrip(b"?")
        short = re.sub(rb"(.)\1{3,}", lambda run: b"!%d%b" % (len(run[0]), run[1]), row)
        found.append(b"#%d%b" % (colour, short))
    return b"$".join(found)


def main() -> None:
    """Decode what standard input holds."""
    columns, rows, background = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    sixel = Sixel(*map(int, sys.argv[4:8])) if len(sys.argv) > 4 else None
    confine()
    try:
        told, pixels = decode(sys.stdin.buffer, columns, rows, background, sixel)
    except MemoryError:
        told, pixels = "heavy", b""
    except Exception:
        # Decoders raise whatever they meet: which of it, nobody can do anything with.
        told, pixels = "broken", b""
    sys.stdout.buffer.write(told.encode() + b"\n" + pixels)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
