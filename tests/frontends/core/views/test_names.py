"""What things are called."""

from sat.bridge.model import Attachment
from sat.frontends.core.views.names import file_name


def test_a_file_is_called_by_its_name_or_by_the_end_of_its_address() -> None:
    for url, name, wanted in (
        ("https://example.org/x/a%20picture.png?size=2#top", None, "a picture.png"),
        ("https://example.org/x/a%20picture.png", "mine.png", "mine.png"),
        ("https://example.org/folder/", None, "folder"),
        ("https://example.org/%1b]0;x%07", None, "\x1b]0;x\x07"),
        ("", None, ""),
    ):
        assert file_name(Attachment(url=url, name=name)) == wanted
