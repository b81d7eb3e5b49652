"""XEP-0390: each presence carries hashes that stand for what we answer when asked."""

from xml.etree import ElementTree as ET

from sat.xmpp.caps import NS_CAPS2, Claim, read_claim, verify
from tests.backend.support import house
from tests.plugins.test_xep_0115_caps import CAPS, INFO, ask
from tests.xmpp.xml import element


async def announced(home, person) -> Claim:
    """Wait for our presence, and return what it claims."""
    found = await person.peer.expect(f"<presence><c xmlns='{NS_CAPS2}'/></presence>")
    claim = read_claim(element(ET.tostring(one, encoding="unicode")) for one in found)
    assert claim is not None
    assert claim.protocol == NS_CAPS2
    return claim


async def test_every_hash_is_that_of_the_answer(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("presence.set", show="away")
        found = await alice.peer.expect(
            f"<presence><show>away</show><c xmlns='{CAPS}'/><c xmlns='{NS_CAPS2}'/></presence>"
        )
        hashes = {one.get("algo"): one.text for one in found.find(f"{{{NS_CAPS2}}}c")}
        assert set(hashes) == {"sha-256", "sha3-256"}
        for algorithm, value in hashes.items():
            node = f"{NS_CAPS2}#{algorithm}.{value}"
            alice.peer.send(ask("i1", node))
            answer = await alice.peer.expect(
                f"<iq type='result' id='i1'><query node='{node}' xmlns='{INFO}'/></iq>"
            )
            query = element(ET.tostring(answer[0], encoding="unicode"))
            assert verify(query, Claim(NS_CAPS2, algorithm, value, node))
        alice.peer.send(ask("i2", f"{NS_CAPS2}#sha-256.other"))
        await alice.peer.expect("<iq type='error' id='i2'/>")


async def test_what_we_want_to_be_told_of_comes_and_goes_with_its_plugin(reactor, tmp_path):
    wanted = "urn:xmpp:mds:displayed:0+notify"
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        hashes = []
        for change, there in (("load", True), ("unload", False), ("load", True)):
            await home.call(f"plugin.{change}", name="displayed")
            await home.call("presence.set", show="away")
            alice.peer.unread.clear()
            await home.call("presence.set", show="chat")
            hashes.append((await announced(home, alice)).value)
            alice.peer.send(ask("i1"))
            answer = await alice.peer.expect("<iq type='result' id='i1'/>")
            assert (wanted in {one.get("var") for one in answer[0]}) is there
        assert hashes[0] == hashes[2] != hashes[1]
