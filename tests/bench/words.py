"""Bodies of about 120 characters, of words that are as rare and as common as a language's."""

import random

_SYLLABLES = ("ba ce di fo gu la me ni po ru sa te vi zo lan mer nis por rus tal ven zor").split()  # noqa: SIM905
_random = random.Random(7)
WORDS = sorted({"".join(_random.choices(_SYLLABLES, k=_random.randint(1, 4))) for _ in range(9000)})
_random.shuffle(WORDS)


def body(number: int) -> str:
    """Return the body of a message: the same number, the same words."""
    chance = random.Random(number)
    words: list[str] = []
    length = 0
    while length < 115:
        # Zipf's law, roughly: a word's frequency falls with its rank.
        word = WORDS[int(len(WORDS) ** chance.random()) - 1]
        words.append(word)
        length += len(word) + 1
    return " ".join(words)
