"""XEP-0191: Blocking Command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from sat.bridge.model import Model
from sat.plugin import (
    JID,
    CommandError,
    Direction,
    Element,
    Event,
    Incoming,
    Iq,
    Level,
    Plugin,
    Stage,
    StanzaError,
    command,
    iq_set,
    message_stage,
    parse_jid,
)

NS_BLOCKING = "urn:xmpp:blocking"
#: More than anybody blocks by hand; what a server lists beyond is left to the server.
_MAX_BLOCKED = 20_000


class Blocked(Model, frozen=True, kw_only=True):
    """The addresses that a profile blocks, in order."""

    profile: str
    jids: tuple[str, ...] = ()


class BlockingChanged(Event, frozen=True):
    """An address was blocked, or is no more; its data names all that are."""

    type: ClassVar[str] = "blocking.changed"
    scope: ClassVar[str] = "blocking"
    volatile: ClassVar[bool] = True
    data: Blocked

    @property
    def key(self) -> str:
        """A profile's list replaces its earlier one."""
        return f"{self.type} {self.data.profile}"


class Blocking(Plugin):
    """Have nothing to do with some people: neither hear from them nor be seen by them."""

    name = "blocking"
    events = (BlockingChanged,)

    def load(self) -> None:
        """Begin with nobody blocked."""
        self._jids: dict[str, JID] = {}

    def connected(self) -> None:
        """Ask whom the account blocks (XEP-0191, section 3.2): from then on changes are told."""
        self.host.spawn(self._fetch(), "asking whom the account blocks")

    def unload(self) -> None:
        """Leave it to the server again."""
        self.host.block(())

    async def _fetch(self) -> None:
        try:
            answer = await self.request(Iq(type="get", extensions=[_element("blocklist")]))
        except (StanzaError, TimeoutError):
            return  # this server can't block; what was known stays so
        self._jids = {jid.full(): jid for jid in _items(answer.payload)}
        await self._changed()

    # ---- from the server

    @iq_set(NS_BLOCKING, "block")
    async def blocked(self, request: Iq) -> None:
        """Take note of what another program of the person blocked (XEP-0191, section 3.3).

        :raises StanzaError: to anyone but the own account
        """
        self._check(request)
        for jid in _items(request.payload):
            if len(self._jids) < _MAX_BLOCKED:
                self._jids[jid.full()] = jid
        await self._changed()

    @iq_set(NS_BLOCKING, "unblock")
    async def unblocked(self, request: Iq) -> None:
        """Take note of whom another program unblocked; no item means everybody (section 3.5).

        :raises StanzaError: to anyone but the own account
        """
        self._check(request)
        if request.payload is None or request.payload.firstChildElement() is None:
            self._jids.clear()
        for jid in _items(request.payload):
            self._jids.pop(jid.full(), None)
        await self._changed()

    def _check(self, request: Iq) -> None:
        if request.from_ is not None and request.from_ != self.jid:
            raise StanzaError("service-unavailable")

    @message_stage(Stage.VALIDATE)
    def leave_out(self, incoming: Incoming) -> None:
        """Drop what a server lets through; the archive, which is older, stays whole."""
        self._drop_blocked(incoming)

    @message_stage(Stage.DECRYPT)
    def leave_out_copies(self, incoming: Incoming) -> None:
        """Drop what another program got from them: known once it is unwrapped."""
        if incoming.copied:
            self._drop_blocked(incoming)

    def _drop_blocked(self, incoming: Incoming) -> None:
        sender = incoming.stanza.from_
        received = incoming.direction is Direction.IN and not incoming.archived
        if received and sender is not None and self.host.blocks(sender):
            incoming.drop("its sender is blocked")

    # ---- calls

    @command("blocking.list", level=Level.READ)
    async def all(self) -> list[str]:
        """Return the addresses that are blocked, in order; as of the last time online."""
        return sorted(self._jids)

    @command("blocking.block", level=Level.SEND)
    async def block(self, jid: JID) -> list[str]:
        """Block an address: no stanza passes between it and any program of the account.

        :param jid: a person's bare JID, one client's full JID, or a whole server
        :raises usage.jid: if it is the account itself
        :raises failed.blocking: if the server can't block
        """
        if jid.userhost() == self.jid.userhost() or jid.full() == self.jid.host:
            raise CommandError(
                "usage.jid", f"{jid.full()} is this account or its server: it can't be blocked"
            )
        await self._set("block", jid)
        self._jids[jid.full()] = jid
        await self._changed()
        return sorted(self._jids)

    @command("blocking.unblock", level=Level.SEND)
    async def unblock(self, jid: JID) -> list[str]:
        """Unblock an address.

        :param jid: as it stands in the list
        :raises unknown.jid: if it is not blocked
        :raises failed.blocking: if the server can't block
        """
        if jid.full() not in self._jids:
            raise CommandError("unknown.jid", f"{jid.full()} is not blocked")
        await self._set("unblock", jid)
        self._jids.pop(jid.full(), None)
        await self._changed()
        return sorted(self._jids)

    async def _set(self, name: str, jid: JID) -> None:
        change = _element(name)
        change.add("item", jid=jid.full())
        try:
            await self.request(Iq(type="set", extensions=[change]))
        except StanzaError as error:
            if error.condition in ("service-unavailable", "feature-not-implemented"):
                raise CommandError(
                    "failed.blocking", "the server can't block anybody (XEP-0191)"
                ) from error
            raise

    async def _changed(self) -> None:
        self.host.block(self._jids.values())
        told = Blocked(profile=self.profile, jids=tuple(sorted(self._jids)))
        await self.host.emit(BlockingChanged(told))


def _element(name: str) -> Element:
    return Element((NS_BLOCKING, name))


def _items(payload: Element | None) -> Iterable[JID]:
    """Read the addresses of a list; what is none is left out."""
    found = []
    for item in payload.elements(NS_BLOCKING, "item") if payload is not None else ():
        try:
            found.append(parse_jid(item.get("jid") or ""))
        except ValueError:
            continue
    return found[:_MAX_BLOCKED]
