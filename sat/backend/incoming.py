"""The way of a received message: through the stages, into the history, to the frontends."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Generator
from typing import TYPE_CHECKING

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sat.backend.adding import Archived, NewMessage, add_message
from sat.backend.arrival import Arrival
from sat.backend.history import NO_EXTRA, Extra
from sat.backend.pep import of_contact, personal
from sat.backend.tasks import spawn
from sat.backend.transaction import Transaction
from sat.bridge.model import Attachment, Direction, Message, MessageState, MessageType
from sat.plugin import Incoming, Stage
from sat.xmpp.archive import Result
from sat.xmpp.namespaces import NS_OOB
from sat.xmpp.stanza import JID, Element
from sat.xmpp.stanza import Message as MessageStanza

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile


#: Yields what has to be waited for; an error of it is thrown back in.
Steps = Generator[Awaitable[None], None, None]

_log = Logger("sat.incoming")
_TYPES = {one.value: one for one in MessageType}
_BEFORE_STORE = tuple(stage for stage in Stage if stage < Stage.STORE)
_STORE = (Stage.STORE,)
_NOTIFY = (Stage.NOTIFY,)
#: What lies in an archive is wrapped in nothing that a stranger could not have made.
_OUT_OF_ARCHIVE = tuple(stage for stage in _BEFORE_STORE if stage is not Stage.UNWRAP)
#: Reading from the network stops while so many messages wait for the disk.
_HIGH_WATER = 2000
_LOW_WATER = 500


class _Waiting(msgspec.Struct):
    """A message that waits for its turn, from the stream or from an archive; or somebody's wish."""

    element: Element | None
    arrival: Arrival | None
    owner: JID | None = None
    result: Result | None = None
    place: Archived | None = None
    over: Deferred[None] | None = None

    @property
    def is_news(self) -> bool:
        return self.place is None or self.place.news


class Inbox:
    """Processes the messages of one profile, one after another."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._waiting: deque[_Waiting] = deque()
        self._running = False
        self._unstored = 0
        self._held = False

    def received(self, element: Element, arrival: Arrival) -> None:
        """Take a message stanza."""
        self._waiting.append(_Waiting(element, arrival))
        if not self._running:
            self._drain()

    def from_archive(self, owner: JID, results: list[Result], place: Archived) -> None:
        """Take messages of an archive, in its order.

        :param owner: whose archive it is
        """
        for result in results:
            self._waiting.append(_Waiting(result.message, None, owner, result, place))
        if not self._running:
            self._drain()

    def processed(self) -> Deferred[None]:
        """Return a Deferred that fires when all taken so far is processed, and to be stored."""
        over: Deferred[None] = Deferred()
        self._waiting.append(_Waiting(None, None, over=over))
        if not self._running:
            self._drain()
        return over

    def _drain(self) -> None:
        """Process what waits, as far as no handler has to wait for something itself."""
        self._running = True
        while self._waiting:
            one = self._waiting.popleft()
            if one.over is not None:
                one.over.callback(None)
                continue
            steps = self._process(one)
            try:
                # A coroutine for each message would be a third of the cost of receiving it.
                waiting = next(steps, None)
            except Exception:
                self._give_up(one.arrival)
                continue
            if waiting is not None:
                spawn(self._go_on(waiting, steps, one.arrival), "processing a message")
                return
        self._running = False

    async def _go_on(self, waiting: Awaitable[None], steps: Steps, arrival: Arrival | None) -> None:
        """Finish a message of which a handler has to wait; those behind it keep their order."""
        try:
            await _finish(waiting, steps)
        except Exception:
            self._give_up(arrival)
        self._drain()

    def _give_up(self, arrival: Arrival | None) -> None:
        # One message that nobody foresaw must not stop all that follow.
        _log.failure("a message could not be processed; it is left out")
        self._handled(arrival)

    def _handled(self, arrival: Arrival | None) -> None:
        if arrival is not None:
            self._live.handled(arrival)

    def _process(self, one: _Waiting) -> Steps:
        """Take a message through its stages; yields what has to be waited for."""
        assert one.element is not None
        live, arrival = self._live, one.arrival
        stanza = MessageStanza.from_element(one.element)
        stages = _BEFORE_STORE
        if one.result is not None:
            found = self._archived(one, stanza)
            if found is None:
                return
            incoming, stages = found, _OUT_OF_ARCHIVE
        else:
            peer = live.rooms.talk.peer_of(stanza, stanza.from_ or live.jid)
            incoming = Incoming(stanza=stanza, peer=peer)
            if stanza.type == "error" and arrival is not None:
                yield from self._bounced(incoming, arrival)
                return
        yield from live.plugins.message(stages, incoming)
        if incoming.dropped:
            _log.debug("message dropped: {reason}", reason=incoming.dropped)
            self._handled(arrival)
            return
        if live.plugins.concerned(_STORE, incoming.stanza):
            yield from live.plugins.message(_STORE, incoming)
        # What was unwrapped or decrypted meanwhile has taken the place of what came.
        stanza = incoming.stanza
        if one.is_news and live.rooms.talk.takes(incoming, arrival):
            return
        if incoming.archive_id is None:
            incoming.archive_id = self._archive_id(stanza)
        url = _oob_url(stanza)
        if stanza.body or url is not None:
            self._store(incoming, one, url)
        else:
            event = personal(live, incoming)
            if event is not None:
                live.plugins.published(event)
            told = of_contact(live, incoming)
            if told is not None:
                live.plugins.published_by(*told)
            if one.is_news:
                yield from live.plugins.message(_NOTIFY, incoming)
            self._handled(arrival)

    def _archived(self, one: _Waiting, stanza: MessageStanza) -> Incoming | None:
        """Return a message of an archive as it is to be taken; None if it is none of ours."""
        assert one.result is not None
        own = self._live.jid
        sender, recipient = stanza.from_ or own, stanza.to or own
        if one.owner is not None and one.owner != own:
            # A room's archive holds what was said in it, and can't tell of anything else.
            if stanza.type != "groupchat" or sender.bare != one.owner or not sender.resource:
                return None
            return Incoming(stanza=stanza, peer=one.owner, archived=True, archive_id=one.result.id)
        sent = sender.userhostJID() == own
        if not sent and recipient.userhostJID() != own:
            return None
        if stanza.type in ("error", "groupchat"):
            return None  # what is said in a room is in the room's own archive
        return Incoming(
            stanza=stanza,
            peer=self._live.rooms.talk.peer_of(stanza, recipient if sent else sender),
            direction=Direction.OUT if sent else Direction.IN,
            archived=True,
            archive_id=one.result.id,
        )

    def _archive_id(self, stanza: MessageStanza) -> str | None:
        """Return the id that our own archive gave; anyone else's is worth nothing (XEP-0359 §6)."""
        own = self._live.jid
        for id_, by in stanza.stanza_ids:
            if by == own:
                return id_
        return None

    def _store(self, incoming: Incoming, one: _Waiting, url: str | None) -> None:
        """Have a message stored; all that one turn of the reactor brings is stored at once.

        :param url: of the file that it points to
        """
        live, arrival = self._live, one.arrival
        new = self._new_message(incoming, one, url)
        without_gap = not live.archive.holding.is_holding
        talk = live.rooms.talk
        author = talk.author(incoming) if new.type is MessageType.GROUPCHAT else None

        def add(tx: Transaction) -> Message | None:
            if arrival is not None and without_gap:
                live.note_handled(tx, arrival)
            return add_message(tx, new) if author is None else talk.keep(tx, new, author)

        self._unstored += 1
        if self._unstored >= _HIGH_WATER and not self._held:
            self._held = True
            live.pause("too much at once")

        def stored(message: Message | None) -> None:
            self._unstored -= 1
            if self._held and self._unstored <= _LOW_WATER:
                self._held = False
                live.resume("too much at once")
            if arrival is not None:
                live.handled(arrival)
            if (
                message is not None
                and one.is_news
                and live.plugins.concerned(_NOTIFY, incoming.stanza)
            ):
                incoming.stored = message
                self._notify(incoming)

        live.core.journal.add(add, stored)

    def _notify(self, incoming: Incoming) -> None:
        steps = self._live.plugins.message(_NOTIFY, incoming)
        waiting = next(steps, None)
        if waiting is not None:
            spawn(_finish(waiting, steps), "telling of a message")

    def _bounced(self, incoming: Incoming, arrival: Arrival) -> Steps:
        stanza = incoming.stanza
        self._live.rooms.talk.bounced(incoming)
        if stanza.id is not None and stanza.error is not None:
            peer = incoming.peer.full()
            yield self._live.outbox.bounced(peer, stanza.id, stanza.error, arrival)
        self._live.handled(arrival)

    def _new_message(self, incoming: Incoming, one: _Waiting, url: str | None) -> NewMessage:
        stanza = incoming.stanza
        now = self._live.core.now()
        stamp = self._trusted_delay(stanza) if stanza.delay is not None else None
        if one.result is not None:
            stamp = one.result.stamp.timestamp() if one.result.stamp is not None else now
        received = incoming.direction is Direction.IN
        attachments = incoming.attachments or ((Attachment(url=url),) if url else ())
        return NewMessage(
            profile=self._live.name,
            profile_id=self._live.id,
            peer=incoming.peer.full(),
            type=_TYPES[stanza.type],
            direction=incoming.direction,
            sender=(stanza.from_ or self._live.jid).full(),
            recipient=(stanza.to or self._live.jid).full(),
            body=stanza.body or url or "",
            state=MessageState.RECEIVED if received else MessageState.ACKNOWLEDGED,
            ts=int(min(stamp, now) * 1000) if stamp is not None else int(now * 1000),
            subject=stanza.subject,
            thread=stanza.thread,
            stanza_id=stanza.id,
            origin_id=stanza.origin_id,
            archive_id=incoming.archive_id,
            extra=Extra(
                attachments=attachments,
                delayed=stamp is not None,
                markable=incoming.markable,
            )
            if attachments or stamp is not None or incoming.markable
            else NO_EXTRA,
            copied=incoming.copied,
            archived=one.place,
        )

    def _trusted_delay(self, stanza: MessageStanza) -> float | None:
        """Return when a message was sent, in seconds since 1970, if our server says so.

        Anyone can write a stamp; the account's own server is the one to be believed (XEP-0203 §4).
        """
        if stanza.type == "groupchat":
            return self._live.rooms.talk.said_at(stanza)
        said_by = stanza.delay_from
        if stanza.delay is None or said_by is None or said_by.host != self._live.jid.host:
            return None
        if said_by.user and said_by.userhostJID() != self._live.jid:
            return None  # another user of our server is not the server
        return stanza.delay.timestamp()


def _oob_url(stanza: MessageStanza) -> str | None:
    """Return the file that a message points to (XEP-0066, section 3), if it is a web address."""
    oob = stanza.child("x", NS_OOB)
    url = oob.child("url", NS_OOB) if oob is not None else None
    text = url.text.strip() if url is not None else ""
    return text if text.startswith(("https://", "http://")) else None


async def _finish(waiting: Awaitable[None], steps: Steps) -> None:
    while True:
        try:
            await waiting
        except Exception as error:
            following = _throw(steps, error)
        else:
            following = next(steps, None)
        if following is None:
            return
        waiting = following


def _throw(steps: Steps, error: Exception) -> Awaitable[None] | None:
    try:
        return steps.throw(error)
    except StopIteration:
        return None
