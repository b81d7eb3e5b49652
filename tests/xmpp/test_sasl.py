import pytest
from scramp import ScramMechanism

from sat.xmpp import sasl

NONCE = "fyko+d2lbbFgONRv9qkxdawL"


def talk(name, user="user", password="pencil", iterations=4096, known=None):
    """Log in at scramp's server, and return both sides."""
    mechanism = ScramMechanism(name)
    info = mechanism.make_auth_info(known or password, iteration_count=iterations)
    server = mechanism.make_server(lambda _: info)
    client = sasl.mechanism(name, user, password, NONCE)
    server.set_client_first(client.start().decode())
    server.set_client_final(client.respond(server.get_server_first().encode()).decode())
    return client, server.get_server_final().encode()


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("password", ["pencil", "I\u00adX", "\u2168 \u00a0é", "a,b=c", "пароль"])
def test_scram_agrees_with_scramp(name, password):
    client, final = talk(name, user="a,b=c", password=password)
    client.finish(final)


def test_scram_gives_the_example_of_the_rfc():
    client = sasl.mechanism("SCRAM-SHA-1", "user", "pencil", NONCE)
    assert client.start() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    assert client.respond(
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
    ) == (b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
    client.finish(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")


def test_server_that_knows_another_password_is_refused():
    client, _ = talk("SCRAM-SHA-256")
    _, other = talk("SCRAM-SHA-256", password="pen")
    with pytest.raises(sasl.SaslError, match="proof of it is wrong"):
        client.finish(other)


@pytest.mark.parametrize("final", [None, b"", b"v=", b"v=!", b"e=other-error", b"x"])
def test_success_without_proof_is_refused(final):
    client, _ = talk("SCRAM-SHA-256")
    with pytest.raises(sasl.SaslError):
        client.finish(final)


def test_success_before_the_challenge_is_refused():
    client = sasl.mechanism("SCRAM-SHA-256", "user", "pencil", NONCE)
    client.start()
    with pytest.raises(sasl.SaslError):
        client.finish(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")


def test_proof_may_come_in_a_challenge():
    client, final = talk("SCRAM-SHA-1")
    assert client.respond(final) == b""
    client.finish(None)


@pytest.mark.parametrize(
    "challenge",
    [
        "r={n}x,s=QSXCR+Q6sek8bf92,i=1",
        "r={n}x,s=QSXCR+Q6sek8bf92,i=4095",
        "r={n}x,s=QSXCR+Q6sek8bf92,i=1000001",
        "r={n}x,s=QSXCR+Q6sek8bf92,i=1000000000",
        "r={n}x,s=QSXCR+Q6sek8bf92,i=" + "9" * 5000,
        "r={n}x,s=QSXCR+Q6sek8bf92,i=-4096",
        "r={n}x,s=QSXCR+Q6sek8bf92,i=٤٠٩٦",
        "r={n}x,s=QSXCR+Q6sek8bf92",
        "r={n}x,s=,i=4096",
        "r={n}x,s=!,i=4096",
        "r={n},s=QSXCR+Q6sek8bf92,i=4096",
        "r=other,s=QSXCR+Q6sek8bf92,i=4096",
        "m=ext,r={n}x,s=QSXCR+Q6sek8bf92,i=4096",
        "",
        "\x00\xff",
    ],
)
def test_bad_challenges_are_refused(challenge):
    client = sasl.mechanism("SCRAM-SHA-1", "user", "pencil", NONCE)
    client.start()
    with pytest.raises(sasl.SaslError) as raised:
        client.respond(challenge.format(n=NONCE).encode("latin-1", "ignore"))
    assert raised.value.name in ("denied.server", "denied.iterations")


def test_the_strongest_is_chosen_and_plain_only_if_allowed():
    offered = {"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "DIGEST-MD5", "X"}
    assert sasl.choose(offered, allow_plain=True) == "SCRAM-SHA-256"
    assert sasl.choose({"PLAIN", "X"}, allow_plain=False) is None
    assert sasl.choose({"PLAIN", "X"}, allow_plain=True) == "PLAIN"


def test_plain_sends_the_text_of_a_secret_that_prints_as_dots():
    class Secret(str):
        def __str__(self):
            return "dots"

        def __format__(self, _):
            return "dots"

    assert sasl.mechanism("PLAIN", "user", Secret("pencil"), "").start() == b"\0user\0pencil"
    client = sasl.mechanism("SCRAM-SHA-1", "user", Secret("pencil"), NONCE)
    assert client.respond(
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
    ).endswith(b"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")


# RFC 4013, section 3
@pytest.mark.parametrize(
    ("text", "prepared"),
    [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX")],
)
def test_saslprep(text, prepared):
    assert sasl.saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031"])
def test_saslprep_refuses(text):
    with pytest.raises(ValueError, match="password"):
        sasl.saslprep(text)
