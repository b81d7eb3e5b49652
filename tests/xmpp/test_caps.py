"""What a hash stands for, and what it does not (XEP-0115, section 5.4; XEP-0390, section 4)."""

import pytest

from sat.xmpp.caps import NS_CAPS, NS_CAPS2, Claim, read_claim, verify
from sat.xmpp.disco import DiscoInfo
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


# XEP-0390, section 4.5
MOBILE = """<query xmlns='http://jabber.org/protocol/disco#info'>
<identity category='client' name='BombusMod' type='mobile'/>
<feature var='http://jabber.org/protocol/si'/>
<feature var='http://jabber.org/protocol/bytestreams'/>
<feature var='http://jabber.org/protocol/chatstates'/>
<feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/>
<feature var='urn:xmpp:ping'/>
<feature var='jabber:iq:time'/>
<feature var='jabber:iq:privacy'/>
<feature var='jabber:iq:version'/>
<feature var='http://jabber.org/protocol/rosterx'/>
<feature var='urn:xmpp:time'/>
<feature var='jabber:x:oob'/>
<feature var='http://jabber.org/protocol/ibb'/>
<feature var='http://jabber.org/protocol/si/profile/file-transfer'/>
<feature var='urn:xmpp:receipts'/>
<feature var='jabber:iq:roster'/>
<feature var='jabber:iq:last'/></query>"""

FORM = (
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
    "<value>urn:f</value></field><field var='os'><value>Mac</value></field></x>"
)


def older(value: str, algorithm: str = "sha-1") -> Claim:
    return Claim(NS_CAPS, algorithm, value, f"n#{value}")


def newer(value: str, algorithm: str = "sha-256") -> Claim:
    return Claim(NS_CAPS2, algorithm, value, f"{NS_CAPS2}#{algorithm}.{value}")


def claims_of(text: str) -> list[Claim]:
    """Return what an honest program claims that sends this, in both protocols."""
    info = DiscoInfo.from_element(element(text))
    return [older(info.caps_hash()), newer(info.caps2_hash())]


def with_(text: str, more: str) -> str:
    return text.replace("</query>", f"{more}</query>")


def test_hash_is_that_of_the_examples_of_the_xeps():
    assert verify(element(SIMPLE), older("QgayPKawpkPSDYmwT/WM94uAlu0="))
    assert verify(element(COMPLEX), older("q07IKJEyjvHSyhy//CH0CxmKi8w="))
    assert not verify(element(SIMPLE), older("q07IKJEyjvHSyhy//CH0CxmKi8w="))
    assert verify(element(MOBILE), newer("kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8="))
    sha3 = newer("79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q=", "sha3-256")
    assert verify(element(MOBILE), sha3)
    assert not verify(element(SIMPLE), sha3)


@pytest.mark.parametrize(
    "algorithm", ["sha-256", "sha-512", "sha3-256", "sha3-512", "blake2b-256", "blake2b-512"]
)
def test_every_algorithm_of_today_is_known(algorithm):
    info = DiscoInfo.from_element(element(COMPLEX))
    assert verify(element(COMPLEX), older(info.caps_hash(algorithm), algorithm)) == info
    assert verify(element(COMPLEX), newer(info.caps2_hash(algorithm), algorithm)) == info
    assert not verify(element(SIMPLE), newer(info.caps2_hash(algorithm), algorithm))


def test_an_unknown_or_weak_algorithm_verifies_nothing():
    info = DiscoInfo.from_element(element(SIMPLE))
    for claim in (
        older(info.caps_hash(), "md5"),
        older(info.caps_hash(), ""),
        newer(info.caps2_hash("sha-1"), "sha-1"),
    ):
        assert not claim.verifiable
        assert verify(element(SIMPLE), claim) is None


@pytest.mark.parametrize(
    "doubled",
    [
        "<identity category='client' type='pc' name='Exodus 0.9.1'/>",
        "<feature var='http://jabber.org/protocol/muc'/>",
        FORM * 2,
        FORM.replace("</x>", "<field var='os'><value>Mac</value></field></x>"),
        FORM.replace("</value></field><field", "</value><value>urn:g</value></field><field"),
    ],
)
def test_doubled_parts_are_refused(doubled):
    text = with_(SIMPLE, doubled)
    assert not any(verify(element(text), claim) for claim in claims_of(text))
    for claim in claims_of(SIMPLE):
        assert not verify(element(text), claim)
        assert verify(element(SIMPLE), claim)
    once = with_(SIMPLE, FORM)
    assert all(verify(element(once), claim) for claim in claims_of(once))


HIDDEN_IN = {
    "a form": "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
    "<value>http://jabber.org/protocol/muc</value></field></x>",
    "a field": "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
    "<value>http://jabber.org/protocol/disco#items</value></field>"
    "<field var='http://jabber.org/protocol/muc'/></x>",
}


@pytest.mark.parametrize("place", HIDDEN_IN)
def test_a_feature_is_not_hidden_by_calling_it_something_else(place):
    form = HIDDEN_IN[place]
    text = SIMPLE
    for feature in ("disco#items", "muc"):
        if f"protocol/{feature}" in form:
            text = text.replace(f"<feature var='http://jabber.org/protocol/{feature}'/>", "")
    text = with_(text, form)
    info = DiscoInfo.from_element(element(text))
    honest = DiscoInfo.from_element(element(SIMPLE)).caps_hash()
    assert info.caps_hash() == honest, "the attack of 2009 on the hash of XEP-0115"
    assert not verify(element(text), older(honest))


def test_an_identity_is_not_hidden_by_calling_it_a_feature():
    text = SIMPLE.replace(
        "<identity category='client' type='pc' name='Exodus 0.9.1'/>",
        "<feature var='client/pc//Exodus 0.9.1'/>",
    )
    honest = DiscoInfo.from_element(element(SIMPLE)).caps_hash()
    assert DiscoInfo.from_element(element(text)).caps_hash() == honest
    assert not verify(element(text), older(honest))


def test_a_feature_is_not_hidden_within_another():
    muc = "http://jabber.org/protocol/muc"
    written = SIMPLE.replace(muc, f"{muc}&amp;lt;more")
    meant = SIMPLE.replace(muc, f"{muc}&lt;more")
    [claim, _] = claims_of(written)
    assert claims_of(meant)[0] == claim, "both are written the same in what is hashed"
    assert verify(element(written), claim)
    assert not verify(element(meant), claim)


def test_a_feature_is_not_hidden_by_calling_it_an_identity():
    feature = "<feature var='http://jabber.org/protocol/caps'/>"
    as_identity = "<identity category='http:' type='' xml:lang='jabber.org' name='protocol/caps'/>"
    text = SIMPLE.replace(feature, as_identity)
    honest = DiscoInfo.from_element(element(SIMPLE)).caps_hash()
    assert DiscoInfo.from_element(element(text)).caps_hash() == honest
    assert not verify(element(text), older(honest))


@pytest.mark.parametrize(
    "more",
    [
        "<more xmlns='urn:x'/>",
        "<x xmlns='jabber:x:data' type='result'><field var='a'><value>b</value></field></x>",
        FORM.replace("</x>", "<reported><field var='r'/></reported></x>"),
        FORM.replace("</x>", "<item><field var='r'><value>1</value></field></item></x>"),
        FORM.replace("</x>", "<field><value>1</value></field></x>"),
        FORM.replace(" type='hidden'", ""),
    ],
)
def test_what_the_newer_hash_does_not_cover_is_refused(more):
    text = with_(SIMPLE, more)
    [_, claim] = claims_of(text)
    assert not verify(element(text), claim)


def test_a_form_without_a_type_counts_for_nothing_in_the_older_hash():
    untyped = "<x xmlns='jabber:x:data'><field var='a'><value>b</value></field></x>"
    assert verify(element(with_(SIMPLE, untyped)), claims_of(SIMPLE)[0])


def test_the_language_of_the_stanza_may_count_or_not():
    text = SIMPLE.replace("<query", "<query xml:lang='de'")
    for claim in (*claims_of(SIMPLE), *claims_of(text)):
        assert verify(element(SIMPLE), claim, "de")
    assert not verify(element(SIMPLE), claims_of(text)[0])


def claim_in(xml: str) -> Claim | None:
    return read_claim(element(f"<presence>{xml}</presence>").elements())


def test_the_newer_claim_counts_with_its_strongest_hash():
    old = f"<c xmlns='{NS_CAPS}' hash='sha-1' node='n' ver='v'/>"
    hashes = "".join(
        f"<hash xmlns='urn:xmpp:hashes:2' algo='{name}'>{name}=</hash>"
        for name in ("sha-1", "sha-256", "sha3-512", "tiger")
    )
    new = f"<c xmlns='{NS_CAPS2}'>{hashes}</c>"
    assert claim_in(old) == Claim(NS_CAPS, "sha-1", "v", "n#v")
    newest = Claim(NS_CAPS2, "sha3-512", "sha3-512=", f"{NS_CAPS2}#sha3-512.sha3-512=")
    assert claim_in(old + new) == claim_in(new + old) == newest
    unknown = f"<c xmlns='{NS_CAPS2}'><hash xmlns='urn:xmpp:hashes:2' algo='tiger'>x</hash></c>"
    assert claim_in(unknown + old) == Claim(NS_CAPS, "sha-1", "v", "n#v")
    assert claim_in(unknown) is None


@pytest.mark.parametrize(
    "xml",
    [
        "",
        f"<c xmlns='{NS_CAPS}'/>",
        f"<c xmlns='{NS_CAPS}' hash='sha-1' node='n'/>",
        f"<c xmlns='{NS_CAPS}' hash='sha-1' node='n' ver='{'v' * 129}'/>",
        f"<c xmlns='{NS_CAPS}' hash='sha-1' node='{'n' * 513}' ver='v'/>",
        f"<c xmlns='{NS_CAPS2}'/>",
        "<c xmlns='urn:other' hash='sha-1' node='n' ver='v'/>",
    ],
)
def test_what_is_no_claim(xml):
    assert claim_in(xml) is None


def test_a_claim_of_the_first_format_is_kept_apart():
    claim = claim_in(f"<c xmlns='{NS_CAPS}' node='n' ver='1.0' ext='a b'/>")
    assert claim is not None
    assert not claim.verifiable
