"""Colours of names: the test vectors of XEP-0392, section 13."""

import pytest

from sat.frontends.core.colours import adapted, hexadecimal, hue, nearest, palette, rgb

VECTORS = [
    ("Romeo", "none", 327.255249, (0.865, 0.000, 0.686)),
    ("juliet@capulet.lit", "none", 209.410400, (0.000, 0.515, 0.573)),
    ("😺", "none", 331.199341, (0.872, 0.000, 0.659)),
    ("council", "none", 359.994507, (0.918, 0.000, 0.394)),
    ("Board", "none", 171.430664, (0.000, 0.527, 0.457)),
    ("juliet@capulet.lit", "red-green", 29.410400, (0.742, 0.359, 0.000)),
    ("Board", "red-green", 351.430664, (0.904, 0.000, 0.494)),
    ("Romeo", "red-green", 327.255249, (0.865, 0.000, 0.686)),
    ("Romeo", "blue", 147.255249, (0.000, 0.535, 0.350)),
    ("council", "blue", 179.994507, (0.000, 0.524, 0.485)),
]
ON_216 = [
    ("Romeo", "none", (1.0, 0.0, 0.8)),
    ("juliet@capulet.lit", "none", (0.0, 0.8, 1.0)),
    ("😺", "none", (1.0, 0.4, 0.8)),
    ("council", "none", (0.8, 0.2, 0.4)),
    ("Board", "none", (0.0, 1.0, 0.8)),
    ("Board", "red-green", (0.4, 0.0, 0.2)),
    ("council", "blue", (0.0, 0.8, 0.8)),
]


@pytest.mark.parametrize(("text", "deficiency", "angle", "colour"), VECTORS)
def test_a_text_has_the_colour_that_it_has_everywhere(text, deficiency, angle, colour):
    assert hue(text, deficiency) == pytest.approx(angle, abs=1e-5)
    assert rgb(hue(text, deficiency)) == pytest.approx(colour, abs=6e-4)


@pytest.mark.parametrize(("text", "deficiency", "colour"), ON_216)
def test_a_small_palette_has_the_nearest(text, deficiency, colour):
    steps = [one / 5 for one in range(6)]
    colours = palette((red, green, blue) for red in steps for green in steps for blue in steps)
    assert nearest(hue(text, deficiency), colours) == pytest.approx(colour)


def test_a_palette_without_colours_has_none():
    with pytest.raises(ValueError, match="no colour"):
        nearest(10.0, palette([(0.5, 0.5, 0.5)]))


def test_half_a_surrogate_pair_has_a_colour_too():
    assert 0 <= hue("\ud800") < 360


def test_a_colour_on_a_background():
    assert adapted((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)) == pytest.approx((0.2, 0.2, 0.2))
    assert hexadecimal((1.0, 0.0, 0.5)) == "#ff0080"
