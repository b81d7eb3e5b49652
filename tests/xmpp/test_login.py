import pytest

from sat.xmpp.connection import Phase
from tests.hostile.login import NS_SASL, NS_SM, NS_TLS, STEPS
from tests.hostile.server import HostileServer
from tests.xmpp.support import Client, Pair

NOTHING = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
SECRETS = (b"correct horse", b"YWxpY2", b"alice")


async def failed(pair, reason, phase=Phase.WAITING):
    """Wait until the connection failed for a reason, and return its sentence."""
    state = await pair.client.been(phase)
    assert state.reason == reason, state
    assert state.sentence.endswith(".")
    assert (state.retry_in is not None) == (phase is Phase.WAITING)
    return state.sentence


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(
    ("certificate", "reason", "words"),
    [
        ("name", "tls.name", "other.test"),
        ("expired", "tls.expired", "expired on"),
        ("early", "tls.expired", "valid only from"),
        ("self", "tls.untrusted", "no authority"),
    ],
)
async def test_wrong_certificates_are_refused(
    reactor, tmp_path, certificate, reason, words, direct
):
    async with Pair(reactor, tmp_path, certificate=certificate, direct_tls=direct) as pair:
        peer = await pair.server.accept()
        if not direct:
            await peer.log_in(before="tls")
            peer.start_tls()
        assert words in await failed(pair, reason)
        await peer.forbid(NOTHING)
        assert not any(secret in peer.clear for secret in SECRETS)


async def test_direct_tls(reactor, tmp_path):
    async with Pair(reactor, tmp_path, direct_tls=True) as pair:
        peer = await pair.online()
        assert peer.transport.negotiatedProtocol == b"xmpp-client"


async def test_direct_tls_where_no_protocol_is_chosen(reactor, tmp_path):
    async with Pair(reactor, tmp_path, direct_tls=True, alpn=None) as pair:
        peer = await pair.online()
        assert peer.transport.negotiatedProtocol is None


async def test_private_authority_replaces_the_systems(reactor, tmp_path):
    async with Pair(reactor, tmp_path, ca=None) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="tls")
        peer.start_tls()
        await failed(pair, "tls.untrusted")


async def test_authority_that_is_none_is_said(reactor, tmp_path):
    async with Pair(reactor, tmp_path, ca="nothing") as pair:
        assert "no certificate" in await failed(pair, "tls.ca", Phase.FAILED)


async def test_stripped_starttls_ends_before_any_credentials(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="features")
        peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>PLAIN</mechanism>"
            "</mechanisms></stream:features>"
        )
        await failed(pair, "tls.missing")
        await peer.ends()
        assert not any(secret in peer.clear for secret in SECRETS)


async def test_starttls_refused(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="proceed")
        peer.send(f"<failure xmlns='{NS_TLS}'/></stream:stream>")
        await failed(pair, "tls.refused")


@pytest.mark.parametrize(
    "extra",
    [
        f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>PLAIN</mechanism></mechanisms>"
        "</stream:features>",
        "<message from='evil@x.test'><body>injected</body></message>",
        "<!-- not even xmpp",
    ],
)
async def test_what_comes_between_proceed_and_tls_is_discarded(reactor, tmp_path, extra):
    async with Pair(reactor, tmp_path, allow_plain=True) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="proceed")
        peer.send(f"<proceed xmlns='{NS_TLS}'/>{extra}")
        peer.start_tls()
        await peer.header()
        peer.open(f"<mechanisms xmlns='{NS_SASL}'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>")
        await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='SCRAM-SHA-1'/>")
        assert pair.client.stanzas == []


async def test_plain_only_if_allowed(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="mechanisms")
        peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>PLAIN</mechanism>"
            "</mechanisms></stream:features>"
        )
        assert "PLAIN" in await failed(pair, "denied.mechanism", Phase.FAILED)
        await peer.forbid(NOTHING)


async def test_plain_if_allowed(reactor, tmp_path):
    async with Pair(reactor, tmp_path, allow_plain=True) as pair:
        await pair.online(mechanisms=("PLAIN",))
        assert pair.client.features.mechanism == "PLAIN"


async def test_wrong_password_is_final(reactor, tmp_path):
    async with Pair(reactor, tmp_path, password="wrong") as pair:
        peer = await pair.server.accept()
        await peer.log_in()
        assert "password of alice@server.test" in await failed(
            pair, "denied.password", Phase.FAILED
        )
        with pytest.raises(AssertionError, match="No client"):
            await pair.server.accept(0.5)


async def test_passing_failure_is_tried_again(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="challenge")
        peer.send(f"<failure xmlns='{NS_SASL}'><temporary-auth-failure/></failure>")
        await failed(pair, "denied.temporary-auth-failure")
        await pair.online()


@pytest.mark.parametrize(
    ("step", "reply", "reason"),
    [
        ("final", "v=AAAA", "denied.server"),
        ("final", "", "denied.server"),
        ("first", "r={},s=QSXCR+Q6sek8bf92,i=1", "denied.iterations"),
        ("first", "r={},s=QSXCR+Q6sek8bf92,i=1000000000", "denied.iterations"),
        ("first", "r=other,s=QSXCR+Q6sek8bf92,i=4096", "denied.server"),
    ],
)
async def test_server_that_cannot_prove_itself_is_left(reactor, tmp_path, step, reply, reason):
    def scram(this, text):
        return reply.format(text.partition(",")[0][2:]) if this == step else text

    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        # The client goes away in the middle, as it should.
        with pytest.raises(AssertionError, match=r"didn't come|No stream header"):
            await peer.log_in(scram=scram)
        await failed(pair, reason, Phase.FAILED)
        await peer.forbid("<iq/>")


@pytest.mark.parametrize("step", STEPS)
async def test_silent_server_is_left_at_each_step(reactor, tmp_path, step):
    async with Pair(reactor, tmp_path, step=0.4) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before=step)
        assert "didn't answer" in await failed(pair, "timeout.login")
        await peer.ends()


async def test_server_that_never_sends_a_byte_is_left(reactor, tmp_path):
    async with Pair(reactor, tmp_path, step=0.4, direct_tls=True) as pair:
        await pair.server.accept()
        # The next try meets a server that doesn't even begin with TLS.
        await pair.server.refuse()
        pair.server.direct_tls = False
        pair.server.listen(pair.server.port)
        for peer in pair.server.peers:
            peer.abort()
        await pair.client.until(
            lambda client: [state for state in client.states if state.reason == "timeout.login"]
        )


async def test_server_that_hangs_up_at_each_step_is_tried_again(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        for step in STEPS:
            peer = await pair.server.accept()
            await peer.log_in(before=step)
            peer.abort()
        peer = await pair.online()
        reasons = {state.reason for state in pair.client.states if state.reason}
        assert reasons == {"network.lost"}


async def test_taken_resource_is_replaced_by_one_of_the_servers(reactor, tmp_path):
    async with Pair(reactor, tmp_path, resource="desk") as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="bind")
        request = peer.received[-1]
        peer.answer(
            request,
            "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            type="error",
        )
        again = await peer.expect("<iq type='set'/>")
        assert "desk" not in str(list(again.itertext()))
        peer.answer(
            again,
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@server.test/x</jid></bind>",
        )
        await peer.expect(f"<enable xmlns='{NS_SM}'/>")
        peer.send(f"<failed xmlns='{NS_SM}'/>")
        state = await pair.client.phase(Phase.ONLINE)
        assert state.jid.resource == "x"
        assert not pair.client.features.management


async def test_stanzas_before_the_end_of_the_login_are_kept(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="enabled")
        peer.send("<message id='early'/>")
        peer.send(f"<enabled xmlns='{NS_SM}'/><message id='late'/>")
        await pair.client.until(lambda client: len(client.stanzas) == 2)
        assert [(e["id"], number) for e, number in pair.client.stanzas] == [
            ("early", 0),
            ("late", 1),
        ]


async def test_another_protocol_is_told_apart(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n")
        await failed(pair, "xml.invalid")


async def test_password_shows_nowhere(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        client = Client(reactor, server)
        assert "horse" not in repr(client.connection.account)
