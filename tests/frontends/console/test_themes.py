"""Themes: each says how every name looks, in as many colours as a terminal has."""

import pytest
from urwid import AttrSpec

from sat.frontends.console import themes


@pytest.mark.parametrize("name", themes.THEMES)
def test_a_theme_has_every_name_and_only_colours_that_there_are(name: str) -> None:
    assert themes.THEMES[name].keys() == themes.THEMES["dark"].keys()
    for _name, fore, back, mono, high_fore, high_back in themes.palette(name):
        AttrSpec(fore, back, 16)
        AttrSpec(mono or "default", "default", 16)
        AttrSpec(high_fore, high_back, 256)
        AttrSpec(high_fore, high_back, 1 << 24)


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm-256color"}, 256),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, 1 << 24),
        ({"TERM": "xterm-direct"}, 1 << 24),
        ({"TERM": "linux"}, 16),
        ({"TERM": "dumb"}, 1),
        ({}, 1),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, 1),
    ],
)
def test_the_terminal_says_how_many_colours_it_has(
    environment: dict[str, str], colours: int
) -> None:
    assert themes.depth(environment) == colours


def test_a_name_has_its_colour_as_near_as_the_terminal_can() -> None:
    assert themes.name_look("dark", 1 << 24, (255, 64, 0)).foreground == "#ff4000,bold"
    assert themes.name_look("dark", 256, (255, 64, 0)).foreground == "#f60,bold"
    assert themes.name_look("dark", 16, (255, 64, 0)).foreground == "light red,bold"
    assert themes.name_look("light", 16, (200, 200, 0)).foreground == "brown,bold"
    assert themes.name_look("dark", 1, (255, 64, 0)).foreground == "default,bold"
