"""Tokens (XEP-0484): asked for, used, rotated, dropped, and never weaker than the password."""

import pytest

from sat.xmpp.choice import Floor
from sat.xmpp.connection import Phase
from sat.xmpp.memory import Token
from tests.hostile.login import NS_SASL
from tests.hostile.sasl2 import NS_BIND2, NS_FAST, NS_SASL2, Sasl2Server
from tests.xmpp.support import Pair
from tests.xmpp.test_sasl2 import TOKENS, Kept, failed


async def test_a_token_is_asked_for_used_and_rotated(reactor, tmp_path):
    memory = Kept()
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server(tokens=TOKENS)
        peer = await pair.server.accept()
        await served.log_in(peer)
        await pair.client.phase(Phase.ONLINE)
        assert memory.tokens == [Token("HT-SHA-256-EXPR", "token 0")]
        assert "token 0" not in repr(memory.tokens)
        peer.abort()
        served.rotate = True
        assert await served.log_in(await pair.server.accept()) == "HT-SHA-256-EXPR"
        await pair.client.until(lambda _: len(memory.tokens) == 2)
        assert memory.tokens[1:] == [Token("HT-SHA-256-EXPR", "token 1")]
        assert str(memory.floor) == "SCRAM-SHA-256-PLUS"


@pytest.mark.parametrize("expiry", ["2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "soon", ""])
async def test_when_a_token_ends_is_for_the_server_to_say(reactor, tmp_path, expiry):
    # This machine's clock may be off by years: a token is shown until it is refused.
    memory = Kept()
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server(tokens=TOKENS, expiry=expiry)
        peer = await pair.server.accept()
        await served.log_in(peer)
        await pair.client.phase(Phase.ONLINE)
        peer.abort()
        assert await served.log_in(await pair.server.accept()) == "HT-SHA-256-EXPR"
        # It forgets them all, as when they have ended.
        served.tokens.clear()
        await pair.client.phase(Phase.ONLINE)
        peer = pair.server.peers[-1]
        peer.abort()
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256-PLUS"


async def test_a_refused_token_is_dropped_and_the_password_tried(reactor, tmp_path):
    memory = Kept(token=Token("HT-SHA-256-EXPR", "of old"))
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server(tokens=TOKENS)
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256-PLUS"
        await pair.client.phase(Phase.ONLINE)
        assert [request.get("mechanism") for request in served.requests] == [
            "HT-SHA-256-EXPR",
            "SCRAM-SHA-256-PLUS",
        ]
        assert memory.tokens == [None, Token("HT-SHA-256-EXPR", "token 0")]


async def test_a_server_that_wants_a_token_or_nothing_is_tried_anew(reactor, tmp_path):
    memory = Kept(token=Token("HT-SHA-256-EXPR", "of old"))
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server(tokens=TOKENS)
        peer = await pair.server.accept()
        await served.log_in(peer, before="answer")
        no = f"<failure xmlns='{NS_SASL2}'><{{}} xmlns='{NS_SASL}'/></failure>"
        peer.send(no.format("credentials-expired"))
        await peer.expect(f"<authenticate xmlns='{NS_SASL2}' mechanism='SCRAM-SHA-256-PLUS'/>")
        peer.send(no.format("invalid-mechanism"))
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256-PLUS"
        await pair.client.phase(Phase.ONLINE)


async def test_a_server_that_takes_any_token_is_left(reactor, tmp_path):
    memory = Kept(token=Token("HT-SHA-256-EXPR", "of old"))
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server(tokens=TOKENS)
        peer = await pair.server.accept()
        await served.log_in(peer, before="answer")
        peer.send(
            f"<success xmlns='{NS_SASL2}'><additional-data>AAAA</additional-data>"
            f"<authorization-identifier>alice@server.test/x</authorization-identifier>"
            f"<bound xmlns='{NS_BIND2}'/><token xmlns='{NS_FAST}' token='evil'/></success>"
            "<stream:features/>"
        )
        await failed(pair, "denied.server")
        assert memory.token == Token("HT-SHA-256-EXPR", "of old")


async def test_a_server_that_hangs_on_a_token_is_not_given_another_of_its_kind(reactor, tmp_path):
    memory = Kept(token=Token("HT-SHA-256-EXPR", "of old"))
    async with Pair(reactor, tmp_path, memory=memory, step=0.5) as pair:
        served = Sasl2Server(tokens=TOKENS, also_older=True)
        await served.log_in(await pair.server.accept(), before="answer")
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256-PLUS"
        await pair.client.phase(Phase.ONLINE)
        assert memory.tokens == [
            Token("HT-SHA-256-EXPR", ""),
            Token("HT-SHA-256-ENDP", "token 0"),
        ]


@pytest.mark.parametrize(
    ("token", "floor"),
    [
        (Token("HT-SHA-256-NONE", "token"), Floor("SCRAM-SHA-256", bound=True)),
        (Token("HT-SHA-256-UNIQ", "token"), None),
        (Token("HT-SHA-3-512-EXPR", "token"), None),
    ],
)
async def test_a_token_that_must_not_be_used_is_not(reactor, tmp_path, token, floor):
    memory = Kept(token=token, floor=floor)
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        served = Sasl2Server(tokens=(*TOKENS, token.mechanism))
        served.tokens["token"] = token.mechanism
        assert await served.log_in(await pair.server.accept()) == "SCRAM-SHA-256-PLUS"


async def test_no_token_is_asked_for_without_a_name_for_this_client(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        served = Sasl2Server(tokens=TOKENS)
        await served.log_in(await pair.server.accept())
        assert served.requests[0].find(f"{{{NS_FAST}}}request-token") is None
