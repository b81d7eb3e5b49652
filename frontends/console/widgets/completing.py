"""Candidates for what is being written, and which of them is chosen."""

from collections.abc import Sequence
from typing import NamedTuple


class Candidate(NamedTuple):
    """What may be written.

    ``text`` is inserted as it is; ``label`` is shown in the list (the text if it is empty), and
    ``hint`` beside it; both are safe.
    """

    text: str
    label: str = ""
    hint: str = ""


class Completions(NamedTuple):
    """Candidates, and the code point from which on each replaces what is there."""

    start: int
    candidates: Sequence[Candidate]


class Choice:
    """The candidates that are offered, one of which is in the text.

    :param offered: what is offered; there is at least one candidate
    :param stem: what was there before, from the start on to the cursor
    """

    def __init__(self, offered: Completions, stem: str) -> None:
        self.offered = offered
        self.stem = stem
        self.index: int | None = None

    def step(self, step: int) -> str:
        """Go on to the next candidate, or to the one before; return its text."""
        if self.index is None:
            self.index = 0 if step > 0 else len(self.offered.candidates) - 1
        else:
            self.index = (self.index + step) % len(self.offered.candidates)
        return self.offered.candidates[self.index].text

    def window(self, rows: int) -> range:
        """Return which candidates are shown where there is room for so many."""
        count = len(self.offered.candidates)
        first = max(0, min((self.index or 0) - rows // 2, count - rows))
        return range(first, min(count, first + rows))
