"""A server that behaves badly, which need not be an attack: each gives a state with a sentence."""

import pytest
from twisted.internet.defer import Deferred

from tests.backend.support import house, pause, until
from tests.hostile.login import STEPS
from tests.hostile.talk import BOB, arrives, chat, refused


async def test_a_server_that_hangs_up_at_each_step_of_the_login(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        for step in STEPS:
            home.call("profile.connect", name="alice").addErrback(lambda _: None)
            peer = await alice.server.accept()
            await peer.log_in(before=step)
            peer.abort()
            shown = await refused(home, alice)
            assert shown["phase"] == "waiting", (step, shown)
        await alice.reconnect()
        await arrives(home, alice.peer)


@pytest.mark.seconds(90)
async def test_a_server_that_answers_nothing_after_each_step_of_the_login(reactor, tmp_path):
    """All steps at once, each with a profile of its own: a server has half a minute."""
    async with house(reactor, tmp_path) as home:
        people = {step: await home.profile(f"p{n}", connect=False) for n, step in enumerate(STEPS)}
        for person in people.values():
            home.call("profile.connect", name=person.name).addErrback(lambda _: None)
        logins = []
        for step, person in people.items():
            peer = await person.server.accept()
            logins.append(Deferred.fromCoroutine(peer.log_in(before=step)))
        for login in logins:
            await login
        # Meanwhile everybody else is served.
        other = await home.profile("other")
        other.peer.send(chat("to another").replace("alice@", "other@"))
        await home.expect("message.added", body="to another")
        for step, person in people.items():
            waiting = {"phase": "waiting", "reason": "timeout.login"}
            told = await home.expect("profile.changed", 60, name=person.name, connection=waiting)
            assert "didn't answer" in told["connection"]["sentence"], step


async def test_a_stanza_byte_by_byte_holds_nobody_up(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        # Whatever it answered meanwhile would stand within the stanza.
        alice = await home.profile(acknowledge=False)
        alice.peer.on("<iq type='get'/>", lambda _: None)
        alice.peer.on("<iq type='set'/>", lambda _: None)
        data = chat("slow").encode()
        for place in range(len(data) - 1):
            alice.peer.send(data[place : place + 1])
            await pause(reactor, 0.002)
            if place % 50 == 0:
                await home.call("daemon.status")
        await home.call("message.send", to=BOB, body="meanwhile", wait="sent")
        await home.forbid("message.added", 0, body="slow")
        alice.peer.send(data[-1:])
        await home.expect("message.added", body="slow")


async def test_a_stream_that_ends_within_an_element(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        whole = chat("half", more="<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>")
        for end in (alice.peer.abort, alice.peer.transport.loseConnection):
            alice.peer.send(whole[: len(whole) // 2])
            end()
            shown = await refused(home, alice)
            assert shown["phase"] == "waiting"
            await alice.reconnect()
        await home.forbid("message.added", 0.1)
        alice.peer.send(whole)
        await home.expect("message.added", body="half")
        listed = await home.call("message.list", peer=BOB, limit=10)
        assert [one["body"] for one in listed] == ["half"]


async def test_answers_in_the_wrong_order(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        asked = []
        alice.peer.on("<iq type='get'><query xmlns='jabber:iq:version'/></iq>", asked.append)
        peers = [f"{BOB}/{number}" for number in range(5)]
        answers = [home.call("version.get", peer=peer) for peer in peers]
        await until(reactor, lambda: len(asked) == 5)
        for request in reversed(asked):
            alice.peer.answer(
                request,
                f"<query xmlns='jabber:iq:version'><name>{request.get('to')}</name></query>",
            )
        assert [(await answer)["name"] for answer in answers] == peers
