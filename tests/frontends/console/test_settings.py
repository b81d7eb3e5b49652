"""The person's file of settings: whatever is wrong in it is told, and the console starts."""

from pathlib import Path

import pytest

from sat.frontends.console import settings


def load(folder: Path, text: str | bytes) -> tuple[settings.Settings, list[str]]:
    file = folder / "primitivus.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return settings.load(file)


def test_without_a_file_all_is_as_usual(tmp_path: Path) -> None:
    found, wrong = settings.load(tmp_path / "primitivus.toml")
    assert (found.theme, found.preset, wrong) == ("dark", "plain", [])


def test_what_is_said_counts(tmp_path: Path) -> None:
    found, wrong = load(
        tmp_path, 'theme = "light"\npreset = "vi"\nmouse = false\n[keys]\nquit = "ctrl q"\n'
    )
    assert wrong == []
    assert (found.theme, found.mouse) == ("light", False)
    assert found.keys.action("anywhere", "ctrl q") == "quit"
    assert found.keys.action("chat", "j") == "chat-down"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('theme = "pink"', "theme is one of: dark, light, high-contrast."),
        ("mouse = 3", "mouse is one of: true, false."),
        ("colours = 17", "colours is one of: 1, 16, 256, 16777216."),
        ("colour = 16", "there is no setting “colour”."),
        ("[keys]\nfly = 'x'", "there is no action “fly”"),
        ("[keys]\nquit = 3", "the keys of quit are texts"),
        ("theme = ", "can't be read"),
        (b"\xff\xfe", "it is no UTF-8"),
    ],
)
def test_what_is_wrong_is_told_and_left_out(tmp_path: Path, text: str | bytes, said: str) -> None:
    found, wrong = load(tmp_path, text)
    assert len(wrong) == 1 and said in wrong[0]
    assert (found.theme, found.mouse) == ("dark", True)
    assert found.keys.action("anywhere", "ctrl x") == "quit"


def test_one_wrong_key_leaves_the_others(tmp_path: Path) -> None:
    found, wrong = load(tmp_path, "[keys]\nfly = 'x'\nquit = 'ctrl q'\n")
    assert len(wrong) == 1
    assert found.keys.action("anywhere", "ctrl q") == "quit"


def test_one_setting_is_written_and_the_rest_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "primitivus.toml"
    settings.save(file, "theme", "light")
    assert file.read_text() == 'theme = "light"\n'
    file.write_text('# mine\ntheme = "dark"\nmouse = true\n[keys]\ntheme = "f12"\n')
    settings.save(file, "theme", "high-contrast")
    settings.save(file, "mouse", False)
    settings.save(file, "bell", False)
    text = file.read_text()
    assert "# mine\n" in text and '[keys]\ntheme = "f12"\n' in text
    found, wrong = settings.load(file)
    assert wrong == []
    assert (found.theme, found.mouse, found.bell) == ("high-contrast", False, False)
