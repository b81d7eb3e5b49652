"""Messages across cuts and crashes, where the server keeps the session (XEP-0198, section 5)."""

import threading

import pytest

from sat.backend.tasks import start
from sat.xmpp.stanza import parse_jid
from tests.backend.support import house, until
from tests.hostile.login import NS_SM, RESUMABLE

TO = "bob@server.test"
NS_INFO = "http://jabber.org/protocol/disco#info"
GONE = (
    f"<failed xmlns='{NS_SM}'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    "</failed>"
)


def resumed(h: int) -> str:
    return f"<resumed xmlns='{NS_SM}' previd='one' h='{h}'/>"


def sent_by(peer) -> list[str]:
    return [
        one.findtext("{jabber:client}body")
        for one in peer.received
        if one.tag == "{jabber:client}message"
    ]


async def send(home, *bodies: str) -> int:
    """Send messages; return the number of the last one's stanza."""
    for body in bodies:
        await home.call("message.send", to=TO, body=body, wait="sent")
    return home.rows("SELECT max(number) FROM message")[0][0]


async def test_a_cut_loses_and_doubles_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False, enabled=RESUMABLE)
        last = await send(home, "one", "two", "three")
        alice.peer.abort()
        await home.expect("profile.changed", connection=lambda it: it["phase"] == "waiting")
        await home.call("message.send", to=TO, body="four")
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.server.accept()
        # Of three the server has one; roster and presence stand as they did.
        await peer.log_in(resume=resumed(last - 2))
        await until(reactor, lambda: sent_by(peer) == ["two", "three", "four"])
        assert not [one for one in peer.received if one.tag.endswith("presence")]
        peer.acknowledge(last + 1)
        for body in ("one", "two", "three", "four"):
            changed = await home.expect("message.changed", body=body, state="acknowledged")
            assert not changed["maybe_duplicate"]


def numbers_of(peer, before: int) -> dict[str, int]:
    """Return the numbers of the messages that a client wrote, as the server counts stanzas.

    :param before: how many it has from the streams before
    """
    names = [f"{{jabber:client}}{name}" for name in ("message", "presence", "iq")]
    stanzas = [one for one in peer.received if one.tag in names]
    return {
        one.findtext("{jabber:client}body"): number
        for number, one in enumerate(stanzas, before + 1)
        if one.tag == names[0]
    }


async def test_old_held_and_new_messages_keep_one_order_where_a_session_goes_on(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False, enabled=RESUMABLE)
        known = await send(home, "known")
        last = await send(home, "cut off")
        alice.peer.abort()
        await home.expect("profile.changed", connection=lambda it: it["phase"] == "waiting")
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.server.accept()
        await peer.log_in("resumed", resume="")
        live = home.daemon.profiles.live["alice"]
        journal = live.core.journal
        gates = [threading.Event(), threading.Event()]

        def opened(_) -> None:
            # The outbox has just been opened, and what is held is not stored yet.
            assert live.outbox._open
            start(live.messages.add(None, parse_jid(TO), "new"))

        try:
            # The writer is slow: it commits the opening, then what was accepted before it.
            journal.commit(lambda _: gates[0].wait(30))
            await until(reactor, lambda: not journal.waiting)
            peer.send(resumed(last - 1))
            await until(reactor, lambda: live.online)
            journal.commit(lambda _: gates[1].wait(30), before_events=opened)
            gates[0].set()
            await until(reactor, lambda: not journal.waiting)
            held = home.call("message.send", to=TO, body="held")
            await until(reactor, lambda: journal.waiting)
            assert not live.outbox._open
        finally:
            for gate in gates:
                gate.set()
        await held
        expected = ["cut off", "held", "new", "last"]
        await until(reactor, lambda: len(sent_by(peer)) == 3)
        await send(home, "last")
        await until(reactor, lambda: len(sent_by(peer)) == 4)
        assert sent_by(peer) == expected
        # The order of their places, of their events and of their stanzas' numbers is the same.
        stored = home.rows("SELECT body, number FROM message ORDER BY id")
        assert [body for body, _ in stored] == ["known", *expected]
        assert dict(stored) == {"known": known, **numbers_of(peer, last - 1)}
        told = home.rows(
            "SELECT body FROM event JOIN message ON message.id = event.message_id"
            " WHERE event.type = 'message.added' ORDER BY seq"
        )
        assert [body for (body,) in told] == ["known", *expected]


async def test_what_waited_is_sent_once_however_many_streams_the_disk_is_behind(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False, enabled=RESUMABLE)
        last = await send(home, "known")
        alice.peer.abort()
        await home.expect("profile.changed", connection=lambda it: it["phase"] == "waiting")
        for body in ("one", "two", "three"):
            await home.call("message.send", to=TO, body=body)
        live = home.daemon.profiles.live["alice"]
        gate = threading.Event()
        try:
            # What waits is asked for by each stream, and both are answered while the last is there.
            live.core.journal.commit(lambda _: gate.wait(30))
            for _ in range(2):
                alice.peer.abort()
                await until(reactor, lambda: not live.online)
                home.call("profile.connect", name="alice").addErrback(lambda _: None)
                alice.peer = await alice.server.accept()
                await alice.peer.log_in(resume=resumed(last))
                await until(reactor, lambda: live.online)
        finally:
            gate.set()
        await until(reactor, lambda: len(sent_by(alice.peer)) >= 3)
        await send(home, "last")
        await until(reactor, lambda: "last" in sent_by(alice.peer))
        assert sent_by(alice.peer) == ["one", "two", "three", "last"]


async def test_a_crash_loses_and_doubles_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False, enabled=RESUMABLE)
        last = await send(home, "one", "two", "three")
        alice.peer.send("<message from='bob@server.test/x' id='m'><body>hi</body></message>")
        await home.expect("message.added", body="hi")
        (handled,) = home.rows("SELECT handled FROM stream")[0]
        await home.crash()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.server.accept()
        await peer.log_in("resumed", resume="")
        (asked,) = [one for one in peer.received if one.tag == f"{{{NS_SM}}}resume"]
        assert (asked.get("previd"), asked.get("h")) == ("one", str(handled))
        peer.send(resumed(last - 2))
        peer.stanzas = last - 2
        peer.jid = f"{alice.jid}/here"
        peer.serve()
        # Others' presence went with the crash: the server tells it to who arrives anew.
        await peer.expect("<presence type='unavailable'/>")
        await peer.expect("<presence/>")
        await until(reactor, lambda: sent_by(peer) == ["two", "three"])
        await home.call("message.send", to=TO, body="four")
        for body in ("one", "two", "three", "four"):
            changed = await home.expect("message.changed", body=body, state="acknowledged")
            assert not changed["maybe_duplicate"]
        assert sent_by(peer) == ["two", "three", "four"]


async def known_as(home, name: str):
    """Return a profile whose server calls itself so, and keeps sessions."""
    alice = await home.profile(connect=False)
    home.call("profile.connect", name="alice").addErrback(lambda _: None)
    peer = await alice.online(serve=False, enabled=RESUMABLE)
    peer.serve(alice.roster)
    peer.on("<r xmlns='urn:xmpp:sm:3'/>", lambda _: None)
    told = f"<identity category='server' type='im' name='{name}'/>"
    info = f"<query xmlns='{NS_INFO}'>{told}</query>"
    peer.on(
        f"<iq type='get' to='server.test'><query xmlns='{NS_INFO}'/></iq>",
        lambda request: peer.answer(request, info),
    )
    await peer.expect("<presence/>")
    return alice


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(("name", "marked"), [("Prosody", False), ("ejabberd", True)])
async def test_where_counts_may_be_too_low_what_comes_again_is_marked(
    reactor, tmp_path, name, marked, crash
):
    async with house(reactor, tmp_path) as home:
        alice = await known_as(home, name)
        last = await send(home, "one", "two")
        await until(reactor, lambda: home.rows("SELECT exact FROM stream") == [(not marked,)])
        if crash:
            await home.crash()
        else:
            alice.peer.abort()
            await home.expect("profile.changed", connection=lambda it: it["phase"] == "waiting")
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.server.accept()
        await peer.log_in(resume=resumed(last - 1))
        peer.stanzas = last - 1
        peer.jid = f"{alice.jid}/here"
        peer.serve()
        first = await home.expect("message.changed", body="one", state="acknowledged")
        second = await home.expect("message.changed", body="two", state="acknowledged")
        assert (first["maybe_duplicate"], second["maybe_duplicate"]) == (False, marked)
        assert sent_by(peer) == ["two"]


async def test_what_nobody_can_tell_is_sent_again_and_marked(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False, enabled=RESUMABLE)
        await send(home, "one")
        before = await alice.peer.expect("<message/>")
        await home.crash()
        await alice.reconnect(resume=GONE, enabled=RESUMABLE)
        changed = await home.expect("message.changed", body="one", state="acknowledged")
        assert changed["maybe_duplicate"]
        (again,) = [one for one in alice.peer.received if one.tag.endswith("}message")]
        assert again.get("id") == before.get("id")


async def test_a_refusal_with_a_count_tells_what_arrived(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(acknowledge=False, enabled=RESUMABLE)
        last = await send(home, "one", "two")
        await home.crash()
        refusal = GONE.replace("xmlns", f"h='{last - 1}' xmlns", 1)
        await alice.reconnect(resume=refusal, enabled=RESUMABLE)
        first = await home.expect("message.changed", body="one", state="acknowledged")
        second = await home.expect("message.changed", body="two", state="acknowledged")
        assert (first["maybe_duplicate"], second["maybe_duplicate"]) == (False, True)
        assert sent_by(alice.peer) == ["two"]


async def test_a_closed_session_is_not_asked_for(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(enabled=RESUMABLE)
        assert home.rows("SELECT id FROM stream") == [("one",)]
        await home.restart()
        await alice.reconnect(enabled=RESUMABLE)
        await alice.peer.forbid(f"<resume xmlns='{NS_SM}'/>")


async def test_presence_goes_on_across_a_cut_and_ends_with_the_session(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(enabled=RESUMABLE)
        alice.peer.send("<presence from='bob@server.test/x'/>")
        await home.expect("presence.changed", jid="bob@server.test/x", show="available")
        alice.peer.abort()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.server.accept()
        await peer.log_in(resume=resumed(alice.peer.stanzas))
        await home.forbid("presence.changed", jid="bob@server.test/x", show="unavailable")
        peer.abort()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        await alice.online(resume=GONE)
        await home.expect("presence.changed", jid="bob@server.test/x", show="unavailable")
