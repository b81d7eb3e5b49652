"""The roster, presence and subscriptions: what the own server says, and nobody else."""

import sqlite3

import pytest

from tests.backend.support import BOB, SM, house, until

NS = "jabber:iq:roster"


def push(item: str, sender: str = "", id: str = "push") -> str:
    """Return a roster push."""
    from_ = f" from='{sender}'" if sender else ""
    return f"<iq type='set' id='{id}'{from_}><query xmlns='{NS}'>{item}</query></iq>"


EVE = "<item jid='eve@evil.test' subscription='both'/>"


async def contacts(home) -> dict[str, str]:
    """Return the subscriptions of all contacts."""
    return {one["jid"]: one["subscription"] for one in await home.call("roster.list")}


async def test_the_roster_is_what_the_server_says(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        roster = (
            "<item jid='bob@server.test' subscription='both' name='Bob'><group>b</group>"
            "<group>a</group></item><item jid='@@'/><item jid='carol@server.test' ask='subscribe'/>"
        )
        alice = await home.profile(roster=roster)
        bob = await home.expect("roster.changed", jid="bob@server.test")
        assert (bob["name"], bob["groups"]) == ("Bob", ["a", "b"])
        carol = await home.expect("roster.changed", jid="carol@server.test")
        assert (carol["subscription"], carol["ask"]) == ("none", True)
        alice.roster = "<item jid='bob@server.test' subscription='both' name='Bob'>" + (
            "<group>b</group><group>a</group></item>"
        )
        alice.peer.abort()
        await alice.reconnect()
        await home.expect("roster.removed", name="carol@server.test")
        # What is as it was is no news.
        await home.forbid(
            "roster.changed", 0, jid="bob@server.test", rev=lambda rev: rev > bob["rev"]
        )
        assert await contacts(home) == {"bob@server.test": "both"}


@pytest.mark.parametrize("sender", ["", "alice@server.test"])
async def test_pushes_of_the_own_server_count(reactor, tmp_path, sender):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(push(EVE, sender))
        await home.expect("roster.changed", jid="eve@evil.test")
        await alice.peer.expect("<iq type='result' id='push'/>")
        alice.peer.send(push("<item jid='eve@evil.test' subscription='remove'/>", sender))
        await home.expect("roster.removed", name="eve@evil.test")


@pytest.mark.parametrize(
    "sender",
    [
        "eve@evil.test/x",
        "eve@evil.test",
        "server.test",
        "bob@server.test",
        "alice@server.test/other",
        "@@",
    ],
)
async def test_pushes_of_anyone_else_change_nothing(reactor, tmp_path, sender):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        before = await contacts(home)
        alice.peer.send(push(EVE, sender))
        alice.peer.send(push("<item jid='bob@server.test' subscription='remove'/>", sender))
        if sender != "@@":
            await alice.peer.expect(
                f"<iq type='error' id='push' to='{sender}'><error><service-unavailable "
                "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            )
        await home.forbid("roster.changed", jid="eve@evil.test")
        await home.forbid("roster.removed", 0)
        assert await contacts(home) == before


async def test_adding_changing_and_removing_a_contact(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster="")

        def take(request) -> None:
            item = request[0][0]
            subscription = item.get("subscription") or "none"
            name = item.get("name") or ""
            alice.peer.send(
                push(f"<item jid='{item.get('jid')}' name='{name}' subscription='{subscription}'/>")
            )
            alice.peer.answer(request)

        alice.peer.on(f"<iq type='set'><query xmlns='{NS}'/></iq>", take)
        added = await home.call("roster.add", jid="bob@server.test/x", name="Bob")
        assert (added["jid"], added["name"]) == ("bob@server.test", "Bob")
        await alice.peer.expect("<presence type='subscribe' to='bob@server.test'/>")
        changed = await home.call("roster.update", jid="bob@server.test", name="Robert")
        assert changed["name"] == "Robert"
        await home.call("roster.remove", jid="bob@server.test")
        assert await contacts(home) == {}
        for method in ("roster.update", "roster.remove"):
            error = await home.refused(method, jid="bob@server.test")
            assert error.name == "unknown.contact"
        assert (await home.refused("roster.add", jid="@@")).name == "usage.params"


# ---- versions (RFC 6121, section 2.6)

VER = "<ver xmlns='urn:xmpp:features:rosterver'/>"
CAROL = "<item jid='carol@server.test' subscription='to'/>"


async def versioned(home, alice, answer: str) -> str | None:
    """Let the next stream be on a server with versions; return the version that is asked with."""
    home.call("profile.connect", name="alice").addErrback(lambda _: None)
    peer = await alice.online(serve=False, features=SM + VER)
    request = await peer.expect(f"<iq type='get'><query xmlns='{NS}'/></iq>")
    peer.serve()
    peer.answer(request, answer)
    await peer.expect("<presence/>")
    return request[0].get("ver")


def whole(version: str, *items: str) -> str:
    """Return a whole roster."""
    return f"<query xmlns='{NS}' ver='{version}'>{''.join(items)}</query>"


async def test_an_unchanged_roster_is_not_sent_again(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        assert await versioned(home, alice, whole("v1", BOB, CAROL)) == ""
        await home.expect("roster.changed", jid="carol@server.test")
        await home.restart()
        assert await versioned(home, alice, "") == "v1"
        assert len(await contacts(home)) == 2
        await home.forbid("roster.changed")
        await home.forbid("roster.removed", 0)
        alice.peer.send(push(CAROL.replace("'to'", "'remove'")).replace(NS, f"{NS}' ver='v2"))
        await home.expect("roster.removed", name="carol@server.test")
        # Anyone's push, which is refused, must not change the version either.
        alice.peer.send(push(EVE, "eve@evil.test").replace(NS, f"{NS}' ver='v9"))
        await alice.peer.expect("<iq type='error' id='push'/>")
        alice.peer.abort()
        assert await versioned(home, alice, "") == "v2"
        assert await contacts(home) == {"bob@server.test": "both"}


async def test_a_version_of_other_contacts_is_none(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        await versioned(home, alice, whole("v1", BOB, CAROL))
        await home.expect("roster.changed", jid="carol@server.test")
        await home.stop()
        with sqlite3.connect(home.paths.database) as database:
            database.execute("DELETE FROM contact WHERE jid = 'carol@server.test'")
        database.close()
        await home.start()
        assert await versioned(home, alice, whole("v1", BOB, CAROL)) == ""
        assert len(await contacts(home)) == 2


async def test_a_push_before_any_roster_has_no_version(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster="")
        alice.peer.send(push(EVE).replace(NS, f"{NS}' ver='v7"))
        await home.expect("roster.changed", jid="eve@evil.test")
        alice.peer.abort()
        assert await versioned(home, alice, whole("v8", EVE)) == ""


# ---- presence


async def test_who_is_there(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        send = alice.peer.send
        send("<presence from='bob@server.test/x'><show>dnd</show><status>busy</status></presence>")
        told = await home.expect("presence.changed", jid="bob@server.test/x")
        assert (told["show"], told["status"]) == ("dnd", "busy")
        send("<presence from='bob@server.test/y'><priority>5</priority></presence>")
        await home.expect("presence.changed", jid="bob@server.test/y", priority=5)
        other = await home.attach()
        await other.expect("presence.changed", jid="bob@server.test/x", show="dnd")
        await other.close()
        send("<presence from='bob@server.test/x' type='unavailable'/>")
        await home.expect("presence.changed", jid="bob@server.test/x", show="unavailable")
        found = await home.call("presence.get", jid="bob@server.test")
        assert [one["jid"] for one in found] == ["bob@server.test/y"]
        # The bare address stands for all resources (RFC 6121, section 4.5.4).
        send("<presence from='bob@server.test' type='unavailable'/>")
        await home.expect("presence.changed", jid="bob@server.test/y", show="unavailable")
        send("<presence from='bob@server.test/z'/>")
        await home.expect("presence.changed", jid="bob@server.test/z")
        alice.peer.abort()
        await home.expect("presence.changed", jid="bob@server.test/z", show="unavailable")
        assert await home.call("presence.get", jid="bob@server.test") == []
        late = await home.attach()
        await late.forbid("presence.changed")
        await late.close()


async def test_presences_are_bounded(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("state.attach")
        alice.peer.send("".join(f"<presence from='bob@server.test/{n}'/>" for n in range(200)))
        alice.peer.send("".join(f"<presence from='s{n}@evil.test/x'/>" for n in range(6000)))
        alice.peer.send("<message from='bob@server.test/x' type='chat'><body>end</body></message>")
        await home.expect("message.added", 10, body="end")
        assert len(await home.call("presence.get", jid="bob@server.test")) == 64
        assert await home.call("presence.get", jid="s0@evil.test") != []
        assert await home.call("presence.get", jid="s5999@evil.test") == []
        assert len(list(home.daemon.hub.volatile())) <= 5064


async def test_what_we_show(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("presence.set", show="dnd", status="in a meeting")
        await alice.peer.expect(
            "<presence><show>dnd</show><status>in a meeting</status></presence>"
        )
        alice.peer.abort()
        peer = await alice.reconnect(serve=False)
        peer.serve()
        await peer.expect("<presence><show>dnd</show></presence>")
        await home.call("presence.set", show="unavailable")
        await peer.expect("<presence type='unavailable'/>")
        assert (await home.refused("presence.set", show="gone")).name == "usage.params"
        assert (await home.refused("presence.set", show="xa", status="\0")).name == "usage.text"
        # No presence goes to anyone but the server.
        await peer.forbid("<presence to='*'/>", 0)


# ---- subscriptions and questions

ASKS = "<presence type='subscribe' from='eve@evil.test'><status>hello</status></presence>"


async def test_a_subscription_is_asked_once_and_the_first_answer_wins(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(ASKS * 3)
        question = await home.expect("question.added", peer="eve@evil.test")
        await home.forbid("question.added", id=lambda id: id != question["id"])
        assert question["form"]["instructions"] == "hello"
        other = await home.attach()
        assert [one["id"] for one in other.attached["state"]["questions"]] == [question["id"]]
        answers = [
            one.call("question.answer", id=question["id"], values={"allow": [said]})
            for one, said in ((home.frontend, "yes"), (other, "no"))
        ]
        won, lost = [], []
        for said, answer in zip(("subscribed", "unsubscribed"), answers, strict=True):
            answer.addCallback(lambda _, said=said: won.append(said))
            answer.addErrback(lost.append)
        await until(reactor, lambda: len(won) + len(lost) == 2)
        assert [failure.value.name for failure in lost] == ["unknown.question"]
        for one in (home.frontend, other):
            await one.expect("question.closed", name=question["id"])
        [said] = won
        await alice.peer.expect(f"<presence type='{said}' to='eve@evil.test'/>")
        other_one = {"subscribed": "unsubscribed", "unsubscribed": "subscribed"}[said]
        await alice.peer.forbid(f"<presence type='{other_one}'/>")
        assert await home.call("question.list") == []
        await other.close()


async def test_a_question_survives_a_restart(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(ASKS)
        question = await home.expect("question.added")
        await home.restart()
        assert await home.call("question.list") == [question]
        values = {"allow": ["no"]}
        error = await home.refused("question.answer", id=question["id"], values=values)
        assert error.name == "offline.profile"
        await alice.reconnect()
        alice.peer.send(ASKS)
        await home.forbid("question.added")
        await home.call("question.answer", id=question["id"], values=values)
        await alice.peer.expect("<presence type='unsubscribed' to='eve@evil.test'/>")
        # It may be asked again.
        alice.peer.send(ASKS)
        again = await home.expect("question.added")
        assert again["id"] != question["id"]


@pytest.mark.parametrize(
    "values", [{}, {"allow": []}, {"allow": ["maybe"]}, {"allow": ["yes"], "other": ["1"]}]
)
async def test_what_is_no_answer_decides_nothing(reactor, tmp_path, values):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(ASKS)
        question = await home.expect("question.added")
        error = await home.refused("question.answer", id=question["id"], values=values)
        assert error.name == "usage.answer"
        assert [one["id"] for one in await home.call("question.list")] == [question["id"]]
        await alice.peer.forbid("<presence to='eve@evil.test'/>")
        assert (
            await home.refused("question.answer", id="no", values={})
        ).name == "unknown.question"


async def test_whom_we_asked_may_see_us(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(roster="<item jid='eve@evil.test' ask='subscribe'/>")
        alice.peer.send(ASKS)
        await alice.peer.expect("<presence type='subscribed' to='eve@evil.test'/>")
        await home.forbid("question.added")
