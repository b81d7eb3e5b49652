"""Which mechanism is used, by what a server offers and what the channel has."""

import pytest

from sat.xmpp.choice import (
    Floor,
    Offer,
    choices,
    token_allowed,
    token_binding,
    token_mechanism,
)

ALL = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "X")
TLS13 = {"tls-exporter": b"e", "tls-server-end-point": b"p"}
TLS12 = {"tls-server-end-point": b"p"}


def choose(offer, channel, *, plain=False, certificate=False, password=True):
    return choices(offer, channel.get, plain=plain, certificate=certificate, password=password)


@pytest.mark.parametrize(
    ("mechanisms", "bindings", "channel", "name", "flag"),
    [
        (ALL, ("tls-exporter", "tls-server-end-point"), TLS13, "SCRAM-SHA-256-PLUS", "exporter"),
        (ALL, ("tls-server-end-point",), TLS13, "SCRAM-SHA-256-PLUS", "server-end-point"),
        (ALL, ("tls-exporter", "tls-server-end-point"), TLS12, "SCRAM-SHA-256-PLUS", "server-end"),
        # The server names nothing that this channel has: it must not take us for cheated.
        (ALL, ("tls-unique",), TLS13, "SCRAM-SHA-256", "n"),
        (ALL, ("tls-exporter",), TLS12, "SCRAM-SHA-256", "n"),
        # It names nothing at all.
        (ALL, None, TLS13, "SCRAM-SHA-256-PLUS", "exporter"),
        (ALL, None, TLS12, "SCRAM-SHA-256", "n"),
        # It doesn't offer what we could.
        (("SCRAM-SHA-1", "PLAIN"), None, TLS13, "SCRAM-SHA-1", "y"),
        (("SCRAM-SHA-1", "PLAIN"), ("tls-exporter",), TLS13, "SCRAM-SHA-1", "y"),
        (("SCRAM-SHA-1", "PLAIN"), None, {}, "SCRAM-SHA-1", "n"),
        # Bound by a weaker hash is better than unbound by a stronger one.
        (("SCRAM-SHA-512", "SCRAM-SHA-1-PLUS"), ("tls-exporter",), TLS13, "SCRAM-SHA-1-PLUS", "e"),
    ],
)
def test_the_strongest_is_first(mechanisms, bindings, channel, name, flag):
    first = choose(Offer(mechanisms, bindings), channel)[0]
    assert first.name == name
    assert flag in first.binding.flag
    data = TLS13.get(first.binding.flag.removeprefix("p="), b"")
    assert first.binding.data == data
    assert first.strength.bound == first.name.endswith("-PLUS")


def test_what_is_only_assumed_of_a_server_is_told():
    assert not choose(Offer(ALL, None), TLS13)[0].certain
    assert choose(Offer(ALL, ("tls-exporter",)), TLS13)[0].certain


def test_plain_only_if_allowed():
    assert choose(Offer(("PLAIN", "X")), TLS13) == []
    assert [one.name for one in choose(Offer(("PLAIN", "X")), TLS13, plain=True)] == ["PLAIN"]


def test_a_certificate_is_before_the_password():
    offer = Offer((*ALL, "EXTERNAL"))
    assert choose(offer, TLS13, certificate=True)[0].name == "EXTERNAL"
    assert choose(offer, TLS13)[0].name == "SCRAM-SHA-256-PLUS"
    assert choose(Offer(ALL), TLS13, certificate=True, password=False) == []


@pytest.mark.parametrize(
    ("floor", "met", "not_met"),
    [
        ("SCRAM-SHA-256", ("SCRAM-SHA-256", "SCRAM-SHA-512-PLUS"), ("SCRAM-SHA-1-PLUS", "PLAIN")),
        (
            "SCRAM-SHA-1-PLUS",
            ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-512-PLUS", "EXTERNAL"),
            ("SCRAM-SHA-512", "PLAIN"),
        ),
        ("PLAIN", ("PLAIN", "SCRAM-SHA-1"), ()),
        ("EXTERNAL", ("EXTERNAL",), ("SCRAM-SHA-512-PLUS",)),
    ],
)
def test_a_floor(floor, met, not_met):
    parsed = Floor.parse(floor)
    assert str(parsed) == floor
    assert all(parsed.met_by(Floor.parse(name)) for name in met)
    assert not any(parsed.met_by(Floor.parse(name)) for name in not_met)


def test_a_floor_of_another_time_is_none():
    assert Floor.parse("SCRAM-SHA-3-512") is None


def test_a_token_is_never_weaker_than_the_login():
    every = Offer(ALL, None, ("HT-SHA-256-NONE", "HT-SHA-256-EXPR", "HT-SHA-256-ENDP"))
    bound, unbound = Floor("SCRAM-SHA-256", bound=True), Floor("SCRAM-SHA-256", bound=False)
    assert token_mechanism(every, TLS13.get, bound) == "HT-SHA-256-EXPR"
    assert token_mechanism(every, TLS12.get, bound) == "HT-SHA-256-ENDP"
    none = Offer(ALL, None, ("HT-SHA-256-NONE", "HT-SHA-256-UNIQ"))
    assert token_mechanism(none, TLS13.get, unbound) == "HT-SHA-256-NONE"
    assert token_mechanism(none, TLS13.get, bound) is None
    assert not token_allowed("HT-SHA-256-NONE", bound)
    assert token_allowed("HT-SHA-256-NONE", unbound)
    assert token_binding("HT-SHA-256-NONE", TLS13.get) == b""
    assert token_binding("HT-SHA-256-EXPR", TLS12.get) is None
    assert token_binding("HT-SHA-256-UNIQ", TLS13.get) is None
