import hmac

import pytest
from scramp import ScramMechanism

from sat.xmpp import sasl

NONCE = "fyko+d2lbbFgONRv9qkxdawL"


def talk(name, user="user", password="pencil", iterations=4096, known=None):
    """Log in at scramp's server, and return both sides."""
    mechanism = ScramMechanism(name)
    info = mechanism.make_auth_info(known or password, iteration_count=iterations)
    server = mechanism.make_server(lambda _: info)
    client = sasl.Scram(name, user, password, NONCE)
    server.set_client_first(client.start().decode())
    server.set_client_final(client.respond(server.get_server_first().encode()).decode())
    return client, server.get_server_final().encode()


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("password", ["pencil", "I\u00adX", "\u2168 \u00a0é", "a,b=c", "пароль"])
def test_scram_agrees_with_scramp(name, password):
    client, final = talk(name, user="a,b=c", password=password)
    client.finish(final)


def test_scram_gives_the_example_of_the_rfc():
    client = sasl.Scram("SCRAM-SHA-1", "user", "pencil", NONCE)
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
    client = sasl.Scram("SCRAM-SHA-256", "user", "pencil", NONCE)
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
    client = sasl.Scram("SCRAM-SHA-1", "user", "pencil", NONCE)
    client.start()
    with pytest.raises(sasl.SaslError) as raised:
        client.respond(challenge.format(n=NONCE).encode("latin-1", "ignore"))
    assert raised.value.name in ("denied.server", "denied.iterations")


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_binding_to_the_end_point_agrees_with_scramp(name):
    bound = ("tls-server-end-point", b"what both know")
    mechanism = ScramMechanism(f"{name}-PLUS")
    info = mechanism.make_auth_info("pencil", iteration_count=4096)
    server = mechanism.make_server(lambda _: info, channel_binding=bound)
    binding = sasl.Binding("p=tls-server-end-point", bound[1])
    client = sasl.Scram(f"{name}-PLUS", "user", "pencil", NONCE, binding)
    server.set_client_first(client.start().decode())
    server.set_client_final(client.respond(server.get_server_first().encode()).decode())
    client.finish(server.get_server_final().encode())


# The SASL data of XEP-0388 and XEP-0474: the channel's is "THIS IS FAKE CB DATA" there.
OFFER = "SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter\x1etls-server-end-point"
OWN = "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6"
FIRST = f"r={OWN}a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096"


def bound_client(offer=OFFER):
    binding = sasl.Binding("p=tls-exporter", b"THIS IS FAKE CB DATA")
    return sasl.Scram("SCRAM-SHA-1-PLUS", "user", "pencil", OWN, binding, offer)


def test_what_is_bound_is_what_the_example_of_the_xep_binds():
    client = bound_client()
    assert client.start() == f"p=tls-exporter,,n=user,r={OWN}".encode()
    said = client.respond(FIRST.encode()).decode()
    assert said.startswith("c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,")


def test_the_hash_of_the_offer_is_that_of_the_xep():
    client = bound_client()
    client.start()
    assert client.respond(f"{FIRST},h=G6k/rBLDqgOhRRaCuuatSDFkJ08=".encode())


@pytest.mark.parametrize(
    "offer",
    [
        "SCRAM-SHA-1\x1ftls-exporter",
        OFFER.replace("tls-exporter\x1e", ""),
        OFFER.replace("\x1eSCRAM-SHA-1-PLUS", ""),
    ],
)
def test_an_offer_that_was_changed_on_its_way_is_seen(offer):
    client = bound_client(offer)
    client.start()
    with pytest.raises(sasl.SaslError) as raised:
        client.respond(f"{FIRST},h=G6k/rBLDqgOhRRaCuuatSDFkJ08=".encode())
    assert raised.value.name == "denied.tampered"


def test_a_token_is_proved_by_both_sides():
    token = sasl.Hashed("HT-SHA-256-EXPR", "user", "secret", b"channel")
    proof = hmac.digest(b"secret", b"Initiatorchannel", "sha256")
    assert token.start() == b"user\0" + proof
    token.finish(hmac.digest(b"secret", b"Responderchannel", "sha256"))
    for wrong in (None, b"", proof, hmac.digest(b"secret", b"Responder", "sha256")):
        with pytest.raises(sasl.SaslError, match="proving"):
            token.finish(wrong)


def test_plain_sends_the_text_of_a_secret_that_prints_as_dots():
    class Secret(str):
        def __str__(self):
            return "dots"

        def __format__(self, _):
            return "dots"

    assert sasl.Plain("user", Secret("pencil")).start() == b"\0user\0pencil"
    client = sasl.Scram("SCRAM-SHA-1", "user", Secret("pencil"), NONCE)
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
