"""Decodes one picture, as a program of its own: ``python decoding.py COLUMNS ROWS RRGGBB < FILE``.

Whoever made the file may be a stranger, and decoders have faults: so it is done in a process which
has little memory and time, can't write a file, and ends with the picture.

It writes one line, and for ``ok`` the pixels after it, three bytes each, row by row:

- ``ok COLUMNS ROWS WIDTH HEIGHT``: what follows fits the size that was asked for, in pixels; the
  picture itself has the other one; where it is transparent it has the colour that was named
- ``large WIDTH HEIGHT``: it has more pixels than are decoded
- ``unknown``: it is of no kind that is decoded; ``broken``: it is, but can't be; ``missing``: there
  is no Pillow; ``heavy``: it takes more memory than it may
"""

import contextlib
import resource
import sys
from typing import BinaryIO

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


def decode(file: BinaryIO, columns: int, rows: int, background: str) -> tuple[str, bytes]:
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
    # A photo is decoded at no more than twice the size that is wanted.
    image.draft("RGB", (2 * columns, 2 * rows))
    image.load()
    box = (columns, rows)
    if image.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE:
        box, (width, height) = box[::-1], (height, width)
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
    return f"ok {drawn.width} {drawn.height} {width} {height}", drawn.tobytes()


def main() -> None:
    """Decode what standard input holds."""
    columns, rows, background = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    confine()
    try:
        told, pixels = decode(sys.stdin.buffer, columns, rows, background)
    except MemoryError:
        told, pixels = "heavy", b""
    except Exception:
        # Decoders raise whatever they meet: which of it, nobody can do anything with.
        told, pixels = "broken", b""
    sys.stdout.buffer.write(told.encode() + b"\n" + pixels)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
