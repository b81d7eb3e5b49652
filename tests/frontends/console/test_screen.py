"""What a terminal answers when it is asked what it draws, and that no answer becomes a key."""

import asyncio

import pytest

from sat.frontends.console.screen import _Raw, read_answer


@pytest.mark.parametrize(
    ("told", "colours", "can"),
    [
        (b"\x1b[?1;0;1024S\x1b[?63;1;2;4;6;9;15;16;22;28c", 256, True),  # xterm -ti vt340
        (b"\x1b[?62;4c", 16, True),
        (b"\x1b[?1;2c", 16, False),  # tmux
        (b"\x1b[?64;14c", 16, False),
        (b"\x1b[?4c", 16, False),  # a VT132, not what a VT220 can do
        (b"\x1b[?1;0;0S\x1b[?62;4c", 2, True),
        (b"", 16, False),
    ],
)
def test_what_a_terminal_says(told: bytes, colours: int, can: bool) -> None:
    assert read_answer(told) == (colours, can)


class Quiet(_Raw):
    """A screen without a terminal."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def write(self, data: str) -> None:
        """Write nothing."""


def test_no_answer_is_a_key_and_no_key_an_answer() -> None:
    async def story() -> list[str]:
        keys: list[str] = []
        screen = Quiet()
        screen.answered = asyncio.get_running_loop().create_future()
        for came in (b"a\x1b[?1;0;256S", b"b\x1b[?62;4cc", b"\x1b[?62;4cd\x1b[A"):
            screen.parse_input(None, lambda found, _raw: keys.extend(found), [*came])
        assert read_answer(await screen.answered) == (256, True)
        return keys

    assert asyncio.run(story()) == ["a", "b", "c", "d", "up"]
