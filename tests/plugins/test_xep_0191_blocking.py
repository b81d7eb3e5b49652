"""XEP-0191: nothing passes between the account and whom it blocks."""

import pytest

from tests.backend.support import house

NS = "urn:xmpp:blocking"
RECEIPTS = "urn:xmpp:receipts"
EVE = "eve@evil.test"
BOTH = f"<item jid='{EVE}' subscription='both'/><item jid='bob@server.test' subscription='both'/>"


def push(name: str, inside: str = f"<item jid='{EVE}'/>", sender: str = "") -> str:
    """Return a notice that an address was blocked, or unblocked."""
    from_ = f" from='{sender}'" if sender else ""
    return f"<iq type='set' id='push'{from_}><{name} xmlns='{NS}'>{inside}</{name}></iq>"


def says(sender: str, text: str) -> str:
    """Return a message that asks for a receipt."""
    return (
        f"<message from='{sender}/x' type='chat' id='m'><body>{text}</body>"
        f"<request xmlns='{RECEIPTS}'/></message>"
    )


def able(peer) -> None:
    """Let the server be able to block."""
    for name in ("block", "unblock"):
        peer.on(f"<iq type='set'><{name} xmlns='{NS}'/></iq>", peer.answer)


async def blocks_eve(home, inside: str = f"<item jid='{EVE}'/>"):
    """Let a profile be online on a server which blocks somebody already."""
    alice = await home.profile(roster=BOTH)
    await home.expect("roster.changed", jid=EVE)
    alice.peer.send(push("block", inside))
    await alice.peer.expect("<iq type='result' id='push'/>")
    await home.expect("blocking.changed")
    return alice


async def test_blocking_and_unblocking(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster=BOTH)
        able(alice.peer)
        alice.peer.send(f"<presence from='{EVE}/x'/>")
        await home.expect("presence.changed", jid=f"{EVE}/x", show="available")
        assert await home.call("blocking.block", jid=EVE) == [EVE]
        await home.expect("blocking.changed", jids=[EVE])
        await home.expect("presence.changed", jid=f"{EVE}/x", show="unavailable")
        assert await home.call("blocking.list") == [EVE]
        assert (await home.refused("message.send", to=EVE, body="hi")).name == "failed.blocked"
        assert await home.call("blocking.unblock", jid=EVE) == []
        assert (await home.refused("blocking.unblock", jid=EVE)).name == "unknown.jid"
        await home.call("message.send", to=EVE, body="hi")
        await alice.peer.expect(f"<message to='{EVE}'><body>hi</body></message>")
        for own in ("alice@server.test/x", "server.test"):
            assert (await home.refused("blocking.block", jid=own)).name == "usage.jid"


async def test_a_server_that_can_not(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        assert (await home.refused("blocking.block", jid=EVE)).name == "failed.blocking"
        assert await home.call("blocking.list") == []


async def test_the_list_is_fetched_at_each_connection(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.abort()
        peer = await alice.reconnect(serve=False)
        peer.on(
            f"<iq type='get'><blocklist xmlns='{NS}'/></iq>",
            lambda request: peer.answer(
                request,
                f"<blocklist xmlns='{NS}'><item jid='{EVE}'/><item jid='@@'/><item/></blocklist>",
            ),
        )
        peer.on("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>", peer.answer)
        await home.expect("blocking.changed", jids=[EVE])


@pytest.mark.parametrize("sender", [EVE, "server.test", "alice@server.test/other", f"{EVE}/x"])
async def test_a_notice_from_anyone_else_changes_nothing(reactor, tmp_path, sender):
    async with house(reactor, tmp_path) as home:
        alice = await blocks_eve(home)
        for name, inside in (("block", "<item jid='bob@server.test'/>"), ("unblock", "")):
            alice.peer.send(push(name, inside, sender))
        alice.peer.send(says("bob@server.test", "hi"))
        await home.expect("message.added", body="hi")
        assert await home.call("blocking.list") == [EVE]
        await alice.peer.expect(f"<iq type='error' id='push' to='{sender}'/>")


@pytest.mark.parametrize("sender", ["", "alice@server.test"])
async def test_a_notice_from_the_own_account_counts(reactor, tmp_path, sender):
    async with house(reactor, tmp_path) as home:
        alice = await blocks_eve(home)
        alice.peer.send(push("block", "<item jid='bob@server.test'/>", sender))
        await home.expect("blocking.changed", jids=["bob@server.test", EVE])
        alice.peer.send(push("unblock", f"<item jid='{EVE}'/>", sender))
        await home.expect("blocking.changed", jids=["bob@server.test"])
        alice.peer.send(push("unblock", "", sender))
        await home.expect("blocking.changed", jids=[])


@pytest.mark.parametrize("item", [EVE, "evil.test", f"{EVE}/x", "evil.test/x"])
async def test_what_a_server_lets_through_is_left_out(reactor, tmp_path, item):
    async with house(reactor, tmp_path) as home:
        alice = await blocks_eve(home, f"<item jid='{item}'/>")
        send = alice.peer.send
        send(says(EVE, "spam"))
        inner = says(EVE, "copied").replace("<message", "<message xmlns='jabber:client'")
        send(
            "<message from='alice@server.test'><received xmlns='urn:xmpp:carbons:2'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></received></message>"
        )
        send(f"<presence type='subscribe' from='{EVE}/x'/>")
        send(f"<presence from='{EVE}/x'/>")
        for id, payload in (
            ("p", "<ping xmlns='urn:xmpp:ping'/>"),
            ("d", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
            ("v", "<query xmlns='jabber:iq:version'/>"),
        ):
            send(f"<iq type='get' id='{id}' from='{EVE}/x'>{payload}</iq>")
            await alice.peer.expect(f"<iq type='error' id='{id}' to='{EVE}/x'/>")
        # Its twin: who is not blocked.
        send(says("bob@server.test", "hi"))
        await home.expect("message.added", body="hi")
        await alice.peer.expect(
            f"<message to='bob@server.test/x'><received xmlns='{RECEIPTS}'/></message>"
        )
        await home.forbid("message.added", peer=EVE)
        await home.forbid("presence.changed", 0, jid=f"{EVE}/x")
        await home.forbid("question.added", 0)
        await alice.peer.forbid(f"<message to='{EVE}/x'/>", 0)


async def test_one_client_of_somebody_is_not_all_of_them(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await blocks_eve(home, f"<item jid='{EVE}/y'/>")
        alice.peer.send(says(EVE, "hi"))
        await home.expect("message.added", body="hi")


async def test_without_the_plugin_nobody_is_blocked(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await blocks_eve(home)
        await home.call("plugin.unload", name="blocking")
        alice.peer.send(says(EVE, "hi"))
        await home.expect("message.added", body="hi")
