"""Rooms on the wire: what is read, and what is written."""

from datetime import UTC, datetime

import pytest

from sat.xmpp import bookmarks, muc
from sat.xmpp.bookmarks import Bookmark
from sat.xmpp.jid import JID
from sat.xmpp.stanza import Message, Presence
from tests.xmpp.xml import element as parse

ROOM = JID("room@muc.test")
USER = muc.NS_MUC_USER


def presence(inner: str = "", type: str = "", nick: str = "/bob") -> Presence:
    kind = f" type='{type}'" if type else ""
    xml = f"<presence xmlns='jabber:client' from='{ROOM}{nick}'{kind}>{inner}</presence>"
    return Presence.from_element(parse(xml))


def message(inner: str, sender: str = "bob@x.test/a", type: str = "normal") -> Message:
    xml = f"<message xmlns='jabber:client' from='{sender}' type='{type}'>{inner}</message>"
    return Message.from_element(parse(xml))


def test_an_occupant_is_read():
    told = muc.read_presence(
        presence(
            f"<show>dnd</show><status>busy</status><x xmlns='{USER}'>"
            "<item role='moderator' affiliation='owner' jid='bob@x.test/a'/>"
            "<status code='110'/><status code='201'/></x>"
            f"<occupant-id xmlns='{muc.NS_OCCUPANT_ID}' id='o1'/>"
        )
    )
    assert told is not None
    assert (told.nick, told.here, told.role, told.affiliation) == (
        "bob",
        True,
        "moderator",
        "owner",
    )
    assert (told.jid, told.occupant_id) == (JID("bob@x.test/a"), "o1")
    assert (told.show, told.status, told.codes) == ("dnd", "busy", {110, 201})


@pytest.mark.parametrize(
    ("stanza", "expected"),
    [
        (presence(nick=""), None),
        (presence(type="error"), None),
        (presence(type="subscribe"), None),
        (presence(), ("participant", "none", None)),
        (presence(f"<x xmlns='{USER}'/>"), ("participant", "none", None)),
        (
            presence(f"<x xmlns='{USER}'><item role='king' affiliation='x' jid='@@'/></x>"),
            ("participant", "none", None),
        ),
        (presence(f"<x xmlns='{USER}'><item role='none'/></x>"), ("participant", "none", None)),
        (
            presence(f"<x xmlns='{USER}'><item role='visitor'/></x>", "unavailable"),
            ("none", "none", None),
        ),
        (
            presence(
                f"<x xmlns='{USER}'><status code='x'/><status code='٣٠١'/><status/>"
                "<status code='99999999999'/></x>"
            ),
            ("participant", "none", None),
        ),
    ],
)
def test_odd_presences(stanza, expected):
    told = muc.read_presence(stanza)
    found = (told.role, told.affiliation, told.jid) if told is not None else None
    assert found == expected
    assert told is None or told.codes == set()


def test_long_texts_are_cut_off():
    long = "x" * 100_000
    told = muc.read_presence(
        presence(
            f"<status>{long}</status><x xmlns='{USER}'><item><reason>{long}</reason>"
            f"<actor nick='{long}'/></item></x>",
            "unavailable",
        )
    )
    assert told is not None
    assert {len(told.status), len(told.reason), len(told.actor)} == {muc.MAX_TEXT}


def test_a_destroyed_room():
    told = muc.read_presence(
        presence(
            f"<x xmlns='{USER}'><item role='none'/><destroy jid='new@muc.test'><reason>why</reason>"
            "</destroy></x>",
            "unavailable",
        )
    )
    assert told is not None
    assert (told.destroyed, told.venue, told.reason) == (True, JID("new@muc.test"), "why")


def test_asking_to_be_let_in():
    since = datetime(2026, 1, 2, tzinfo=UTC)
    asked = muc.join(ROOM, "al", password="x<", since=since).to_element()
    x = asked.child("x", muc.NS_MUC)
    assert asked["to"] == f"{ROOM}/al"
    assert x is not None
    history = x.child("history")
    assert history is not None
    assert history.attributes == {"since": "2026-01-02T00:00:00Z"}
    password = x.child("password")
    assert password is not None
    assert password.text == "x<"
    with pytest.raises(ValueError, match="address"):
        muc.join(ROOM, "x" * 1024)


@pytest.mark.parametrize(
    ("stanza", "room"),
    [
        (message(f"<x xmlns='{muc.NS_CONFERENCE}' jid='{ROOM}'/>"), ROOM),
        (message(f"<x xmlns='{muc.NS_CONFERENCE}' jid='{ROOM}/x'/>"), ROOM),
        (message(f"<x xmlns='{muc.NS_CONFERENCE}' jid='@@'/>"), None),
        (message(f"<x xmlns='{muc.NS_CONFERENCE}' jid='muc.test'/>"), None),
        (message(f"<x xmlns='{muc.NS_CONFERENCE}'/>"), None),
        (message(f"<x xmlns='{muc.NS_CONFERENCE}' jid='{ROOM}'/>", type="groupchat"), None),
        (message(f"<x xmlns='{muc.NS_CONFERENCE}' jid='{ROOM}'/>", type="error"), None),
        (message(f"<x xmlns='{USER}'><invite from='b@x'/></x>", str(ROOM)), ROOM),
        (message(f"<x xmlns='{USER}'><invite from='b@x'/></x>", f"{ROOM}/eve"), None),
        (message(f"<x xmlns='{USER}'><invite from='b@x'/></x>", "muc.test"), None),
        (message(f"<x xmlns='{USER}'><decline from='b@x'/></x>", str(ROOM)), None),
        (message("<body>hi</body>"), None),
    ],
)
def test_invitations(stanza, room):
    found = muc.read_invitation(stanza)
    assert (found.room if found is not None else None) == room


@pytest.mark.parametrize(
    ("inner", "type", "expected"),
    [
        ("<subject>x</subject>", "groupchat", True),
        ("<subject/>", "groupchat", True),
        ("<subject>x</subject><body>y</body>", "groupchat", False),
        ("<subject>x</subject><thread>t</thread>", "groupchat", False),
        ("<subject>x</subject>", "chat", False),
        ("<body>x</body>", "groupchat", False),
    ],
)
def test_what_sets_a_subject(inner, type, expected):
    assert muc.is_subject(message(inner, type=type)) is expected


OTHER = "<extensions xmlns='urn:xmpp:bookmarks:1'><a xmlns='b'/></extensions>"


def test_a_bookmark_comes_back_as_it_went():
    bookmark = Bookmark(ROOM, "Tea", "al", True, "x", (parse(OTHER),))
    published = bookmarks.publish(bookmark).to_element()
    answer = parse(
        published.toXml().replace("<publish ", "<items ").replace("</publish>", "</items>")
    )
    pubsub = answer.child("pubsub", bookmarks.NS_PUBSUB)
    (read,) = bookmarks.read_items(pubsub)
    assert (read.room, read.name, read.nick, read.autojoin) == (ROOM, "Tea", "al", True)
    assert read.password == "x"
    assert [one.toXml() for one in read.others] == [one.toXml() for one in bookmark.others]


def test_private_storage_keeps_what_is_not_ours():
    stored = bookmarks.store([Bookmark(ROOM, "Tea", "al", True)], [parse("<url xmlns='s'/>")])
    found, others = bookmarks.read_storage(stored.to_element().child("query"))
    assert found == [Bookmark(ROOM, "Tea", "al", True)]
    assert [one.name for one in others] == ["url"]
    broken = parse(
        "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>"
        "<conference jid='@@'/><conference/><conference jid='muc.test'/></storage></query>"
    )
    found, others = bookmarks.read_storage(broken)
    assert (found, len(others)) == ([], 3)
    assert bookmarks.read_storage(None) == ([], [])


OWN = JID("alice@x.test")
EVENT = "<event xmlns='http://jabber.org/protocol/pubsub#event'>{}</event>"


@pytest.mark.parametrize(
    ("what", "sender", "known"),
    [
        ("<items node='urn:xmpp:bookmarks:1'/>", "alice@x.test", True),
        ("<items node='urn:xmpp:bookmarks:1'/>", "alice@x.test/a", False),
        ("<items node='urn:xmpp:bookmarks:1'/>", "bob@x.test", False),
        ("<items node='urn:xmpp:bookmarks:1'/>", "x.test", False),
        ("<items node='urn:xmpp:other'/>", "alice@x.test", False),
        ("<items/>", "alice@x.test", False),
        ("", "alice@x.test", False),
        ("<delete node='urn:xmpp:bookmarks:1'/>", "alice@x.test", True),
        ("<delete node='urn:xmpp:bookmarks:1'/>", "eve@x.test", False),
    ],
)
def test_notifications_count_from_the_own_account_alone(what, sender, known):
    notice = bookmarks.read_notice(message(EVENT.format(what), sender), OWN)
    assert (notice is not None) is known
