"""A session between two streams: kept, asked for, or given up (XEP-0198, section 5)."""

from __future__ import annotations

from sat.xmpp.account import Features, Listener, Resumable
from sat.xmpp.errors import Fault
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.resolve import Target, read_target
from sat.xmpp.session import Session
from sat.xmpp.stream import Stream

#: Seconds that a session is kept for, where the server doesn't say how long it keeps it.
KEPT = 600.0
#: So many times in a row a login that goes on with a session may fail.
MAX_FAILURES = 3


class Keeper:
    """Holds the session of one connection while there is no stream.

    :param listener: is told when the session is suspended, and when it ends
    :param previous: what an earlier process left
    """

    def __init__(self, listener: Listener, clock: Clock, previous: Resumable | None) -> None:
        self._listener = listener
        self._clock = clock
        self._previous = previous
        self._session: Session | None = None
        self._timer: Timer | None = None
        self._failures = 0
        self._place_tried = False

    def wanted(self) -> Resumable | None:
        """Return the session that the next login should ask for."""
        return self._session.resumable() if self._session is not None else self._previous

    def place(self, direct_tls: bool) -> Target | None:
        """Return where the server wants to be asked for it: once, for it may be unreachable."""
        wanted = self.wanted()
        if wanted is None or wanted.location is None or self._place_tried:
            return None
        self._place_tried = True
        return read_target(wanted.location, direct_tls)

    def failed(self) -> None:
        """Note that a login failed; a session at which the server fails again is given up."""
        if self.wanted() is None:
            return
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            self.give_up()

    def resume(self, stream: Stream, features: Features, asked: Resumable | None) -> Session | None:
        """Return the session that goes on with a stream; None if a new one begins.

        :param asked: what the login asked for
        :raises Fault: if the server's count can't be right
        """
        session, self._session = self._session, None
        self._forget()
        if session is None:
            return None
        if asked is not None and features.resumed is not None:
            try:
                session.resume_on(stream, asked.handled, features.resumed)
            except Fault as fault:
                stream.end(fault)
                self._end(session)
                raise
            return session
        if features.refused is not None:
            session.acknowledge(features.refused)
        self._end(session)
        return None

    def leave(self, session: Session, fault: Fault, keep: bool) -> None:
        """Take a session whose stream has ended; it ends as well if it can't go on.

        :param keep: whether there will be another stream
        """
        resumption = session.features.resumption
        # A stream error ends the session as well (XEP-0198, section 5), and what may have been
        # its cause must not be sent again unseen.
        broke_off = fault.reason.startswith(("network.", "timeout."))
        if not keep or not broke_off or resumption is None or session.resumable() is None:
            self._end(session)
            return
        session.suspend()
        self._session = session
        seconds = KEPT if resumption.seconds is None else resumption.seconds
        self._timer = self._clock.callLater(seconds, self.give_up)
        self._listener.session_suspended()

    def give_up(self) -> None:
        """End what is kept, and ask for nothing."""
        session, self._session = self._session, None
        self._forget()
        if session is not None:
            self._end(session)

    def _forget(self) -> None:
        self._previous = None
        self._failures = 0
        self._place_tried = False
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _end(self, session: Session) -> None:
        session.end()
        self._listener.session_ended()
