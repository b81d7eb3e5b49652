"""One room, as a machine of few states: :data:`TABLE`, at the end, says all that can happen.

It knows no profile and no database; time and chance are given to it, so that a test can let years
of rejoining pass in no time.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.internet.defer import Deferred

from sat.backend.rooms.asked import Asked
from sat.backend.rooms.refusals import Why, after_leaving, after_refusal
from sat.backend.rooms.states import Around, Event, State
from sat.backend.rooms.watch import Watch
from sat.backend.tasks import spawn
from sat.xmpp import muc
from sat.xmpp.muc import OccupantPresence
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.stanza import JID, Iq, NotConnected, Presence, StanzaError

#: Seconds in which a room lets us in, or doesn't.
JOIN_TIMEOUT = 30.0
#: Seconds after which the discussion of before is taken to be over where no subject ends it.
HISTORY_TIMEOUT = 10.0
#: Whoever was in for so many seconds had joined for good: the next delays begin anew.
_SETTLED, _MAX_DELAY, _MAX_NICKS = 60.0, 600.0, 5
#: Occupants kept of one room; what a hostile one makes up beyond is left out.
MAX_OCCUPANTS = 20_000


class Room:
    """One room.

    :param jid: bare
    :param nick: what we want to be called
    """

    def __init__(self, jid: JID, nick: str, around: Around, clock: Clock, random: Random) -> None:
        self.jid = jid
        self.state = State.LEFT
        self.why = Why()
        #: What we are called there, and what we want to be called.
        self.nick = nick
        self.wanted_nick = nick
        self.password: str | None = None
        self.subject = ""
        #: What the room can do (XEP-0030), once it let us in.
        self.features: frozenset[str] = frozenset()
        #: What the room calls us under every nick (XEP-0421).
        self.occupant_id: str | None = None
        self.occupants: dict[str, OccupantPresence] = {}
        #: Whether all that comes from now on is said now.
        self.is_caught_up = False
        self._around = around
        self._clock = clock
        self._random = random
        self.watch = Watch(clock, random, self._ping, self._lost)
        self._timer: Timer | None = None
        self._attempt = 0
        self._tries = 0
        self._nicks = 0
        self._entered_at = 0.0
        self._subject_came = False
        #: Whether we shall ask to be let in as soon as we may, and haven't yet.
        self._beginning = False
        self._settling: list[Deferred[None]] = []
        #: Who waits for a new ``nick`` or ``subject``.
        self.asked = Asked()

    # ---- what others ask

    @property
    def joined(self) -> bool:
        """Whether we are in."""
        return self.state is State.JOINED

    @property
    def present(self) -> bool:
        """Whether what the room sends concerns us: we are in, or about to be."""
        return self.state in (State.JOINED, State.JOINING, State.UNLOCKING)

    @property
    def wanted(self) -> bool:
        """Whether the person wants to be in, be it possible now or not."""
        return self.state not in (State.LEFT, State.REMOVED)

    def settled(self) -> Deferred[None]:
        """Return a Deferred that fires when we are in, or know why not."""
        done: Deferred[None] = Deferred()
        self._settling.append(done)
        self._tell_settled()
        return done

    def happen(self, event: Event, why: Why | None = None) -> None:
        """Let something happen; what means nothing in the present state changes nothing."""
        step = TABLE.get((self.state, event))
        if step is None:
            return
        before = (self.state, self.why, self.nick)
        self.state, actions = step
        if why is not None:
            self.why = why
        for action in actions:
            action(self)
        if before != (self.state, self.why, self.nick):
            self._around.changed(self)
        self._tell_settled()

    # ---- what the room sends

    def received(self, stanza: Presence) -> None:
        """Take a presence that came from the room."""
        if not self.present:
            return
        self.watch.heard()
        if stanza.type == "error":
            self._refused(stanza)
            return
        told = muc.read_presence(stanza)
        if told is None:
            return
        own = muc.SELF in told.codes or told.nick == self.nick
        if told.here:
            self._came(told, own)
        else:
            self._went(told, own)

    def set_subject(self, subject: str) -> None:
        """Take the room's subject: it comes after what was said before we joined (§7.2.15)."""
        self._subject_came = True
        if self.state is State.JOINED:
            self._catch_up()
        if subject != self.subject:
            self.subject = subject
            self._around.changed(self)
        self.asked.grant("subject")

    def subject_refused(self, error: StanzaError) -> None:
        """Take note that the room doesn't let us change its subject."""
        self.asked.fail("subject", error)

    def _came(self, told: OccupantPresence, own: bool) -> None:
        if told.nick in self.occupants or len(self.occupants) < MAX_OCCUPANTS or own:
            self.occupants[told.nick] = told
            self._around.occupant(self, told)
        if not own:
            return
        self.occupant_id = told.occupant_id if muc.NS_OCCUPANT_ID in self.features else None
        renamed = told.nick != self.nick
        if renamed:
            # A room may call us otherwise than we asked for (code 210).
            self.nick = told.nick
        if self.state is State.JOINED:
            if renamed:
                self._around.changed(self)
            self.asked.grant("nick")
            return
        is_new = muc.CREATED in told.codes
        self.happen(Event.CREATED if is_new else Event.ENTERED)

    def _went(self, told: OccupantPresence, own: bool) -> None:
        if self.occupants.pop(told.nick, None) is not None:
            self._around.occupant(self, told)
        if not own:
            return
        if muc.RENAMED in told.codes and told.new_nick:
            self.nick = self.wanted_nick = told.new_nick
            self._around.changed(self)
            self.asked.grant("nick")
            return
        if self.state is State.JOINING:
            return  # of the time before we asked to be let in
        event, why = after_leaving(self.jid, told)
        self.happen(Event[event], why)
        if told.destroyed and told.venue is not None:
            self._around.moved(self, told.venue)

    def _refused(self, stanza: Presence) -> None:
        condition = muc.error_of(stanza)
        if self.state is State.JOINED:
            if "nick" in self.asked:
                self.asked.fail("nick", stanza.error or StanzaError(condition))
            else:
                self.watch.doubt()
            return
        event, why = after_refusal(self.jid, condition, stanza.error)
        self.happen(Event[event], why)

    # ---- actions of the table

    def _ask_to_join(self) -> None:
        self._nicks = 0
        self._beginning = False
        self.nick = self.wanted_nick
        self.why = Why()
        self._ask_again()

    def _ask_again(self) -> None:
        self._attempt += 1
        self._subject_came = False
        self.is_caught_up = False
        self._forget_occupants()
        self._set_timer(JOIN_TIMEOUT, self._too_late)
        spawn(self._join(self._attempt), "joining a room")

    async def _join(self, attempt: int) -> None:
        try:
            prepared = await self._around.prepare(self)
        except NotConnected:
            return  # told by the end of the stream
        if attempt != self._attempt or self.state is not State.JOINING:
            return
        if prepared.features is not None:
            self.features = prepared.features
        since = None if prepared.archived else prepared.since
        try:
            presence = muc.join(
                self.jid,
                self.nick,
                password=self.password,
                since=since,
                most=0 if prepared.archived else None if since is not None else 50,
            )
        except ValueError:
            why = Why("room.nick", f"{self.nick!r} can't be a nick in an address")
            self.happen(Event.REFUSED, why)
            return
        self._around.send(presence, joining=True)

    def _next_nick(self) -> None:
        self._nicks += 1
        if self._nicks >= _MAX_NICKS:
            sentence = f"{self.jid.full()}: {self.wanted_nick} and similar nicks are taken there"
            self.happen(Event.REFUSED, Why("room.nick", f"{sentence}: join with another one"))
            return
        self.nick = f"{self.wanted_nick}{'_' * self._nicks}"
        self._ask_again()

    def _unlock(self) -> None:
        self._stop_timers()
        spawn(self._open(self._attempt), "opening a new room")

    async def _open(self, attempt: int) -> None:
        try:
            await self._around.request(muc.unlock(self.jid), JOIN_TIMEOUT)
            prepared = await self._around.prepare(self)
        except NotConnected:
            return
        except (StanzaError, TimeoutError) as error:
            if attempt == self._attempt:
                sentence = f"{self.jid.full()} is new, and could not be opened: {error}"
                self.happen(Event.REFUSED, Why("room.locked", sentence))
            return
        if attempt == self._attempt:
            self.features = prepared.features or self.features
            self.happen(Event.UNLOCKED)

    def _enter(self) -> None:
        self._stop_timers()
        self._entered_at = self._clock.seconds()
        self.why = Why()
        if self.nick != self.wanted_nick:
            taken = f"{self.wanted_nick} is taken in {self.jid.full()}: you are {self.nick} there"
            self.why = Why("room.nick", taken)
        self.watch.start()
        if self._subject_came:
            self._catch_up()
        else:
            self._set_timer(HISTORY_TIMEOUT, self._catch_up)

    def _catch_up(self) -> None:
        if not self.is_caught_up:
            self._stop_timer()
            self.is_caught_up = True
            self._around.caught_up(self)

    def _retry_later(self) -> None:
        if self._entered_at and self._clock.seconds() - self._entered_at > _SETTLED:
            self._tries = 0
        self._entered_at = 0.0
        delay = min(_MAX_DELAY, 2.0**self._tries) * (0.5 + self._random.random() / 2)
        self._tries = min(self._tries + 1, 20)
        self._set_timer(delay, lambda: self.happen(Event.RETRY))

    def _forget(self) -> None:
        """Let go of what was true of being in."""
        self._attempt += 1
        self._beginning = False
        self._stop_timers()
        self.is_caught_up = False
        self._forget_occupants()
        gone = StanzaError("recipient-unavailable", text="we are not in the room any more")
        self.asked.fail_all(gone)

    def _say_goodbye(self) -> None:
        goodbye = Presence(type="unavailable", to=self.jid.with_resource(self.nick))
        self._around.send(goodbye, joining=False)

    def _start_anew(self) -> None:
        self._tries = 0
        self._beginning = True
        self.why = Why()

    # ---- time

    def _too_late(self) -> None:
        sentence = f"{self.jid.full()} does not answer; it is tried again"
        self.happen(Event.DELAYED, Why("room.timeout", sentence))

    async def _ping(self, timeout: float) -> Iq:
        return await self._around.request(muc.self_ping(self.jid, self.nick), timeout)

    def _lost(self) -> None:
        sentence = f"{self.jid.full()} had lost us; joining again"
        self.happen(Event.LOST, Why("room.lost", sentence))

    def _set_timer(self, delay: float, work: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self._clock.callLater(delay, work)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _stop_timers(self) -> None:
        self._stop_timer()
        self.watch.stop()

    def _forget_occupants(self) -> None:
        gone, self.occupants = self.occupants, {}
        for nick in gone:
            self._around.occupant(self, OccupantPresence(nick, here=False, show="unavailable"))

    def _tell_settled(self) -> None:
        if not self._beginning and self.state not in (State.JOINING, State.UNLOCKING):
            settling, self._settling = self._settling, []
            for done in settling:
                done.callback(None)


_Action = Callable[[Room], None]
_out = (Room._forget,)
_bye = (Room._say_goodbye, Room._forget)
_later = (Room._forget, Room._retry_later)

#: What follows on what: the next state, and what is done on the way.
TABLE: dict[tuple[State, Event], tuple[State, tuple[_Action, ...]]] = {
    (State.LEFT, Event.WANTED): (State.WAITING, (Room._start_anew,)),
    (State.REFUSED, Event.WANTED): (State.WAITING, (Room._start_anew,)),
    (State.REMOVED, Event.WANTED): (State.WAITING, (Room._start_anew,)),
    (State.WAITING, Event.WANTED): (State.WAITING, (Room._start_anew,)),
    (State.WAITING, Event.ONLINE): (State.JOINING, (Room._ask_to_join,)),
    (State.WAITING, Event.RETRY): (State.JOINING, (Room._ask_to_join,)),
    (State.WAITING, Event.OFFLINE): (State.WAITING, _out),
    (State.WAITING, Event.UNWANTED): (State.LEFT, _out),
    # A refusal may have been taken back by the next connection; who was put out waits to be asked.
    (State.REFUSED, Event.ONLINE): (State.JOINING, (Room._ask_to_join,)),
    (State.REFUSED, Event.UNWANTED): (State.LEFT, _out),
    (State.REMOVED, Event.UNWANTED): (State.LEFT, _out),
    (State.JOINING, Event.ENTERED): (State.JOINED, (Room._enter,)),
    (State.JOINING, Event.CREATED): (State.UNLOCKING, (Room._unlock,)),
    (State.JOINING, Event.CONFLICT): (State.JOINING, (Room._next_nick,)),
    (State.JOINING, Event.REFUSED): (State.REFUSED, _out),
    (State.JOINING, Event.REMOVED): (State.REMOVED, _out),
    (State.JOINING, Event.DELAYED): (State.WAITING, _later),
    (State.JOINING, Event.OFFLINE): (State.WAITING, _out),
    (State.JOINING, Event.UNWANTED): (State.LEFT, _bye),
    (State.UNLOCKING, Event.UNLOCKED): (State.JOINED, (Room._enter,)),
    (State.UNLOCKING, Event.REFUSED): (State.REFUSED, _bye),
    (State.UNLOCKING, Event.REMOVED): (State.REMOVED, _out),
    (State.UNLOCKING, Event.LOST): (State.WAITING, _later),
    (State.UNLOCKING, Event.OFFLINE): (State.WAITING, _out),
    (State.UNLOCKING, Event.UNWANTED): (State.LEFT, _bye),
    (State.JOINED, Event.LOST): (State.WAITING, _later),
    (State.JOINED, Event.REFUSED): (State.REFUSED, _out),
    (State.JOINED, Event.REMOVED): (State.REMOVED, _out),
    (State.JOINED, Event.OFFLINE): (State.WAITING, _out),
    (State.JOINED, Event.UNWANTED): (State.LEFT, _bye),
}
