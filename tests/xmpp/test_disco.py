from sat.xmpp.disco import DiscoInfo, Identity, InfoForm, read_items
from tests.xmpp.xml import element


def test_what_is_written_is_read_again():
    info = DiscoInfo(
        (Identity("client", "pc", "en", "Salut"), Identity("account", "registered")),
        frozenset({"urn:xmpp:ping", "a&b"}),
        (InfoForm("urn:f", {"os": ("x", "y")}),),
        "node#1",
    )
    again = DiscoInfo.from_element(element(info.to_element().toXml()))
    assert again == info
    assert again.caps_hash() == info.caps_hash()
    assert again.caps2_hash() == info.caps2_hash()


def test_items_without_address_are_left_out():
    query = element(
        "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='a@@b'/>"
        "<item jid='muc.x.test' name='Rooms'/><item/></query>"
    )
    assert [(str(item.jid), item.name) for item in read_items(query)] == [("muc.x.test", "Rooms")]
