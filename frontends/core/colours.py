"""A colour for each name, the same in every program (XEP-0392)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal

#: Red, green and blue, each from 0 to 1.
RGB = tuple[float, float, float]
#: Which colours a person can't tell apart.
Deficiency = Literal["none", "red-green", "blue"]

#: The lightness that colours of a palette should have (XEP-0392, "Conversion of an RGB palette").
_LIGHTNESS = 73.2


def hue(text: str, deficiency: Deficiency = "none") -> float:
    """Return the angle that belongs to a text, in degrees (XEP-0392, section 5.1 and 5.2).

    Of a person it is that of the bare JID where it is known, else of the nick.
    """
    digest = hashlib.sha1(text.encode(errors="replace"), usedforsecurity=False).digest()
    angle = int.from_bytes(digest[:2], "little") / 65536 * 360
    if deficiency == "red-green":
        return ((angle + 90) % 180 - 90) % 360
    return angle % 180 if deficiency == "blue" else angle


@lru_cache(4096)
def rgb(angle: float, *, saturation: float = 100.0, lightness: float = 50.0) -> RGB:
    """Return the colour of an angle, by HSLuv (XEP-0392, section 5.4).

    :param lightness: from 0 to 100; around 70 reads well on black, around 45 on white
    """
    import hsluv

    red, green, blue = (
        min(max(one, 0.0), 1.0) for one in hsluv.hsluv_to_rgb((angle, saturation, lightness))
    )
    return (red, green, blue)


def adapted(colour: RGB, background: RGB) -> RGB:
    """Return a colour that can be seen on a background (XEP-0392, section 5.3)."""
    red, green, blue = (
        0.2 * (1 - behind) + 0.8 * one for one, behind in zip(colour, background, strict=True)
    )
    return (red, green, blue)


def hexadecimal(colour: RGB) -> str:
    """Write a colour as ``#rrggbb``."""
    return "#" + "".join(f"{round(one * 255):02x}" for one in colour)


def palette(colours: Iterable[RGB]) -> dict[int, RGB]:
    """Return the colours of a palette by their angles, without greys (XEP-0392, section 5.5)."""
    import hsluv

    found: dict[int, tuple[float, RGB]] = {}
    for colour in colours:
        if colour[0] == colour[1] == colour[2]:
            continue
        angle, _, lightness = hsluv.rgb_to_hsluv(colour)
        place, far = round(angle) % 360, abs(lightness - _LIGHTNESS)
        if place not in found or far < found[place][0]:
            found[place] = (far, colour)
    return {angle: colour for angle, (_, colour) in found.items()}


def nearest(angle: float, colours: Mapping[int, RGB]) -> RGB:
    """Return the colour of a palette that comes closest to an angle (XEP-0392, section 5.6).

    :raises ValueError: if the palette has no colour
    """
    if not colours:
        raise ValueError("the palette has no colour")
    place = round(angle) % 360
    if place in colours:
        return colours[place]
    return colours[min(colours, key=lambda one: min((angle - one) % 360, (one - angle) % 360))]
