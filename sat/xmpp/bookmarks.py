"""Bookmarks of rooms on the wire: in PEP (XEP-0402), or in private storage (XEP-0048, XEP-0049)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sat.xmpp.namespaces import NS_FORM
from sat.xmpp.stanza import JID, Element, Iq, Message, parse_jid

NS_BOOKMARKS = "urn:xmpp:bookmarks:1"
NS_STORAGE = "storage:bookmarks"
NS_PRIVATE = "jabber:iq:private"
NS_PUBSUB = "http://jabber.org/protocol/pubsub"
NS_EVENT = "http://jabber.org/protocol/pubsub#event"
NS_OWNER = "http://jabber.org/protocol/pubsub#owner"
NS_OPTIONS = "http://jabber.org/protocol/pubsub#publish-options"

#: More rooms than a person has; what is beyond is left out.
MAX_BOOKMARKS = 1000
#: What keeps bookmarks for the account's eyes alone (XEP-0402, section 5.2; XEP-0223).
_SETTINGS = {
    "pubsub#persist_items": "true",
    "pubsub#max_items": "max",
    "pubsub#send_last_published_item": "never",
    "pubsub#access_model": "whitelist",
}
#: Without which nothing is published.
_NEEDED = ("pubsub#persist_items", "pubsub#access_model")
_YES = ("true", "1")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A room that the person wants to find again.

    :param password: kept if another program wrote it there; we write none
    :param others: what else stands in it, for the programs that wrote it
    """

    room: JID
    name: str = ""
    nick: str | None = None
    autojoin: bool = False
    password: str | None = None
    others: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification of PEP says: bookmarks as they are now, and rooms without one.

    :param everything: whether all bookmarks are gone
    """

    changed: tuple[Bookmark, ...] = ()
    removed: tuple[JID, ...] = ()
    everything: bool = False


# ---- PEP (XEP-0402)


def fetch_items() -> Iq:
    """Return the request for all bookmarks in PEP."""
    pubsub = Element((NS_PUBSUB, "pubsub"))
    pubsub.add("items", node=NS_BOOKMARKS)
    return Iq(type="get", extensions=[pubsub])


def read_items(answer: Element | None) -> list[Bookmark]:
    """Read the answer to :func:`fetch_items`."""
    items = answer.child("items", NS_PUBSUB) if answer is not None else None
    return _read_items(items, NS_PUBSUB) if items is not None else []


def publish(bookmark: Bookmark, *, few: bool = False) -> Iq:
    """Return the request that sets one bookmark, for the account alone.

    A server that knows publish options refuses it where others could read the node.

    :param few: with those options alone that all such servers know
    """
    pubsub = Element((NS_PUBSUB, "pubsub"))
    item = pubsub.add("publish", node=NS_BOOKMARKS).add("item", id=bookmark.room.full())
    conference = item.add(
        "conference",
        NS_BOOKMARKS,
        name=bookmark.name or None,
        autojoin="true" if bookmark.autojoin else "false",
    )
    _fill(conference, bookmark)
    pubsub.add("publish-options").children.append(_form(NS_OPTIONS, few))
    return Iq(type="set", extensions=[pubsub])


def configure() -> Iq:
    """Return the request that makes the node of the bookmarks private (XEP-0402, section 5.2)."""
    pubsub = Element((NS_OWNER, "pubsub"))
    form = _form("http://jabber.org/protocol/pubsub#node_config")
    pubsub.add("configure", node=NS_BOOKMARKS).children.append(form)
    return Iq(type="set", extensions=[pubsub])


def read_notice(message: Message, own: JID) -> Notice | None:
    """Read a notification about bookmarks; None if it is none, or from anyone but the account.

    Anyone may send such a message: of others' it says what *they* bookmarked (XEP-0402, section
    5.3).
    """
    event = message.child("event", NS_EVENT)
    if event is None or (message.from_ is not None and message.from_ != own):
        return None
    for name in ("purge", "delete"):
        gone = event.child(name, NS_EVENT)
        if gone is not None and gone.get("node") == NS_BOOKMARKS:
            return Notice(everything=True)
    items = event.child("items", NS_EVENT)
    if items is None or items.get("node") != NS_BOOKMARKS:
        return None
    retracted = [_room(one.get("id")) for one in items.elements(NS_EVENT, "retract")]
    return Notice(
        tuple(_read_items(items, NS_EVENT)),
        tuple(room for room in retracted[:MAX_BOOKMARKS] if room is not None),
    )


def _read_items(items: Element, ns: str) -> list[Bookmark]:
    found: list[Bookmark] = []
    for item in items.elements(ns, "item"):
        room = _room(item.get("id"))
        conference = item.child("conference", NS_BOOKMARKS)
        if room is not None and conference is not None and len(found) < MAX_BOOKMARKS:
            found.append(_read(room, conference, NS_BOOKMARKS))
    return found


def _form(form_type: str, few: bool = False) -> Element:
    form = Element((NS_FORM, "x"), {"type": "submit"})
    form.add("field", var="FORM_TYPE", type="hidden").add("value", text=form_type)
    for name, value in _SETTINGS.items():
        if few and name not in _NEEDED:
            continue
        form.add("field", var=name).add("value", text=value)
    return form


# ---- private storage (XEP-0048, section 3.2)


def fetch_storage() -> Iq:
    """Return the request for all bookmarks in private storage."""
    query = Element((NS_PRIVATE, "query"))
    query.add("storage", NS_STORAGE)
    return Iq(type="get", extensions=[query])


def read_storage(query: Element | None) -> tuple[list[Bookmark], list[Element]]:
    """Read the answer to :func:`fetch_storage`: bookmarks, and what else stands there."""
    storage = query.child("storage", NS_STORAGE) if query is not None else None
    found: dict[JID, Bookmark] = {}
    others = []
    for child in storage.elements() if storage is not None else ():
        room = _room(child.get("jid")) if child.name == "conference" else None
        if room is None or len(found) >= MAX_BOOKMARKS:
            others.append(child)
        else:
            found[room] = _read(room, child, NS_STORAGE)
    return list(found.values()), others


def store(bookmarks: Sequence[Bookmark], others: Sequence[Element]) -> Iq:
    """Return the request that writes all bookmarks to private storage, and what else was there."""
    query = Element((NS_PRIVATE, "query"))
    storage = query.add("storage", NS_STORAGE)
    storage.children.extend(others)
    for bookmark in bookmarks:
        conference = storage.add(
            "conference",
            jid=bookmark.room.full(),
            name=bookmark.name or None,
            autojoin="true" if bookmark.autojoin else "false",
        )
        _fill(conference, bookmark)
    return Iq(type="set", extensions=[query])


# ----


def _read(room: JID, conference: Element, ns: str) -> Bookmark:
    nick = conference.child("nick", ns)
    password = conference.child("password", ns)
    return Bookmark(
        room,
        conference.get("name") or "",
        (nick.text or None) if nick is not None else None,
        (conference.get("autojoin") or "") in _YES,
        password.text if password is not None else None,
        tuple(one for one in conference.elements() if one is not nick and one is not password),
    )


def _fill(conference: Element, bookmark: Bookmark) -> None:
    if bookmark.nick:
        conference.add("nick", text=bookmark.nick)
    if bookmark.password is not None:
        conference.add("password", text=bookmark.password)
    conference.children.extend(bookmark.others)


def _room(text: str | None) -> JID | None:
    try:
        room = parse_jid(text) if text else None
    except ValueError:
        return None
    return room if room is not None and room.user and not room.resource else None
