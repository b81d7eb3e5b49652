"""XEP-0115: what each presence says we can do is what we answer when asked."""

import base64
import hashlib

from tests.backend.support import house

CAPS = "http://jabber.org/protocol/caps"
INFO = "http://jabber.org/protocol/disco#info"


def ask(id: str, node: str | None = None, sender: str = "bob@server.test/x") -> str:
    """Return a request for our features."""
    attribute = f" node='{node}'" if node else ""
    return f"<iq type='get' id='{id}' from='{sender}'><query xmlns='{INFO}'{attribute}/></iq>"


async def announced(home, person) -> str:
    """Let the profile announce itself, and return the hash."""
    await home.call("presence.set", show="away")
    found = await person.peer.expect(f"<presence><show>away</show><c xmlns='{CAPS}'/></presence>")
    caps = found.find(f"{{{CAPS}}}c")
    assert caps.get("hash") == "sha-1"
    return f"{caps.get('node')}#{caps.get('ver')}"


async def test_the_hash_is_that_of_the_answer(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        node = await announced(home, alice)
        alice.peer.send(ask("i1", node))
        answer = await alice.peer.expect(
            f"<iq type='result' id='i1'><query node='{node}' xmlns='{INFO}'/></iq>"
        )
        query = answer[0]
        features = sorted(one.get("var") for one in query.findall(f"{{{INFO}}}feature"))
        [identity] = query.findall(f"{{{INFO}}}identity")
        # XEP-0115, section 5.1
        text = "{}/{}//{}<".format(*map(identity.get, ("category", "type", "name")))
        text += "".join(f"{feature}<" for feature in features)
        assert (
            base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()
            == node.rpartition("#")[2]
        )
        assert {"urn:xmpp:ping", "urn:xmpp:receipts", CAPS, INFO} <= set(features)
        alice.peer.send(ask("i2"))
        await alice.peer.expect(f"<iq type='result' id='i2'><query xmlns='{INFO}'/></iq>")
        alice.peer.send(ask("i3", "https://another.test/#x"))
        await alice.peer.expect("<iq type='error' id='i3'/>")


async def test_a_plugin_that_goes_changes_the_hash_at_once(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        before = await announced(home, alice)
        await home.call("plugin.unload", name="ping")
        found = await alice.peer.expect(
            f"<presence><show>away</show><c xmlns='{CAPS}'/></presence>"
        )
        caps = found.find(f"{{{CAPS}}}c")
        assert f"{caps.get('node')}#{caps.get('ver')}" != before
        alice.peer.send(ask("i1"))
        answer = await alice.peer.expect("<iq type='result' id='i1'/>")
        assert "urn:xmpp:ping" not in {one.get("var") for one in answer[0]}
        alice.peer.send(
            "<iq type='get' id='p' from='server.test'><ping xmlns='urn:xmpp:ping'/></iq>"
        )
        await alice.peer.expect("<iq type='error' id='p'/>")


async def test_who_may_not_see_us_is_told_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        node = await announced(home, alice)
        for id, asked in (("i1", node), ("i2", None)):
            alice.peer.send(ask(id, asked, "eve@evil.test/x"))
            await alice.peer.expect(f"<iq type='error' id='{id}' to='eve@evil.test/x'/>")
