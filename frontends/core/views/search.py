"""What was found in everything that was ever said."""

from __future__ import annotations

import asyncio

import msgspec

from sat.bridge.errors import CommandError
from sat.bridge.model import Direction, Message
from sat.frontends.core.attachment import Attachment
from sat.frontends.core.state import Key
from sat.frontends.core.views.conversations import line_of
from sat.frontends.core.views.names import author_of, name_of
from sat.frontends.core.views.rows import Rows


class FoundRow(msgspec.Struct, frozen=True):
    """A message that was found; ``author`` is empty where it is ours."""

    message: Message
    name: str
    author: str
    line: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is called among the rows."""
        return (self.message.profile, self.message.id)

    @property
    def conversation(self) -> Key:
        """Where it was said: open it there with ``Chat.go_to(row.message.id)``."""
        return (self.message.profile, self.message.peer)


class Search:
    """Searches the history of the daemon; ``rows`` are what was found last, the newest first.

    ``error`` says why nothing could be searched.
    """

    def __init__(self, attachment: Attachment) -> None:
        self.rows: Rows[FoundRow] = Rows()
        self.error = ""
        self._attachment = attachment
        self._asked = 0

    async def find(
        self, text: str, *, profile: str | None = None, peer: str | None = None, limit: int = 100
    ) -> bool:
        """Find messages that have all these words; one that ends in ``*`` may go on.

        A search that was asked for later wins, whichever ends first.

        :param profile: of this one alone; else of all
        :return: whether it could be searched
        """
        self._asked += 1
        asked = self._asked
        self.error = ""
        names = [profile] if profile is not None else list(self._attachment.state.profiles)
        calls = [
            self._attachment.call(
                "message.search", list[Message], profile=name, text=text, peer=peer, limit=limit
            )
            for name in names
        ]
        try:
            found = [message for page in await asyncio.gather(*calls) for message in page]
        except CommandError as error:
            if asked == self._asked:
                self.error = error.sentence
                self.rows.replace([])
            return False
        if asked == self._asked:
            newest = sorted(found, key=lambda one: -int(one.id, 16))[:limit]
            rows = [self._row(one) for one in newest]
            self.rows.replace((row.key, (-int(row.key[1], 16), row.key), row) for row in rows)
        return True

    async def context(self, row: FoundRow, count: int = 2) -> tuple[list[Message], list[Message]]:
        """Return what was said right before and after a message that was found.

        :raises CommandError: if it can't be fetched
        """
        message = row.message

        async def fetch(before: str | None = None, after: str | None = None) -> list[Message]:
            return await self._attachment.call(
                *("message.list", list[Message]),
                profile=message.profile, peer=message.peer, limit=count, before=before, after=after,
            )  # fmt: skip

        before, after = await fetch(before=message.id), await fetch(after=message.id)
        return before, after

    def _row(self, message: Message) -> FoundRow:
        state = self._attachment.state
        profile, peer = message.profile, message.peer
        ours = message.direction is Direction.OUT
        author = "" if ours else author_of(state, profile, peer, message.from_)
        return FoundRow(message, name_of(state, profile, peer), author, line_of(message))
