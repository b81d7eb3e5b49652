"""One frontend's hold on the daemon: attached, or waiting for it, and saying which."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

import msgspec

from sat.bridge.client import Received
from sat.bridge.errors import CommandError
from sat.bridge.events import Event
from sat.bridge.model import Conversation
from sat.frontends.core.model import Model
from sat.frontends.core.observers import enter
from sat.frontends.core.reach import Reach, Session
from sat.frontends.core.state import State
from sat.frontends.core.texts import _

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

#: Seconds until the next try, after each that failed; the last one counts from then on.
DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
#: Seconds that a call may take.
TIMEOUT = 60.0
#: After so many seconds without a sign of life the daemon is asked for one, and has as many again.
SILENCE = 20.0
#: Seconds for which a change waits for a daemon that is away.
PATIENCE = 120.0
#: Seconds after which what has not ended yet is told once more to end.
_AGAIN = 0.1
#: A snapshot has so many conversations of a profile; where it is full, there may be more.
_IN_SNAPSHOT = 50


class Link(msgspec.Struct, frozen=True):
    """How a frontend's line to the daemon is.

    ``sentence`` says why it is lost, and ``retry_at`` when the next try begins.
    """

    phase: Literal["connecting", "attached", "lost", "closed"]
    sentence: str = ""
    retry_at: datetime | None = None
    error: str = ""


class Attachment:
    """Keeps one session with the daemon, and ``model`` in step with it, until :meth:`close`.

    Begin it with :meth:`begin`. A daemon that isn't there is started at the first try, and where
    the person asks to :meth:`try_now`; else it is waited for: who has stopped it, meant it.

    :param reach: how the daemon is reached
    :param delays: seconds until the next try, after each that failed
    :param silence: seconds without a sign of life after which the daemon is asked for one
    :param patience: seconds for which a change waits for a daemon that is away
    :param timeout: seconds that attaching may take
    """

    def __init__(
        self,
        reach: Reach,
        *,
        delays: tuple[float, ...] = DELAYS,
        silence: float = SILENCE,
        patience: float = PATIENCE,
        timeout: float = TIMEOUT,
    ) -> None:
        self.model = Model()
        self.link = Link("connecting")
        self._reach = reach
        self._delays = delays
        self._silence = silence
        self._patience = patience
        self._timeout = timeout
        self._session: Session | None = None
        self._place: tuple[str, int] | None = None
        self._observers: list[Callable[[Link], None]] = []
        self._wanted = asyncio.Event()
        self._attached = asyncio.Event()
        self._may_start = True
        self._active = True
        self._heard = 0.0
        self._task: asyncio.Task[None] | None = None
        self._side: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> State:
        """All that is known now."""
        return self.model.state

    @property
    def is_attached(self) -> bool:
        """Whether calls can be made now."""
        return self.link.phase == "attached"

    @property
    def level(self) -> str:
        """What this session may do: ``read``, ``send``, ``files`` or ``admin``; empty if away."""
        return "" if self._session is None else self._session.hello.level

    @property
    def passes_files(self) -> bool:
        """Whether open files can be passed to the daemon: it runs on this machine."""
        return self._session is not None and self._session.is_local

    def observe_link(self, observer: Callable[[Link], None]) -> Callable[[], None]:
        """Tell somebody of each change of :attr:`link`; return what ends that."""
        return enter(self._observers, observer)

    def begin(self) -> None:
        """Attach, and stay so, from now on."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def attached(self) -> None:
        """Return once attached; at once if it is so."""
        await self._attached.wait()

    def try_now(self) -> None:
        """Try to reach the daemon now, and start it if it isn't there."""
        self._may_start = True
        self._wanted.set()

    async def close(self) -> None:
        """Detach, without a trace; what the daemon was asked to do goes on."""
        left = {one for one in (self._task, *self._side) if one is not None}
        self._task = None
        while left:
            # Until Python 3.12, wait_for forgets a cancellation where what it waits for is done.
            for task in left:
                task.cancel()
            _done, left = await asyncio.wait(left, timeout=_AGAIN)
        self._tell(Link("closed"))

    # ---- calls

    async def call(
        self,
        method: str,
        result_type: type[_Result],
        /,
        *,
        within: float | None = TIMEOUT,
        descriptors: Sequence[int] = (),
        **params: object,
    ) -> _Result:
        """Call a method and return its result as the type that the contract has for it.

        Parameters that are None are left out.

        :param within: seconds that it may take; None for as long as it does
        :param descriptors: open files that go along, where ``passes_files``; they stay open here
        :raises CommandError: what the daemon refuses or fails with; ``daemon.lost`` if there is
            none now; ``timeout.answer``
        """
        return await self._call(method, result_type, params, within, descriptors)

    async def change(
        self,
        method: str,
        result_type: type[_Result],
        /,
        *,
        within: float | None = TIMEOUT,
        **params: object,
    ) -> _Result:
        """Call a method that changes something: it is done once, though a session is lost over it.

        While the daemon is away the call waits for it, for a while.

        :raises CommandError: as :meth:`call`
        """
        import uuid

        txn = str(uuid.uuid4())
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience
        while True:
            try:
                return await self._call(method, result_type, {**params, "txn": txn}, within)
            except CommandError as error:
                if error.name.partition(".")[0] != "daemon" and error.name != "log.trimmed":
                    raise
                lost = error
            # The session is told to be lost only after the calls in it.
            await asyncio.sleep(0)
            try:
                await asyncio.wait_for(self._attached.wait(), max(0.0, end - loop.time()))
            except TimeoutError:
                raise lost from None

    async def _call(
        self,
        method: str,
        result_type: type[_Result],
        params: dict[str, object],
        within: float | None,
        descriptors: Sequence[int] = (),
    ) -> _Result:
        session = self._session
        if session is None or not self.is_attached:
            told = self.link.sentence or _("The daemon is not reached yet.")
            raise CommandError("daemon.lost", told)
        given = {name: value for name, value in params.items() if value is not None}
        try:
            calling = (
                session.call_with_files(descriptors, method, result_type, **given)
                if descriptors
                else session.call(method, result_type, **given)
            )
            result = await asyncio.wait_for(calling, within)
        except TimeoutError:
            told = _(
                "The daemon did not answer {method} within {seconds} seconds; what was asked for "
                "may still be done."
            )
            told = told.format(method=method, seconds=f"{within:g}")
            raise CommandError("timeout.answer", told) from None
        self._heard = asyncio.get_running_loop().time()
        return result

    async def set_active(self, active: bool) -> None:
        """Say whether the person is in front of this frontend (see ``state.active``)."""
        if active == self._active:
            return
        self._active = active
        if self.is_attached:
            await self.call("state.active", type(None), active=active)

    # ---- the session

    async def _run(self) -> None:
        failed = 0
        while True:
            self._wanted.clear()
            start, self._may_start = self._may_start, False
            self._tell(Link("connecting", self.link.sentence if failed else ""))
            try:
                session = await self._reach.open(start=start)
                try:
                    await self._serve(session)
                finally:
                    self._session = None
                    self._attached.clear()
                    await session.close()
            except CommandError as error:
                reason = error
            except OSError as error:
                told = _("The line to the daemon broke: {reason}.")
                told = told.format(reason=error.strerror or error)
                reason = CommandError("daemon.gone", told)
            except Exception as error:
                # The frontend goes on, and tells what a person can report.
                _log.exception("The session with the daemon failed")
                told = _("The session failed ({error}).")
                told = told.format(error=f"{type(error).__name__}: {error}")
                reason = CommandError("failed.session", told)
            else:
                reason = CommandError("daemon.gone", _("The daemon ended the session."))
            if self.link.phase == "attached":
                failed = 0
            delay = self._delays[min(failed, len(self._delays) - 1)]
            failed += 1
            when = datetime.now(UTC) + timedelta(seconds=delay)
            self._tell(Link("lost", reason.sentence, when, reason.name))
            try:
                await asyncio.wait_for(self._wanted.wait(), delay)
            except TimeoutError:
                continue

    async def _serve(self, session: Session) -> None:
        """Attach in a session, and take what it tells, until it ends.

        :raises CommandError: how it ended
        """
        place = self._place
        try:
            attached = await asyncio.wait_for(session.attach("state", resume=place), self._timeout)
        except TimeoutError:
            told = _("The daemon has not told within {seconds} seconds what there is.")
            told = told.format(seconds=f"{self._timeout:g}")
            raise CommandError("timeout.attach", told) from None
        if attached.mode == "resumed":
            self.model.resume()
        else:
            self.model.load(bytes(attached.state))
        self._place = (attached.epoch, attached.seq)
        self._session = session
        self._heard = asyncio.get_running_loop().time()
        self._tell(Link("attached"))
        self._attached.set()
        if attached.mode != "resumed":
            self._beside(self._complete)
        if not self._active:
            self._beside(self._say_away)
        silent: list[CommandError] = []
        watch = asyncio.get_running_loop().create_task(self._watch(session, silent))
        try:
            async for batch in session.batches():
                self._take(batch)
                # A storm leaves room for keys and the screen.
                await asyncio.sleep(0)
        finally:
            watch.cancel()
            await asyncio.wait([watch])
        if silent:
            raise silent[0]

    def _take(self, batch: list[Received]) -> None:
        assert self._place is not None
        self._heard = asyncio.get_running_loop().time()
        epoch, seq = self._place
        told: list[tuple[Event, int | None]] = []
        for received in batch:
            if received.seq is not None:
                if received.prev is not None and received.prev != seq:
                    self.model.take(told)
                    self._place = (epoch, seq)
                    raise CommandError("daemon.gap", _("Events are missing: they come again."))
                seq = received.seq
            told.append((received.event, received.seq))
        self._place = (epoch, seq)
        self.model.take(told)

    async def _watch(self, session: Session, silent: list[CommandError]) -> None:
        """See to it that the daemon is there: one that is gone without a word never says so.

        :param silent: gets the reason before the session is ended for it
        """
        loop = asyncio.get_running_loop()
        while True:
            quiet = loop.time() - self._heard
            if quiet < self._silence:
                await asyncio.sleep(self._silence - quiet)
                continue
            asking = session.call("state.active", type(None), active=self._active)
            try:
                await asyncio.wait_for(asking, self._silence)
            except TimeoutError:
                told = _("The daemon has said nothing for {seconds} seconds.")
                told = told.format(seconds=f"{2 * self._silence:g}")
                silent.append(CommandError("daemon.silent", told))
                await session.close()
                return
            except CommandError as error:
                # A refusal is a sign of life as well.
                if error.name.partition(".")[0] == "daemon":
                    return
            self._heard = loop.time()

    async def _complete(self) -> None:
        """Fetch the conversations that the snapshot has left out."""
        known = self.state.conversations
        for profile in self.state.profiles:
            if sum(1 for key in known if key[0] == profile) >= _IN_SNAPSHOT:
                found = await self.call("conversation.list", list[Conversation], profile=profile)
                self.model.put(found)

    async def _say_away(self) -> None:
        await self.call("state.active", type(None), active=False)

    def _beside(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except CommandError as error:
                _log.info("%s", error.sentence)

        task = asyncio.get_running_loop().create_task(guarded())
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    def _tell(self, link: Link) -> None:
        self.link = link
        for observer in (*self._observers,):
            try:
                observer(link)
            except Exception:
                # The session goes on, whatever is drawn of it.
                _log.exception("An observer of the link failed")
