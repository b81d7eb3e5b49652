"""The calls ``message.*``: sending, reading and searching."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from twisted.internet.defer import TimeoutError as DeferTimeoutError

from sat.backend.adding import NewMessage
from sat.backend.history import (
    NO_END,
    NO_EXTRA,
    Extra,
    find_message,
    page,
    page_from,
    row_at,
    row_of,
)
from sat.backend.ids import Ids
from sat.backend.lookback import LookBack
from sat.backend.search import search
from sat.backend.store import Reader
from sat.backend.waiters import has_reached
from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.model import Attachment, Direction, Level, Message, MessageState, MessageType
from sat.xmpp.stanza import JID, clean

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: How many bytes a message's body may have: most servers refuse stanzas over 256 KiB or less.
MAX_BODY = 131_072
_Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Messages:
    """The messages of one profile."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._lookback = LookBack(live)
        self._ids = Ids(live.core.now)

    @command("message.send", level=Level.SEND)
    async def send(
        self,
        call: Call,
        to: JID,
        body: str,
        type: MessageType = MessageType.CHAT,
        subject: str | None = None,
        thread: str | None = None,
        now: bool = False,
        wait: Literal["stored", "sent", "acknowledged", "received"] = "stored",
        timeout: float = 30.0,
    ) -> Message:
        """Send a message; it is stored first, and sent once the profile is online.

        :param to: the peer; a room that is joined, or one of its occupants in private
        :param body: the text
        :param type: of the stanza (RFC 6121, section 5.2.2)
        :param subject: for messages of type ``normal``
        :param thread: the id of the thread that it belongs to
        :param now: refuse rather than keep it, if the profile is not online
        :param wait: return when it is stored, or has come as far as this
        :param timeout: how many seconds to wait at most
        :raises offline.profile: with ``now``, if the profile is not online
        :raises offline.room: if it goes to a room that isn't joined
        :raises timeout.message: if it has not come so far in time; it is still on its way
        :raises failed.message: if it came back
        :raises failed.blocked: if the peer is blocked
        :raises usage.text: if there is no text, or too much, or text that XML can't carry
        """
        if now:
            self._live.require_online()
        message = await self.add(call, to, body, type=type, subject=subject, thread=thread)
        if wait == "stored" or has_reached(message.state, MessageState(wait)):
            return message
        return await self._until(message, MessageState(wait), timeout)

    async def add(
        self,
        call: Call | None,
        to: JID,
        body: str,
        *,
        type: MessageType = MessageType.CHAT,
        subject: str | None = None,
        thread: str | None = None,
        attachments: tuple[Attachment, ...] = (),
    ) -> Message:
        """Store a message to be sent; see :meth:`send`."""
        for text in (body, subject, thread):
            if text:
                check_text(text)
        if not body:
            raise CommandError("usage.text", "there is no text to send")
        if self._live.presences.visibility.blocks(to):
            raise CommandError(
                "failed.blocked",
                f"{to.userhost()} is blocked: to write there, unblock it first",
            )
        peer, type, author = self._live.rooms.talk.address(to, type)
        id_ = self._ids.next()
        new = NewMessage(
            profile=self._live.name,
            profile_id=self._live.id,
            peer=peer.full(),
            type=type,
            direction=Direction.OUT,
            sender=author.full(),
            recipient=to.full(),
            body=body,
            subject=subject,
            thread=thread,
            state=MessageState.PENDING,
            ts=int(self._live.core.now() * 1000),
            stanza_id=id_,
            origin_id=id_,
            extra=Extra(attachments=attachments) if attachments else NO_EXTRA,
        )
        return await self._live.outbox.accept(new, call)

    @command("message.get", level=Level.READ)
    async def get(self, id: str) -> Message:
        """Return one message.

        :param id: its id
        :raises unknown.message: if there is none
        """
        row = self._row(id)
        stored = await self._live.core.store.read(lambda reader: find_message(reader, row))
        if stored is None or stored.message.profile != self._live.name:
            raise CommandError("unknown.message", f"there is no message {id}")
        return stored.message

    @command("message.list", level=Level.READ)
    async def all(
        self,
        peer: JID,
        limit: _Limit = 50,
        before: str | None = None,
        after: str | None = None,
        since: datetime | None = None,
    ) -> list[Message]:
        """Return the last messages of a conversation, oldest first.

        Those from before the history are fetched from the archive of the server, or of the room,
        if it has one. With ``after`` or ``since`` it is the first messages from there on, of the
        history alone.

        :param peer: whose conversation
        :param limit: how many, at most 1000
        :param before: only those older than the message of this id
        :param after: only those newer than the message of this id
        :param since: only those from this time on
        """
        end = self._row(before) if before is not None else NO_END
        with_ = self._live.rooms.talk.conversation(peer)

        if after is not None or since is not None:
            start = self._row(after) if after is not None else 0
            if since is not None:
                start = max(start, row_at(since) - 1)
            return await self._live.core.store.read(
                lambda reader: page_from(reader, self._live.id, with_.full(), limit, start, end)
            )

        def read(reader: Reader) -> list[Message]:
            return page(reader, self._live.id, with_.full(), limit, end)

        found = await self._live.core.store.read(read)
        if len(found) < limit and self._live.online:
            await self._lookback.earlier(with_, limit - len(found))
            found = await self._live.core.store.read(read)
        return found

    @command("message.search", level=Level.READ)
    async def search(self, text: str, peer: JID | None = None, limit: _Limit = 20) -> list[Message]:
        """Find messages by the words in them, newest first.

        :param text: all words must be there; one that ends in ``*`` may go on
        :param peer: in the conversation with this contact alone
        :param limit: how many, at most 1000
        :raises usage.text: if there is no word in it
        """
        with_ = self._live.rooms.talk.conversation(peer).full() if peer is not None else None
        return await self._live.core.store.read(
            lambda reader: search(reader, self._live.id, text, with_, limit)
        )

    async def _until(self, message: Message, state: MessageState, timeout: float) -> Message:
        waiting = self._live.core.waiters.wait(message, state)
        # It may have come so far between its commit and now.
        present = await self.get(message.id)
        if not has_reached(present.state, state) and present.state is not MessageState.FAILED:
            waiting.addTimeout(timeout, self._live.core.reactor)
            try:
                present = await waiting
            except DeferTimeoutError:
                raise CommandError(
                    "timeout.message",
                    f"message {message.id} is not {state.value} after {timeout:g} s; it is stored "
                    "and goes on by itself",
                    {"id": message.id},
                ) from None
        else:
            waiting.addErrback(lambda _: None)
            waiting.cancel()
        if present.state is MessageState.FAILED:
            raise CommandError(
                "failed.message", present.error or "the message came back", {"id": message.id}
            )
        return present

    def _row(self, id_: str) -> int:
        row = row_of(id_)
        if row is None:
            raise CommandError("unknown.message", f"there is no message {id_}")
        return row


def check_text(text: str) -> None:
    """Refuse a text that can't be sent.

    :raises CommandError: ``usage.text``
    """
    if clean(text) != text:
        raise CommandError(
            "usage.text",
            "the text holds characters that XMPP can't carry (control characters, such as NUL): "
            "take them out, or send it as a file",
        )
    short = 4 * len(text) <= MAX_BODY  # whatever its characters are
    if not short and len(text.encode(errors="surrogatepass")) > MAX_BODY:
        raise CommandError(
            "usage.text",
            f"the text has more than {MAX_BODY} bytes, which servers refuse: send it as a file",
        )
