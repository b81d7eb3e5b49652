"""The roster on the wire (RFC 6121, section 2)."""

from __future__ import annotations

from dataclasses import dataclass

from sat.xmpp.element import Element
from sat.xmpp.jid import JID, parse_jid
from sat.xmpp.namespaces import NS_CLIENT, NS_ROSTER

SUBSCRIPTIONS = frozenset({"none", "to", "from", "both", "remove"})


@dataclass(frozen=True, slots=True)
class RosterItem:
    """A contact.

    :param jid: bare, as a rule; a server may list others
    :param name: the user's own name for it, "" if there is none
    :param subscription: ``none``, ``to``, ``from``, ``both``, or ``remove`` in a push
    :param ask: whether a request to see its presence waits for an answer
    :param approved: whether its request will be granted when it comes (pre-approval)
    """

    jid: JID
    name: str = ""
    groups: tuple[str, ...] = ()
    subscription: str = "none"
    ask: bool = False
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """A roster, or the changed part of it that a push brings.

    :param version: to be given with the next request (RFC 6121, section 2.6); None if the server
        has no versions
    """

    items: tuple[RosterItem, ...]
    version: str | None = None


def read_item(element: Element) -> RosterItem:
    """Read an ``<item/>``. An unknown subscription is ``none``, as the RFC wants it.

    :raises ValueError: if it has no address, or one that isn't one
    """
    subscription = element.get("subscription") or "none"
    groups = {child.text.strip(): None for child in element.elements(NS_ROSTER, "group")}
    groups.pop("", None)
    return RosterItem(
        parse_jid(element.get("jid") or ""),
        element.get("name") or "",
        tuple(groups),
        subscription if subscription in SUBSCRIPTIONS else "none",
        element.get("ask") == "subscribe",
        element.get("approved") in ("true", "1"),
    )


def read_roster(iq: Element) -> Roster | None:
    """Read the result of a request, or a push.

    Items without a proper address are left out; the last one counts if an address comes twice.

    :return: None if the server says that nothing has changed since the version given
    """
    query = iq.child("query", NS_ROSTER)
    if query is None:
        return None
    items: dict[JID, RosterItem] = {}
    for child in query.elements(NS_ROSTER, "item"):
        try:
            item = read_item(child)
        except ValueError:
            continue
        items[item.jid] = item
    return Roster(tuple(items.values()), query.get("ver"))


def authorised(element: Element, own: JID) -> bool:
    """Tell whether a push may be believed (RFC 6121, section 2.1.6): from the own account alone.

    That is: it has no sender, or the own bare address. Anyone else's must be refused
    (``service-unavailable``), for anyone may send it.
    """
    sender = element.get("from")
    if sender is None:
        return True
    try:
        return parse_jid(sender) == own.bare
    except ValueError:
        return False


def _iq(type_: str) -> tuple[Element, Element]:
    iq = Element((NS_CLIENT, "iq"), {"type": type_})
    return iq, iq.add("query", NS_ROSTER)


def get_roster(version: str | None = None) -> Element:
    """Return the request for the roster.

    :param version: of the roster that is known; "" if none is but the server has versions; None
        if it has no versions
    """
    iq, query = _iq("get")
    if version is not None:
        query["ver"] = version
    return iq


def set_item(jid: JID, name: str = "", groups: tuple[str, ...] = ()) -> Element:
    """Return the request to add a contact, or to give it this name and these groups."""
    iq, query = _iq("set")
    item = query.add("item", jid=jid.full(), name=name or None)
    for group in groups:
        item.add("group", text=group)
    return iq


def remove_item(jid: JID) -> Element:
    """Return the request to remove a contact and both subscriptions."""
    iq, query = _iq("set")
    query.add("item", jid=jid.full(), subscription="remove")
    return iq
