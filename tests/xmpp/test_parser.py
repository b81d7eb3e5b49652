import pytest

from sat.xmpp.parser import ElementParser, ParserError
from tests.xmpp.xml import element, elements


def test_stanzas_come_out_however_the_stream_is_cut():
    text = "<message a='1'><body>hé &lt;&#13;</body></message> <presence/>".encode()
    whole = [stanza.toXml() for stanza in elements(text)]
    assert whole == [stanza.toXml() for stanza in elements(*(bytes([one]) for one in text))]
    assert whole[0] == ("<message xmlns='jabber:client' a='1'><body>hé &lt;&#13;</body></message>")


def test_a_stanza_comes_as_soon_as_its_last_byte():
    text = b"<message a='" + b"x" * 4000 + b"'/>"
    assert len(elements(text[:3000], text[3000:])) == 1


def test_prefixes_and_languages():
    stanza = element("<s:a xmlns:s='urn:s' s:x='1' xml:lang='fr' y='2'><b xmlns='urn:b'/></s:a>")
    assert (stanza.uri, stanza.name) == ("urn:s", "a")
    assert stanza.attributes == {
        ("urn:s", "x"): "1",
        ("http://www.w3.org/XML/1998/namespace", "lang"): "fr",
        "y": "2",
    }
    assert stanza.firstChildElement().uri == "urn:b"
    assert element(stanza.toXml()).attributes == stanza.attributes


@pytest.mark.parametrize("namespace", ["a b", "urn:a\tb", "urn:a'b", "x&gt;&lt;y"])
def test_a_peer_cannot_end_the_stream_by_an_odd_namespace(namespace):
    stanza = element(f'<message><x xmlns="{namespace}"><y/></x></message>')
    assert stanza.firstChildElement().firstChildElement().name == "y"
    assert element(stanza.toXml()).firstChildElement().uri == stanza.firstChildElement().uri


BOMB = b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><stream>&b;</stream>"


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (BOMB, "restricted-xml"),
        (b"<stream><!-- hi --><a/>", "restricted-xml"),
        (b"<stream><?php hi ?><a/>", "restricted-xml"),
        (b"<stream><a><![CDATA[fine]]></a><!-- not -->", "restricted-xml"),
        (b"<stream><a></b>", "not-well-formed"),
        (b"<stream><a>\0</a>", "not-well-formed"),
        (b"<stream><a>\xff</a>", "not-well-formed"),
        (b"<stream><a>&nbsp;</a>", "not-well-formed"),
        (b"<stream>" + b"<a>" * 201, "policy-violation"),
        (b"<stream><a>" + b"<b/>" * 100_000, "policy-violation"),
        (b"<stream><a " + b"x" * 300_000, "policy-violation"),
    ],
)
def test_refused(data, condition):
    found = []
    parser = ElementParser(lambda _: None, found.append, lambda: None)
    with pytest.raises(ParserError) as raised:
        parser.feed(data)
    assert raised.value.condition == condition


def test_size_of_a_stanza_is_bounded_but_not_that_of_a_stream():
    chunk = b"x" * 65536
    found = []
    parser = ElementParser(lambda _: None, found.append, lambda: None)
    parser.feed(b"<stream>")
    for _ in range(3):
        parser.feed(b"<a>")
        for _ in range(100):
            parser.feed(chunk)
        parser.feed(b"</a>")
    for _ in range(200):
        parser.feed(b" " * 65536)
    assert [len(stanza.text) for stanza in found] == [6553600] * 3
    parser.feed(b"<a>")
    with pytest.raises(ParserError, match="10 MiB"):
        for _ in range(200):
            parser.feed(chunk)


def test_nothing_comes_after_stop():
    found = []

    def received(stanza):
        found.append(stanza.name)
        parser.stop()

    parser = ElementParser(lambda _: None, received, lambda: found.append("closed"))
    parser.feed(b"<stream><a/><b/></stream>")
    assert found == ["a"]
