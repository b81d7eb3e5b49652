"""SASL2, Bind 2, tokens and upgrades against a server that says what the test wants."""

import hashlib

import pytest

from sat.xmpp.connection import Phase
from sat.xmpp.memory import Memory
from tests.hostile.login import NS_SASL, NS_SM
from tests.hostile.sasl2 import NS_BIND2, NS_SASL2, NS_UPGRADE, Sasl2Server, offer_text
from tests.xmpp.support import Pair, message, wait

AGENT = "d4565fa7-4d72-4749-b3d3-740edbf87770"
TOKENS = ("HT-SHA-256-EXPR", "HT-SHA-256-ENDP", "HT-SHA-256-NONE")


class Kept(Memory):
    """A memory that tells what it was told to keep."""

    def __init__(self, **given) -> None:
        self.floors: list = []
        self.tokens: list = []
        super().__init__(
            AGENT, keep_floor=self.floors.append, keep_token=self.tokens.append, **given
        )


async def failed(pair, reason, phase=Phase.FAILED):
    state = await pair.client.been(phase)
    assert state.reason == reason, state
    return state


async def test_a_login_and_its_session_in_one_exchange(reactor, tmp_path):
    memory = Kept()
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server()
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256-PLUS"
        state = await pair.client.phase(Phase.ONLINE)
        assert state.jid.full() == "alice@server.test/sat.1"
        assert pair.client.features.management
        assert pair.client.features.mechanism == "SCRAM-SHA-256-PLUS"
        assert (NS_SM, "sm") in pair.client.features.names
        assert served.flag == "p=tls-exporter"
        peer = pair.server.peers[0]
        await peer.forbid("<iq/>")
        assert served.requests[0].find(f"{{{NS_SASL2}}}user-agent").get("id") == AGENT
        assert [str(one) for one in memory.floors] == ["SCRAM-SHA-256-PLUS"]
        assert peer.headers[-1].get("from") == "alice@server.test"


@pytest.mark.parametrize(
    ("bindings", "flag"),
    [(("tls-server-end-point",), "p=tls-server-end-point"), (None, "p=tls-exporter")],
)
async def test_the_channel_is_bound_as_the_server_names_it(reactor, tmp_path, bindings, flag):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(bindings=bindings)
        await served.log_in(await pair.server.accept())
        await pair.client.phase(Phase.ONLINE)
        assert served.flag == flag


@pytest.mark.parametrize(
    ("mechanisms", "bindings", "flag"),
    [(("SCRAM-SHA-256",), (), "y"), (("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), ("x",), "n")],
)
async def test_what_is_said_where_nothing_is_bound(reactor, tmp_path, mechanisms, bindings, flag):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(mechanisms, bindings)
        await served.log_in(await pair.server.accept())
        await pair.client.phase(Phase.ONLINE)
        assert served.flag == flag


async def test_somebody_in_between_who_removes_plus_is_seen_by_the_server(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server()
        honest = served.features
        served.features = lambda: honest().replace("<mechanism>SCRAM-SHA-256-PLUS</mechanism>", "")
        peer = await pair.server.accept()
        with pytest.raises(AssertionError, match="didn't come"):
            await served.log_in(peer)
        assert served.requests[0].get("mechanism") == "SCRAM-SHA-256"
        await failed(pair, "denied.password")


async def test_binding_that_was_only_assumed_is_tried_without(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(bindings=None)
        honest = served._check

        async def check(peer, name, given, request):
            if name.endswith("-PLUS"):
                from tests.hostile.scram import Refused

                raise Refused("knows tls-unique alone")
            return await honest(peer, name, given, request)

        served._check = check
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256"
        await pair.client.phase(Phase.ONLINE)
        assert served.flag == "n"


async def test_a_fixed_resource_is_bound_the_older_way(reactor, tmp_path):
    async with Pair(reactor, tmp_path, resource="desk") as pair:
        served = Sasl2Server()
        peer = await pair.server.accept()
        await served.log_in(peer)
        assert served.requests[0].find(f"{{{NS_BIND2}}}bind") is None
        request = await peer.expect(
            "<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
        )
        peer.answer(
            request,
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            "<jid>alice@server.test/desk</jid></bind>",
        )
        await peer.expect(f"<enable xmlns='{NS_SM}'/>")
        peer.send(f"<enabled xmlns='{NS_SM}'/>")
        assert (await pair.client.phase(Phase.ONLINE)).jid.resource == "desk"


async def test_a_server_that_binds_nothing_inline(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(bind=False)
        peer = await pair.server.accept()
        await served.log_in(peer)
        await peer.expect("<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")


async def test_stanzas_between_success_and_features_are_kept(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        await Sasl2Server().log_in(peer, before="features")
        peer.send("<message id='early'/><stream:features/><message id='late'/>")
        await pair.client.until(lambda client: len(client.stanzas) == 2)
        assert [element["id"] for element, _ in pair.client.stanzas] == ["early", "late"]


async def test_wrong_password_is_final(reactor, tmp_path):
    async with Pair(reactor, tmp_path, password="wrong") as pair:
        peer = await pair.server.accept()
        with pytest.raises(AssertionError, match="didn't come"):
            await Sasl2Server().log_in(peer)
        await failed(pair, "denied.password")


async def test_server_without_proof_is_left(reactor, tmp_path):
    memory = Kept()
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server(tokens=TOKENS, upgrades=("UPGR-SCRAM-SHA-512",))
        served.proof = False
        served.upgrades = ()
        peer = await pair.server.accept()
        await served.log_in(peer, before="features")
        await failed(pair, "denied.server")
        assert memory.tokens == []
        assert memory.floors == []


# The offer's hash (XEP-0474)


@pytest.mark.parametrize("tampered", [False, True])
async def test_the_offer_is_checked_where_the_server_signs_it(reactor, tmp_path, tampered):
    mechanisms = ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
    bindings = ("tls-exporter", "tls-server-end-point")
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(mechanisms, bindings, hashed_offer=offer_text(mechanisms, bindings))
        if tampered:
            # Somebody in between leaves nothing that this client could bind to.
            served.bindings = ("tls-unique",)
        peer = await pair.server.accept()
        if tampered:
            with pytest.raises(AssertionError, match="didn't come"):
                await served.log_in(peer)
            await failed(pair, "denied.tampered")
            await peer.forbid(f"<response xmlns='{NS_SASL2}'/>")
        else:
            await served.log_in(peer)
            await pair.client.phase(Phase.ONLINE)


# Sessions that go on (XEP-0198, section 9)


async def test_a_session_goes_on_within_the_login(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(sessions=True)
        peer = await pair.server.accept()
        await served.log_in(peer)
        await pair.client.phase(Phase.ONLINE)
        sending = pair.connection.send(message("one"))
        await peer.expect("<message><body>one</body></message>")
        await sending
        peer.abort()
        await pair.client.until(lambda client: "suspended" in client.sessions)
        again = await pair.server.accept()
        await served.log_in(again, before="features")
        again.send("<message id='waited'/><stream:features/>")
        await again.expect("<message><body>one</body></message>")
        await pair.client.until(lambda client: client.stanzas)
        assert pair.client.sessions == ["started", "suspended", "resumed"]
        assert served.requests[1].find(f"{{{NS_SM}}}resume").get("previd") == "session 0"
        await again.forbid("<iq/>")


async def test_a_session_that_is_gone_gives_way_to_a_new_one(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(sessions=True)
        peer = await pair.server.accept()
        await served.log_in(peer)
        await pair.client.phase(Phase.ONLINE)
        peer.abort()
        served.known.clear()
        again = await pair.server.accept()
        await served.log_in(again)
        await pair.client.until(lambda client: client.sessions[-2:] == ["ended", "started"])
        assert pair.client.features.refused == 0
        await again.forbid("<iq/>")


# Upgrades (XEP-0480)


async def test_the_server_learns_a_stronger_hash(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(upgrades=("UPGR-SCRAM-SHA-512", "UPGR-BLOOP"))
        await served.log_in(await pair.server.accept())
        await pair.client.phase(Phase.ONLINE)
        assert served.hashes == {
            "UPGR-SCRAM-SHA-512": hashlib.pbkdf2_hmac(
                "sha512", pair.server.password.encode(), b"pepper", 4096
            )
        }


async def test_no_hash_for_a_server_without_proof(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(upgrades=("UPGR-SCRAM-SHA-512",))
        peer = await pair.server.accept()
        await served.log_in(peer, before="proof")
        peer.send(
            f"<continue xmlns='{NS_SASL2}'><tasks><task>UPGR-SCRAM-SHA-512</task></tasks>"
            "</continue>"
        )
        await failed(pair, "denied.server")
        await peer.forbid(f"<next xmlns='{NS_SASL2}'/>")


@pytest.mark.parametrize("plain", [True, False])
async def test_no_upgrade_with_plain(reactor, tmp_path, plain):
    mechanisms = ("PLAIN",) if plain else ("PLAIN", "SCRAM-SHA-1")
    async with Pair(reactor, tmp_path, allow_plain=True) as pair:
        served = Sasl2Server(mechanisms, upgrades=("UPGR-SCRAM-SHA-256",))
        await served.log_in(await pair.server.accept())
        await pair.client.phase(Phase.ONLINE)
        asked = served.requests[0].find(f"{{{NS_UPGRADE}}}upgrade")
        assert (asked is None) == plain


async def test_a_task_that_nobody_asked_for_is_told(reactor, tmp_path):
    async with Pair(reactor, tmp_path, allow_plain=True) as pair:
        peer = await pair.server.accept()
        await Sasl2Server(("PLAIN",)).log_in(peer, before="proof")
        peer.send(
            f"<continue xmlns='{NS_SASL2}'><tasks><task>TOTP-EXAMPLE</task></tasks></continue>"
        )
        state = await failed(pair, "denied.task")
        assert "TOTP-EXAMPLE" in state.sentence


# A server that can't do what it offers


@pytest.mark.parametrize("step", ["answer", "proof", "features"])
async def test_a_silent_server_is_left_at_each_step(reactor, tmp_path, step):
    async with Pair(reactor, tmp_path, step=0.4) as pair:
        peer = await pair.server.accept()
        await Sasl2Server().log_in(peer, before=step)
        await failed(pair, "timeout.login", Phase.WAITING)
        await peer.ends()


async def test_a_server_whose_sasl2_hangs_is_used_by_the_older_profile(reactor, tmp_path):
    async with Pair(reactor, tmp_path, step=0.4) as pair:
        served = Sasl2Server(also_older=True)
        await served.log_in(await pair.server.accept(), before="answer")
        await failed(pair, "timeout.login", Phase.WAITING)
        peer = await pair.server.accept()
        await peer.log_in(before="mechanisms")
        peer.send(f"<stream:features>{served.features()}</stream:features>")
        await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='SCRAM-SHA-1'/>")


async def test_a_server_that_hangs_up_once_is_used_by_sasl2_again(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(also_older=True)
        peer = await pair.server.accept()
        await served.log_in(peer, before="answer")
        peer.abort()
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256-PLUS"
        await pair.client.phase(Phase.ONLINE)


@pytest.mark.parametrize(
    ("answer", "reason", "phase"),
    [
        ("<challenge xmlns='urn:xmpp:sasl:2'>%%%</challenge>", "denied.server", Phase.FAILED),
        ("<presence/>", "stream.unexpected", Phase.WAITING),
        ("<success xmlns='urn:xmpp:sasl:2'/>", "denied.server", Phase.FAILED),
        ("<continue xmlns='urn:xmpp:sasl:2'/>", "denied.server", Phase.FAILED),
        ("<failure xmlns='urn:xmpp:sasl:2'/>", "denied.password", Phase.FAILED),
    ],
)
async def test_nonsense_is_told(reactor, tmp_path, answer, reason, phase):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.server.accept()
        await Sasl2Server().log_in(peer, before="answer")
        peer.send(answer)
        await failed(pair, reason, phase)


async def test_a_bound_session_without_an_address_is_told(reactor, tmp_path):
    async with Pair(reactor, tmp_path, allow_plain=True) as pair:
        for text in ("", "alice@server.test", "@@"):
            peer = await pair.server.accept()
            await Sasl2Server(("PLAIN",)).log_in(peer, before="proof")
            peer.send(
                f"<success xmlns='{NS_SASL2}'><authorization-identifier>{text}"
                f"</authorization-identifier><bound xmlns='{NS_BIND2}'/></success>"
            )
            await failed(pair, "stream.bind", Phase.WAITING)
            await wait(peer.gone())
