"""Personal eventing on the wire (XEP-0163): what an account keeps in nodes of its own.

What is private is published with options that the server must check (XEP-0060, section 7.1.5;
XEP-0223): it refuses where others could read the node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sat.xmpp.namespaces import NS_FORM
from sat.xmpp.stanza import JID, Element, Iq, Message, StanzaError

NS_PUBSUB = "http://jabber.org/protocol/pubsub"
NS_EVENT = f"{NS_PUBSUB}#event"
NS_OWNER = f"{NS_PUBSUB}#owner"
NS_OPTIONS = f"{NS_PUBSUB}#publish-options"
NS_ERRORS = f"{NS_PUBSUB}#errors"
#: What keeps a node for the account's eyes alone (XEP-0223, section 4; XEP-0490, section 3).
PRIVATE = {
    "pubsub#persist_items": "true",
    "pubsub#max_items": "max",
    "pubsub#send_last_published_item": "never",
    "pubsub#access_model": "whitelist",
}
_NEEDED = ("pubsub#persist_items", "pubsub#access_model")
#: What lets those who see our presence read a node's one item (XEP-0060, section 4.5; XEP-0084).
#: One item is what a node has by itself; ejabberd 23.01 refuses to be told so.
SHARED = {
    "pubsub#persist_items": "true",
    "pubsub#access_model": "presence",
}
#: More items than any node of ours has; what is beyond is left out.
_MAX_ITEMS = 2000


@dataclass(frozen=True, slots=True)
class Published:
    """What a notification says of one node: items by their ids, and the ids of those taken back."""

    node: str
    items: Mapping[str, Element]
    retracted: tuple[str, ...] = ()


def publish(node: str, id: str, payload: Element, options: Mapping[str, str] | None = None) -> Iq:
    """Return the request that sets one item.

    :param options: what the node must be like; any node does without them
    """
    pubsub = Element((NS_PUBSUB, "pubsub"))
    item = pubsub.add("publish", node=node).add("item", id=id)
    item.children.append(payload)
    if options is not None:
        pubsub.add("publish-options").children.append(_form(NS_OPTIONS, options))
    return Iq(type="set", extensions=[pubsub])


def publish_private(node: str, id: str, payload: Element, few: bool = False) -> Iq:
    """Return the request that sets one item, which nobody else may read.

    :param few: with those options alone without which it may not be published
    """
    options = {name: value for name, value in PRIVATE.items() if not few or name in _NEEDED}
    return publish(node, id, payload, options)


def retract(node: str, id: str) -> Iq:
    """Return the request that takes one item back (XEP-0060, section 7.2)."""
    pubsub = Element((NS_PUBSUB, "pubsub"))
    pubsub.add("retract", node=node).add("item", id=id)
    return Iq(type="set", extensions=[pubsub])


def make_private(node: str) -> Iq:
    """Return the request that changes a node which others can read (XEP-0060, section 8.2)."""
    pubsub = Element((NS_OWNER, "pubsub"))
    configure = pubsub.add("configure", node=node)
    configure.children.append(_form(f"{NS_PUBSUB}#node_config", PRIVATE))
    return Iq(type="set", extensions=[pubsub])


def fetch(node: str, owner: JID | None = None, id: str | None = None) -> Iq:
    """Return the request for items of a node.

    :param owner: the bare JID of whose node it is, if it isn't our own
    :param id: of the one item; all without it
    """
    pubsub = Element((NS_PUBSUB, "pubsub"))
    items = pubsub.add("items", node=node)
    if id is not None:
        items.add("item", id=id)
    return Iq(type="get", to=owner, extensions=[pubsub])


def read_fetched(answer: Element | None) -> dict[str, Element]:
    """Read the answer to :func:`fetch`: payloads by the ids of their items."""
    items = answer.child("items", NS_PUBSUB) if answer is not None else None
    return _read_items(items, NS_PUBSUB) if items is not None else {}


def read_event(message: Message) -> Published | None:
    """Read a notification; None if a message is none. Who sent it is for the reader to check."""
    event = message.child("event", NS_EVENT)
    items = event.child("items", NS_EVENT) if event is not None else None
    node = items.get("node") if items is not None else None
    if items is None or not node:
        return None
    retracted = [one.get("id") or "" for one in items.elements(NS_EVENT, "retract")]
    return Published(node, _read_items(items, NS_EVENT), tuple(filter(None, retracted)))


def is_precondition(error: StanzaError) -> bool:
    """Tell whether a node is refused because it isn't set as the options want it."""
    told = error.application
    return told is not None and told.uri == NS_ERRORS and told.name == "precondition-not-met"


def _read_items(items: Element, namespace: str) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for item in items.elements(namespace, "item"):
        id_, payload = item.get("id"), item.firstChildElement()
        if id_ and payload is not None and len(found) < _MAX_ITEMS:
            found[id_] = payload
    return found


def _form(form_type: str, options: Mapping[str, str]) -> Element:
    form = Element((NS_FORM, "x"), {"type": "submit"})
    form.add("field", var="FORM_TYPE", type="hidden").add("value", text=form_type)
    for name, value in options.items():
        form.add("field", var=name).add("value", text=value)
    return form
