"""The console's texts: every one is translated, and what the program reads is what people wrote."""

import gettext
import re
from pathlib import Path

import pytest

from tests.house import messages


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
