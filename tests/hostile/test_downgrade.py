"""Rule 14: nobody talks us into a weaker login than the one before; a server proves itself.

Each attack is told with a reason and a sentence before anything is sent that would help it; its
harmless twin goes through.
"""

import pytest

from tests.backend.support import house, until
from tests.backend.test_trust import NOTHING, begun, connect
from tests.hostile.login import NS_SASL
from tests.hostile.sasl2 import BINDINGS, NS_FAST, NS_SASL2, Sasl2Server

STRONG = ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
ANYTHING = f"<authenticate xmlns='{NS_SASL2}'/>"


async def failed(home, reason: str) -> str:
    """Return the sentence that a frontend is told."""
    told = await home.expect("profile.changed", 20, connection={"phase": "failed"})
    assert told["connection"]["reason"] == reason, told["connection"]
    assert told["connection"]["sentence"] and told["connection"]["retry_at"] is None
    return told["connection"]["sentence"]


async def bound(home):
    """Return alice, who has logged in once as strongly as her server can."""
    served = Sasl2Server(STRONG)
    alice = await begun(home)
    peer = await alice.server.accept()
    assert await served.log_in(peer) == "SCRAM-SHA-256-PLUS"
    await home.expect("profile.changed", connection={"phase": "online"})
    await until(home.reactor, lambda: home.rows("SELECT floor FROM login"))
    assert home.rows("SELECT floor FROM login") == [("SCRAM-SHA-256-PLUS",)]
    peer.abort()
    await home.expect("profile.changed", connection={"phase": "waiting"})
    return alice


WEAKER = (
    (("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"), BINDINGS),
    (("SCRAM-SHA-256",), BINDINGS),
    (("SCRAM-SHA-512",), None),
    (STRONG, ("tls-unique",)),
    (STRONG, ()),
    (("PLAIN",), None),
)


async def test_rule_14_a_weaker_login_is_a_question(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await bound(home)
        await home.call("profile.set", name="alice", values={"allow_plain": "yes"})
        offers = [f"{Sasl2Server(*one).features()}" for one in WEAKER]
        older = "<mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism>"
        offers.append(f"<mechanisms xmlns='{NS_SASL}'>{older}</mechanisms>")
        for offered in offers:
            connect(home)
            peer = await alice.server.accept()
            await peer.log_in(before="mechanisms")
            peer.send(f"<stream:features>{offered}</stream:features>")
            assert "SCRAM-SHA-256-PLUS" in await failed(home, "denied.downgrade"), offered
            await peer.ends()
            await peer.forbid(ANYTHING, 0)
            await peer.forbid(NOTHING, 0)
        question = await home.expect("question.added", kind="downgrade")
        assert question["sentence"]
        with pytest.raises(AssertionError, match="No client"):
            await alice.server.accept(0.2)
        connect(home)
        peer = await alice.server.accept()
        await Sasl2Server(STRONG).log_in(peer)
        await home.expect("profile.changed", connection={"phase": "online"})
        peer.abort()


@pytest.mark.parametrize(("mechanism", "asked"), [("NONE", False), ("EXPR", True)])
async def test_rule_14_no_token_is_weaker_than_the_login(reactor, tmp_path, mechanism, asked):
    async with house(reactor, tmp_path) as home:
        served = Sasl2Server(STRONG, tokens=(f"HT-SHA-256-{mechanism}",))
        alice = await begun(home)
        await served.log_in(await alice.server.accept())
        await home.expect("profile.changed", connection={"phase": "online"})
        wanted = served.requests[0].find(f"{{{NS_FAST}}}request-token")
        assert (wanted is not None) is asked
        alice.server.peers[-1].abort()


@pytest.mark.parametrize("proves", [False, True], ids=["attack", "twin"])
async def test_rule_14_a_server_has_to_prove_itself(reactor, tmp_path, proves):
    async with house(reactor, tmp_path) as home:
        served = Sasl2Server(STRONG)
        served.proof = proves
        alice = await begun(home)
        await served.log_in(await alice.server.accept())
        if not proves:
            assert "proving" in await failed(home, "denied.server")
            return
        await home.expect("profile.changed", connection={"phase": "online"})
        alice.server.peers[-1].abort()


@pytest.mark.parametrize("count", ["1000001", "4095", "0", "4096"])
async def test_rule_14_iterations_have_bounds(reactor, tmp_path, count):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home)
        peer = await alice.server.accept()

        def scram(step: str, text: str) -> str:
            return text.replace("i=4096", f"i={count}") if step == "first" else text

        if count == "4096":
            await peer.log_in(scram=scram, resource="here")
            await home.expect("profile.changed", connection={"phase": "online"})
            peer.abort()
            return
        with pytest.raises(AssertionError):
            await peer.log_in(scram=scram)
        assert count in await failed(home, "denied.iterations")
        await peer.forbid("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", 0)
