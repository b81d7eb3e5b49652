"""One conversation, as far as it is in view: pages of its history, and what is said now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from sat.bridge.errors import CommandError
from sat.bridge.model import Direction, Message, Phase
from sat.frontends.core.attachment import Attachment
from sat.frontends.core.mentions import is_mention
from sat.frontends.core.observers import enter
from sat.frontends.core.state import Changes
from sat.frontends.core.views.names import author_of
from sat.frontends.core.views.rows import Rows

#: Messages fetched at once, and those kept in memory however far somebody scrolls.
PAGE = 100
MOST = 1000
#: What the same person says within this time stands under one name.
_TOGETHER = timedelta(minutes=5)
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


class ChatRow(msgspec.Struct, frozen=True):
    """A message where it stands.

    ``day`` is its day, here, where it is the first of it; ``unread`` tells that the read line
    stands before it; ``continued`` that the same person goes on speaking.
    """

    message: Message
    author: str
    day: date | None = None
    unread: bool = False
    continued: bool = False
    mention: bool = False

    @property
    def key(self) -> str:
        """What it is called among the rows: the message's id."""
        return self.message.id

    @property
    def ours(self) -> bool:
        """Whether the account has sent it."""
        return self.message.direction is Direction.OUT


class Chat:
    """A window onto a conversation: it moves with :meth:`earlier`, :meth:`later` and jumps.

    ``rows`` are in the order of the history. New messages are added where the window reaches the
    end (``at_end``). ``loading`` tells that a page is on its way, ``error`` why the last one isn't
    there. Nothing is there before :meth:`open` is done.

    :param page: how many messages are fetched at once
    :param most: how many are kept
    """

    def __init__(
        self,
        attachment: Attachment,
        profile: str,
        peer: str,
        *,
        page: int = PAGE,
        most: int = MOST,
    ) -> None:
        self.profile = profile
        self.peer = peer
        self.rows: Rows[ChatRow] = Rows()
        self.at_start = False
        self.at_end = False
        self.loading = False
        self.error = ""
        self._attachment = attachment
        self._page = page
        self._most = max(most, 2 * page)
        self._held: list[Message] = []
        self._first_seen: str | None = None
        self._read: str | None = None
        self._line: str | None = None
        self._line_wanted = False
        self._lock = asyncio.Lock()
        self._observers: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._end = attachment.model.observe(self._told)

    def observe_status(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Tell somebody when ``loading``, ``error``, ``at_start`` or ``at_end`` changes."""
        return enter(self._observers, observer)

    def close(self) -> None:
        """Follow the conversation no more."""
        self._end()
        for task in self._tasks:
            task.cancel()

    # ---- moving

    async def open(self) -> bool:
        """Show the end of the conversation, with the read line where it is now.

        :return: whether that could be fetched; ``error`` says why not
        """
        self.draw_read_line()
        return await self.go_to_end()

    async def go_to_end(self) -> bool:
        """Show the last messages."""

        async def fetch() -> None:
            found = await self._fetch()
            self._replace(found, at_start=not found, at_end=True)

        return await self._busy(fetch)

    async def earlier(self) -> bool:
        """Show a page more before the first message, unless it is the first there is."""

        async def fetch() -> None:
            if self.at_start or not self.rows:
                return
            found = await self._fetch(before=self.rows[0].key)
            if not found:
                self.at_start = True
            self._merge(found)
            self._trim_end()

        return await self._busy(fetch)

    async def later(self) -> bool:
        """Show a page more after the last message, unless the window reaches the end."""

        async def fetch() -> None:
            if self.at_end or not self.rows:
                return
            found = await self._fetch(after=self.rows[-1].key)
            self.at_end = len(found) < self._page
            self._merge(found)
            self._trim_start()

        return await self._busy(fetch)

    async def go_to(self, id: str) -> bool:
        """Show a message, with what was said before and after it.

        :return: whether it is in view now
        """
        if self.rows.get(id) is not None:
            return True

        async def fetch() -> None:
            before = await self._fetch(before=_next(id))
            after = await self._fetch(after=id)
            self._replace([*before, *after], at_start=False, at_end=len(after) < self._page)

        return await self._busy(fetch) and self.rows.get(id) is not None

    async def go_to_day(self, day: date) -> str | None:
        """Show what was said on a day, here, or next after it; return the first message's id."""
        midnight = datetime.combine(day, time()).astimezone()
        first: list[str] = []

        async def fetch() -> None:
            after = await self._fetch(since=midnight)
            if after:
                first.append(after[0].id)
                before = await self._fetch(before=after[0].id)
                self._replace([*before, *after], at_start=False, at_end=len(after) < self._page)

        if not await self._busy(fetch):
            return None
        if not first:
            await self.go_to_end()
            return self.rows[-1].key if self.rows else None
        return first[0]

    async def go_to_unread(self) -> str | None:
        """Show where the read line is; return the first message after it, if there is a line."""
        if self._line is not None:
            return self._line if await self.go_to(self._line) else None
        first: list[str] = []

        async def fetch() -> None:
            after = await self._fetch(after=self._read, since=None if self._read else _BEGIN)
            new = [one for one in after if one.direction is Direction.IN]
            if new:
                first.append(new[0].id)
                before = await self._fetch(before=new[0].id)
                self._replace([*before, *after], at_start=False, at_end=len(after) < self._page)

        done = self._line_wanted and await self._busy(fetch)
        return first[0] if done and first else None

    def look(self, first: str) -> None:
        """Tell which message is the first in view: it is kept while others come."""
        self._first_seen = first

    def draw_read_line(self) -> None:
        """Draw the read line where the conversation is read up to now."""
        conversation = self._attachment.state.conversations.get((self.profile, self.peer))
        self._line_wanted = conversation is not None and conversation.unread > 0
        self._read = conversation.read if conversation is not None else None
        old, self._line = self._line, None
        if old is not None and self.rows.get(old) is not None:
            self._make_again(old)
        self._find_line()

    # ---- what is fetched

    async def _busy(self, fetch: Callable[[], Coroutine[object, object, None]]) -> bool:
        async with self._lock:
            self.loading = True
            self.error = ""
            self._tell()
            try:
                await fetch()
            except CommandError as error:
                self.error = error.sentence
            finally:
                held, self._held = self._held, []
                self._take(held)
                self.loading = False
                self._find_line()
                self._tell()
            return not self.error

    async def _fetch(
        self,
        *,
        limit: int | None = None,
        before: str | None = None,
        after: str | None = None,
        since: datetime | None = None,
    ) -> list[Message]:
        return await self._attachment.call(
            "message.list",
            list[Message],
            profile=self.profile,
            peer=self.peer,
            limit=limit or self._page,
            before=before,
            after=after,
            since=since,
        )

    async def _again(self) -> None:
        """Fetch what is in the window once more: events were missed."""

        async def fetch() -> None:
            limit = min(max(len(self.rows), self._page), 1000)
            if self.at_end or not self.rows:
                found = await self._fetch(limit=limit)
                self._replace(found, at_start=not found, at_end=True)
            else:
                found = await self._fetch(limit=limit, before=_next(self.rows[-1].key))
                self._replace(found, at_start=False, at_end=False)

        await self._busy(fetch)

    # ---- what is told

    def _told(self, changes: Changes) -> None:
        if changes.anew:
            task = asyncio.get_running_loop().create_task(self._again())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if self.profile in changes.profiles:
            profile = self._attachment.state.profiles.get(self.profile)
            if profile is None:
                self._replace([], at_start=True, at_end=True)
            elif profile.connection.phase is Phase.ONLINE:
                # An archive may be there now that has more.
                self.at_start = False
        found = [
            one
            for one in (*changes.added, *changes.changed)
            if one.peer == self.peer and one.profile == self.profile
        ]
        if self.loading:
            self._held += found
        self._take(found)

    def _take(self, found: Iterable[Message]) -> None:
        inside = [one for one in found if self._is_inside(one)]
        self._merge(inside)
        if len(self.rows) > self._most:
            seen = self.rows.index_of(self._first_seen)
            if seen is not None and seen < len(self.rows) // 2:
                self._trim_end()
            else:
                self._trim_start()

    def _is_inside(self, message: Message) -> bool:
        if self.rows.get(message.id) is not None:
            return True
        if not self.rows:
            return self.at_end
        place = int(message.id, 16)
        return (self.at_end or place < int(self.rows[-1].key, 16)) and (
            self.at_start or place > int(self.rows[0].key, 16)
        )

    # ---- the rows

    def _replace(self, found: list[Message], *, at_start: bool, at_end: bool) -> None:
        self.at_start, self.at_end = at_start, at_end
        messages = sorted({one.id: one for one in found}.values(), key=_place)
        before: Message | None = None
        rows = []
        for message in messages:
            rows.append((message.id, (_place(message),), self._row(message, before)))
            before = message
        self.rows.replace(rows)

    def _merge(self, found: Iterable[Message]) -> None:
        for message in found:
            old = self.rows.get(message.id)
            if old is not None and old.message.rev >= message.rev:
                continue
            order = (_place(message),)
            index = self.rows.place_of(order)
            before = self.rows[index - 1].message if index else None
            self.rows.put(message.id, order, self._row(message, before))
            if index + 1 < len(self.rows):
                self._make_again(self.rows[index + 1].key)

    def _make_again(self, key: str) -> None:
        row = self.rows.get(key)
        index = self.rows.index_of(key)
        if row is not None and index is not None:
            before = self.rows[index - 1].message if index else None
            self.rows.put(key, (_place(row.message),), self._row(row.message, before))

    def _row(self, message: Message, before: Message | None) -> ChatRow:
        state = self._attachment.state
        day = message.ts.astimezone().date()
        other = before is None or before.ts.astimezone().date() != day
        line = message.id == self._line
        return ChatRow(
            message=message,
            author=author_of(state, self.profile, self.peer, message.from_),
            day=day if other else None,
            unread=line,
            continued=(
                before is not None
                and not other
                and not line
                and before.from_ == message.from_
                and before.direction is message.direction
                and timedelta() <= message.ts - before.ts < _TOGETHER
            ),
            mention=is_mention(state, message),
        )

    def _trim_start(self) -> None:
        extra = len(self.rows) - self._most
        if extra > 0:
            self.at_start = False
            for key in list(self.rows.keys[:extra]):
                self.rows.drop(key)
            self._make_again(self.rows[0].key)

    def _trim_end(self) -> None:
        extra = len(self.rows) - self._most
        if extra > 0:
            self.at_end = False
            for key in list(self.rows.keys[-extra:])[::-1]:
                self.rows.drop(key)

    def _find_line(self) -> None:
        """Draw the read line, once the first message after it is known."""
        if not self._line_wanted or self._line is not None or not self.rows:
            return
        read = int(self._read, 16) if self._read is not None else 0
        if int(self.rows[0].key, 16) > read and not self.at_start:
            return
        for row in self.rows:
            if not row.ours and _place(row.message) > read:
                self._line = row.key
                self._make_again(row.key)
                return

    def _tell(self) -> None:
        for observer in (*self._observers,):
            observer()


def _place(message: Message) -> int:
    return int(message.id, 16)


def _next(id: str) -> str:
    return f"{int(id, 16) + 1:x}"
