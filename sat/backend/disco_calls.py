"""The calls ``disco.*`` (XEP-0030): what others are, can do, and have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sat.bridge.command import command
from sat.bridge.discovery import EntityForm, EntityIdentity, EntityInfo, EntityItem
from sat.bridge.model import Level
from sat.xmpp.disco import DiscoInfo, info_query, items_query, read_items
from sat.xmpp.stanza import JID, Iq

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_TIMEOUT = 15.0
#: What a frontend is told of one address; no entity that means well has more.
_MAX_ITEMS = 10_000


class DiscoCalls:
    """Looking at other entities, for people and programs."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live

    @command("disco.info", level=Level.READ)
    async def info(self, jid: JID, node: str = "") -> EntityInfo:
        """Return what an entity is and can do (XEP-0030, section 3).

        Of a contact's program it is known already if it was verified before (XEP-0115).

        :param jid: whom: a full JID for a person's program, a bare one for an account, a server,
            a service or a room
        :param node: a part of it
        :raises offline.profile: if the profile is not online
        :raises failed.xmpp: if it refuses
        :raises timeout.peer: if it does not answer
        :raises failed.busy: if too many are asked at once
        """
        self._live.require_online()
        if not node:
            info, verified = await self._live.capabilities.info(jid)
            return _told(jid, node, info, verified=verified)
        answer = await self._live.request(
            Iq(type="get", to=jid, extensions=[info_query(node)]), _TIMEOUT
        )
        query = answer.payload
        info = DiscoInfo.from_element(query) if query is not None else DiscoInfo()
        return _told(jid, node, info, verified=False)

    @command("disco.items", level=Level.READ)
    async def items(self, jid: JID, node: str = "") -> list[EntityItem]:
        """Return what an entity has: a server's services, a service's rooms (XEP-0030, section 4).

        :param jid: whose
        :param node: a part of it
        :raises offline.profile: if the profile is not online
        :raises failed.xmpp: if it refuses
        :raises timeout.peer: if it does not answer
        """
        self._live.require_online()
        answer = await self._live.request(
            Iq(type="get", to=jid, extensions=[items_query(node)]), _TIMEOUT
        )
        query = answer.payload
        found = read_items(query)[:_MAX_ITEMS] if query is not None else []
        return [EntityItem(jid=one.jid.full(), node=one.node, name=one.name) for one in found]


def _told(jid: JID, node: str, info: DiscoInfo, *, verified: bool) -> EntityInfo:
    return EntityInfo(
        jid=jid.full(),
        node=node,
        identities=tuple(
            EntityIdentity(category=one.category, type=one.type, lang=one.lang, name=one.name)
            for one in info.identities
        ),
        features=tuple(sorted(info.features)),
        forms=tuple(
            EntityForm(form_type=form.form_type, fields=dict(form.fields)) for form in info.forms
        ),
        verified=verified,
    )
