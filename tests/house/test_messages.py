"""The console's texts: every one is translated, and what the program reads is what people wrote."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import messages

#: Programs of the bus, which no console is.
OF_THE_BUS = ("activation.py", "bus.py", "link.py")
#: What takes a text that it translates, that is translated elsewhere, or that no person is told.
TAKES_TEXTS = ("_", "mark", "ngettext", "Argument", "Command", "Option", "ValueError", "_log")
SENTENCE = re.compile(r"[A-Za-z]{2} [a-z]{2}|^ ?\(?[a-z]+[:)]$")
#: The words of a command, or of one for a shell.
TYPED = re.compile(r"[a-z]+ [a-z]+|pip install .*")


@pytest.mark.parametrize("file", messages.files(), ids=lambda file: file.parts[-3])
class TestCatalogue:
    def test_it_has_every_text_and_no_other(self, file: Path) -> None:
        wanted = {one.id for one in messages.texts() if one.id}
        assert {one.id for one in messages.read(file) if one.id} == wanted, (
            "run python -m tests.house.messages"
        )

    def test_every_text_is_translated(self, file: Path) -> None:
        assert messages.untranslated(messages.read(file)) == []

    def test_what_is_filled_in_is_the_same(self, file: Path) -> None:
        for message in messages.read(file):
            ids = [message.id] if isinstance(message.id, str) else [*message.id]
            strings = message.string if isinstance(message.string, tuple | list) else ()
            wanted = set(re.findall(r"\{\w*\}", ids[-1]))
            for string in (*strings, *([message.string] if not strings else ())):
                if message.id:
                    assert set(re.findall(r"\{\w*\}", str(string))) == wanted, ids

    def test_what_is_compiled_is_what_is_written(self, file: Path) -> None:
        with file.with_suffix(".mo").open("rb") as compiled:
            found = gettext.GNUTranslations(compiled)
        for message in messages.read(file):
            if isinstance(message.id, str) and message.id:
                assert found.gettext(message.id) == message.string
            elif message.id:
                one, many = message.id
                told = [found.ngettext(one, many, number) for number in (1, 2)]
                assert told == [*(message.string or ())]


def test_french_is_there() -> None:
    assert [file.parts[-3] for file in messages.files()] == ["fr"]


def untranslated(tree: ast.AST) -> Iterator[str]:
    """Yield what reads as a sentence and goes to no function that translates it."""
    if isinstance(tree, ast.Call):
        called = tree.func.value if isinstance(tree.func, ast.Attribute) else tree.func
        if isinstance(called, ast.Name) and called.id in TAKES_TEXTS:
            return
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        if SENTENCE.search(tree.value) and not TYPED.fullmatch(tree.value):
            yield tree.value
        return
    for one in ast.iter_child_nodes(tree):
        yield from untranslated(one)


def test_the_core_says_nothing_that_can_not_be_translated() -> None:
    files = [one for one in messages.CORE.rglob("*.py") if one.name not in OF_THE_BUS]
    found = {
        f"{file.name}: {text}"
        for file in files
        for text in untranslated(ast.parse(file.read_bytes()))
    }
    assert found == set()


@pytest.mark.parametrize(
    "line",
    [
        'raise CommandError("usage.x", "It is wrong.")',
        'told = f"Not delivered to {name}"',
        'lines.append("features:")',
        'told = "x" + (" (asked)" if ask else "")',
    ],
)
def test_what_can_not_be_translated_is_found(line: str) -> None:
    assert [*untranslated(ast.parse(line))]


def test_what_is_translated_is_not_found() -> None:
    line = 'raise CommandError("usage.x", _("It is wrong: {why}.").format(why="x")) from None'
    assert [*untranslated(ast.parse(line))] == []
