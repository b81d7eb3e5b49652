"""What the account keeps on its server for its own programs (XEP-0163, XEP-0223)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.plugin import Incoming
from sat.xmpp.pubsub import (
    NS_OPTIONS,
    Published,
    fetch,
    is_precondition,
    make_private,
    publish_private,
    read_event,
    read_fetched,
)
from sat.xmpp.stanza import Element, StanzaError

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_TIMEOUT = 30.0


async def publish(live: LiveProfile, node: str, id: str, payload: Element) -> None:
    """Publish an item that nobody else may read; a node that others can read is closed first.

    :raises CommandError: ``failed.pep`` if the server could not keep it private
    :raises StanzaError: if the server refuses
    :raises NotConnected: if there is no stream
    :raises TimeoutError: if no answer comes
    """
    if NS_OPTIONS not in (await live.disco.info(live.jid)).features:
        # Without them anybody might read the node, and nothing would tell (CVE-2018-6591).
        raise CommandError(
            "failed.pep", "the server can't keep private what is published there (XEP-0223)"
        )
    request = publish_private(node, id, payload)
    try:
        await live.request(request, _TIMEOUT)
    except StanzaError as error:
        if not is_precondition(error):
            raise
        await live.request(make_private(node), _TIMEOUT)
        await live.request(publish_private(node, id, payload), _TIMEOUT)


async def retrieve(live: LiveProfile, node: str) -> Mapping[str, Element]:
    """Return the payloads of a node's items by their ids; none if there is no such node.

    :raises StanzaError: if the server refuses
    :raises NotConnected: if there is no stream
    :raises TimeoutError: if no answer comes
    """
    try:
        answer = await live.request(fetch(node), _TIMEOUT)
    except StanzaError as error:
        if error.condition == "item-not-found":
            return {}
        raise
    return read_fetched(answer.payload)


def personal(live: LiveProfile, incoming: Incoming) -> Published | None:
    """Return what another program of the account published, if a message tells of it.

    Anyone can send such a message: it counts from the own bare JID alone, and not out of a copy or
    an archive (CVE-2023-28686).
    """
    if incoming.copied or incoming.archived:
        return None
    if incoming.stanza.from_ is not None and incoming.stanza.from_ != live.jid:
        return None
    return read_event(incoming.stanza)
