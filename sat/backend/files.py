"""Sending and fetching files: the calls ``file.*`` and ``transfer.*``.

A frontend passes an open descriptor; from then on a transfer is the daemon's, whether or not the
frontend stays. How the file travels is the plugins' affair (:func:`sat.plugin.file_method`).
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert as upsert
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore

from sat.backend import schema
from sat.backend.http import Http
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.backend.tasks import spawn, start
from sat.backend.transaction import Transaction
from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import TransferChanged, TransferProgressed
from sat.bridge.model import (
    Attachment,
    Direction,
    Level,
    Progress,
    Transfer,
    TransferState,
)
from sat.plugin import FileSource
from sat.xmpp.reactor import Clock, Timer
from sat.xmpp.stanza import JID, NotConnected, StanzaError, clean

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_table = schema.transfer
_setting = upsert(_table)
_SET = Prepared(
    _setting.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "state": _setting.excluded.state,
            "data": _setting.excluded.data,
            "rev": _setting.excluded.rev,
        },
    )
)
_ALL = Prepared(
    select(_table.c.data)
    .where(_table.c.profile_id == bindparam("profile_id"))
    .order_by(_table.c.rev)
)
_UNFINISHED = Prepared(
    select(_table.c.data).where(
        _table.c.profile_id == bindparam("profile_id"),
        (_table.c.state == "waiting") | (_table.c.state == "running"),
    )
)
_MAX_NAME = 255
#: Progress is told at most so often, in seconds.
_INTERVAL = 0.2
#: Bytes of a file that are fetched at most, unless the frontend says otherwise.
_MOST = 100_000_000
#: Files that a profile fetches at a time; others wait.
_AT_A_TIME = 4


class Files:
    """The transfers of one profile."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._running: dict[str, Deferred[None]] = {}
        self._fetching: set[Deferred[Attachment]] = set()
        self._turns = DeferredSemaphore(_AT_A_TIME)
        #: Those which are to end: what carries one may call that a failure of its own.
        self._stopped: set[str] = set()

    @command("file.send", level=Level.FILES)
    async def send(
        self,
        call: Call,
        to: JID,
        name: str,
        size: Annotated[int, msgspec.Meta(ge=0)],
        media_type: str | None = None,
        blob: str | None = None,
    ) -> Transfer:
        """Send a file whose open descriptor comes along with the call; returns at once.

        ``transfer.changed`` tells how it ends. The daemon goes on when the frontend is gone.

        :param to: whom
        :param name: the file's own name, without a folder
        :param size: in bytes
        :param media_type: such as ``image/png``
        :param blob: the blob that holds the file, of a frontend that can pass none along
        :raises offline.profile: if the profile is not online
        :raises usage.descriptor: if no open file came along
        :raises unknown.blob: if there is no such blob
        :raises usage.file: if the name or the size can't be the file's
        """
        descriptor = self._live.core.blobs.descriptor(call, blob)
        try:
            self._live.require_online()
            _check_file(descriptor, name, size)
            transfer = Transfer(
                id=uuid.uuid4().hex[:12],
                profile=self._live.name,
                peer=self._live.rooms.talk.conversation(to).full(),
                direction=Direction.OUT,
                name=name,
                size=size,
                media_type=media_type,
                ts=datetime.fromtimestamp(self._live.core.now(), UTC),
            )
            stored = await self._change(transfer, call)
        except BaseException:
            os.close(descriptor)
            raise
        task = spawn(self._run(stored, to, descriptor), f"sending {name}")
        self._running[stored.id] = task
        task.addBoth(lambda _: self._running.pop(stored.id, None) and None)
        return stored

    @command("file.fetch", level=Level.FILES)
    async def fetch(
        self,
        call: Call,
        id: str,
        number: Annotated[int, msgspec.Meta(ge=0)] = 0,
        limit: Annotated[int, msgspec.Meta(ge=1)] = _MOST,
        blob: str | None = None,
    ) -> Attachment:
        """Fetch a file that a message points to, into the open file that comes along.

        Nothing is fetched before somebody asks: whoever gave the address sees who fetches it.
        It goes where the profile's uploads go, through its proxy if it has one, by https alone.

        :param id: the message's
        :param number: which of its attachments, from 0 on
        :param limit: how many bytes are taken at most
        :param blob: write it to this blob, to be read from there
        :returns: the attachment, with the size that it has, and the type that the server names
        :raises usage.descriptor: if no open file came along
        :raises usage.file: if that is no regular file
        :raises unknown.blob: if there is no such blob
        :raises unknown.message: if there is no such message
        :raises unknown.file: if the message points to no such file
        :raises denied.link: if its address is not https
        :raises failed.size: if it is larger than that
        :raises failed.storage: if there is no room for it
        :raises failed.http: if it can't be fetched
        """
        descriptor = self._live.core.blobs.share(call, blob)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CommandError("usage.file", "a file is fetched into a regular file alone")
            fetching = start(self._fetch(id, number, descriptor, limit))
            self._fetching.add(fetching)
            try:
                return await fetching
            finally:
                self._fetching.discard(fetching)
        finally:
            os.close(descriptor)

    async def _fetch(self, id: str, number: int, descriptor: int, limit: int) -> Attachment:
        message = await self._live.messages.get(id)
        if number >= len(message.attachments):
            raise CommandError("unknown.file", "the message points to no such file")
        attachment = message.attachments[number]
        live = self._live
        http = Http(live.core.reactor, live.ca, live.trust.proxy)
        await self._turns.acquire()
        try:
            found = await http.get(attachment.url, descriptor, limit)
        finally:
            self._turns.release()
        media_type = found.media_type or attachment.media_type
        return msgspec.structs.replace(attachment, size=found.size, media_type=media_type)

    @command("transfer.list", level=Level.READ)
    async def all(self) -> list[Transfer]:
        """Return all transfers, in the order of their last change."""
        return await self._live.core.store.read(
            lambda reader: transfers(reader, self._live.id, unfinished=False)
        )

    @command("transfer.cancel", level=Level.FILES)
    async def cancel(self, id: str) -> None:
        """Stop a transfer.

        :param id: the transfer's
        :raises unknown.transfer: if there is none under way with that id
        """
        task = self._running.get(id)
        if task is None:
            raise CommandError("unknown.transfer", f"no transfer {id} is under way")
        self._stopped.add(id)
        task.cancel()

    async def stop(self) -> None:
        """Stop every transfer, and return when all are written down."""
        self.give_up()
        for id, task in list(self._running.items()):
            self._stopped.add(id)
            task.cancel()
            await task

    def give_up(self) -> None:
        """Fetch nothing more of what is being fetched."""
        for fetching in list(self._fetching):
            fetching.cancel()

    async def close_unfinished(self) -> None:
        """Let what the last run of the daemon left unfinished be failed: nobody carries it on."""
        sentence = "the daemon ended during the transfer: send the file again"

        def fail(tx: Transaction) -> None:
            for row in tx.all(_UNFINISHED, profile_id=self._live.id):
                transfer = msgspec.json.decode(row[0], type=Transfer)
                _write(tx, self._live.id, transfer, state=TransferState.FAILED, sentence=sentence)

        await self._live.core.journal.commit(fail, wait=True)

    async def _run(self, transfer: Transfer, to: JID, descriptor: int) -> None:
        try:
            await self._carry(transfer, to, descriptor)
        except CancelledError:
            await self._change(transfer, state=TransferState.CANCELLED, sentence="it was stopped")
        except CommandError as error:
            await self._change(transfer, state=TransferState.FAILED, sentence=error.sentence)
        except Exception:
            sentence = "it failed by a fault of the daemon; its log (sat logs) tells more"
            await self._change(transfer, state=TransferState.FAILED, sentence=sentence)
            raise
        finally:
            self._stopped.discard(transfer.id)
            os.close(descriptor)

    async def _carry(self, transfer: Transfer, to: JID, descriptor: int) -> None:
        """Try one way after another; tell how it ended."""
        source = FileSource(descriptor, transfer.name, transfer.size, transfer.media_type)
        methods = self._live.plugins.file_methods()
        reasons = []
        for name, method in methods:
            running = await self._change(transfer, state=TransferState.RUNNING, method=name)
            os.lseek(descriptor, 0, os.SEEK_SET)
            try:
                url = await self._tried(method, to, source, running)
            except CommandError as error:
                reasons.append(error.sentence)
            except (StanzaError, NotConnected, TimeoutError) as error:
                reasons.append(f"{name}: {error}")
            else:
                if url:
                    attachment = Attachment(
                        url=url,
                        name=transfer.name,
                        size=transfer.size,
                        media_type=transfer.media_type,
                    )
                    await self._live.messages.add(None, to, url, attachments=(attachment,))
                await self._change(
                    running, state=TransferState.DONE, done=transfer.size, url=url or None
                )
                return
        reason = "; ".join(reasons) or "no plugin that can send files is loaded"
        raise CommandError("failed.transfer", f"{transfer.name} could not be sent: {reason}")

    async def _tried(
        self,
        method: Callable[..., Awaitable[str]],
        to: JID,
        source: FileSource,
        transfer: Transfer,
    ) -> str:
        """Send a file by one way, and tell how far it is meanwhile; return what the way does."""
        core = self._live.core

        def tell(done: int) -> None:
            progress = Progress(
                id=transfer.id, profile=transfer.profile, done=done, size=transfer.size
            )
            core.hub.tell(transfer.profile, TransferProgressed(progress), keep=done < transfer.size)

        pace = Pace(cast(Clock, core.reactor), tell, transfer.size)
        try:
            return await method(to, source, pace.moved)
        except Exception as error:
            if transfer.id in self._stopped:
                raise CancelledError from error
            raise
        finally:
            pace.stop()

    async def _change(
        self, transfer: Transfer, call: Call | None = None, **fields: object
    ) -> Transfer:
        return await self._live.core.journal.commit(
            lambda tx: _write(tx, self._live.id, transfer, **fields),
            call=call,
            wait=call is None,
        )


class Pace:
    """Tells how far a transfer is: at most each 0.2 s, and what was last, also where it stops.

    :param clock: when that is
    :param tell: is told how many bytes have gone
    :param size: how many that will be; they are told at once
    """

    def __init__(self, clock: Clock, tell: Callable[[int], None], size: int) -> None:
        self._clock, self._tell, self._size = clock, tell, size
        self._told_at = -_INTERVAL
        self._done = 0
        self._due: Timer | None = None

    def moved(self, done: int) -> None:
        """Take note of how many bytes have gone."""
        self._done = done
        wait = self._told_at + _INTERVAL - self._clock.seconds()
        if wait <= 0 or done >= self._size:
            self._now()
        elif self._due is None:
            self._due = self._clock.callLater(wait, self._now)

    def stop(self) -> None:
        """Tell no more."""
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None

    def _now(self) -> None:
        self.stop()
        self._told_at = self._clock.seconds()
        self._tell(self._done)


def transfers(reader: Reader, profile_id: int, unfinished: bool = True) -> list[Transfer]:
    """Read the transfers of a profile, in the order of their last change."""
    statement = _UNFINISHED if unfinished else _ALL
    rows = reader.all(statement, profile_id=profile_id)
    return [msgspec.json.decode(row[0], type=Transfer) for row in rows]


def _write(tx: Transaction, profile_id: int, transfer: Transfer, **fields: object) -> Transfer:
    changed = msgspec.structs.replace(transfer, rev=tx.rev, **fields)
    tx.run(
        _SET,
        id=changed.id,
        profile_id=profile_id,
        state=changed.state.value,
        data=msgspec.json.encode(changed),
        rev=tx.rev,
    )
    tx.emit(changed.profile, TransferChanged(changed))
    return changed


def _check_file(descriptor: int, name: str, size: int) -> None:
    """Refuse what isn't a regular file of that size, or a name that would lead elsewhere."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise CommandError("usage.file", f"{name} is not a regular file")
    if status.st_size != size:
        raise CommandError(
            "usage.file", f"{name} has {status.st_size} bytes, not {size}: it is being changed"
        )
    bad = "/" in name or "\\" in name or name in ("", ".", "..") or clean(name) != name
    if bad or len(name.encode(errors="surrogatepass")) > _MAX_NAME:
        raise CommandError("usage.file", f"{name!r} can't be a file's name: rename it, or link it")
