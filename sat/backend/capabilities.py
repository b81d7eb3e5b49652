"""What others can do (XEP-0115, XEP-0390): asked when somebody wants to know, and then once.

Ten thousand contacts with five programs cost five requests, the first time. What can't be verified
counts for the one who said it, as long as it is there, and for nobody else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from twisted.internet.defer import Deferred, DeferredSemaphore

from sat.backend.descriptions import MAX_SIZE
from sat.backend.tasks import spawn
from sat.bridge.errors import CommandError
from sat.xmpp.caps import Claim, inherited_lang, read_claim, verify
from sat.xmpp.disco import DiscoInfo, info_query
from sat.xmpp.stanza import JID, Element, Iq, NotConnected, StanzaError, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

#: Seconds that one who is asked has to answer.
_TIMEOUT = 10.0
#: Requests that are under way at once, and those that wait for their turn.
_AT_ONCE = 8
_MAX_WAITING = 500
#: How many of those that show one hash are asked for its description.
_TRIES = 3
#: How many unverified descriptions are remembered, each for the one who said it.
_MAX_OWN = 200


class Capabilities:
    """What one profile knows of others' features."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._claims: dict[str, Claim] = {}
        #: Who shows each claim, those who came first before the others.
        self._holders: dict[Claim, dict[str, None]] = {}
        self._own: OrderedDict[str, DiscoInfo] = OrderedDict()
        #: Who is present and did not say.
        self._mute: set[str] = set()
        self._asking: dict[Claim, list[Deferred[None]]] = {}
        self._turns = DeferredSemaphore(_AT_ONCE)

    # ---- what presences say

    def shown(self, full: str, extensions: Iterable[Element]) -> None:
        """Note what the presence of a full JID claims."""
        claim = read_claim(extensions)
        before = self._claims.get(full)
        if claim == before:
            return
        self.gone(full)
        if claim is not None:
            holders = self._holders.get(claim)
            if holders is None:
                holders = self._holders[claim] = {}
            else:
                # The same object for all of them: they are thousands.
                claim = self._claims[next(iter(holders))]
            holders[full] = None
            self._claims[full] = claim

    def gone(self, full: str) -> None:
        """Forget a full JID, which left."""
        self._own.pop(full, None)
        self._mute.discard(full)
        claim = self._claims.pop(full, None)
        if claim is not None:
            holders = self._holders[claim]
            del holders[full]
            if not holders:
                del self._holders[claim]

    def forget(self) -> None:
        """Forget who shows what: nobody tells us any more."""
        self._claims.clear()
        self._holders.clear()
        self._own.clear()
        self._mute.clear()

    # ---- what they can do

    async def supports(self, jid: JID, feature: str) -> bool:
        """Tell whether an entity has a feature, as far as it can be learned.

        Who may not see that we are there is not asked, and has none but those that are known. Who
        did not say is not asked again as long as it is present.
        """
        info = await self._known(jid)
        full = jid.full()
        may_ask = not jid.user or self._live.presences.visibility.may_see(jid)
        if info is None and may_ask and full not in self._mute:
            try:
                info, _ = await self.info(jid)
            except (StanzaError, TimeoutError):
                if self._live.presences.shows(jid):
                    self._mute.add(full)
            except (NotConnected, CommandError):
                return False
        return info is not None and feature in info.features

    async def info(self, jid: JID) -> tuple[DiscoInfo, bool]:
        """Return what an entity says of itself, and whether that was verified.

        :raises StanzaError: if it refuses
        :raises TimeoutError: if it does not answer
        :raises NotConnected: if there is no stream
        :raises CommandError: ``failed.busy`` if too many are asked already
        """
        known = await self._known(jid)
        full = jid.full()
        claim = self._claims.get(full)
        if known is None and claim is not None and claim.verifiable:
            await self._settle(claim, full)
            known = await self._known(jid)
        if known is None:
            return await self._ask_plainly(jid), False
        return known, full not in self._own

    async def _known(self, jid: JID) -> DiscoInfo | None:
        full = jid.full()
        claim = self._claims.get(full)
        if claim is None:
            return self._own.get(full)
        info = await self._live.core.descriptions.get(claim.key) if claim.verifiable else None
        if info is not None:
            self._own.pop(full, None)
            return info
        return self._own.get(full)

    async def _settle(self, claim: Claim, full: str) -> None:
        """Have a claim's description asked for, once for all that want to know."""
        waiting = self._asking.get(claim)
        if waiting is None:
            self._check_waiting()
            waiting = self._asking[claim] = []
            spawn(self._ask_around(claim, full), "asking what a contact can do")
        if claim in self._asking:
            over: Deferred[None] = Deferred()
            waiting.append(over)
            await over

    async def _ask_around(self, claim: Claim, first: str) -> None:
        try:
            for full in self._worth_asking(claim, first):
                if await self._ask_for(claim, full):
                    return
        except NotConnected:
            return
        finally:
            for one in self._asking.pop(claim):
                if not one.called:
                    one.callback(None)

    def _worth_asking(self, claim: Claim, first: str) -> list[str]:
        """Return whom to ask: the one who is meant, and others who show the same and may see us."""
        may_see = self._live.presences.visibility.may_see
        holders = self._holders.get(claim, {})
        others = (one for one in holders if one != first and may_see(parse_jid(one)))
        return [first, *islice(others, _TRIES - 1)]

    async def _ask_for(self, claim: Claim, full: str) -> bool:
        """Ask one of those who show a claim; tell whether its answer holds for all of them."""
        try:
            answer = await self._request(parse_jid(full), claim.node)
        except (StanzaError, TimeoutError):
            return False
        query = answer.payload
        if query is None:
            return False
        info = verify(query, claim, inherited_lang(answer.element))
        if info is None:
            if self._claims.get(full) == claim:
                self._remember(full, DiscoInfo.from_element(query))
            return False
        self._live.core.descriptions.keep(claim.key, info)
        return True

    async def _ask_plainly(self, jid: JID) -> DiscoInfo:
        self._check_waiting()
        full = jid.full()
        claim = self._claims.get(full)
        answer = await self._request(jid, "")
        query = answer.payload
        info = DiscoInfo.from_element(query) if query is not None else DiscoInfo()
        # Only of whom a presence tells when that is over.
        if self._claims.get(full) == claim and self._live.presences.shows(jid):
            self._remember(full, info)
        return info

    def _remember(self, full: str, info: DiscoInfo) -> None:
        if len(msgspec.json.encode(info)) > MAX_SIZE:
            return
        self._own[full] = info
        while len(self._own) > _MAX_OWN:
            self._own.popitem(last=False)

    async def _request(self, jid: JID, node: str) -> Iq:
        await self._turns.acquire()
        try:
            iq = Iq(type="get", to=jid, extensions=[info_query(node)])
            return await self._live.request(iq, _TIMEOUT)
        finally:
            self._turns.release()

    def _check_waiting(self) -> None:
        if len(self._turns.waiting) >= _MAX_WAITING:
            raise CommandError(
                "failed.busy", "too many are being asked what they can do: try again in a minute"
            )
