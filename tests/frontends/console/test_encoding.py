"""What is written to the terminal, whatever the locale says."""

import pytest

from sat.bridge.errors import CommandError
from sat.frontends.console import encoding
from sat.frontends.console.main import read


@pytest.mark.parametrize(
    ("environment", "charset", "said"),
    [
        ({"LANG": "C.UTF-8"}, "utf-8", ""),
        ({"LANG": "fr_FR.utf8@euro"}, "utf-8", ""),
        ({"LANG": "C"}, "utf-8", "“C” names no character set"),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, "utf-8", "“C” names no character set"),
        ({}, "utf-8", "“C” names no character set"),
        ({"LANG": "C.UTF-8", "LC_ALL": "POSIX"}, "utf-8", "“POSIX” names no character set"),
        ({"LANG": "fr_FR.ISO-8859-1"}, "ascii", "“fr_FR.ISO-8859-1” has no UTF-8"),
    ],
)
def test_the_locale_is_believed_where_it_says_something(
    environment: dict[str, str], charset: str, said: str
) -> None:
    found, sentence = encoding.choose(environment)
    assert found == charset
    assert (said in sentence) if said else not sentence


def test_a_command_line_is_read() -> None:
    found = read(["bob@example.org", "-p", "work", "--theme=light", "--plain", "tea@rooms"])
    assert found.profile == "work" and found.theme == "light" and found.plain
    assert found.open == ("bob@example.org", "tea@rooms")


@pytest.mark.parametrize("words", [["--fly"], ["-p"], ["--plain=1"], ["-x", "y"]])
def test_a_wrong_command_line_is_refused_with_a_sentence(words: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        read(words)
    assert caught.value.exit_code == 2
