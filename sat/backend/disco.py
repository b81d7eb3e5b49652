"""Service discovery (XEP-0030): what we say we are, and what the server offers."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from twisted.internet.defer import succeed

from sat.xmpp.bookmarks import NS_BOOKMARKS
from sat.xmpp.disco import DiscoInfo, Identity, info_query, items_query, read_items
from sat.xmpp.muc import NS_CONFERENCE, NS_MUC
from sat.xmpp.namespaces import NS_OOB
from sat.xmpp.stanza import (
    JID,
    NS_DELAY,
    NS_DISCO_INFO,
    NS_SID,
    Element,
    Iq,
    NotConnected,
    StanzaError,
    parse_jid,
)

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_MAX_ITEMS = 50
_TIMEOUT = 15.0
#: What the core can do without any plugin; of rooms: XEP-0249, XEP-0402 section 5.3.
_CORE_FEATURES = (
    NS_DISCO_INFO,
    NS_MUC,
    NS_CONFERENCE,
    f"{NS_BOOKMARKS}+notify",
    NS_DELAY,
    NS_OOB,
    NS_SID,
)
_IDENTITY = Identity("client", "pc", "", "Salut à Toi")


class Disco:
    """Discovery for one profile; what the server said is remembered for the stream."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._services: dict[JID, DiscoInfo] | None = None
        self._known: dict[JID, DiscoInfo] = {}

    def own_info(self, node: str = "") -> DiscoInfo:
        """Return what the profile says of itself: the core's own part and the plugins'."""
        plugins = self._live.plugins
        return DiscoInfo(
            identities=(_IDENTITY, *plugins.identities()),
            features=frozenset({*_CORE_FEATURES, *plugins.features()}),
            node=node,
        )

    def answer(self, iq: Iq) -> Awaitable[Element | None] | None:
        """Answer a request for our features; None if it is for someone else to answer.

        Who may not see our presence learns nothing: an answer would tell that we are there.
        """
        query = iq.payload
        if iq.type != "get" or query is None:
            return None
        if query.uri != NS_DISCO_INFO or query.name != "query" or not self._may_ask(iq.from_):
            return None
        node = query.get("node") or ""
        if node and not self._live.plugins.is_own_node(node):
            return None
        return succeed(self.own_info(node).to_element())

    def _may_ask(self, asking: JID | None) -> bool:
        if asking is None:
            return True
        own = self._live.jid.host
        if not asking.user and (asking.host == own or asking.host.endswith(f".{own}")):
            return True
        visibility = self._live.presences.visibility
        # Who asks to see somebody's presence is content to be seen.
        return visibility.may_see(asking) or self._live.roster.we_asked(asking)

    async def info(self, jid: JID) -> DiscoInfo:
        """Return what an address of the server says of itself; nothing if it says nothing.

        :raises NotConnected: if there is no stream
        """
        try:
            return await self.answer_of(jid)
        except TimeoutError:
            return DiscoInfo()

    async def answer_of(self, jid: JID) -> DiscoInfo:
        """Return what an address of the server says of itself; nothing if it refuses.

        :raises TimeoutError: if it doesn't answer in time; it may the next time
        :raises NotConnected: if there is no stream
        """
        if jid not in self._known:
            request = Iq(type="get", to=jid, extensions=[info_query()])
            try:
                query = (await self._live.request(request, _TIMEOUT)).payload
            except StanzaError:
                query = None
            self._known[jid] = DiscoInfo.from_element(query) if query is not None else DiscoInfo()
        return self._known[jid]

    async def service(self, feature: str) -> tuple[JID, DiscoInfo] | None:
        """Return the server, or a service of it, which has a feature, and what it says of itself.

        :raises NotConnected: if there is no stream
        """
        if self._services is None:
            self._services = await self._look_around()
        found = self._services.items()
        return next(((jid, info) for jid, info in found if feature in info.features), None)

    def forget(self) -> None:
        """Forget what the server said: it may be another one next time."""
        self._services = None
        self._known.clear()

    async def _look_around(self) -> dict[JID, DiscoInfo]:
        server = parse_jid(self._live.jid.host)
        found = {server: await self._info_of(server)}
        query = await self._ask(server, items_query())
        for item in read_items(query)[:_MAX_ITEMS] if query is not None else ():
            found[item.jid] = await self._info_of(item.jid)
        return found

    async def _info_of(self, jid: JID) -> DiscoInfo:
        query = await self._ask(jid, info_query())
        return DiscoInfo.from_element(query) if query is not None else DiscoInfo()

    async def _ask(self, jid: JID, query: Element) -> Element | None:
        try:
            answer = await self._live.request(Iq(type="get", to=jid, extensions=[query]), _TIMEOUT)
        except NotConnected:
            raise
        except (StanzaError, TimeoutError):
            return None
        return answer.payload
