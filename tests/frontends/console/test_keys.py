"""The one table of keys: presets, the person's own, and how keys are written for people."""

import pytest

from sat.frontends.console.keys import ACTIONS, PLACES, PRESETS, Keys, shown


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_no_key_of_one_place_two_meanings(preset: str) -> None:
    keys = Keys(preset)
    for action in ACTIONS:
        assert action.place in PLACES
        for key in keys.of(action.name):
            assert keys.action(action.place, key) == action.name


def test_presets_differ() -> None:
    assert Keys("plain").action("chat", "j") is None
    assert Keys("vi").action("chat", "j") == "chat-down"


def test_a_key_of_ones_own_replaces_those_of_the_preset() -> None:
    keys = Keys("plain", {"quit": ["ctrl q"]})
    assert keys.action("anywhere", "ctrl q") == "quit"
    assert keys.action("anywhere", "ctrl x") is None
    assert keys.shown("quit") == "Ctrl-Q"


def test_a_key_that_is_given_away_does_no_longer_what_it_did() -> None:
    keys = Keys("plain", {"theme": ["ctrl x"]})
    assert keys.action("anywhere", "ctrl x") == "theme"
    assert keys.of("quit") == ()


def test_an_action_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no action “fly”"):
        Keys("plain", {"fly": ["f"]})


def test_one_key_for_two_actions_of_ones_own_is_refused() -> None:
    with pytest.raises(ValueError, match="“f12” is the key of"):
        Keys("plain", {"quit": ["f12"], "help": ["f12"]})


@pytest.mark.parametrize(
    ("key", "written"),
    [("ctrl x", "Ctrl-X"), ("meta 1", "Alt-1"), ("f2", "F2"), ("shift tab", "Shift-Tab"),
     (" ", "Space"), ("esc", "Esc"), ("page up", "Page-Up"), ("G", "G"), ("?", "?")],
)  # fmt: skip
def test_keys_are_written_as_on_keyboards(key: str, written: str) -> None:
    assert shown(key) == written
