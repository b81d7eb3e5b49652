from sat.xmpp.jid import JID
from sat.xmpp.roster import (
    RosterItem,
    authorised,
    get_roster,
    read_roster,
    remove_item,
    set_item,
)
from tests.xmpp.xml import element

OWN = JID("alice@server.test/desk")


def test_reads_a_result():
    roster = read_roster(
        element(
            "<iq type='result' id='1'><query xmlns='jabber:iq:roster' ver='v7'>"
            "<item jid='Bob@Server.test' name='Bob' subscription='both' approved='true'>"
            "<group>Friends</group><group>Friends</group><group> </group><group>Work</group></item>"
            "<item jid='a@@b'/><item jid='c@x.test' subscription='odd' ask='subscribe'/>"
            "</query></iq>"
        )
    )
    bob = RosterItem(
        JID("bob@server.test"), "Bob", ("Friends", "Work"), "both", ask=False, approved=True
    )
    assert roster.items == (bob, RosterItem(JID("c@x.test"), ask=True))
    assert roster.version == "v7"


def test_an_empty_result_means_unchanged():
    assert read_roster(element("<iq type='result' id='1'/>")) is None


def test_only_the_own_account_may_push():
    push = "<iq type='set' id='1' {}><query xmlns='jabber:iq:roster'/></iq>"
    for sender in ("", "from='alice@server.test'", "from='ALICE@server.test'"):
        assert authorised(element(push.format(sender)), OWN), sender
    for sender in (
        "from='bob@server.test'",
        "from='server.test'",
        "from='alice@server.test/other'",
        "from=''",
        "from='alice@server.test.evil'",
    ):
        assert not authorised(element(push.format(sender)), OWN), sender


def test_requests():
    assert get_roster("").child("query", "jabber:iq:roster").get("ver") == ""
    assert get_roster().child("query", "jabber:iq:roster").get("ver") is None
    assert set_item(JID("bob@x.test"), "B & B", ("Friends",)).toXml("jabber:client") == (
        "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='bob@x.test' name='B &amp; B'>"
        "<group>Friends</group></item></query></iq>"
    )
    assert "subscription='remove'" in remove_item(JID("bob@x.test")).toXml()
