"""What the account and its contacts keep in nodes of their own (XEP-0163, XEP-0223)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.plugin import Incoming
from sat.xmpp.pubsub import (
    NS_OPTIONS,
    SHARED,
    Published,
    fetch,
    is_precondition,
    make_private,
    publish_private,
    read_event,
    read_fetched,
)
from sat.xmpp.pubsub import publish as publish_item
from sat.xmpp.pubsub import retract as retract_item
from sat.xmpp.stanza import JID, Element, StanzaError

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
        if is_precondition(error):
            await live.request(make_private(node), _TIMEOUT)
            await live.request(publish_private(node, id, payload), _TIMEOUT)
            return
        # Some servers know few publish options; the node keeps one item until it is told.
        await live.request(publish_private(node, id, payload, few=True), _TIMEOUT)
        await live.request(make_private(node), _TIMEOUT)


async def share(live: LiveProfile, node: str, id: str, payload: Element) -> None:
    """Publish an item that those who see our presence may read, in place of the one before.

    A node that is there stays as the person's other programs have set it.

    :raises StanzaError: if the server refuses
    :raises NotConnected: if there is no stream
    :raises TimeoutError: if no answer comes
    """
    # Without options a new node is for those alone as well (XEP-0163, section 5).
    if NS_OPTIONS in (await live.disco.info(live.jid)).features:
        try:
            await live.request(publish_item(node, id, payload, SHARED), _TIMEOUT)
        except StanzaError as error:
            if not is_precondition(error):
                raise
        else:
            return
    await live.request(publish_item(node, id, payload), _TIMEOUT)


async def retract(live: LiveProfile, node: str, id: str) -> None:
    """Take an item back.

    :raises StanzaError: if the server refuses
    :raises NotConnected: if there is no stream
    :raises TimeoutError: if no answer comes
    """
    await live.request(retract_item(node, id), _TIMEOUT)


async def retrieve(
    live: LiveProfile, node: str, owner: JID | None = None, id: str | None = None
) -> Mapping[str, Element]:
    """Return the payloads of a node's items by their ids; none if there is no such node.

    :param owner: the bare JID of whose node it is, if it isn't the account's
    :param id: of the one item that is wanted
    :raises StanzaError: if the server refuses
    :raises NotConnected: if there is no stream
    :raises TimeoutError: if no answer comes
    """
    try:
        answer = await live.request(fetch(node, owner, id), _TIMEOUT)
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
    if not _is_news(incoming):
        return None
    if incoming.stanza.from_ is not None and incoming.stanza.from_ != live.jid:
        return None
    return read_event(incoming.stanza)


def of_contact(live: LiveProfile, incoming: Incoming) -> tuple[JID, Published] | None:
    """Return what a contact, or the account itself, published, and who it was.

    It counts from their bare JID alone: a node is an account's, and its server speaks for it.
    """
    sender = incoming.stanza.from_ or live.jid
    if not _is_news(incoming) or not _may_tell(live, sender):
        return None
    event = read_event(incoming.stanza)
    return None if event is None else (sender, event)


def _may_tell(live: LiveProfile, sender: JID) -> bool:
    # Messages of the blocked don't come so far.
    return sender == live.jid or (sender.resource is None and live.roster.shares_presence(sender))


def _is_news(incoming: Incoming) -> bool:
    return not (incoming.copied or incoming.archived)
