"""Sending: a message is stored before it is written, and kept in view until the server has it.

The order in which messages were accepted is the order in which they are written. Each is numbered
in the database before it is written (XEP-0198). What a session left unacknowledged is looked for in
the archive; what is not there is sent again with the same id, and marked ``maybe_duplicate`` where
no archive could tell. What follows in those conversations waits for that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sat.backend import sessions
from sat.backend.adding import NewMessage, add_message
from sat.backend.arrival import Arrival
from sat.backend.commits import Change
from sat.backend.delivery import (
    acknowledge,
    came_back,
    count_attempt,
    find_sent,
    forget_numbers,
    give_up,
    not_displayed,
    number_message,
    pending_messages,
    sent_messages,
    sent_up_to,
)
from sat.backend.history import (
    NO_END,
    advance_message,
    change_message,
    row_of,
)
from sat.backend.outgoing import to_xml
from sat.backend.tasks import spawn
from sat.backend.transaction import Transaction
from sat.backend.waiters import has_reached
from sat.bridge.call import Call
from sat.bridge.model import Message, MessageState, MessageType
from sat.xmpp.account import Features
from sat.xmpp.management import Place
from sat.xmpp.stanza import Element, Iq, NotConnected, StanzaError, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

T = TypeVar("T")

NS_PING = "urn:xmpp:ping"

_log = Logger("sat.outbox")
#: So many messages in flight are remembered; those beyond are read again when acknowledged.
_REMEMBERED = 1000


class Outbox:
    """The messages of one profile that the server may not have yet."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._journal = live.core.journal
        self._open = False
        self._turn = 0  # how many streams are over
        self._acknowledges = False
        self._written = 0
        self._probing = False
        #: Conversations with a message of which nobody knows whether the server has it.
        self._doubtful: set[str] = set()
        # What this session carries, by number; the last number that is not among them (an earlier
        # process may have any); and how many are about to be stored that are numbered in turn.
        self._in_flight: deque[tuple[int, Message]] = deque()
        self._forgotten = NO_END
        self._held = 0

    async def accept(self, new: NewMessage, call: Call | None) -> Message:
        """Store a message and write it as soon as its turn comes; returns it as stored.

        :raises CommandError: if it can't be stored
        """
        place = self._reserve(new)
        if place is not None:
            new.number, new.state = place.number, MessageState.SENT
        else:
            self._held += 1

        def add(tx: Transaction) -> Message:
            added = add_message(tx, new)
            assert added is not None, "a new origin id is in no conversation"
            return added

        def stored(message: Message) -> None:
            if place is not None:
                self._carry(place, message)
                return
            self._held -= 1
            if self._open and message.peer not in self._doubtful:
                self._write(message)

        def failed(_: None) -> None:
            if place is not None:
                place.leave()
            else:
                self._held -= 1

        return await self._journal.commit(add, call=call, before_events=stored, failed=failed)

    def _reserve(self, new: NewMessage) -> Place | None:
        """Return the place of a message that can be written as soon as it is stored, if it can.

        So it is numbered in the transaction that stores it. What others must be written before, or
        may have to wait for a room, is numbered by itself when its turn comes.
        """
        if not self._open or self._held or new.peer in self._doubtful:
            return None
        if self._live.rooms.find(parse_jid(new.recipient)) is not None:
            return None
        try:
            place = self._live.reserve()
        except NotConnected:
            return None
        self._written = place.number
        return place

    def _carry(self, place: Place, sent: Message) -> None:
        """Write a message, which is stored as sent, in its place; then it is told of."""
        try:
            stanza = to_xml(self._live, sent)
        except Exception:
            _log.failure("message {id} can't be written", id=sent.id)
            self._give_up(sent, place.number)
            place.leave()
            return
        self._remember(place.number, sent)
        place.fill(stanza)
        self._after_write()

    def _remember(self, number: int, sent: Message) -> None:
        # What goes to a room is acknowledged by the room.
        if sent.type is MessageType.GROUPCHAT:
            return
        if len(self._in_flight) < _REMEMBERED:
            self._in_flight.append((number, sent))
        else:
            self._forgotten = number

    def _give_up(self, sent: Message, number: int) -> None:
        self._commit(lambda tx: give_up(tx, sent, number), "giving a message up")

    def session_started(self, features: Features, ended_by_error: bool) -> None:
        """Take a new session: of what was sent in the last one, no more is learnt by numbers.

        :param ended_by_error: whether the server ended the last one because of what we sent
        """
        self._written = self._forgotten = 0
        profile, jid, resumption = self._live.id, features.jid.full(), features.resumption

        def begin(tx: Transaction) -> None:
            for stored in sent_messages(tx, profile) if ended_by_error else ():
                count_attempt(tx, stored)
            # Together: who goes on with this session after a crash must find no other's numbers.
            forget_numbers(tx, profile)
            sessions.start(tx, profile, jid, resumption)

        # What the last session still had to commit is delivered before this.
        self._commit(begin, "noting a session", lambda _: self._in_flight.clear())

    def session_restored(self, acknowledged: int) -> None:
        """Take the session of an earlier process: all behind a number never reached the server."""

        def restore(tx: Transaction) -> None:
            exact = sessions.is_exact(tx, self._live.id)
            for stored in sent_messages(tx, self._live.id):
                if stored.number is None:
                    continue  # of a session before that
                if stored.number <= acknowledged:
                    acknowledge(tx, stored)
                else:
                    extra = stored.extra
                    if not exact:
                        extra = msgspec.structs.replace(extra, maybe_duplicate=True)
                    change_message(tx, stored, state=MessageState.PENDING, extra=extra)

        self._commit(restore, "taking up a session")
        self._forgotten = 0

    def begin(self, acknowledges: bool) -> None:
        """Write what waits, but for the conversations that are in doubt: see :meth:`resolve`.

        :param acknowledges: whether the server acknowledges stanzas (XEP-0198)
        """
        self._acknowledges = acknowledges

        def load(tx: Transaction) -> tuple[set[str], list[Message]]:
            doubtful = {
                stored.message.peer
                for stored in sent_messages(tx, self._live.id)
                if stored.number is None
            }
            pending = pending_messages(tx, self._live.id)
            return doubtful, [one.message for one in pending if one.message.peer not in doubtful]

        turn = self._turn

        def loaded(found: tuple[set[str], list[Message]]) -> None:
            if self._turn != turn:
                return  # what was found for a stream that is over
            # From here on what is added is written at once; what was added before is in the list.
            self._doubtful, waiting = found
            self._open = self._live.online
            for message in waiting:
                self._write(message)

        self._commit(load, "loading the outbox", loaded)

    def resolve(self, archived: Callable[[str], bool]) -> None:
        """Send again what the last session left in doubt: it isn't in the archive.

        :param archived: tells whether what was sent to a peer would be there if the server had it;
            if not, it is marked as what may arrive twice
        """
        rooms = self._live.rooms.archives

        def resolve(tx: Transaction) -> list[Message]:
            doubtful = set()
            for stored in sent_messages(tx, self._live.id):
                if stored.number is None:
                    doubtful.add(stored.message.peer)
                    extra = stored.extra
                    # What is said in a room is in the room's archive, not in ours.
                    in_room = stored.message.type is MessageType.GROUPCHAT
                    known = rooms.tells if in_room else archived
                    if not known(stored.message.peer):
                        extra = msgspec.structs.replace(extra, maybe_duplicate=True)
                    change_message(tx, stored, state=MessageState.PENDING, extra=extra)
            waiting = pending_messages(tx, self._live.id)
            held = doubtful | self._doubtful
            return [stored.message for stored in waiting if stored.message.peer in held]

        def resolved(waiting: list[Message]) -> None:
            self._doubtful = set()
            if self._open:
                for message in waiting:
                    self._write(message)

        self._commit(resolve, "sending again", resolved)

    @property
    def doubtful(self) -> bool:
        """Whether it has to be found out what the server has."""
        return bool(self._doubtful)

    def release(
        self, find: Callable[[Transaction], list[Message]], released: Callable[[], None]
    ) -> None:
        """Write messages that had been held back.

        :param find: returns them, in order
        :param released: is called in the moment from which on nothing is to be held back
        """

        def found(waiting: list[Message]) -> None:
            released()
            for message in waiting if self._open else ():
                if message.peer not in self._doubtful:
                    self._write(message)

        self._commit(find, "releasing messages", found)

    def end(self) -> None:
        """Hold back what comes: the stream is gone."""
        self._open = False
        self._turn += 1

    def acknowledged(self, count: int) -> Deferred[None]:
        """Note that the server has every stanza of this session up to a number."""
        known = []
        while self._in_flight and self._in_flight[0][0] <= count:
            known.append(self._in_flight.popleft())
        forgotten = self._forgotten > 0
        if self._forgotten <= count:
            self._forgotten = 0

        def mark(tx: Transaction) -> None:
            look = forgotten
            for number, one in known:
                done = advance_message(tx, one, number, MessageState.ACKNOWLEDGED, number)
                look = look or done is None
            for stored in sent_up_to(tx, self._live.id, count) if look else ():
                acknowledge(tx, stored)

        return self._journal.commit(mark, wait=True, soon=True)

    async def mark(self, peer: str, stanza_id: str, state: MessageState) -> bool:
        """Move the state of a message sent to a peer forward, never back.

        With one that is displayed, those sent before it are (XEP-0333, section 4.2).

        :returns: whether there is such a message
        """

        def move(tx: Transaction) -> bool:
            stored = find_sent(tx, self._live.id, peer, stanza_id)
            if stored is None:
                return False
            if not has_reached(stored.message.state, state):
                change_message(tx, stored, state=state)
                if state is MessageState.DISPLAYED:
                    for earlier in not_displayed(tx, self._live.id, stored):
                        change_message(tx, earlier, state=state)
            return True

        return await self._journal.commit(move, wait=True)

    async def bounced(
        self, peer: str, stanza_id: str, error: StanzaError, arrival: Arrival
    ) -> None:
        """Note that a message came back with an error."""
        reason = error.text or error.condition.replace("-", " ")

        def fail(tx: Transaction) -> None:
            self._live.note_handled(tx, arrival)
            came_back(tx, self._live.id, peer, stanza_id, reason)

        await self._journal.commit(fail, wait=True)

    def _commit(
        self, change: Change[T], what: str, before_events: Callable[[T], None] | None = None
    ) -> None:
        done = self._journal.commit(change, wait=True, before_events=before_events)
        done.addErrback(lambda failure: _log.failure("{what} failed", failure=failure, what=what))

    def _write(self, message: Message) -> None:
        row = row_of(message.id)
        assert row is not None
        if self._live.rooms.talk.holds(message):
            return

        def number_it(number: int) -> Deferred[bool]:
            def marked(sent: Message | None) -> None:
                if sent is not None:
                    self._remember(number, sent)

            self._written = number
            change = partial(number_message, message=message, row=row, number=number)
            done = self._journal.commit(change, wait=True, before_events=marked)
            # Whoever wrote it before has made it more than pending: nobody writes it twice.
            return done.addCallback(lambda sent: sent is not None)

        def not_written(failure: Failure) -> None:
            if not isinstance(failure.value, NotConnected):
                _log.failure("writing a message failed", failure=failure)

        done = self._live.write(to_xml(self._live, message), number_it)
        done.addCallbacks(lambda _: self._after_write(), not_written)

    def _after_write(self) -> None:
        if not self._acknowledges and not self._probing:
            self._probing = True
            spawn(self._probe(), "asking the server for a sign of life")

    async def _probe(self) -> None:
        """Learn from a ping that a server without XEP-0198 has all that was written before it.

        It handles the stanzas of a stream in order (RFC 6120, section 10.1).
        """
        try:
            while self._live.online:
                written = self._written
                ping = Element((NS_PING, "ping"))
                try:
                    await self._live.request(
                        Iq(type="get", to=parse_jid(self._live.jid.host), extensions=[ping]), 30.0
                    )
                except (NotConnected, TimeoutError):
                    return
                except StanzaError:
                    pass  # an answer, whatever it says
                await self.acknowledged(written)
                if written == self._written:
                    return
        finally:
            self._probing = False
