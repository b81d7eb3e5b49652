"""What was sent before, to be written again."""

from collections import deque


class Recall:
    """The last texts, without repetitions in a row; what was being written is kept meanwhile.

    :param most: how many are remembered
    """

    def __init__(self, most: int = 200) -> None:
        self.texts: deque[str] = deque(maxlen=most)
        self._at = 0
        self._draft = ""

    def remember(self, text: str) -> None:
        """Add a text as the newest, and be there."""
        if not self.texts or self.texts[-1] != text:
            self.texts.append(text)
        self._at, self._draft = 0, ""

    def older(self, present: str) -> str | None:
        """Return the text before the one that is shown, or None if there is none.

        :param present: what is shown, to come back to
        """
        if self._at >= len(self.texts):
            return None
        if self._at == 0:
            self._draft = present
        self._at += 1
        return self.texts[-self._at]

    def newer(self, present: str) -> str | None:
        """Return the text after the one that is shown, or None if that is not an older one."""
        if self._at == 0:
            return None
        self._at -= 1
        return self.texts[-self._at] if self._at else self._draft
