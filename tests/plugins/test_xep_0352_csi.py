"""XEP-0352: the server learns whether anybody is looking."""

import pytest

from tests.backend.support import SM, house

NS = "urn:xmpp:csi:0"
CSI = f"<csi xmlns='{NS}'/>"
ACTIVE, INACTIVE = f"<active xmlns='{NS}'/>", f"<inactive xmlns='{NS}'/>"


async def impatient(home) -> None:
    """Let the server be told at once."""
    await home.call("option.set", name="csi.delay", value="0")


async def test_the_server_learns_when_nobody_looks_any_more(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await impatient(home)
        alice = await home.profile(features=SM + CSI)
        # A session that only makes calls doesn't look.
        other = await home.attach()
        await home.frontend.close()
        await alice.peer.forbid(INACTIVE)
        counted = alice.peer.stanzas
        await other.close()
        await alice.peer.expect(INACTIVE)
        again = await home.attach()
        await alice.peer.expect(ACTIVE)
        await again.call("presence.set", show="away")
        await alice.peer.expect("<presence><show>away</show></presence>")
        # What is no stanza must not be counted as one (XEP-0198, section 4).
        assert alice.peer.stanzas == counted + 1
        await again.call("message.send", to="bob@server.test", body="hi", wait="acknowledged")
        await again.close()


async def test_an_idle_frontend_does_not_count(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await impatient(home)
        alice = await home.profile(features=SM + CSI)
        await home.call("state.active", active=False)
        await alice.peer.expect(INACTIVE)
        await home.call("state.active", active=True)
        await alice.peer.expect(ACTIVE)


async def test_only_those_who_attached_can_be_active(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await impatient(home)
        alice = await home.profile(features=SM + CSI)
        one = await home.attach(profiles=["someone else"])
        await home.call("state.active", active=False)
        await alice.peer.expect(INACTIVE)
        await one.call("state.active", active=True)
        await alice.peer.forbid(ACTIVE)
        await one.close()


async def test_who_comes_back_soon_was_never_away(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(features=SM + CSI)
        await home.frontend.close()
        again = await home.attach()
        await alice.peer.forbid(INACTIVE)
        await again.close()


async def test_a_new_stream_is_told_anew(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await impatient(home)
        alice = await home.profile(features=SM + CSI)
        await home.call("state.active", active=False)
        await alice.peer.expect(INACTIVE)
        alice.peer.abort()
        peer = await alice.reconnect(features=SM + CSI)
        await peer.expect(INACTIVE)


@pytest.mark.parametrize("features", [SM, ""])
async def test_a_server_without_it_is_told_nothing(reactor, tmp_path, features):
    async with house(reactor, tmp_path) as home:
        await impatient(home)
        alice = await home.profile(features=features)
        await home.call("state.active", active=False)
        await home.call("state.active", active=True)
        await alice.peer.forbid(ACTIVE)
        await alice.peer.forbid(INACTIVE, 0)
