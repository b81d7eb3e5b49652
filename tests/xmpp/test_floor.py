"""The strongest login so far is a floor: what is weaker is refused before anything is sent."""

import pytest

from sat.xmpp.choice import Floor
from sat.xmpp.connection import Phase
from sat.xmpp.memory import Memory
from tests.hostile.login import NS_SASL
from tests.hostile.sasl2 import NS_SASL2, Sasl2Server
from tests.xmpp.support import Pair


def kept(**given):
    """Return a memory, and the list of the floors that it was told to keep."""
    floors: list = []
    return Memory("agent", keep_floor=floors.append, **given), floors


async def failed(pair, reason):
    state = await pair.client.been(Phase.FAILED)
    assert state.reason == reason, state
    return state


@pytest.mark.parametrize(
    ("mechanisms", "bindings"),
    [
        (("SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"), ("tls-exporter",)),
        (("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), ("tls-unique",)),
        (("PLAIN",), None),
    ],
)
async def test_a_downgrade_is_refused_before_anything_is_sent(
    reactor, tmp_path, mechanisms, bindings
):
    memory, _ = kept(floor=Floor("SCRAM-SHA-256", bound=True))
    async with Pair(reactor, tmp_path, memory=memory, allow_plain=True) as pair:
        served = Sasl2Server(mechanisms, bindings)
        peer = await pair.server.accept()
        await peer.log_in(before="mechanisms")
        peer.send(f"<stream:features>{served.features()}</stream:features>")
        state = await failed(pair, "denied.downgrade")
        assert "SCRAM-SHA-256-PLUS" in state.sentence
        assert state.about.floor == memory.floor
        await peer.forbid(f"<authenticate xmlns='{NS_SASL2}'/>")


async def test_what_is_as_strong_as_before_is_no_downgrade(reactor, tmp_path):
    memory, floors = kept(floor=Floor("SCRAM-SHA-1", bound=True))
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        await Sasl2Server().log_in(await pair.server.accept())
        await pair.client.phase(Phase.ONLINE)
        assert [str(floor) for floor in floors] == ["SCRAM-SHA-256-PLUS"]


async def test_a_downgrade_of_the_older_profile_is_refused_too(reactor, tmp_path):
    memory, _ = kept(floor=Floor("SCRAM-SHA-512", bound=False))
    async with Pair(reactor, tmp_path, memory=memory) as pair:
        peer = await pair.server.accept()
        await peer.log_in(before="mechanisms")
        peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>SCRAM-SHA-1</mechanism>"
            "</mechanisms></stream:features>"
        )
        await failed(pair, "denied.downgrade")
        await peer.forbid(f"<auth xmlns='{NS_SASL}'/>")
