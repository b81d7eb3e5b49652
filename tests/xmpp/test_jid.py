import pytest

from sat.xmpp.jid import JID, parse_jid


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("juliet@example.com", ("juliet", "example.com", None)),
        ("juliet@example.com/foo", ("juliet", "example.com", "foo")),
        ("juliet@example.com/foo bar", ("juliet", "example.com", "foo bar")),
        ("juliet@example.com/foo@bar/baz", ("juliet", "example.com", "foo@bar/baz")),
        ("example.com", (None, "example.com", None)),
        ("example.com/a@b", (None, "example.com", "a@b")),
        ("JULIET@Example.COM/Foo", ("juliet", "example.com", "Foo")),
        ("foo\\20bar@example.com", ("foo\\20bar", "example.com", None)),
        ("fußball@example.com", ("fussball", "example.com", None)),
        ("ＡＢ@example.com", ("ab", "example.com", None)),
        ("π@example.com", ("π", "example.com", None)),
        ("user@münchen.test", ("user", "münchen.test", None)),
        ("user@127.0.0.1", ("user", "127.0.0.1", None)),
        ("king@example.com/♚", ("king", "example.com", "♚")),
    ],
)
def test_valid(text, parts):
    jid = JID(text)
    assert (jid.user, jid.host, jid.resource) == parts
    assert JID(jid.full()) == jid
    assert hash(JID(jid.full())) == hash(jid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "/",
        "@example.com",
        "user@",
        "user@/resource",
        "user@example.com/",
        '"juliet"@example.com',
        "foo bar@example.com",
        "a&b@example.com",
        "a:b@example.com",
        "<a>@example.com",
        "a@b@example.com",
        "🙂@x",
        "user@exa mple.com",
        "user@a..b",
        "user@.example.com",
        "user@example.com/\0",
        "us\u200eer\ud800@example.com",
        "henry\u2163\u0000@example.com",
        "\u00ad@example.com",
        "x" * 1024 + "@example.com",
        "user@example.com/" + "é" * 512,
    ],
)
def test_invalid(text):
    with pytest.raises(ValueError, match=r"address.*\.$"):
        JID(text)


def test_parts_of_1023_bytes_are_allowed():
    assert JID("x" * 1023 + "@example.com/" + "y" * 1023).user == "x" * 1023


def test_homographs_are_distinct():
    assert JID("paypal@x.test") != JID("pаypal@x.test")  # the second has a Cyrillic a


def test_bare_and_with_resource():
    jid = parse_jid("a@x.test/r")
    assert jid.bare == parse_jid("a@x.test")
    assert jid.bare.bare is jid.bare
    assert jid.bare.with_resource("r") == jid
    assert parse_jid("a@x.test/r") is jid
    assert jid != "a@x.test/r"


@pytest.mark.parametrize("host", ["a.test", "a--b.test", "xn--mnchen-3ya.test", "127.0.0.1", "a"])
@pytest.mark.parametrize("user", [None, "bob", "b.o+b-_", "-bob", "0"])
@pytest.mark.parametrize("resource", [None, "home", "A/b@c", "~", "x:y"])
def test_plain_address_is_what_preparing_it_gives(user, host, resource):
    prepared = JID(tuple=(user, host, resource))
    assert JID(prepared.full()) == prepared
    assert hash(JID(prepared.full())) == hash(prepared)


@pytest.mark.parametrize(
    "text", ["a@-b.test", "a@b-.test", "a@b..test", "a b@c.test", "a@b_c.test"]
)
def test_what_only_looks_plain_is_refused(text):
    with pytest.raises(ValueError):
        JID(text)


@pytest.mark.parametrize("text", ["A@b.test", "a@B.test"])
def test_capitals_are_prepared(text):
    assert JID(text).full() == "a@b.test"
