"""What a profile shows of itself, to all, to some, and ahead."""

import pytest

from tests.backend.support import SM, house
from tests.backend.test_sessions import GONE, resumed
from tests.hostile.login import RESUMABLE

EVE = "eve@evil.test/x"
CAPS = "<c xmlns='http://jabber.org/protocol/caps'/>"
ALLOWING = f"{SM}<sub xmlns='urn:xmpp:features:pre-approval'/>"
VERSION = "<query xmlns='jabber:iq:version'/>"


def version(id: str, sender: str = EVE) -> str:
    """Return a request that only those may ask who see us."""
    return f"<iq type='get' id='{id}' from='{sender}'>{VERSION}</iq>"


# ---- priority


async def test_a_priority_stays_until_it_is_changed(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("presence.set", show="away", priority=-5)
        found = await alice.peer.expect("<presence><priority>-5</priority></presence>")
        assert found.get("to") is None
        await home.call("presence.set", show="chat")
        await alice.peer.expect("<presence><show>chat</show><priority>-5</priority></presence>")
        assert (await home.call("profile.get", name="alice"))["priority"] == -5
        alice.peer.abort()
        await alice.reconnect(serve=False)
        alice.peer.serve()
        await alice.peer.expect("<presence><show>chat</show><priority>-5</priority></presence>")
        await home.call("presence.set", show="available", priority=0)
        last = await alice.peer.expect("<presence/>")
        assert last.find("{jabber:client}priority") is None


@pytest.mark.parametrize("priority", [-129, 128, 10**30])
async def test_a_priority_out_of_range_is_refused(reactor, tmp_path, priority):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        error = await home.refused("presence.set", show="away", priority=priority)
        assert error.name in ("usage.priority", "usage.params")
        assert (await home.call("profile.get", name="alice"))["show"] == "available"


async def test_every_resource_is_shown_with_its_priority(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        for resource, show, priority in (("x", "away", 5), ("y", "dnd", -1)):
            alice.peer.send(
                f"<presence from='bob@server.test/{resource}'><show>{show}</show>"
                f"<status>I am {show}</status><priority>{priority}</priority></presence>"
            )
            await home.expect(
                "presence.changed",
                jid=f"bob@server.test/{resource}",
                show=show,
                priority=priority,
                status=f"I am {show}",
            )
        shown = await home.call("presence.get", jid="bob@server.test")
        assert [(one["jid"], one["show"], one["priority"]) for one in shown] == [
            ("bob@server.test/x", "away", 5),
            ("bob@server.test/y", "dnd", -1),
        ]


# ---- directed presence (RFC 6121, section 4.6)


async def test_who_is_shown_our_presence_may_know_that_we_are_there(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(version("before"))
        await alice.peer.expect("<iq type='error' id='before'/>")
        await home.call("presence.direct", jid=EVE, show="dnd", status="for you")
        await alice.peer.expect(
            f"<presence to='{EVE}'><show>dnd</show><status>for you</status>{CAPS}</presence>"
        )
        assert await home.call("presence.directed") == [EVE]
        alice.peer.send(version("shown"))
        await alice.peer.expect("<iq type='result' id='shown'/>")
        await home.call("presence.direct", jid=EVE, show="unavailable", status="bye")
        await alice.peer.expect(
            f"<presence type='unavailable' to='{EVE}'><status>bye</status></presence>"
        )
        alice.peer.send(version("after"))
        await alice.peer.expect("<iq type='error' id='after'/>")
        assert await home.call("presence.directed") == []
        # What has ended is not ended again: that would tell more than it hides.
        await home.call("presence.direct", jid=EVE, show="unavailable")
        alice.peer.send(version("once"))
        await alice.peer.expect("<iq type='error' id='once'/>")
        gone = f"<presence type='unavailable' to='{EVE}'/>"
        await alice.peer.forbid(f"{gone[:-2]}><status>none</status></presence>")
        assert not [one for one in alice.peer.unread if one.get("to") == EVE]


async def test_they_are_told_when_we_go(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        for show in ("available", "unavailable"):
            await home.call("presence.set", show=show)
            await home.call("presence.direct", jid=EVE)
            await alice.peer.expect(f"<presence to='{EVE}'/>")
        await home.call("presence.set", show="unavailable")
        await alice.peer.expect(f"<presence type='unavailable' to='{EVE}'/>")
        alice.peer.send(version("hidden"))
        await alice.peer.expect("<iq type='error' id='hidden'/>")
        await home.call("presence.direct", jid=EVE)
        leaving = home.call("profile.disconnect", name="alice")
        await alice.peer.expect(f"<presence type='unavailable' to='{EVE}'/>")
        await leaving


async def test_it_lasts_as_long_as_the_session(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(enabled=RESUMABLE)
        await home.call("presence.direct", jid=EVE)
        await alice.peer.expect(f"<presence to='{EVE}'/>")
        sent = alice.peer.stanzas
        alice.peer.abort()
        await home.expect("profile.changed", connection=lambda it: it["phase"] == "waiting")
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.server.accept()
        await peer.log_in(resume=resumed(sent))
        peer.serve()
        peer.send(version("resumed"))
        await peer.expect("<iq type='result' id='resumed'/>")
        await peer.forbid(f"<presence to='{EVE}'/>", 0)
        peer.abort()
        await home.expect("profile.changed", connection=lambda it: it["phase"] == "waiting")
        await alice.reconnect(resume=GONE, enabled=RESUMABLE)
        alice.peer.send(version("anew"))
        await alice.peer.expect("<iq type='error' id='anew'/>")
        await alice.peer.forbid(f"<presence to='{EVE}'/>", 0)
        assert await home.call("presence.directed") == []


async def test_whom_it_can_not_be_shown_to(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(
            "<iq type='set' id='push'><block xmlns='urn:xmpp:blocking'>"
            "<item jid='mallory@evil.test'/></block></iq>"
        )
        await home.expect("blocking.changed")
        blocked = await home.refused("presence.direct", jid="mallory@evil.test/x")
        assert blocked.name == "denied.blocked"
        home.call("room.join", room="room@muc.test").addErrback(lambda _: None)
        await alice.peer.expect("<presence to='room@muc.test/alice'/>")
        assert (await home.refused("presence.direct", jid="room@muc.test/x")).name == "usage.jid"
        assert (await home.refused("presence.direct", jid="@@")).name == "usage.params"
        assert (await home.refused("presence.direct", jid=EVE, show="x")).name == "usage.params"
        error = await home.refused("presence.direct", jid=EVE, status="\x00")
        assert error.name == "usage.text"
        await home.call("presence.direct", jid=EVE)
        await home.call("profile.disconnect", name="alice")
        assert (await home.refused("presence.direct", jid=EVE)).name == "offline.profile"


# ---- pre-approval (RFC 6121, section 3.4)


async def test_somebody_is_allowed_before_they_ask(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(features=ALLOWING)
        await home.call("presence.allow", jid=EVE)
        await alice.peer.expect("<presence type='subscribed' to='eve@evil.test'/>")
        await home.call("presence.deny", jid=EVE)
        await alice.peer.expect("<presence type='unsubscribed' to='eve@evil.test'/>")


async def test_a_server_that_forgets_is_not_asked_to_remember(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        error = await home.refused("presence.allow", jid=EVE)
        assert error.name == "failed.unsupported"
        assert "eve@evil.test has not asked" in str(error)
        # Who has asked is allowed by any server, and the question is answered by that.
        alice.peer.send("<presence type='subscribe' from='eve@evil.test'/>")
        await home.expect("question.added", peer="eve@evil.test")
        await home.call("presence.allow", jid=EVE)
        await alice.peer.expect("<presence type='subscribed' to='eve@evil.test'/>")
        assert await home.call("question.list") == []
        # Who is a contact may be seen no more, and stay one.
        await home.call("presence.unsubscribe", jid="bob@server.test/phone")
        await alice.peer.expect("<presence type='unsubscribe' to='bob@server.test'/>")
        # Who sees us already needs nothing.
        await home.call("presence.allow", jid="bob@server.test")
        await alice.peer.forbid("<presence type='subscribed' to='bob@server.test'/>")


async def test_a_request_that_is_granted_elsewhere_needs_no_answer(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        for peer in ("eve@evil.test", "mallory@evil.test"):
            alice.peer.send(f"<presence type='subscribe' from='{peer}'/>")
            await home.expect("question.added", peer=peer)
        alice.peer.send(
            "<iq type='set' id='push'><query xmlns='jabber:iq:roster'>"
            "<item jid='eve@evil.test' subscription='from'/></query></iq>"
        )
        await home.expect("question.closed")
        [left] = await home.call("question.list")
        assert left["peer"] == "mallory@evil.test"


async def test_a_request_is_refused_by_denying(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send("<presence type='subscribe' from='eve@evil.test'/>")
        await home.expect("question.added", peer="eve@evil.test")
        await home.call("presence.deny", jid=EVE)
        await alice.peer.expect("<presence type='unsubscribed' to='eve@evil.test'/>")
        assert await home.call("question.list") == []
        await home.call("profile.disconnect", name="alice")
        for method in ("presence.allow", "presence.deny", "presence.unsubscribe"):
            assert (await home.refused(method, jid=EVE)).name == "offline.profile"
