"""One frontend's session, the same over every transport.

A session says hello first; then it may call, and attach to the events
(:mod:`sat.bridge.subscription`). Calls run side by side; answers come as they are ready.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import msgspec

from sat.bridge.call import Call
from sat.bridge.command import CommandSpec, command, commands_of
from sat.bridge.dispatcher import Dispatcher, encode_result
from sat.bridge.errors import CommandError
from sat.bridge.grant import Grant
from sat.bridge.heartbeat import HEARTBEAT
from sat.bridge.log import EventLog, VolatileEvent
from sat.bridge.model import Level
from sat.bridge.secret import SecretText
from sat.bridge.subscription import Attach, Attaching, Resume, Spawn, Subscription, start_of
from sat.bridge.trace import Trace
from sat.bridge.wire import (
    API_VERSION,
    FEATURES,
    Attached,
    Doors,
    Hello,
    Line,
    Paired,
    Request,
    error_line,
    fault_of,
    read_request,
    result_line,
)

_MAX_RUNNING = 256
_MAX_DESCRIPTORS = 16
#: What may be done before hello.
_NOTHING = Grant(profiles={})

Entry = TypeVar("Entry")


class Session:
    """One frontend, from hello to the end of its line.

    :param grant: what it may do; None if it has to show who it is
    :param doors: let it in, where it has to
    :param trace: is told of its calls
    :param describe: returns what ``api.describe`` answers
    :param spawn: starts a coroutine and logs its failure
    """

    def __init__(
        self,
        line: Line,
        dispatcher: Dispatcher,
        log: EventLog,
        grant: Grant | None,
        describe: Callable[[], dict[str, object]],
        spawn: Spawn,
        doors: Doors | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.client = ""
        self.grant = grant
        self._doors = doors
        self._trace = trace
        self._line = line
        self._dispatcher = dispatcher
        self._log = log
        self._describe = describe
        self._spawn = spawn
        self._greeted = False
        self._open = True
        self._input_ended = False
        self._running = 0
        self._output_paused = self._answers_beats = False
        self._ending = False
        self._knocking = False
        self._subscription: Subscription | None = None
        self._descriptors: list[int] = []

    # ---- what the transport tells

    def descriptor_received(self, descriptor: int) -> None:
        """Own an open descriptor; the request that says ``descriptors: N`` takes the first N."""
        if len(self._descriptors) >= _MAX_DESCRIPTORS:
            os.close(descriptor)
        else:
            self._descriptors.append(descriptor)

    def line_received(self, line: bytes) -> None:
        """Take one request."""
        if self._ending:
            return
        try:
            request = read_request(line)
        except CommandError as error:
            # Whichever came with this line must not be taken for those of the next one.
            self._close_descriptors()
            self._answer_error(None, error)
            return
        if request is None:
            return
        call = Call(self.id, request.method, self.grant or _NOTHING)
        if request.descriptors:
            call.descriptors = self._descriptors[: request.descriptors]
            del self._descriptors[: request.descriptors]
        self._running += 1
        if self._running >= _MAX_RUNNING:
            self._line.pause_reading()
        self._spawn(self._serve(request, call), request.method)

    def line_too_long(self, limit: int) -> None:
        """Refuse a line over the limit, and end the session."""
        sentence = f"a line is at most {limit} bytes: send large data as a file or in pages"
        self._answer_error(None, CommandError("usage.line", sentence))
        self._line.close()

    def output_paused(self) -> None:
        """Write nothing for now: the frontend does not keep up."""
        self._output_paused = True
        self._line.pause_reading()
        if self._subscription is not None:
            self._subscription.pause()

    def output_resumed(self) -> None:
        """Go on: what was held back fits now."""
        self._output_paused = False
        if self._running < _MAX_RUNNING:
            self._line.resume_reading()
        if self._subscription is not None:
            self._subscription.resume()

    def beat(self) -> None:
        """Look whether the frontend is there, if it has said that it answers."""
        if self._answers_beats:
            self._line.beat()

    def input_ended(self) -> None:
        """End once every call is answered; who attached goes on getting events."""
        self._input_ended = True
        self._close_if_done()

    def closed(self) -> None:
        """Forget the frontend: its line is gone. Calls that run go on."""
        self._open = False
        if self._subscription is not None:
            self._subscription.end()
        self._close_descriptors()

    def drop(self) -> None:
        """End: whoever this is may not be here any more."""
        self._ending = True
        if self._subscription is not None:
            self._subscription.end()
        if self._open:
            self._line.close()

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    @property
    def _granted(self) -> Grant:
        return self.grant or _NOTHING

    # ---- what the log tells

    def volatile(self, event: VolatileEvent) -> None:
        """Send an event that is not in the log, if the frontend is attached and keeps up."""
        if self._subscription is not None:
            self._subscription.volatile(event)

    @property
    def keeps_up(self) -> bool:
        """Whether the frontend is attached, and reads what it is sent."""
        attached = self._subscription is not None and not self._subscription.ended
        return attached and not self._output_paused

    # ---- requests

    async def _serve(self, request: Request, call: Call) -> None:
        try:
            try:
                run, trace = self._run(request, call), self._trace
                if trace is not None and trace.watched:
                    run = trace.run(call, self.client, run, request.params)
                result = await run
            except CommandError as error:
                if request.id is not msgspec.UNSET:
                    self._answer_error(request.id, error)
            else:
                if request.id is not msgspec.UNSET and result is not None:
                    self._answer(request.id, result)
        except Exception:
            id_ = None if request.id is msgspec.UNSET else request.id
            self._answer_error(id_, fault_of(call.method))
            raise
        finally:
            call.close()
            self._running -= 1
            room = self._running == _MAX_RUNNING - 1 and not self._output_paused
            if room or self._knocking:
                self._knocking = False
                self._line.resume_reading()
            self._close_if_done()

    def _close_if_done(self) -> None:
        over = self._ending or (self._input_ended and self._subscription is None)
        if over and self._open and not self._running:
            self._line.close()

    def _run(self, request: Request, call: Call) -> Awaitable[bytes | None]:
        """Begin what gives the result as JSON, or None if the answer is written already."""
        own = OWN_CALLS.get(request.method)
        if not self._greeted and request.method not in ("session.hello", "session.pair"):
            raise CommandError("usage.hello", "say session.hello first, with the api you speak")
        run = self._dispatcher.run
        return run(call, request.params) if own is None else self._run_own(own, request)

    async def _run_own(self, own: CommandSpec, request: Request) -> bytes | None:
        arguments, _, _ = own.decode(request.params)
        result = await getattr(self, own.attribute)(**arguments)
        if isinstance(result, Attaching):
            self._begin(result, request.id)
            return None
        return encode_result(result)

    # ---- the session's own calls

    @command("session.hello", level=Level.READ, per_profile=False)
    async def hello(
        self,
        api: str,
        client: str = "",
        features: list[str] | None = None,
        token: SecretText | None = None,
    ) -> Hello:
        """Begin a session: nothing else is answered before.

        :param api: the version that the frontend speaks: ``1``
        :param client: its name and version, for the log
        :param features: what it can do beyond calls
        :param token: who it is, from another machine (``session.pair``)
        :raises usage.api: if the daemon speaks another version
        :raises denied.token: if the token is missing or not known
        """
        if api.partition(".")[0] != API_VERSION.partition(".")[0]:
            raise CommandError(
                "usage.api",
                f"this daemon speaks version {API_VERSION} of the API, not {api}: "
                "restart it if it was upgraded, else upgrade it",
            )
        if self.grant is None:
            shown = token or SecretText()
            self.grant = await self._let_in(lambda doors: doors.admit(shown.reveal()))
        self._greeted = True
        self.client = client
        self._answers_beats = HEARTBEAT in (features or ())
        return Hello(
            api=API_VERSION,
            features=FEATURES,
            session=self.id,
            level=self.grant.level,
            profiles=self.grant.profiles,
            epoch=self._log.epoch,
            head=self._log.head,
            oldest=self._log.oldest,
        )

    @command("session.pair", level=Level.READ, per_profile=False)
    async def pair(self, code: SecretText, name: str) -> Paired:
        """Get a token for the code that ``sat pair`` has shown, once; then say hello with it.

        :param code: the code
        :param name: what the person who looks through the tokens reads of this one
        :raises denied.code: if it is not, or no longer, a code
        :raises usage.pair: if the session needs none
        """
        if self.grant is not None:
            raise CommandError("usage.pair", "this session needs no token: say session.hello")
        token = await self._let_in(lambda doors: doors.pair(code.reveal(), name))
        return Paired(token=token)

    async def _let_in(self, ask: Callable[[Doors], Awaitable[Entry]]) -> Entry:
        """Ask whether it may come in; whoever may not has one try a session."""
        if self._doors is None:
            raise CommandError("denied.token", "nobody is let in here")
        # What follows counts on the answer; a second try would count as one with this.
        self._knocking = True
        self._line.pause_reading()
        try:
            return await ask(self._doors)
        except CommandError:
            self._ending = True
            raise

    @command("api.describe", level=Level.READ, per_profile=False)
    async def describe(self) -> msgspec.Raw:
        """Describe all calls, events and types that there are now."""
        return msgspec.Raw(encode_result(self._describe()))

    @command("state.attach", level=Level.READ, per_profile=False)
    async def attach(
        self,
        mode: Literal["state", "events"] = "state",
        scopes: frozenset[str] | None = None,
        profiles: frozenset[str] | None = None,
        types: frozenset[str] | None = None,
        resume: Resume | None = None,
        cursor: str | None = None,
        volatile: bool = True,
    ) -> Attached:
        """Be told of events, from a point that is exactly known.

        The answer says where they begin; each event's ``prev`` is the number of the one that this
        session was told before it. A second call takes the place of the first.

        :param mode: ``state``: a snapshot and what comes after it, or with ``resume`` what came
            since, if that is not too much; ``events``: never a snapshot
        :param scopes: the parts of the state that are wanted; all, if it is missing
        :param profiles: the profiles that are wanted; all, if it is missing
        :param types: the types of events that are wanted; all, if it is missing
        :param resume: the epoch, and the last number that was dealt with
        :param cursor: a name under which the daemon keeps how far a script has come (state.ack)
        :param volatile: whether to be told what is not in the log too: presence, progress
        :raises log.trimmed: in mode ``events``, if the log does not reach back so far
        """
        named = self._granted.cursor(cursor) if cursor is not None else None
        wanted = Attach(
            mode, scopes, self._granted.visible(profiles), types, resume, named, volatile
        )
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            for line in subscription.end():
                self._line.write(line)
        start = await start_of(wanted, self._log)
        state = b""
        told = "resumed"
        if start is None:
            told = "snapshot"
            start, state = await self._log.snapshot(scopes, wanted.profiles)
        elif mode == "events" and named is not None and await self._log.cursor(named) is None:
            # A script that ends before its first state.ack goes on here, and not later.
            await self._log.set_cursor(named, start)
        return Attaching(
            mode=told, epoch=self._log.epoch, seq=start, wanted=wanted, encoded_state=state
        )

    @command("state.ack", level=Level.READ, per_profile=False)
    async def ack(self, cursor: str, seq: int) -> None:
        """Let a named cursor stand at the last event that was dealt with.

        :param cursor: its name
        :param seq: the event's number
        :raises unknown.seq: if there is no such event
        """
        if not 0 <= seq <= self._log.head:
            raise CommandError("unknown.seq", f"the log has no event {seq}")
        await self._log.set_cursor(self._granted.cursor(cursor), seq)

    def _begin(self, attaching: Attaching, id_: int | str | msgspec.UnsetType | None) -> None:
        """Answer a call to attach, and tell events from there on: nothing comes between."""
        if not self._open:
            return
        if id_ is not msgspec.UNSET:
            self._answer(id_, *attaching.parts())
        self._subscription = Subscription(
            attaching.wanted, attaching.seq, self._log, self._line, self._spawn, self.id
        )
        self._subscription.begin(self._output_paused)

    # ---- answers

    def _answer(self, id_: int | str | None, *result: bytes) -> None:
        if self._open:
            self._write_in_turn(result_line(id_, *result))

    def _answer_error(self, id_: int | str | None, error: CommandError) -> None:
        if self._open:
            self._write_in_turn(error_line(id_, error))

    def _write_in_turn(self, line: bytes) -> None:
        if self._subscription is not None and not self._subscription.ended:
            self._subscription.answer(line)
        else:
            self._line.write(line)


#: The calls that every session answers itself, by name.
OWN_CALLS = {spec.name: spec for spec in commands_of(Session)}
