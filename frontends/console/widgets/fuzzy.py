"""Titles that have the letters which were typed, in their order."""

from collections.abc import Sequence
from typing import NamedTuple


class Found(NamedTuple):
    """A title that fits: which it is, and where in it the letters are."""

    item: int
    letters: frozenset[int]


def search(titles: Sequence[str], typed: str) -> list[Found]:
    """Return the titles that fit, the best first; all in their order if nothing was typed.

    Best is what has all of it side by side, at the start of a word, early; then what has each
    letter at the start of a word; then the shortest stretch that has all letters.
    """
    wanted = "".join(typed.casefold().split())
    if not wanted:
        return [Found(index, frozenset()) for index in range(len(titles))]
    ranked: list[tuple[tuple[int, int, int], Found]] = []
    for index, title in enumerate(titles):
        # A letter that folds to several would move the places of those after it.
        folded = "".join(one if len(one.casefold()) != 1 else one.casefold() for one in title)
        places = _places(folded, typed.casefold().strip(), wanted)
        if places is not None:
            rank, letters = places
            ranked.append(((*rank, index), Found(index, frozenset(letters))))
    return [found for _, found in sorted(ranked, key=lambda one: one[0])]


def _places(title: str, phrase: str, wanted: str) -> tuple[tuple[int, int], list[int]] | None:
    at = title.find(phrase)
    while at > 0 and title[at - 1].isalnum():
        further = title.find(phrase, at + 1)
        if further < 0:
            break
        at = further
    if at >= 0:
        within = at > 0 and title[at - 1].isalnum()
        return (1 if within else 0, at), list(range(at, at + len(phrase)))
    starts = [at for at in range(len(title)) if at == 0 or not title[at - 1].isalnum()]
    letters = _in_order(title, wanted, starts)
    if letters is not None:
        return (2, letters[0]), letters
    letters = _in_order(title, wanted, range(len(title)))
    if letters is None:
        return None
    return (3, letters[-1] - letters[0]), letters


def _in_order(title: str, wanted: str, places: Sequence[int]) -> list[int] | None:
    found: list[int] = []
    rest = iter(places)
    for letter in wanted:
        place = next((at for at in rest if title[at] == letter), None)
        if place is None:
            return None
        found.append(place)
    return found
