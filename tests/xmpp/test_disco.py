from sat.xmpp.disco import DiscoInfo, Identity, InfoForm, read_items, verify_caps
from tests.xmpp.xml import element

SIMPLE = """<query xmlns='http://jabber.org/protocol/disco#info'>
<identity category='client' type='pc' name='Exodus 0.9.1'/>
<feature var='http://jabber.org/protocol/caps'/>
<feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/>
<feature var='http://jabber.org/protocol/muc'/></query>"""

# XEP-0115, section 5.3
COMPLEX = """<query xmlns='http://jabber.org/protocol/disco#info'>
<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
<identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>
<feature var='http://jabber.org/protocol/caps'/>
<feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/>
<feature var='http://jabber.org/protocol/muc'/>
<x xmlns='jabber:x:data' type='result'>
<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
<field var='ip_version'><value>ipv4</value><value>ipv6</value></field>
<field var='os'><value>Mac</value></field>
<field var='os_version'><value>10.5.1</value></field>
<field var='software'><value>Psi</value></field>
<field var='software_version'><value>0.11</value></field></x></query>"""


def test_hash_is_that_of_the_examples_of_the_xep():
    assert verify_caps(element(SIMPLE), "QgayPKawpkPSDYmwT/WM94uAlu0=")
    assert verify_caps(element(COMPLEX), "q07IKJEyjvHSyhy//CH0CxmKi8w=")
    assert not verify_caps(element(SIMPLE), "q07IKJEyjvHSyhy//CH0CxmKi8w=")


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


def test_doubled_parts_are_refused():
    good = DiscoInfo.from_element(element(SIMPLE)).caps_hash()
    for doubled in (
        "<identity category='client' type='pc' name='Exodus 0.9.1'/>",
        "<feature var='http://jabber.org/protocol/muc'/>",
    ):
        assert not verify_caps(element(SIMPLE.replace("</query>", doubled + "</query>")), good)


def test_items_without_address_are_left_out():
    query = element(
        "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='a@@b'/>"
        "<item jid='muc.x.test' name='Rooms'/><item/></query>"
    )
    assert [(str(item.jid), item.name) for item in read_items(query)] == [("muc.x.test", "Rooms")]
