from datetime import UTC, datetime

import pytest

from sat.xmpp.stanza import (
    NS_SID,
    NS_STANZAS,
    Element,
    Iq,
    Message,
    Presence,
    StanzaError,
    clean,
    format_datetime,
    parse_datetime,
    parse_jid,
    serialize,
)
from tests.xmpp.xml import element


def test_message_has_all_its_parts():
    message = Message.from_element(
        element(
            "<message from='bob@x.test/r' to='alice@x.test' type='chat' id='1' xml:lang='en'>"
            "<body xml:lang='fr'>salut</body><body>hi</body><body>again</body>"
            "<subject>s</subject><thread>t</thread>"
            "<origin-id xmlns='urn:xmpp:sid:0' id='o'/>"
            "<stanza-id xmlns='urn:xmpp:sid:0' id='s' by='alice@x.test'/>"
            "<stanza-id xmlns='urn:xmpp:sid:0' id='s' by='@'/>"
            "<delay xmlns='urn:xmpp:delay' stamp='2026-11-21T07:00:00Z' from='x.test'/>"
            "<markable xmlns='urn:xmpp:chat-markers:0'/></message>"
        )
    )
    assert (message.type, message.id, message.body) == ("chat", "1", "hi")
    assert message.bodies == {"fr": "salut", "": "hi"}
    assert (message.subject, message.thread, message.origin_id) == ("s", "t", "o")
    assert message.stanza_ids == [("s", parse_jid("alice@x.test"))]
    assert message.delay == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert message.delay_from == parse_jid("x.test")
    assert message.child("markable", "urn:xmpp:chat-markers:0") is not None
    assert message.child("markable", "urn:other") is None


def test_message_without_or_with_unknown_type_is_normal():
    assert Message.from_element(element("<message/>")).type == "normal"
    assert Message.from_element(element("<message type='odd'/>")).type == "normal"


def test_foreign_body_is_no_body():
    message = Message.from_element(
        element("<message><x:body xmlns:x='urn:x'>evil</x:body><body/></message>")
    )
    assert message.body == ""
    assert Message.from_element(element("<message/>")).body is None


def test_odd_delay_is_left_out():
    message = Message.from_element(
        element("<message><delay xmlns='urn:xmpp:delay' stamp='0000-00-00T00:00:00Z'/></message>")
    )
    assert message.delay is None


def test_message_with_bad_address_is_refused():
    with pytest.raises(ValueError, match="isn't an address"):
        Message.from_element(element("<message from='🙂@x.test'/>"))


def test_message_is_written_as_it_was_read():
    message = Message(
        type="chat", id="1", to=parse_jid("bob@x.test"), body="a\x0b<b>", origin_id="1"
    )
    assert message.to_element().toXml("jabber:client") == (
        "<message type='chat' id='1' to='bob@x.test'><body>a&lt;b&gt;</body>"
        "<origin-id xmlns='urn:xmpp:sid:0' id='1'/></message>"
    )


def test_presence():
    presence = Presence.from_element(
        element(
            "<presence from='a@x.test/r'><show>away</show><status>out</status>"
            "<priority>-5</priority><c xmlns='http://jabber.org/protocol/caps' ver='v'/></presence>"
        )
    )
    assert (presence.type, presence.show, presence.status) == ("available", "away", "out")
    assert presence.priority == -5
    assert presence.child("c", "http://jabber.org/protocol/caps").get("ver") == "v"
    for odd in ("200", "x", "", "٣", "1_0"):
        assert (
            Presence.from_element(
                element(f"<presence><show>odd</show><priority>{odd}</priority></presence>")
            )
            == Presence()
        ), odd
    with pytest.raises(ValueError, match="type of presence"):
        Presence.from_element(element("<presence type='odd'/>"))


def test_iq_and_its_answers():
    iq = Iq.from_element(
        element("<iq type='get' id='7' from='a@x.test/r'><ping xmlns='urn:xmpp:ping'/></iq>")
    )
    assert iq.payload.uri == "urn:xmpp:ping"
    assert iq.result().to_element().toXml() == (
        "<iq xmlns='jabber:client' type='result' id='7' to='a@x.test/r'/>"
    )
    refusal = element(iq.refuse(StanzaError("item-not-found", text="no")).to_element().toXml())
    error = StanzaError.from_element(refusal)
    assert (error.condition, error.type, error.text) == ("item-not-found", "cancel", "no")
    for bad in ("<iq id='1'/>", "<iq type='get'/>", "<iq type='odd' id='1'/>"):
        with pytest.raises(ValueError, match="request"):
            Iq.from_element(element(bad))


def test_unknown_error_is_undefined():
    error = StanzaError.from_element(
        element(f"<iq type='error'><error type='odd'><x xmlns='{NS_STANZAS}'/></error></iq>")
    )
    assert (error.condition, error.type) == ("undefined-condition", "cancel")
    assert StanzaError.from_element(element("<iq/>")).condition == "undefined-condition"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-21T07:12:30Z", "2026-11-21T07:12:30Z"),
        ("2026-11-21T07:12:30.1234567891Z", "2026-11-21T07:12:30.123Z"),
        ("2026-11-21T07:12:30+02:00", "2026-11-21T05:12:30Z"),
        ("2026-11-21T07:12:30-02:30", "2026-11-21T09:42:30Z"),
        ("20020910T23:08:25", "2002-09-10T23:08:25Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_times(text, shown):
    assert format_datetime(parse_datetime(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "0000-01-01T00:00:00Z",
        "99999-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00+99:99",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z" + "0" * 100000,
    ],
)
def test_bad_times(text):
    with pytest.raises(ValueError, match="date and time"):
        parse_datetime(text)


def test_clean_drops_what_xml_cannot_carry():
    assert clean("a\0b\x0bc\ufffed\ud800e\U0001f642\t\n\r\x7f") == "abcde\U0001f642\t\n\r\x7f"


def test_written_attributes_cannot_be_broken_out_of():
    made = Element(("urn:a'/><evil xmlns='", "x"), {"a": "'\"<>&\n"})
    made.add("y", "urn:b", "]]>\r", c=None, from_="z")
    again = element(made.toXml())
    assert again.uri == made.uri
    assert again["a"] == "'\"<>&\n"
    assert [(child.name, child.uri, child.text) for child in again.elements()] == [
        ("y", "urn:b", "]]>\r")
    ]
    assert again.firstChildElement().attributes == {"from": "z"}


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "hi"},
        {"body": ""},
        {"body": "<&>'\" ]]> \r\n\t\x00\ud800", "id": "<'\"&\n>"},
        {"body": "hi", "type": "normal", "origin_id": "o'1", "from_": parse_jid("a@x.test/<'>")},
        {"body": "hi", "bodies": {"fr": "salut"}, "subject": "s", "thread": "t"},
        {"body": "hi", "error": StanzaError("forbidden")},
        {
            "body": "hi",
            "origin_id": "o",
            "extensions": [Element(("urn:x", "y"), {"a": "<"}), Element(("urn:xmpp:sid:0", "z"))],
        },
        {"body": "hi", "origin_id": "o", "extensions": [Element((NS_SID, "origin-id"))]},
    ],
)
def test_a_message_as_text_is_that_of_its_element(fields):
    message = Message(**{"type": "chat", "to": parse_jid("bob@x.test/<r>")} | fields)
    assert message.to_xml() == serialize(message.to_element(), "jabber:client")
