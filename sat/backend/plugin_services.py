"""What one plugin of one profile may use: :class:`sat.plugin.Host`, which tells what for."""

# ruff: noqa: D102 - the protocol's own words count

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall

from sat.backend import pep
from sat.backend.http import Http
from sat.backend.tasks import start
from sat.backend.transaction import Transaction
from sat.bridge.events import Event
from sat.bridge.model import Form, MessageState
from sat.plugin import (
    JID,
    DiscoInfo,
    Element,
    Iq,
    Message,
    NotConnected,
    Plugin,
    Presence,
)

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile


class PluginServices:
    """What one plugin of one profile may use: :class:`sat.plugin.Host`."""

    def __init__(self, live: LiveProfile, kind: type[Plugin]) -> None:
        self._live = live
        self._kind = kind
        self._tasks: set[Deferred[None]] = set()
        self._timers: set[IDelayedCall] = set()
        self.nodes: set[str] = set()
        self.profile = live.name

    @property
    def jid(self) -> JID:
        return self._live.jid

    @property
    def online(self) -> bool:
        return self._live.online

    @property
    def watched(self) -> bool:
        return self._live.core.hub.attention.is_on(self.profile)

    def offers(self, namespace: str) -> bool:
        return self._live.plugins.offers(namespace)

    @property
    def bound_jid(self) -> JID:
        return self._live.bound_jid

    def send(self, stanza: Message | Presence | Iq) -> None:
        if not self._live.online:
            raise NotConnected(f"the profile {self.profile} is not connected")
        if stanza.to is not None and self._live.presences.visibility.blocks(stanza.to):
            return
        self._live.write(stanza.to_element()).addErrback(lambda _: None)

    def send_nonza(self, element: Element) -> None:
        if not self._live.online:
            raise NotConnected(f"the profile {self.profile} is not connected")
        self._live.write(element).addErrback(lambda _: None)

    async def request(self, iq: Iq, timeout: float) -> Iq:
        return await self._live.request(iq, timeout)

    def required(self, name: str) -> Plugin:
        if name not in self._kind.requires:
            raise RuntimeError(f"{self._kind.name} does not declare that it requires {name}")
        return self._live.plugins.get(name)

    def option(self, name: str, default: Any) -> Any:
        value = self._live.core.options.value(name)
        return default if value is None else value

    def in_roster(self, jid: JID) -> bool:
        return self._live.presences.visibility.may_see(jid)

    def block(self, jids: Iterable[JID]) -> None:
        self._live.presences.block(jids)

    def blocks(self, jid: JID) -> bool:
        return self._live.presences.visibility.blocks(jid)

    async def emit(self, event: Event) -> None:
        if type(event) not in self._kind.events:
            raise RuntimeError(f"{self._kind.name} does not declare the event {event.type}")
        if event.volatile:
            self._live.core.hub.tell(self.profile, event)
            return

        def log(tx: Transaction) -> None:
            tx.emit(self.profile, event)

        await self._live.core.journal.commit(log, wait=True)

    async def ask(self, kind: str, sentence: str, form: Form, *, peer: JID | None = None) -> None:
        await self._live.questions.of_plugins.ask(self._kind.name, kind, sentence, form, peer)

    async def withdraw(self, kind: str, *, peer: JID | None = None) -> bool:
        return await self._live.questions.of_plugins.withdraw(self._kind.name, kind, peer)

    async def mark_message(self, peer: JID, stanza_id: str, state: MessageState) -> bool:
        return await self._live.outbox.mark(peer.full(), stanza_id, state)

    async def mark_read(
        self, peer: JID, *, stanza_id: str | None = None, archive_id: str | None = None
    ) -> bool:
        return await self._live.conversations.mark_read(
            peer, stanza_id=stanza_id, archive_id=archive_id
        )

    async def publish(self, node: str, id: str, payload: Element) -> None:
        await pep.publish(self._live, node, id, payload)

    async def share(self, node: str, id: str, payload: Element) -> None:
        await pep.share(self._live, node, id, payload)

    async def retract(self, node: str, id: str) -> None:
        await pep.retract(self._live, node, id)

    async def retrieve(
        self, node: str, *, owner: JID | None = None, id: str | None = None
    ) -> Mapping[str, Element]:
        return await pep.retrieve(self._live, node, owner, id)

    def keep(self, name: str, data: bytes) -> None:
        self._live.core.cache.put(self.profile, name, data)

    def kept(self, name: str) -> bytes | None:
        return self._live.core.cache.get(self.profile, name)

    async def supports(self, jid: JID, feature: str) -> bool:
        return await self._live.capabilities.supports(jid, feature)

    async def service(self, feature: str) -> tuple[JID, DiscoInfo] | None:
        return await self._live.disco.service(feature)

    async def put(
        self, url: str, headers: dict[str, str], descriptor: int, progress: Callable[[int], None]
    ) -> int:
        http = Http(self._live.core.reactor, self._live.ca, self._live.trust.proxy)
        return await http.put(url, headers, descriptor, progress)

    def own_info(self) -> DiscoInfo:
        return self._live.disco.own_info()

    def own_node(self, node: str) -> None:
        self.nodes.add(node)

    def announce(self) -> None:
        self._live.presences.announce()

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        task = start(work)
        self._tasks.add(task)

        def failed(failure: Any) -> None:
            if not failure.check(NotConnected, CancelledError):
                self._live.core.plugins.fault(self._kind.name, what, failure.value)

        task.addErrback(failed)
        task.addBoth(lambda _: self._tasks.discard(task))

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            try:
                work()
            except NotConnected:
                return
            except Exception as error:
                self._live.core.plugins.fault(self._kind.name, "a timer", error)

        timer = cast(Any, self._live.core.reactor).callLater(seconds, run)
        self._timers.add(timer)

    def close(self) -> None:
        """Stop what the plugin has begun."""
        for timer in self._timers:
            cast(Any, timer).cancel()
        self._timers.clear()
        for task in list(self._tasks):
            task.cancel()
